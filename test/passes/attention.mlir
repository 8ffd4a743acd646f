// RUN: weft-opt --weft-decompose --weft-simplify --weft-fusion --split-input-file %s | FileCheck %s

// A softmax between two products is one kernel with them.
// CHECK-LABEL: func.func @attention
// CHECK: weft.group {{.*}} -> (tensor<2x3x40x8xf32>) attributes {kind = "attention", row = 1 : i64, space = array<i64: 2, 3, 40, 50>}
// CHECK: weft.dot_general
// CHECK: weft.amax
// CHECK: weft.dot_chain
// CHECK-NOT: weft.group
func.func @attention(%q: tensor<2x3x40x16xf32>, %k: tensor<2x3x50x16xf32>, %v: tensor<2x3x50x8xf32>) -> tensor<2x3x40x8xf32> {
  %0 = weft.scaled_dot_product_attention %q, %k, %v {is_causal = false, scale = 2.500000e-01 : f64} : (tensor<2x3x40x16xf32>, tensor<2x3x50x16xf32>, tensor<2x3x50x8xf32>) -> tensor<2x3x40x8xf32>
  return %0 : tensor<2x3x40x8xf32>
}

// -----

// Written by hand: matrices that are views, a mask in memory, what a row sums to as a second result.
// CHECK-LABEL: func.func @by_hand
// CHECK: weft.group {{.*}} -> (tensor<40x1xf32>, tensor<40x8xf32>) attributes {kind = "attention"
// CHECK-NOT: weft.group
func.func @by_hand(%q: tensor<40x16xf32>, %k: tensor<16x50xf32>, %v: tensor<50x8xf32>, %mask: tensor<40x50xf32>) -> (tensor<40x1xf32>, tensor<40x8xf32>) {
  %0 = weft.matmul %q, %k : (tensor<40x16xf32>, tensor<16x50xf32>) -> tensor<40x50xf32>
  %1 = weft.add %0, %mask : (tensor<40x50xf32>, tensor<40x50xf32>) -> tensor<40x50xf32>
  %2 = weft.exp %1 : (tensor<40x50xf32>) -> tensor<40x50xf32>
  %3 = weft.sum %2 {dims = array<i64: 1>, keepdim = true} : (tensor<40x50xf32>) -> tensor<40x1xf32>
  %4 = weft.expand %3 {shape = array<i64: 40, 50>} : (tensor<40x1xf32>) -> tensor<40x50xf32>
  %5 = weft.div %2, %4 : (tensor<40x50xf32>, tensor<40x50xf32>) -> tensor<40x50xf32>
  %6 = weft.matmul %5, %v : (tensor<40x50xf32>, tensor<50x8xf32>) -> tensor<40x8xf32>
  return %3, %6 : tensor<40x1xf32>, tensor<40x8xf32>
}

// -----

// Probabilities that leave are in memory anyway.
// CHECK-LABEL: func.func @probabilities
// CHECK-NOT: "attention"
func.func @probabilities(%q: tensor<40x16xf32>, %k: tensor<16x50xf32>, %v: tensor<50x8xf32>) -> (tensor<40x50xf32>, tensor<40x8xf32>) {
  %0 = weft.matmul %q, %k : (tensor<40x16xf32>, tensor<16x50xf32>) -> tensor<40x50xf32>
  %1 = weft.softmax %0 {dim = 1 : i64} : (tensor<40x50xf32>) -> tensor<40x50xf32>
  %2 = weft.matmul %1, %v : (tensor<40x50xf32>, tensor<50x8xf32>) -> tensor<40x8xf32>
  return %1, %2 : tensor<40x50xf32>, tensor<40x8xf32>
}

// -----

// A single query: products with a vector sum in an order of their own.
// CHECK-LABEL: func.func @single_query
// CHECK-NOT: "attention"
func.func @single_query(%q: tensor<2x1x16xf32>, %k: tensor<2x50x16xf32>, %v: tensor<2x50x8xf32>) -> tensor<2x1x8xf32> {
  %0 = weft.scaled_dot_product_attention %q, %k, %v {is_causal = false, scale = 2.500000e-01 : f64} : (tensor<2x1x16xf32>, tensor<2x50x16xf32>, tensor<2x50x8xf32>) -> tensor<2x1x8xf32>
  return %0 : tensor<2x1x8xf32>
}

// -----

