// Printed by jax 0.10.2 for transposed_convolution() of tools/stablehlo_jax.py.
module @jit_transposed_convolution attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<1x2x4x5xf32>, %arg1: tensor<2x3x3x3xf32>) -> (tensor<1x8x10x3xf32> {jax.result_info = "result"}) {
    %0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [b, f, 0, 1]x[i, o, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[2, 1], [2, 1]], lhs_dilate = [2, 2], rhs_dilate = [1, 1], reverse = [false, false]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64, precision_config = [#stablehlo<precision DEFAULT>, #stablehlo<precision DEFAULT>]} : (tensor<1x2x4x5xf32>, tensor<2x3x3x3xf32>) -> tensor<1x8x10x3xf32>
    return %0 : tensor<1x8x10x3xf32>
  }
}
