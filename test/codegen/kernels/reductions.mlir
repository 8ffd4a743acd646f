// RUN: weft-opt %s --weft-fusion --weft-to-kernel --split-input-file | FileCheck %s

// Columns: 64 lanes of accumulators for a tile of columns, then their tree; nothing to do for lanes beyond the rows.
// CHECK-LABEL: kernel.func @sum_0
// CHECK: kernel.scratch 2048
// CHECK: kernel.for %{{.*}} = %arg2 to %arg3 {
// CHECK: kernel.for lane
// CHECK: kernel.store
// CHECK: kernel.for %{{.*}} = %c0{{.*}} to %c16
// CHECK: kernel.for %{{.*}} = %c0{{.*}} to %c1{{(_[0-9]+)?}} {
// CHECK: kernel.store %{{.*}}, %arg1
func.func @main(%x: tensor<32x100xf32>) -> tensor<100xf32> {
  %0 = weft.sum %x {dims = array<i64: 0>, keepdim = false} : (tensor<32x100xf32>) -> tensor<100xf32>
  return %0 : tensor<100xf32>
}

// -----

// A long reduction: blocks of 4096 in parallel, then their results.
// CHECK: // batch 0: sum_blocks_0{{.*}} x 25,
// CHECK: // batch 1: sum_of_blocks_1{{.*}} x 1,
// CHECK-LABEL: kernel.func @sum_blocks_0
// CHECK: kernel.reduce sum
// CHECK-LABEL: kernel.func @sum_of_blocks_1
// CHECK: kernel.reduce sum %{{.*}} to %c25
func.func @main(%x: tensor<100000xf32>) -> tensor<f32> {
  %0 = weft.sum %x {dims = array<i64: 0>, keepdim = false} : (tensor<100000xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// A middle axis: lanes over the axis behind it.
// CHECK-LABEL: kernel.func @amax_0
// CHECK: kernel.for lane
// CHECK: kernel.reduce max
func.func @main(%x: tensor<3x70x20xf32>) -> tensor<3x20xf32> {
  %0 = weft.amax %x {dims = array<i64: 1>, keepdim = false} : (tensor<3x70x20xf32>) -> tensor<3x20xf32>
  return %0 : tensor<3x20xf32>
}
