// RUN: weft-opt --weft-forward="wrt=0" %s | FileCheck %s

// CHECK-LABEL: func.func @chain
// CHECK-SAME: (%[[X:.*]]: tensor<3xf32>, %[[T:.*]]: tensor<3xf32>)
// CHECK: %[[E:.*]] = weft.exp %[[X]]
// CHECK: %[[U:.*]] = weft.mul %[[T]], %[[E]]
// CHECK: %[[S:.*]] = weft.sum %[[U]]
// CHECK-NEXT: return %[[S]]
func.func @chain(%x: tensor<3xf32>, %t: tensor<3xf32>) -> tensor<f32> {
  %a = weft.exp %x : (tensor<3xf32>) -> tensor<3xf32>
  %b = weft.sum %a {dims = array<i64: 0>, keepdim = false} : (tensor<3xf32>) -> tensor<f32>
  return %b : tensor<f32>
}

// Composites go through their expansion; an operand without a tangent adds nothing.
// CHECK-LABEL: func.func @loss
// CHECK-SAME: (%[[X:.*]]: tensor<3xf32>, %[[Y:.*]]: tensor<3xf32>, %[[T:.*]]: tensor<3xf32>)
// CHECK: weft.mse_loss
// CHECK: weft.sum
// CHECK: return %{{.*}} : tensor<f32>
func.func @loss(%x: tensor<3xf32>, %y: tensor<3xf32>, %t: tensor<3xf32>) -> tensor<f32> {
  %l = weft.mse_loss %x, %y {reduction = 1 : i64} : (tensor<3xf32>, tensor<3xf32>) -> tensor<f32>
  return %l : tensor<f32>
}
