// RUN: weft-opt --weft-autodiff="wrt=0" %s | FileCheck %s

// The ops that were there stay; the cotangent of x is what is returned.
// CHECK-LABEL: func.func @tanh
// CHECK-SAME: (%[[X:.*]]: tensor<3xf32>, %[[CT:.*]]: tensor<3xf32>) -> tensor<3xf32>
// CHECK-NEXT: %[[Y:.*]] = weft.tanh %[[X]]
// CHECK: weft.mul
// CHECK: return
func.func @tanh(%x: tensor<3xf32>, %ct: tensor<3xf32>) -> tensor<3xf32> {
  %y = weft.tanh %x : (tensor<3xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// Two uses accumulate, the later one's cotangent first.
// CHECK-LABEL: func.func @two_uses
// CHECK-SAME: (%[[X:.*]]: tensor<3xf32>, %[[CT:.*]]: tensor<3xf32>)
// CHECK: weft.exp
// CHECK: weft.sin
// CHECK: weft.add
// CHECK: %[[C:.*]] = weft.cos %[[X]]
// CHECK-NEXT: %[[A:.*]] = weft.mul %[[CT]], %[[C]]
// CHECK-NEXT: %[[B:.*]] = weft.mul %[[CT]], %{{.*}}
// CHECK-NEXT: %[[S:.*]] = weft.add %[[A]], %[[B]]
// CHECK-NEXT: return %[[S]]
func.func @two_uses(%x: tensor<3xf32>, %ct: tensor<3xf32>) -> tensor<3xf32> {
  %a = weft.exp %x : (tensor<3xf32>) -> tensor<3xf32>
  %b = weft.sin %x : (tensor<3xf32>) -> tensor<3xf32>
  %c = weft.add %a, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %c : tensor<3xf32>
}

// Nothing flows through integers; what does not depend on x gives zeros.
// CHECK-LABEL: func.func @integers
// CHECK: %[[Z:.*]] = weft.full {{.*}}value = 0.0
// CHECK-NEXT: return %[[Z]]
func.func @integers(%x: tensor<3xf32>, %ct: tensor<3xf32>) -> tensor<3xf32> {
  %i = weft.cast %x {dtype = i64} : (tensor<3xf32>) -> tensor<3xi64>
  %y = weft.cast %i {dtype = f32} : (tensor<3xi64>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// A composite without a rule of its own is differentiated through its expansion.
// CHECK-LABEL: func.func @attention
// CHECK: weft.scaled_dot_product_attention
// CHECK: weft.dot_general
// CHECK: return %{{.*}} : tensor<2x3x4xf32>
func.func @attention(%q: tensor<2x3x4xf32>, %k: tensor<2x5x4xf32>, %v: tensor<2x5x6xf32>, %ct: tensor<2x3x6xf32>) -> tensor<2x3x6xf32> {
  %y = weft.scaled_dot_product_attention %q, %k, %v {is_causal = false, scale = 0.5 : f64} : (tensor<2x3x4xf32>, tensor<2x5x4xf32>, tensor<2x5x6xf32>) -> tensor<2x3x6xf32>
  return %y : tensor<2x3x6xf32>
}

// The cotangents of parts that do not overlap are one concatenation, with zeros where no part is.
// CHECK-LABEL: func.func @parts
// CHECK-SAME: (%{{.*}}: tensor<6xf32>, %[[CA:.*]]: tensor<2xf32>, %[[CB:.*]]: tensor<2xf32>)
// CHECK-NOT: weft.pad
// CHECK: %[[Z:.*]] = weft.full {{.*}} -> tensor<1xf32>
// CHECK: %[[E:.*]] = weft.full {{.*}} -> tensor<1xf32>
// CHECK: %[[C:.*]] = weft.concatenate %[[Z]], %[[CA]], %[[CB]], %[[E]] {dim = 0 : i64}
// CHECK-NEXT: return %[[C]]
func.func @parts(%x: tensor<6xf32>, %ca: tensor<2xf32>, %cb: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %a = weft.slice %x {starts = array<i64: 1>, sizes = array<i64: 2>, steps = array<i64: 1>} : (tensor<6xf32>) -> tensor<2xf32>
  %b = weft.slice %x {starts = array<i64: 3>, sizes = array<i64: 2>, steps = array<i64: 1>} : (tensor<6xf32>) -> tensor<2xf32>
  return %a, %b : tensor<2xf32>, tensor<2xf32>
}
