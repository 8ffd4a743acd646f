// RUN: weft-translate --emit=llvm --cpu=cascadelake %s | FileCheck %s
// Sixteen of the 64 positions a vector, four vectors in turn; 200 is twelve whole vectors and one of eight lanes, and the lanes that
// are out of range add -0.0.

// CHECK-LABEL: @row
// CHECK: loop1:
// CHECK-COUNT-4: phi <16 x float> [ splat (float -0.000000e+00)
// CHECK: load <16 x float>
// CHECK-NEXT: %[[SUM:.*]] = fadd <16 x float>
// CHECK: call <16 x float> @llvm.masked.load.v16f32.p0(ptr align 4 %{{.*}}, <16 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 false,
// CHECK: select <16 x i1> {{.*}}, <16 x float> %{{.*}}, <16 x float> splat (float -0.000000e+00)
// CHECK: fadd <16 x float>
// CHECK: fadd <8 x float>
// CHECK: fadd <4 x float>
// CHECK: fadd <2 x float>
// CHECK: fadd <1 x float>
kernel.func @row(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %begin: index, %end: index) {
  %n = arith.constant 200 : index
  kernel.for %t = %begin to %end {
    %first = arith.muli %t, %n : index
    %r = kernel.reduce sum %i to %n : f32 {
      %j = arith.addi %first, %i : index
      %a = kernel.load %x[%j] : !kernel.buffer<f32> -> f32
      kernel.yield %a : f32
    }
    kernel.store %r, %y[%t] : f32, !kernel.buffer<f32>
  }
  kernel.return
}
