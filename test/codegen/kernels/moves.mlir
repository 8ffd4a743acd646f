// RUN: weft-opt %s --weft-fusion --weft-to-kernel --split-input-file | FileCheck %s

// CHECK-LABEL: kernel.func @concatenate_0
// CHECK: kernel.load {{.*}} mask
// CHECK: kernel.load {{.*}} mask
// CHECK: arith.select
func.func @main(%x: tensor<40xf32>, %y: tensor<60xf32>) -> tensor<100xf32> {
  %0 = weft.concatenate %x, %y {dim = 0 : i64} : (tensor<40xf32>, tensor<60xf32>) -> tensor<100xf32>
  return %0 : tensor<100xf32>
}

// -----

// A position outside of the tensor reads zero.
// CHECK-LABEL: kernel.func @index_select_0
// CHECK: kernel.load {{.*}} -> i64
// CHECK: arith.index_cast
// CHECK: arith.cmpi ult
// CHECK: kernel.load {{.*}} mask
func.func @main(%x: tensor<10x64xf32>, %i: tensor<5xi64>) -> tensor<5x64xf32> {
  %0 = weft.index_select %x, %i {dim = 0 : i64} : (tensor<10x64xf32>, tensor<5xi64>) -> tensor<5x64xf32>
  return %0 : tensor<5x64xf32>
}

// -----

// Additions in the order of the source, each to the place that the index names.
// CHECK: // batch 0: scatter_add_copy_0
// CHECK: // batch 1: scatter_add_1
// CHECK-LABEL: kernel.func @scatter_add_1
// CHECK: kernel.for %{{.*}} = %c0{{.*}} to %c5
// CHECK: kernel.for lane
// CHECK: kernel.store {{.*}} mask
func.func @main(%x: tensor<10x64xf32>, %i: tensor<5x64xi64>, %s: tensor<5x64xf32>) -> tensor<10x64xf32> {
  %0 = weft.scatter_add %x, %i, %s {dim = 0 : i64} : (tensor<10x64xf32>, tensor<5x64xi64>, tensor<5x64xf32>) -> tensor<10x64xf32>
  return %0 : tensor<10x64xf32>
}

// -----

// A position for a whole row of the result: a task copies the rows that it owns, then adds where a position is its own.
// CHECK: // batch 0: scatter_add_0({{.*}}) x 8
// CHECK-LABEL: kernel.func @scatter_add_0
// CHECK: kernel.for %{{.*}} = %arg4 to %arg5 {
// CHECK: kernel.for %{{.*}} = %[[BEGIN:.*]] to %[[END:.*]] {
// CHECK: kernel.store
// CHECK: kernel.for %{{.*}} = %c0{{.*}} to %c5
// CHECK: %[[PLACE:.*]] = arith.subi %{{.*}}, %[[BEGIN]]
// CHECK: %[[OWN:.*]] = arith.cmpi ult, %[[PLACE]]
// CHECK: %[[TIMES:.*]] = arith.select %[[OWN]], %c1{{.*}}, %c0
// CHECK: kernel.for %{{.*}} = %c0{{.*}} to %[[TIMES]] {
// CHECK: kernel.for lane
func.func @main(%x: tensor<10x64xf32>, %i: tensor<5x1xi64>, %s: tensor<5x64xf32>) -> tensor<10x64xf32> {
  %p = weft.expand %i {shape = array<i64: 5, 64>} : (tensor<5x1xi64>) -> tensor<5x64xi64>
  %0 = weft.scatter_add %x, %p, %s {dim = 0 : i64} : (tensor<10x64xf32>, tensor<5x64xi64>, tensor<5x64xf32>) -> tensor<10x64xf32>
  return %0 : tensor<10x64xf32>
}

// -----

// In a vector a task owns a range. One that owns all of it goes through the positions; others find their own ones in blocks.
// CHECK: // batch 1: scatter_add_1({{.*}}) x 2
// CHECK-LABEL: kernel.func @scatter_add_1
// CHECK: %[[PART:.*]] = arith.cmpi ult
// CHECK: %[[ALL:.*]] = arith.select %[[PART]], %c0{{.*}}, %c5000
// CHECK: kernel.for %{{.*}} = %c0{{.*}} to %[[ALL]] {
// CHECK: kernel.for lane
// CHECK: %[[KEPT:.*]] = kernel.compact
// CHECK: kernel.for %{{.*}} = %c0{{.*}} to %[[KEPT]] {
// CHECK: kernel.store {{.*}} : f32, <f32>
func.func @main(%x: tensor<1000000xf32>, %i: tensor<5000xi64>, %s: tensor<5000xf32>) -> tensor<1000000xf32> {
  %0 = weft.scatter_add %x, %i, %s {dim = 0 : i64} : (tensor<1000000xf32>, tensor<5000xi64>, tensor<5000xf32>) -> tensor<1000000xf32>
  return %0 : tensor<1000000xf32>
}

// -----

// Of a scatter the result's elements are written, and not read.
// CHECK: // batch 1: scatter_1
// CHECK-LABEL: kernel.func @scatter_1
// CHECK: kernel.for %{{.*}} = %c0{{.*}} to %c5
// CHECK-NOT: arith.addf
// CHECK: kernel.store {{.*}} mask
func.func @main(%x: tensor<10x64xf32>, %i: tensor<5x64xi64>, %s: tensor<5x64xf32>) -> tensor<10x64xf32> {
  %0 = weft.scatter %x, %i, %s {dim = 0 : i64} : (tensor<10x64xf32>, tensor<5x64xi64>, tensor<5x64xf32>) -> tensor<10x64xf32>
  return %0 : tensor<10x64xf32>
}
