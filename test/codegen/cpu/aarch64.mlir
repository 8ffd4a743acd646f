// RUN: weft-translate --emit=asm --cpu=neoverse-n1 %s | FileCheck %s

// The register tile multiplies by an element of A, repeated as it is loaded or in a register, and nothing is spilled.
// CHECK-LABEL: weft_tile_float_6x16_0_1_4_whole:
// CHECK: [[LOOP:.LBB[0-9]+_[0-9]+]]:
// CHECK-NOT: [sp
// CHECK-COUNT-96: fmla v{{[0-9]+}}.4s, v{{[0-9]+}}.4s, v{{[0-9]+}}.{{4s|s\[[0-3]\]}}
// CHECK-NOT: [sp
// CHECK: b.{{l[te]|ne}} [[LOOP]]
kernel.func @product(%a: !kernel.buffer<f32>, %b: !kernel.buffer<f32>, %c: !kernel.buffer<f32>, %begin: index, %end: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %size = arith.constant 1000 : index
  kernel.for %t = %begin to %end {
    kernel.contract %a[%zero, %size, %one], %b[%zero, %size, %one] depth %size rows %zero to %size columns %zero to %size
        : !kernel.buffer<f32>, !kernel.buffer<f32> (%m, %n, %sum : f32) {
      %row = arith.muli %m, %size : index
      %at = arith.addi %row, %n : index
      kernel.store %sum, %c[%at] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}

// Four vectors are sixteen lanes. Halves convert by instructions; no library is called.
// CHECK-LABEL: elementwise:
// CHECK-NOT: bl{{[[:space:]]}}
// CHECK: fcvtl
// CHECK-COUNT-4: fmla v{{[0-9]+}}.4s
// CHECK-COUNT-4: fmax v{{[0-9]+}}.4s
// CHECK-COUNT-4: frintn v{{[0-9]+}}.4s
// CHECK: fcvtn
// CHECK-NOT: bl{{[[:space:]]}}
// CHECK: .size elementwise
kernel.func @elementwise(%x: !kernel.buffer<f16>, %y: !kernel.buffer<f32>, %begin: index, %end: index) {
  kernel.for lane %i = %begin to %end {
    %half = kernel.load %x[%i] : !kernel.buffer<f16> -> f16
    %a = arith.extf %half : f16 to f32
    %b = kernel.load %y[%i] : !kernel.buffer<f32> -> f32
    %sum = math.fma %a, %b, %a : f32
    %most = arith.maximumf %sum, %b : f32
    %round = math.roundeven %most : f32
    %result = arith.truncf %round : f32 to f16
    kernel.store %result, %x[%i] : f16, !kernel.buffer<f16>
  }
  kernel.return
}
