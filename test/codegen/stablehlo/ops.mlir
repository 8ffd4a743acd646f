// RUN: weft-translate --emit=stablehlo %s | FileCheck %s
// Graphs of the dialect weft as StableHLO: arguments by their roles, bodies of records as elementwise operations, composites as what
// they are made of, loops and branches as regions.

// CHECK-LABEL: func.func public @main(
// CHECK-SAME: %arg0: tensor<3x4xf32> {weft.name = "x"}, %arg1: tensor<3xi64> {weft.name = "index"}
// CHECK-SAME: %arg2: tensor<4x4xbf16> {weft.weight = "w"}, %arg3: tensor<2xi64> {weft.generator}
// CHECK-SAME: -> (tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xi32>, tensor<4x4xbf16>, tensor<3x4xf32>, tensor<4xf32>, tensor<3xf32>, tensor<2xi64> {weft.generator})
module {
  func.func @main(%x: tensor<3x4xf32> {weft.name = "x"}, %index: tensor<3xi64> {weft.name = "index"}, %w: tensor<4x4xbf16> {weft.weight = "w"},
                  %g: tensor<2xi64> {weft.generator})
      -> (tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xi32>, tensor<4x4xbf16>, tensor<3x4xf32>, tensor<4xf32>, tensor<3xf32>, tensor<2xi64>)
      attributes {weft.donations = array<i64: -1, -1, -1, -1, -1, -1, -1, 3>} {
    // CHECK: %[[MOST:.*]] = stablehlo.reduce(%arg0 init: %{{.*}}) applies stablehlo.maximum across dimensions = [1]
    // CHECK: stablehlo.subtract %arg0
    // CHECK: stablehlo.exponential
    // CHECK: stablehlo.divide
    %softmax = weft.softmax %x {dim = 1 : i64} : (tensor<3x4xf32>) -> tensor<3x4xf32>
    // Outside reads as zero.
    // CHECK: "stablehlo.gather"(%arg0, %arg1) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 4>}>
    // CHECK: stablehlo.compare LT, %arg1, %{{.*}}, SIGNED
    // CHECK: stablehlo.select
    %rows = weft.index_select %x, %index {dim = 0 : i64} : (tensor<3x4xf32>, tensor<3xi64>) -> tensor<3x4xf32>
    // CHECK: stablehlo.convert %{{.*}} : (tensor<3x4xf32>) -> tensor<3x4xi32>
    %cast = weft.cast %x {dtype = i32} : (tensor<3x4xf32>) -> tensor<3x4xi32>
    // Sums of 16-bit floats are float32.
    // CHECK: %[[DOT:.*]] = stablehlo.dot_general %arg2, %arg2, contracting_dims = [1] x [0], precision = [HIGHEST, HIGHEST] : (tensor<4x4xbf16>, tensor<4x4xbf16>) -> tensor<4x4xf32>
    // CHECK: stablehlo.convert %[[DOT]] : (tensor<4x4xf32>) -> tensor<4x4xbf16>
    %product = weft.dot_general %w, %w {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>}
        : (tensor<4x4xbf16>, tensor<4x4xbf16>) -> tensor<4x4xbf16>
    // CHECK: %[[SCAN:.*]]:3 = stablehlo.while(
    // CHECK: cond {
    // CHECK: stablehlo.compare LT
    // CHECK: } do {
    // CHECK: stablehlo.dynamic_slice %arg0, %{{.*}}, %{{.*}}, sizes = [1, 4]
    // CHECK: stablehlo.dynamic_update_slice
    %zero = weft.full {dtype = f32, integer = 0 : i64, shape = array<i64: 4>, value = 0.0 : f64} : () -> tensor<4xf32>
    %last, %all = weft.scan %zero, %x {body = @step, carries = 1 : i64, reverse = false, sequences = 1 : i64, sizes = array<i64: 3>}
        : (tensor<4xf32>, tensor<3x4xf32>) -> (tensor<4xf32>, tensor<3x4xf32>)
    // Random numbers are weft's own, by integers.
    // CHECK: stablehlo.shift_right_logical
    // CHECK: stablehlo.xor
    %random = weft.uniform %g {dtype = f32, offset = 0 : i64, shape = array<i64: 3>} : (tensor<2xi64>) -> tensor<3xf32>
    // CHECK: func.return
    return %softmax, %rows, %cast, %product, %all, %last, %random, %g
        : tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xi32>, tensor<4x4xbf16>, tensor<3x4xf32>, tensor<4xf32>, tensor<3xf32>, tensor<2xi64>
  }
  func.func private @step(%sum: tensor<4xf32>, %row: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
    %next = weft.add %sum, %row : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    return %next, %sum : tensor<4xf32>, tensor<4xf32>
  }
}
