// RUN: weft-translate --emit=llvm --cpu=cascadelake %s | FileCheck %s
// A lane loop is a loop of whole vectors and one masked vector; what is the same in all lanes is computed once, as a scalar.

// CHECK-LABEL: void @scale
// CHECK: loop:
// CHECK:   load <16 x float>, ptr {{.*}}, align 4
// CHECK:   %[[S:.*]] = load float
// CHECK:   %[[INSERT:.*]] = insertelement <16 x float> poison, float %[[S]]
// CHECK:   fmul <16 x float>
// CHECK:   store <16 x float>
// CHECK: then:
// CHECK:   icmp slt <16 x i32>
// CHECK:   call <16 x float> @llvm.masked.load
// CHECK:   call void @llvm.masked.store
kernel.func @scale(%x: !kernel.buffer<f32>, %s: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %n: index, %begin: index, %end: index) {
  %c0 = arith.constant 0 : index
  %block = arith.constant 1024 : index
  kernel.for %t = %begin to %end {
    %lo = arith.muli %t, %block : index
    %next = arith.addi %lo, %block : index
    %hi = arith.minsi %next, %n : index
    kernel.for lane %i = %lo to %hi {
      %a = kernel.load %x[%i] : !kernel.buffer<f32> -> f32
      %b = kernel.load %s[%c0] : !kernel.buffer<f32> -> f32
      %p = arith.mulf %a, %b : f32
      kernel.store %p, %y[%i] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}