// The gradient reads probabilities of the forward pass, from which it waits for the result: it makes them again, and is one
// kernel of five products.
// CHECK-LABEL: func.func @gradient
// CHECK: weft.group {{.*}} -> (tensor<4x40x8xf32>) attributes {kind = "attention"
// CHECK: weft.group {{.*}}kind = "loop"
// CHECK: weft.group {{.*}} -> (tensor<4x40x8xf32>, tensor<4x40x8xf32>, tensor<4x40x8xf32>) attributes {kind = "attention"
// CHECK-COUNT-5: weft.dot_general
// CHECK-NOT: weft.dot_general
func.func @gradient(%q: tensor<4x40x8xf32>, %k: tensor<4x40x8xf32>, %v: tensor<4x40x8xf32>) -> (tensor<4x40x8xf32>, tensor<4x40x8xf32>, tensor<4x40x8xf32>) {
  %0 = weft.dot_general %q, %k {lhs_batch = array<i64: 0>, lhs_contract = array<i64: 2>, rhs_batch = array<i64: 0>, rhs_contract = array<i64: 2>} : (tensor<4x40x8xf32>, tensor<4x40x8xf32>) -> tensor<4x40x40xf32>
  %1 = weft.softmax %0 {dim = 2 : i64} : (tensor<4x40x40xf32>) -> tensor<4x40x40xf32>
  %2 = weft.dot_general %1, %v {lhs_batch = array<i64: 0>, lhs_contract = array<i64: 2>, rhs_batch = array<i64: 0>, rhs_contract = array<i64: 1>} : (tensor<4x40x40xf32>, tensor<4x40x8xf32>) -> tensor<4x40x8xf32>
  %3 = weft.tanh %2 : (tensor<4x40x8xf32>) -> tensor<4x40x8xf32>
  %4 = weft.dot_general %3, %v {lhs_batch = array<i64: 0>, lhs_contract = array<i64: 2>, rhs_batch = array<i64: 0>, rhs_contract = array<i64: 2>} : (tensor<4x40x8xf32>, tensor<4x40x8xf32>) -> tensor<4x40x40xf32>
  %5 = weft.mul %4, %1 : (tensor<4x40x40xf32>, tensor<4x40x40xf32>) -> tensor<4x40x40xf32>
  %6 = weft.sum %5 {dims = array<i64: 2>, keepdim = true} : (tensor<4x40x40xf32>) -> tensor<4x40x1xf32>
  %7 = weft.expand %6 {shape = array<i64: 4, 40, 40>} : (tensor<4x40x1xf32>) -> tensor<4x40x40xf32>
  %8 = weft.sub %4, %7 : (tensor<4x40x40xf32>, tensor<4x40x40xf32>) -> tensor<4x40x40xf32>
  %9 = weft.mul %8, %1 : (tensor<4x40x40xf32>, tensor<4x40x40xf32>) -> tensor<4x40x40xf32>
  %10 = weft.dot_general %9, %k {lhs_batch = array<i64: 0>, lhs_contract = array<i64: 2>, rhs_batch = array<i64: 0>, rhs_contract = array<i64: 1>} : (tensor<4x40x40xf32>, tensor<4x40x8xf32>) -> tensor<4x40x8xf32>
  %11 = weft.dot_general %9, %q {lhs_batch = array<i64: 0>, lhs_contract = array<i64: 1>, rhs_batch = array<i64: 0>, rhs_contract = array<i64: 1>} : (tensor<4x40x40xf32>, tensor<4x40x8xf32>) -> tensor<4x40x8xf32>
  %12 = weft.dot_general %1, %3 {lhs_batch = array<i64: 0>, lhs_contract = array<i64: 1>, rhs_batch = array<i64: 0>, rhs_contract = array<i64: 1>} : (tensor<4x40x40xf32>, tensor<4x40x8xf32>) -> tensor<4x40x8xf32>
  return %10, %11, %12 : tensor<4x40x8xf32>, tensor<4x40x8xf32>, tensor<4x40x8xf32>
}

// -----

// Sums over 256 are not made again, and one head alone would be one task: the product, its rows with the gradient, two products.
// CHECK-LABEL: func.func @one_deep_head
// CHECK-NOT: "attention"
func.func @one_deep_head(%x: tensor<64x256xf32>, %w: tensor<400x256xf32>) -> (tensor<64x256xf32>, tensor<400x256xf32>) {
  %0 = weft.dot_general %x, %w {lhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_batch = array<i64>, rhs_contract = array<i64: 1>} : (tensor<64x256xf32>, tensor<400x256xf32>) -> tensor<64x400xf32>
  %1 = weft.softmax %0 {dim = 1 : i64} : (tensor<64x400xf32>) -> tensor<64x400xf32>
  %2 = weft.dot_general %1, %w {lhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_batch = array<i64>, rhs_contract = array<i64: 0>} : (tensor<64x400xf32>, tensor<400x256xf32>) -> tensor<64x256xf32>
  %3 = weft.dot_general %1, %x {lhs_batch = array<i64>, lhs_contract = array<i64: 0>, rhs_batch = array<i64>, rhs_contract = array<i64: 0>} : (tensor<64x400xf32>, tensor<64x256xf32>) -> tensor<400x256xf32>
  return %2, %3 : tensor<64x256xf32>, tensor<400x256xf32>
}

// -----

// Of any batch and time.
// CHECK-LABEL: func.func @symbolic
// CHECK: weft.group {{.*}}attributes {kind = "attention", row = 1 : i64, space = array<i64: -1, 4, -2, -2>}
// CHECK-NOT: weft.group
func.func @symbolic(%q: tensor<?x4x?x16xf32, #weft.symbols<[0, 1]>>, %k: tensor<?x4x?x16xf32, #weft.symbols<[0, 1]>>, %v: tensor<?x4x?x8xf32, #weft.symbols<[0, 1]>>) -> tensor<?x4x?x8xf32, #weft.symbols<[0, 1]>> attributes {weft.symbol_count = 2 : i64} {
  %0 = weft.scaled_dot_product_attention %q, %k, %v {is_causal = true, scale = 2.500000e-01 : f64} : (tensor<?x4x?x16xf32, #weft.symbols<[0, 1]>>, tensor<?x4x?x16xf32, #weft.symbols<[0, 1]>>, tensor<?x4x?x8xf32, #weft.symbols<[0, 1]>>) -> tensor<?x4x?x8xf32, #weft.symbols<[0, 1]>>
  return %0 : tensor<?x4x?x8xf32, #weft.symbols<[0, 1]>>
}
