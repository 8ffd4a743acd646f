// Printed by jax 0.10.2 for narrow_floats() of tools/stablehlo_jax.py.
module @jit_narrow_floats attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<3x4xbf16>, %arg1: tensor<4x2xbf16>, %arg2: tensor<4xf16>) -> (tensor<3x2xbf16> {jax.result_info = "result[0]"}, tensor<3x4xbf16> {jax.result_info = "result[1]"}, tensor<3x2xf32> {jax.result_info = "result[2]"}, tensor<4xf16> {jax.result_info = "result[3]"}, tensor<f16> {jax.result_info = "result[4]"}, tensor<4xf16> {jax.result_info = "result[5]"}) {
    %0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0], precision = [DEFAULT, DEFAULT] : (tensor<3x4xbf16>, tensor<4x2xbf16>) -> tensor<3x2xbf16>
    %cst = stablehlo.constant dense<0xFF80> : tensor<bf16>
    %1 = stablehlo.reduce(%arg0 init: %cst) applies stablehlo.maximum across dimensions = [1] : (tensor<3x4xbf16>, tensor<bf16>) -> tensor<3xbf16>
    %cst_0 = stablehlo.constant dense<0xFF80> : tensor<bf16>
    %2 = stablehlo.broadcast_in_dim %cst_0, dims = [] : (tensor<bf16>) -> tensor<3xbf16>
    %3 = stablehlo.maximum %2, %1 : tensor<3xbf16>
    %4 = stablehlo.broadcast_in_dim %3, dims = [0] : (tensor<3xbf16>) -> tensor<3x1xbf16>
    %5 = stablehlo.broadcast_in_dim %4, dims = [0, 1] : (tensor<3x1xbf16>) -> tensor<3x4xbf16>
    %6 = stablehlo.subtract %arg0, %5 : tensor<3x4xbf16>
    %7 = stablehlo.exponential %6 : tensor<3x4xbf16>
    %8 = stablehlo.convert %7 : (tensor<3x4xbf16>) -> tensor<3x4xf32>
    %cst_1 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %9 = stablehlo.reduce(%8 init: %cst_1) applies stablehlo.add across dimensions = [1] : (tensor<3x4xf32>, tensor<f32>) -> tensor<3xf32>
    %10 = stablehlo.broadcast_in_dim %9, dims = [0] : (tensor<3xf32>) -> tensor<3x1xf32>
    %11 = stablehlo.convert %10 : (tensor<3x1xf32>) -> tensor<3x1xbf16>
    %12 = stablehlo.broadcast_in_dim %11, dims = [0, 1] : (tensor<3x1xbf16>) -> tensor<3x4xbf16>
    %13 = stablehlo.divide %7, %12 : tensor<3x4xbf16>
    %14 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0], precision = [DEFAULT, DEFAULT] : (tensor<3x4xbf16>, tensor<4x2xbf16>) -> tensor<3x2xbf16>
    %15 = stablehlo.convert %14 : (tensor<3x2xbf16>) -> tensor<3x2xf32>
    %16 = stablehlo.multiply %arg2, %arg2 : tensor<4xf16>
    %cst_2 = stablehlo.constant dense<1.500000e+00> : tensor<f16>
    %17 = stablehlo.broadcast_in_dim %cst_2, dims = [] : (tensor<f16>) -> tensor<4xf16>
    %18 = stablehlo.add %16, %17 : tensor<4xf16>
    %19 = stablehlo.convert %arg2 : (tensor<4xf16>) -> tensor<4xf32>
    %cst_3 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %20 = stablehlo.reduce(%19 init: %cst_3) applies stablehlo.add across dimensions = [0] : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
    %21 = stablehlo.convert %20 : (tensor<f32>) -> tensor<f16>
    %cst_4 = stablehlo.constant dense<9.997550e-02> : tensor<f16>
    %22 = stablehlo.broadcast_in_dim %cst_4, dims = [] : (tensor<f16>) -> tensor<4xf16>
    %23 = stablehlo.multiply %22, %arg2 : tensor<4xf16>
    return %0, %13, %15, %18, %21, %23 : tensor<3x2xbf16>, tensor<3x4xbf16>, tensor<3x2xf32>, tensor<4xf16>, tensor<f16>, tensor<4xf16>
  }
}
