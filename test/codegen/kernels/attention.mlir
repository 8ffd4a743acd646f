// RUN: weft-opt %s --weft-decompose --weft-simplify --weft-fusion --weft-to-kernel --split-input-file | FileCheck %s

// No matrix of scores in memory: one kernel, no temporaries. Keys and values are packed once a task.
// CHECK-NOT: temporary
// CHECK: // batch 0: {{.*}}_attention_0(1, 2, 0, 3) x 12
// CHECK: // arena: 0 bytes
// CHECK-LABEL: kernel.func @dot_general_full_mul_amax_attention_0
// CHECK-COUNT-2: kernel.pack
// CHECK: kernel.contract {{.*}}depth %c16
// CHECK: kernel.reduce max
// CHECK: kernel.reduce sum
// CHECK: kernel.contract {{.*}}depth %c500 {{.*}}unbroken
// CHECK-NOT: kernel.func
func.func @main(%q: tensor<2x3x512x16xf32>, %k: tensor<2x3x500x16xf32>, %v: tensor<2x3x500x8xf32>) -> tensor<2x3x512x8xf32> {
  %0 = weft.scaled_dot_product_attention %q, %k, %v {is_causal = false, scale = 2.500000e-01 : f64} : (tensor<2x3x512x16xf32>, tensor<2x3x500x16xf32>, tensor<2x3x500x8xf32>) -> tensor<2x3x512x8xf32>
  return %0 : tensor<2x3x512x8xf32>
}

// -----

// Where later keys are hidden, products and rows end at the last key that is seen.
// CHECK-LABEL: kernel.func @dot_general_full_mul_iota_attention_0
// CHECK: kernel.contract {{.*}}depth %c16 rows {{.*}} columns %c0 to %[[COLUMNS:[0-9]*]] packed
// CHECK: %[[ROW:.*]] = arith.minsi %{{.*}}, %[[COLUMNS]]
// CHECK: kernel.reduce max %{{.*}} to %[[ROW]] : f32
// CHECK: kernel.reduce sum %{{.*}} to %[[ROW]] : f64
// CHECK: kernel.contract {{.*}}depth %[[COLUMNS]] {{.*}}unbroken
func.func @main(%q: tensor<6x512x16xf32>, %k: tensor<6x512x16xf32>, %v: tensor<6x512x8xf32>) -> tensor<6x512x8xf32> {
  %0 = weft.scaled_dot_product_attention %q, %k, %v {is_causal = true, scale = 2.500000e-01 : f64} : (tensor<6x512x16xf32>, tensor<6x512x16xf32>, tensor<6x512x8xf32>) -> tensor<6x512x8xf32>
  return %0 : tensor<6x512x8xf32>
}

// -----

// A mask written by hand.
// CHECK-LABEL: kernel.func @dot_general_iota_gt_full_attention_0
// CHECK: kernel.contract {{.*}}depth %c16 rows {{.*}} columns %c0 to %[[COLUMNS:[0-9]*]] packed
// CHECK: kernel.contract {{.*}}depth %[[COLUMNS]]
func.func @main(%q: tensor<6x512x16xf32>, %k: tensor<6x512x16xf32>, %v: tensor<6x512x8xf32>) -> tensor<6x512x8xf32> {
  %0 = weft.dot_general %q, %k {lhs_batch = array<i64: 0>, lhs_contract = array<i64: 2>, rhs_batch = array<i64: 0>, rhs_contract = array<i64: 2>} : (tensor<6x512x16xf32>, tensor<6x512x16xf32>) -> tensor<6x512x512xf32>
  %1 = weft.iota {dim = 0 : i64, dtype = i64, shape = array<i64: 512>} : () -> tensor<512xi64>
  %2 = weft.reshape %1 {shape = array<i64: 512, 1>} : (tensor<512xi64>) -> tensor<512x1xi64>
  %3 = weft.expand %1 {shape = array<i64: 512, 512>} : (tensor<512xi64>) -> tensor<512x512xi64>
  %4 = weft.expand %2 {shape = array<i64: 512, 512>} : (tensor<512x1xi64>) -> tensor<512x512xi64>
  %5 = weft.gt %3, %4 : (tensor<512x512xi64>, tensor<512x512xi64>) -> tensor<512x512xi1>
  %6 = weft.expand %5 {shape = array<i64: 6, 512, 512>} : (tensor<512x512xi1>) -> tensor<6x512x512xi1>
  %7 = weft.full {dtype = f32, integer = 0 : i64, shape = array<i64: 6, 512, 512>, value = 0xFFF0000000000000 : f64} : () -> tensor<6x512x512xf32>
  %8 = weft.where %6, %7, %0 : (tensor<6x512x512xi1>, tensor<6x512x512xf32>, tensor<6x512x512xf32>) -> tensor<6x512x512xf32>
  %9 = weft.softmax %8 {dim = 2 : i64} : (tensor<6x512x512xf32>) -> tensor<6x512x512xf32>
  %10 = weft.dot_general %9, %v {lhs_batch = array<i64: 0>, lhs_contract = array<i64: 2>, rhs_batch = array<i64: 0>, rhs_contract = array<i64: 1>} : (tensor<6x512x512xf32>, tensor<6x512x8xf32>) -> tensor<6x512x8xf32>
  return %10 : tensor<6x512x8xf32>
}

// -----

// A row of any length is in scratch memory whose size the run time is told.
// CHECK-NOT: temporary
// CHECK: // batch 0: {{.*}}_attention_0(1, 2, 0, 3{{.*}}; scratch {{.*}}ceil(s1 / 16){{.*}}) x 4 * s0
// CHECK-LABEL: kernel.func @dot_general_full_mul_amax_attention_0
// CHECK: kernel.scratch 2560 times %{{.*}} : <f32>
func.func @main(%q: tensor<?x4x?x16xf32, #weft.symbols<[0, 1]>>, %k: tensor<?x4x?x16xf32, #weft.symbols<[0, 1]>>, %v: tensor<?x4x?x8xf32, #weft.symbols<[0, 1]>>) -> tensor<?x4x?x8xf32, #weft.symbols<[0, 1]>> attributes {weft.symbol_count = 2 : i64} {
  %0 = weft.scaled_dot_product_attention %q, %k, %v {is_causal = false, scale = 2.500000e-01 : f64} : (tensor<?x4x?x16xf32, #weft.symbols<[0, 1]>>, tensor<?x4x?x16xf32, #weft.symbols<[0, 1]>>, tensor<?x4x?x8xf32, #weft.symbols<[0, 1]>>) -> tensor<?x4x?x8xf32, #weft.symbols<[0, 1]>>
  return %0 : tensor<?x4x?x8xf32, #weft.symbols<[0, 1]>>
}
