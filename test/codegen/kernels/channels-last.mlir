// RUN: weft-opt %s --weft-fusion --weft-to-kernel | FileCheck %s
// An image between convolutions lies channels last, and its sums over pixels are taken by rows of channels: a block of
// 1024 pixels and 16 channels is a task.

// CHECK: sum_blocks_[[#]]({{.*}}) x 8,
// CHECK: sum_of_blocks_[[#]]({{.*}}) x 2,
// CHECK-LABEL: kernel.func @sum_blocks_
// CHECK: %[[IMAGE:.*]] = arith.divui %[[PIXEL:.*]], %c1600
// CHECK: %[[IN_IMAGE:.*]] = arith.remui %[[PIXEL]], %c1600
// CHECK: %[[PLACE:.*]] = arith.muli %[[IN_IMAGE]], %c32
// CHECK: kernel.for lane %{{.*}} = %c0 to %c16 {
// CHECK: kernel.load %arg0[
func.func @main(%x: tensor<2x3x40x40xf32>, %w: tensor<32x3x3x3xf32>, %v: tensor<16x32x1x1xf32>) -> (tensor<32xf32>, tensor<2x16x40x40xf32>) {
  %image = weft.conv_general %x, %w {dilation = array<i64: 1, 1>, groups = 1 : i64, high = array<i64: 1, 1>, low = array<i64: 1, 1>, stride = array<i64: 1, 1>} : (tensor<2x3x40x40xf32>, tensor<32x3x3x3xf32>) -> tensor<2x32x40x40xf32>
  %sum = weft.sum %image {dims = array<i64: 0, 2, 3>, keepdim = false} : (tensor<2x32x40x40xf32>) -> tensor<32xf32>
  %result = weft.conv_general %image, %v {dilation = array<i64: 1, 1>, groups = 1 : i64, high = array<i64: 0, 0>, low = array<i64: 0, 0>, stride = array<i64: 1, 1>} : (tensor<2x32x40x40xf32>, tensor<16x32x1x1xf32>) -> tensor<2x16x40x40xf32>
  return %sum, %result : tensor<32xf32>, tensor<2x16x40x40xf32>
}
