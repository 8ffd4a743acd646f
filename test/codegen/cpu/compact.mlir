// RUN: weft-opt %s | FileCheck %s --check-prefix=TEXT
// RUN: weft-translate --emit=llvm --cpu=cascadelake %s | FileCheck %s
// The numbers of the flags that are true: a vector of them moves together, and the next one is stored behind what was kept.

// TEXT: kernel.compact %{{.*}} count %{{.*}} into %{{.*}} : <i1>, <i32>
// CHECK-LABEL: void @keep(
// CHECK: icmp ne <16 x i8>
// CHECK: call <16 x i32> @llvm.experimental.vector.compress.v16i32(
// CHECK: store <16 x i32>
// CHECK: call i16 @llvm.ctpop.i16(
kernel.func @keep(%numbers: !kernel.buffer<i32>, %begin: index, %end: index) {
  %flags = kernel.scratch 1024 : <i1>
  %some = kernel.scratch 1040 : <i32>
  %kept = kernel.compact %flags count %end into %some : <i1>, <i32>
  kernel.for %i = %begin to %kept {
    %number = kernel.load %some[%i] : <i32> -> i32
    kernel.store %number, %numbers[%i] : i32, <i32>
  }
  kernel.return
}
