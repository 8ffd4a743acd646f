// RUN: weft-translate --emit=asm --cpu=cascadelake %s | FileCheck %s
// A maximum is one instruction, which orders zeros, and two for NaNs.

// CHECK-LABEL: larger:
// CHECK: vmovups
// CHECK-NEXT: vmovups
// CHECK-NEXT: vrangeps $5, [[Y:%zmm[0-9]+]], [[X:%zmm[0-9]+]], [[RESULT:%zmm[0-9]+]]
// CHECK-NEXT: vcmpunordps [[Y]], [[X]], [[NAN:%k[0-9]]]
// CHECK-NEXT: vbroadcastss {{.*}}, [[RESULT]] {[[NAN]]}
// CHECK-NEXT: vmovups [[RESULT]],
kernel.func @larger(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %z: !kernel.buffer<f32>, %begin: index, %end: index) {
  kernel.for lane %i = %begin to %end {
    %a = kernel.load %x[%i] : !kernel.buffer<f32> -> f32
    %b = kernel.load %y[%i] : !kernel.buffer<f32> -> f32
    %r = arith.maximumf %a, %b : f32
    kernel.store %r, %z[%i] : f32, !kernel.buffer<f32>
  }
  kernel.return
}
