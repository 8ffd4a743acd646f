// RUN: weft-opt %s --weft-fusion --weft-to-kernel --split-input-file | FileCheck %s
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

// -----

// An image of short lines in rows is turned: its windows are rows of the product then.
// CHECK-LABEL: kernel.func @conv_general_lines_
// CHECK: kernel.contract {{.*}} windows of a in rows
func.func @main(%x: tensor<1x13x7x7xf32>, %w: tensor<29x13x5x5xf32>) -> tensor<1x29x7x7xf32> {
  %result = weft.conv_general %x, %w {dilation = array<i64: 1, 1>, groups = 1 : i64, high = array<i64: 2, 2>, low = array<i64: 2, 2>, stride = array<i64: 1, 1>} : (tensor<1x13x7x7xf32>, tensor<29x13x5x5xf32>) -> tensor<1x29x7x7xf32>
  return %result : tensor<1x29x7x7xf32>
}

// -----

// The gradient of a weight: each group of 2048 pixels is a product by itself, in two tasks here, and the three are added in order.
// CHECK: conv_general_weight_groups_[[#]]({{.*}}) x [[#mul(3, 2)]],
// CHECK: conv_general_weight_of_groups_[[#]]({{.*}}) x [[#mul(48, 9)]],
// CHECK-LABEL: kernel.func @conv_general_weight_groups_
// CHECK: %[[FIRST:.*]] = arith.muli %{{.*}}, %c2048
// CHECK: %[[LEFT:.*]] = arith.subi %c4608{{.*}}, %[[FIRST]]
// CHECK: %[[DEPTH:.*]] = arith.minsi {{.*}}%[[LEFT]]
// CHECK: kernel.contract {{.*}}, %arg1[%c0{{.*}}, %c32{{.*}}, %[[FIRST]]] depth %[[DEPTH]] {{.*}} windows of b in rows
// CHECK-LABEL: kernel.func @conv_general_weight_of_groups_
// CHECK: kernel.for lane
// CHECK-COUNT-3: kernel.load
// CHECK-NOT: kernel.load
// CHECK: kernel.return
func.func @main(%x: tensor<2x32x48x48xf32> {weft.strides = array<i64: 73728, 1, 1536, 32>}, %ct: tensor<2x48x48x48xf32> {weft.strides = array<i64: 110592, 1, 2304, 48>}) -> tensor<48x32x3x3xf32> {
  %0 = weft.conv_general_weight %x, %ct {dilation = array<i64: 1, 1>, groups = 1 : i64, high = array<i64: 1, 1>, kernel = array<i64: 3, 3>, low = array<i64: 1, 1>, stride = array<i64: 1, 1>} : (tensor<2x32x48x48xf32>, tensor<2x48x48x48xf32>) -> tensor<48x32x3x3xf32>
  return %0 : tensor<48x32x3x3xf32>
}

// -----

// Phases of a transposed convolution are put side by side pixel by pixel: both images lie channels last.
// CHECK-LABEL: kernel.func @relu_
// CHECK: kernel.for lane %[[CHANNEL:.*]] = %c0{{.*}} to %c16 {
// CHECK: %[[IN_PHASE:.*]] = arith.addi %{{.*}}, %[[CHANNEL]]
// CHECK: %[[AT:.*]] = arith.addi %{{.*}}, %[[IN_PHASE]]
// CHECK: kernel.load %arg0[%[[AT]]]
func.func @main(%x: tensor<1x32x8x8xf32>, %w: tensor<64x32x1x1xf32>, %v: tensor<5x16x3x3xf32>) -> tensor<1x5x16x16xf32> {
  %phases = weft.conv_general %x, %w {dilation = array<i64: 1, 1>, groups = 1 : i64, high = array<i64: 0, 0>, low = array<i64: 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x32x8x8xf32>, tensor<64x32x1x1xf32>) -> tensor<1x64x8x8xf32>
  %split = weft.reshape %phases {shape = array<i64: 1, 2, 2, 16, 8, 8>} : (tensor<1x64x8x8xf32>) -> tensor<1x2x2x16x8x8xf32>
  %moved = weft.permute %split {dims = array<i64: 0, 3, 4, 1, 5, 2>} : (tensor<1x2x2x16x8x8xf32>) -> tensor<1x16x8x2x8x2xf32>
  %image = weft.reshape %moved {shape = array<i64: 1, 16, 16, 16>} : (tensor<1x16x8x2x8x2xf32>) -> tensor<1x16x16x16xf32>
  %relu = weft.relu %image : (tensor<1x16x16x16xf32>) -> tensor<1x16x16x16xf32>
  %result = weft.conv_general %relu, %v {dilation = array<i64: 1, 1>, groups = 1 : i64, high = array<i64: 1, 1>, low = array<i64: 1, 1>, stride = array<i64: 1, 1>} : (tensor<1x16x16x16xf32>, tensor<5x16x3x3xf32>) -> tensor<1x5x16x16xf32>
  return %result : tensor<1x5x16x16xf32>
}
