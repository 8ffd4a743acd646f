// RUN: weft-opt %s --weft-rematerialise --split-input-file | FileCheck %s
// RUN: weft-opt %s --weft-rematerialise --weft-fusion --split-input-file | FileCheck %s --check-prefix=GROUPS

// GELU and its derivative, both used three products later, are computed again from the one tensor that is kept; the product
// right behind reads what was computed first.
// CHECK-LABEL: func.func @both
// CHECK: %[[H:.*]] = weft.add %arg0
// CHECK: %[[Y:.*]] = weft.gelu %[[H]]
// CHECK-NOT: weft.gelu_derivative
// CHECK: weft.dot_general %[[Y]]
// CHECK-COUNT-2: weft.dot_general
// CHECK: %[[AGAIN:.*]] = weft.gelu %[[H]] {{.*}}weft.recomputed
// CHECK: %[[SLOPE:.*]] = weft.gelu_derivative %[[H]] {{.*}}weft.recomputed
// CHECK: weft.mul %{{.*}}, %[[SLOPE]]
// Fusion leaves the copies in the groups of those who read them.
// GROUPS-LABEL: func.func @both
// GROUPS: weft.group
// GROUPS: weft.gelu %
// GROUPS-NOT: weft.gelu_derivative
// GROUPS: weft.dot_general
func.func @both(%x: tensor<256x256xf32>, %w: tensor<256x256xf32>) -> (tensor<256x256xf32>, tensor<256x256xf32>) {
  %h = weft.add %x, %x : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  %y = weft.gelu %h {tanh_form = false} : (tensor<256x256xf32>) -> tensor<256x256xf32>
  %d = weft.gelu_derivative %h {tanh_form = false} : (tensor<256x256xf32>) -> tensor<256x256xf32>
  %1 = weft.dot_general %y, %w {lhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_batch = array<i64>, rhs_contract = array<i64: 0>} : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  %2 = weft.dot_general %1, %w {lhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_batch = array<i64>, rhs_contract = array<i64: 0>} : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  %3 = weft.dot_general %2, %w {lhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_batch = array<i64>, rhs_contract = array<i64: 0>} : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  %4 = weft.dot_general %3, %y {lhs_batch = array<i64>, lhs_contract = array<i64: 0>, rhs_batch = array<i64>, rhs_contract = array<i64: 0>} : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  %5 = weft.mul %3, %d : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  return %4, %5 : tensor<256x256xf32>, tensor<256x256xf32>
}

// -----

// One such value needs as much memory as what it is made of.
// CHECK-LABEL: func.func @one
// CHECK-COUNT-1: weft.tanh
// CHECK-NOT: weft.tanh
// GROUPS-LABEL: func.func @one
func.func @one(%x: tensor<256x256xf32>, %w: tensor<256x256xf32>) -> tensor<256x256xf32> {
  %h = weft.add %x, %x : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  %y = weft.tanh %h : (tensor<256x256xf32>) -> tensor<256x256xf32>
  %1 = weft.dot_general %y, %w {lhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_batch = array<i64>, rhs_contract = array<i64: 0>} : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  %2 = weft.dot_general %1, %w {lhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_batch = array<i64>, rhs_contract = array<i64: 0>} : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  %3 = weft.dot_general %2, %w {lhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_batch = array<i64>, rhs_contract = array<i64: 0>} : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  %4 = weft.mul %3, %y : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  return %4 : tensor<256x256xf32>
}

// -----

// Functions of functions: the first are computed anew where the second are, and what nobody reads any more goes in the end.
// CHECK-LABEL: func.func @nested
// CHECK: weft.add
// CHECK-NEXT: weft.dot_general
// CHECK-COUNT-2: weft.dot_general
// CHECK: %[[S:.*]] = weft.sin %{{.*}} {{.*}}weft.recomputed
// CHECK: weft.neg %[[S]]
// GROUPS-LABEL: func.func @nested
func.func @nested(%x: tensor<256x256xf32>, %w: tensor<256x256xf32>) -> tensor<256x256xf32> {
  %h = weft.add %x, %x : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  %s = weft.sin %h : (tensor<256x256xf32>) -> tensor<256x256xf32>
  %c = weft.cos %h : (tensor<256x256xf32>) -> tensor<256x256xf32>
  %1 = weft.dot_general %h, %w {lhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_batch = array<i64>, rhs_contract = array<i64: 0>} : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  %2 = weft.dot_general %1, %w {lhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_batch = array<i64>, rhs_contract = array<i64: 0>} : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  %3 = weft.dot_general %2, %w {lhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_batch = array<i64>, rhs_contract = array<i64: 0>} : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  %n = weft.neg %s : (tensor<256x256xf32>) -> tensor<256x256xf32>
  %e = weft.exp %s : (tensor<256x256xf32>) -> tensor<256x256xf32>
  %4 = weft.mul %3, %n : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  %5 = weft.mul %4, %c : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  %6 = weft.mul %5, %e : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  return %6 : tensor<256x256xf32>
}
