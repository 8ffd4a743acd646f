// RUN: weft-opt --weft-batch="size=4 over=0" %s | FileCheck %s

// Axes move behind that of the examples; what is the same for all is repeated where an op needs it to be.
// CHECK-LABEL: func.func @chain
// CHECK-SAME: (%[[X:.*]]: tensor<4x3xf32>, %[[Y:.*]]: tensor<3xf32>) -> tensor<4xf32>
// CHECK: %[[E:.*]] = weft.exp %[[Y]] : (tensor<3xf32>)
// CHECK: %[[R:.*]] = weft.expand %[[E]] {shape = array<i64: 4, 3>}
// CHECK: %[[M:.*]] = weft.mul %[[X]], %[[R]]
// CHECK: %[[S:.*]] = weft.sum %[[M]] {dims = array<i64: 1>, keepdim = false}
// CHECK-NEXT: return %[[S]]
func.func @chain(%x: tensor<3xf32>, %y: tensor<3xf32>) -> tensor<f32> {
  %e = weft.exp %y : (tensor<3xf32>) -> tensor<3xf32>
  %m = weft.mul %x, %e : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %s = weft.sum %m {dims = array<i64: 0>, keepdim = false} : (tensor<3xf32>) -> tensor<f32>
  return %s : tensor<f32>
}

// Examples on one side of a product are more of its rows.
// CHECK-LABEL: func.func @product
// CHECK: %[[P:.*]] = weft.dot_general {{.*}} {lhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_batch = array<i64>, rhs_contract = array<i64: 0>}
// CHECK-SAME: (tensor<4x3xf32>, tensor<3x5xf32>) -> tensor<4x5xf32>
// CHECK: return %[[P]]
func.func @product(%x: tensor<3xf32>, %w: tensor<3x5xf32>) -> tensor<5xf32> {
  %p = weft.dot_general %x, %w {lhs_batch = array<i64>, lhs_contract = array<i64: 0>, rhs_batch = array<i64>, rhs_contract = array<i64: 0>} : (tensor<3xf32>, tensor<3x5xf32>) -> tensor<5xf32>
  return %p : tensor<5xf32>
}

// A composite stays one where its record has a rule for the case, else its expansion is batched. Results that are the same
// for all examples are repeated.
// CHECK-LABEL: func.func @composites
// CHECK: weft.softmax {{.*}} {dim = 1 : i64} : (tensor<4x3xf32>) -> tensor<4x3xf32>
// CHECK-NOT: weft.mse_loss
// CHECK: weft.expand {{.*}} -> tensor<4x3xf32>
// CHECK: return
func.func @composites(%x: tensor<3xf32>, %y: tensor<3xf32>) -> (tensor<3xf32>, tensor<f32>, tensor<3xf32>) {
  %s = weft.softmax %x {dim = 0 : i64} : (tensor<3xf32>) -> tensor<3xf32>
  %l = weft.mse_loss %s, %y {reduction = 1 : i64} : (tensor<3xf32>, tensor<3xf32>) -> tensor<f32>
  %n = weft.neg %y : (tensor<3xf32>) -> tensor<3xf32>
  return %s, %l, %n : tensor<3xf32>, tensor<f32>, tensor<3xf32>
}
