// RUN: weft-translate --emit=llvm --cpu=cascadelake %s | FileCheck %s
// The second loop over a row asks for the next row; the first and the third do not, and neither does the row's scale.

// CHECK-LABEL: @rows
// CHECK-NOT: prefetch
// CHECK: fadd <64 x float>
// CHECK: %[[PLACE:.*]] = getelementptr float, ptr %{{.*}}, i64 %{{.*}}
// CHECK: %[[NEXT:.*]] = getelementptr float, ptr %[[PLACE]], i64 1024
// CHECK: call void @llvm.prefetch.p0(ptr %[[NEXT]]
// CHECK-NOT: prefetch
// CHECK: fmul <16 x float>
// CHECK-NOT: call void @llvm.prefetch
// CHECK: ret void
kernel.func @rows(%x: !kernel.buffer<f32>, %s: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %z: !kernel.buffer<f32>, %begin: index, %end: index) {
  %c0 = arith.constant 0 : index
  %n = arith.constant 1024 : index
  kernel.for %t = %begin to %end {
    %first = arith.muli %t, %n : index
    %r = kernel.reduce sum %i to %n : f32 {
      %j = arith.addi %first, %i : index
      %a = kernel.load %x[%j] : !kernel.buffer<f32> -> f32
      %b = kernel.load %s[%i] : !kernel.buffer<f32> -> f32
      %c = arith.addf %a, %b : f32
      kernel.yield %c : f32
    }
    kernel.for lane %i = %c0 to %n {
      %j = arith.addi %first, %i : index
      %a = kernel.load %x[%j] : !kernel.buffer<f32> -> f32
      %b = kernel.load %s[%i] : !kernel.buffer<f32> -> f32
      %c = arith.mulf %a, %r : f32
      %d = arith.mulf %c, %b : f32
      kernel.store %d, %y[%j] : f32, !kernel.buffer<f32>
    }
    kernel.for lane %i = %c0 to %n {
      %j = arith.addi %first, %i : index
      %a = kernel.load %x[%j] : !kernel.buffer<f32> -> f32
      kernel.store %a, %z[%j] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}
