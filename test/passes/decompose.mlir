// RUN: weft-opt --weft-decompose %s | FileCheck %s

// CHECK-LABEL: func.func @softmax
// CHECK: weft.amax
// CHECK: weft.exp
// CHECK: weft.sum
// CHECK: %[[Y:.*]] = weft.div
// CHECK-NEXT: return %[[Y]]
func.func @softmax(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %y = weft.softmax %x {dim = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// 16-bit floats are float32 inside and rounded once, at the end.
// CHECK-LABEL: func.func @half
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf16>)
// CHECK-NEXT: %[[W:.*]] = weft.cast %[[X]] {dtype = f32}
// CHECK: weft.div {{.*}} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %[[Y:.*]] = weft.cast %{{.*}} {dtype = f16}
// CHECK-NEXT: return %[[Y]]
func.func @half(%x: tensor<2x3xf16>) -> tensor<2x3xf16> {
  %y = weft.softmax %x {dim = 1 : i64} : (tensor<2x3xf16>) -> tensor<2x3xf16>
  return %y : tensor<2x3xf16>
}

// Composites within composites are expanded too.
// CHECK-LABEL: func.func @nested
// CHECK-NOT: weft.mean
// CHECK-NOT: weft.mse_loss
// CHECK: weft.sum
func.func @nested(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<f32> {
  %l = weft.mse_loss %x, %y {reduction = 1 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  return %l : tensor<f32>
}

// A concatenation of many is one of concatenations.
// CHECK-LABEL: func.func @long
// CHECK: %[[A:.*]] = weft.concatenate {{.*}} -> tensor<8xf32>
// CHECK-NEXT: %[[B:.*]] = weft.concatenate %[[A]], %{{.*}} -> tensor<9xf32>
// CHECK-NEXT: return %[[B]]
func.func @long(%x: tensor<1xf32>) -> tensor<9xf32> {
  %y = weft.concatenate %x, %x, %x, %x, %x, %x, %x, %x, %x {dim = 0 : i64} : (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<9xf32>
  return %y : tensor<9xf32>
}

// Complex numbers are pairs along the last axis.
// CHECK-LABEL: func.func @conjugates
// CHECK: %[[RE:.*]] = weft.slice %arg0 {{.*}} starts = array<i64: 0, 0>
// CHECK: weft.slice %arg0 {{.*}} starts = array<i64: 0, 1>
// CHECK: weft.neg
// CHECK: weft.concatenate {{.*}} {dim = 1 : i64} : (tensor<1000x1xf32>, tensor<1000x1xf32>) -> tensor<1000x2xf32>
func.func @conjugates(%x: tensor<1000x2xf32>) -> tensor<1000x2xf32> {
  %y = weft.complex_conj %x : (tensor<1000x2xf32>) -> tensor<1000x2xf32>
  return %y : tensor<1000x2xf32>
}

// The gradient of the weight of separate channels: a sum of products for each position of the kernel.
// CHECK-LABEL: func.func @depthwise
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x5x4xf32>, %[[Y:.*]]: tensor<2x3x5x3xf32>)
// CHECK-NOT: weft.conv_general_weight
// CHECK: %[[PADDED:.*]] = weft.pad %[[X]] {high = array<i64: 0, 0, 0, 1>
// CHECK-NEXT: %[[PART:.*]] = weft.slice %[[PADDED]] {sizes = array<i64: 2, 3, 5, 3>, starts = array<i64: 0, 0, 0, 0>
// CHECK-NEXT: %[[PRODUCTS:.*]] = weft.mul %[[PART]], %[[Y]]
// CHECK-NEXT: %[[ROWS:.*]] = weft.sum %[[PRODUCTS]] {dims = array<i64: 3>
// CHECK-NEXT: weft.sum %[[ROWS]] {dims = array<i64: 0, 2>
// CHECK: weft.slice %[[PADDED]] {sizes = array<i64: 2, 3, 5, 3>, starts = array<i64: 0, 0, 0, 2>
// CHECK: weft.concatenate
func.func @depthwise(%x: tensor<2x3x5x4xf32>, %y: tensor<2x3x5x3xf32>) -> tensor<3x1x1x2xf32> {
  %w = weft.conv_general_weight %x, %y {kernel = array<i64: 1, 2>, stride = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 1>, dilation = array<i64: 1, 2>, groups = 3 : i64} : (tensor<2x3x5x4xf32>, tensor<2x3x5x3xf32>) -> tensor<3x1x1x2xf32>
  return %w : tensor<3x1x1x2xf32>
}

// That of others is a product of matrices.
// CHECK-LABEL: func.func @grouped
// CHECK: weft.conv_general_weight
func.func @grouped(%x: tensor<2x4x6xf32>, %y: tensor<2x2x6xf32>) -> tensor<2x2x1xf32> {
  %w = weft.conv_general_weight %x, %y {kernel = array<i64: 1>, stride = array<i64: 1>, low = array<i64: 0>, high = array<i64: 0>, dilation = array<i64: 1>, groups = 2 : i64} : (tensor<2x4x6xf32>, tensor<2x2x6xf32>) -> tensor<2x2x1xf32>
  return %w : tensor<2x2x1xf32>
}
