// RUN: weft-opt %s --weft-fusion --weft-to-kernel --split-input-file | FileCheck %s

// Few rows of columns: four rows of a lane group each go straight into the tree, without accumulators of their own.
// CHECK: // batch 0: sum_0{{.*}} x 7, grain
// CHECK-LABEL: kernel.func @sum_0
// CHECK: kernel.scratch 1024
// CHECK-NOT: kernel.scratch
// CHECK: kernel.for lane
// CHECK-COUNT-4: kernel.load %arg0
// CHECK-NOT: kernel.load %arg0
// CHECK: kernel.store %{{.*}}, %arg1
func.func @main(%x: tensor<32x100xf32>) -> tensor<100xf32> {
  %0 = weft.sum %x {dims = array<i64: 0>, keepdim = false} : (tensor<32x100xf32>) -> tensor<100xf32>
  return %0 : tensor<100xf32>
}

// -----

// A long reduction: blocks of 1024 in parallel, then their results.
// CHECK: // batch 0: sum_blocks_0{{.*}} x 98,
// CHECK: // batch 1: sum_of_blocks_1{{.*}} x 1,
// CHECK-LABEL: kernel.func @sum_blocks_0
// CHECK: kernel.reduce sum
// CHECK-LABEL: kernel.func @sum_of_blocks_1
// CHECK: kernel.reduce sum %{{.*}} to %c98
func.func @main(%x: tensor<100000xf32>) -> tensor<f32> {
  %0 = weft.sum %x {dims = array<i64: 0>, keepdim = false} : (tensor<100000xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// More rows: 64 lanes of accumulators; rows that fall to the same lane are added eight at a time.
// CHECK-LABEL: kernel.func @sum_0
// CHECK: kernel.scratch 8192
// CHECK: kernel.for lane
// CHECK: kernel.load %{{[0-9a-z_]+}}[
// CHECK-COUNT-8: kernel.load %arg0
// CHECK: kernel.store
// CHECK-NOT: kernel.load %arg0
func.func @main(%x: tensor<1024x96xf32>) -> tensor<96xf32> {
  %0 = weft.sum %x {dims = array<i64: 0>, keepdim = false} : (tensor<1024x96xf32>) -> tensor<96xf32>
  return %0 : tensor<96xf32>
}

// -----

// More rows than a block of the order has: blocks side by side, then their results.
// CHECK: // batch 0: sum_blocks_0{{.*}} x 36, grain
// CHECK: // batch 1: sum_of_blocks_1{{.*}} x 4, grain
func.func @main(%x: tensor<9000x64xf32>) -> tensor<64xf32> {
  %0 = weft.sum %x {dims = array<i64: 0>, keepdim = false} : (tensor<9000x64xf32>) -> tensor<64xf32>
  return %0 : tensor<64xf32>
}

// -----

// A middle axis is read along the axis behind it, too.
// CHECK: // batch 0: amax_0{{.*}} x 6, grain
// CHECK-LABEL: kernel.func @amax_0
// CHECK-NOT: kernel.reduce
// CHECK: kernel.for lane
func.func @main(%x: tensor<3x70x20xf32>) -> tensor<3x20xf32> {
  %0 = weft.amax %x {dims = array<i64: 1>, keepdim = false} : (tensor<3x70x20xf32>) -> tensor<3x20xf32>
  return %0 : tensor<3x20xf32>
}
