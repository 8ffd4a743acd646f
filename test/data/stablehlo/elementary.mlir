// Printed by jax 0.10.2 for elementary() of tools/stablehlo_jax.py.
module @jit_elementary attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<13xf32>) -> (tensor<13xf32> {jax.result_info = "result[0]"}, tensor<13xf32> {jax.result_info = "result[1]"}, tensor<13xf32> {jax.result_info = "result[2]"}, tensor<13xf32> {jax.result_info = "result[3]"}, tensor<13xf32> {jax.result_info = "result[4]"}, tensor<13xf32> {jax.result_info = "result[5]"}, tensor<13xf32> {jax.result_info = "result[6]"}, tensor<13xf32> {jax.result_info = "result[7]"}, tensor<13xf32> {jax.result_info = "result[8]"}, tensor<13xf32> {jax.result_info = "result[9]"}, tensor<13xf32> {jax.result_info = "result[10]"}, tensor<13xf32> {jax.result_info = "result[11]"}, tensor<13xf32> {jax.result_info = "result[12]"}, tensor<13xf32> {jax.result_info = "result[13]"}, tensor<13xf32> {jax.result_info = "result[14]"}, tensor<13xf32> {jax.result_info = "result[15]"}, tensor<13xf32> {jax.result_info = "result[16]"}, tensor<13xf32> {jax.result_info = "result[17]"}, tensor<13xf32> {jax.result_info = "result[18]"}, tensor<13xf32> {jax.result_info = "result[19]"}, tensor<13xf32> {jax.result_info = "result[20]"}, tensor<13xf32> {jax.result_info = "result[21]"}, tensor<13xf32> {jax.result_info = "result[22]"}, tensor<13xf32> {jax.result_info = "result[23]"}, tensor<13xi1> {jax.result_info = "result[24]"}, tensor<13xf32> {jax.result_info = "result[25]"}, tensor<13xf32> {jax.result_info = "result[26]"}, tensor<13xf32> {jax.result_info = "result[27]"}, tensor<13xi1> {jax.result_info = "result[28]"}, tensor<13xf32> {jax.result_info = "result[29]"}) {
    %0 = stablehlo.abs %arg0 : tensor<13xf32>
    %cst = stablehlo.constant dense<1.000000e-01> : tensor<f32>
    %1 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<13xf32>
    %2 = stablehlo.add %0, %1 : tensor<13xf32>
    %3 = stablehlo.exponential %arg0 : tensor<13xf32>
    %4 = stablehlo.exponential_minus_one %arg0 : tensor<13xf32>
    %5 = stablehlo.log %2 : tensor<13xf32>
    %6 = stablehlo.log_plus_one %2 : tensor<13xf32>
    %7 = stablehlo.sine %arg0 : tensor<13xf32>
    %8 = stablehlo.cosine %arg0 : tensor<13xf32>
    %9 = stablehlo.tan %arg0 : tensor<13xf32>
    %10 = stablehlo.tanh %arg0 : tensor<13xf32>
    %11 = chlo.sinh %arg0 : tensor<13xf32> -> tensor<13xf32>
    %12 = chlo.asinh %arg0 : tensor<13xf32> -> tensor<13xf32>
    %13 = stablehlo.atan2 %arg0, %2 : tensor<13xf32>
    %14 = stablehlo.cbrt %arg0 : tensor<13xf32>
    %15 = stablehlo.rsqrt %2 : tensor<13xf32>
    %16 = stablehlo.floor %arg0 : tensor<13xf32>
    %17 = stablehlo.ceil %arg0 : tensor<13xf32>
    %18 = call @round(%arg0) : (tensor<13xf32>) -> tensor<13xf32>
    %19 = stablehlo.sign %arg0 : tensor<13xf32>
    %20 = stablehlo.power %2, %arg0 : tensor<13xf32>
    %21 = stablehlo.negate %arg0 : tensor<13xf32>
    %22 = stablehlo.exponential %21 : tensor<13xf32>
    %cst_0 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %23 = stablehlo.broadcast_in_dim %cst_0, dims = [] : (tensor<f32>) -> tensor<13xf32>
    %24 = stablehlo.add %23, %22 : tensor<13xf32>
    %cst_1 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %25 = stablehlo.broadcast_in_dim %cst_1, dims = [] : (tensor<f32>) -> tensor<13xf32>
    %26 = stablehlo.divide %25, %24 : tensor<13xf32>
    %27 = chlo.erf %arg0 : tensor<13xf32> -> tensor<13xf32>
    %28 = chlo.erfc %arg0 : tensor<13xf32> -> tensor<13xf32>
    %cst_2 = stablehlo.constant dense<4.000000e+00> : tensor<f32>
    %29 = stablehlo.broadcast_in_dim %cst_2, dims = [] : (tensor<f32>) -> tensor<13xf32>
    %30 = stablehlo.divide %arg0, %29 : tensor<13xf32>
    %31 = chlo.erf_inv %30 : tensor<13xf32> -> tensor<13xf32>
    %32 = chlo.lgamma %2 : tensor<13xf32> -> tensor<13xf32>
    %33 = chlo.digamma %2 : tensor<13xf32> -> tensor<13xf32>
    %34 = stablehlo.is_finite %arg0 : (tensor<13xf32>) -> tensor<13xi1>
    %c = stablehlo.constant dense<-1> : tensor<i32>
    %c_3 = stablehlo.constant dense<1> : tensor<i32>
    %35 = call @clip(%arg0, %c, %c_3) : (tensor<13xf32>, tensor<i32>, tensor<i32>) -> tensor<13xf32>
    %36 = chlo.next_after %arg0, %2 : tensor<13xf32>, tensor<13xf32> -> tensor<13xf32>
    %37 = call @remainder(%arg0, %2) : (tensor<13xf32>, tensor<13xf32>) -> tensor<13xf32>
    %38 = stablehlo.compare NE, %arg0, %arg0, FLOAT : (tensor<13xf32>, tensor<13xf32>) -> tensor<13xi1>
    %cst_4 = stablehlo.constant dense<4.000000e+00> : tensor<f32>
    %39 = stablehlo.broadcast_in_dim %cst_4, dims = [] : (tensor<f32>) -> tensor<13xf32>
    %40 = stablehlo.divide %arg0, %39 : tensor<13xf32>
    %41 = chlo.acos %40 : tensor<13xf32> -> tensor<13xf32>
    return %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %26, %27, %28, %31, %32, %33, %34, %35, %36, %37, %38, %41 : tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xi1>, tensor<13xf32>, tensor<13xf32>, tensor<13xf32>, tensor<13xi1>, tensor<13xf32>
  }
  func.func private @round(%arg0: tensor<13xf32>) -> tensor<13xf32> {
    %0 = stablehlo.round_nearest_even %arg0 : tensor<13xf32>
    return %0 : tensor<13xf32>
  }
  func.func private @clip(%arg0: tensor<13xf32>, %arg1: tensor<i32>, %arg2: tensor<i32>) -> tensor<13xf32> {
    %0 = stablehlo.convert %arg1 : (tensor<i32>) -> tensor<f32>
    %1 = stablehlo.broadcast_in_dim %0, dims = [] : (tensor<f32>) -> tensor<13xf32>
    %2 = stablehlo.maximum %1, %arg0 : tensor<13xf32>
    %3 = stablehlo.convert %arg2 : (tensor<i32>) -> tensor<f32>
    %4 = stablehlo.broadcast_in_dim %3, dims = [] : (tensor<f32>) -> tensor<13xf32>
    %5 = stablehlo.minimum %4, %2 : tensor<13xf32>
    return %5 : tensor<13xf32>
  }
  func.func private @remainder(%arg0: tensor<13xf32>, %arg1: tensor<13xf32>) -> tensor<13xf32> {
    %0 = stablehlo.remainder %arg0, %arg1 : tensor<13xf32>
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %1 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<13xf32>
    %2 = stablehlo.compare NE, %0, %1, FLOAT : (tensor<13xf32>, tensor<13xf32>) -> tensor<13xi1>
    %cst_0 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %3 = stablehlo.broadcast_in_dim %cst_0, dims = [] : (tensor<f32>) -> tensor<13xf32>
    %4 = stablehlo.compare LT, %0, %3, FLOAT : (tensor<13xf32>, tensor<13xf32>) -> tensor<13xi1>
    %cst_1 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %5 = stablehlo.broadcast_in_dim %cst_1, dims = [] : (tensor<f32>) -> tensor<13xf32>
    %6 = stablehlo.compare LT, %arg1, %5, FLOAT : (tensor<13xf32>, tensor<13xf32>) -> tensor<13xi1>
    %7 = stablehlo.compare NE, %4, %6, UNSIGNED : (tensor<13xi1>, tensor<13xi1>) -> tensor<13xi1>
    %8 = stablehlo.and %7, %2 : tensor<13xi1>
    %9 = stablehlo.add %0, %arg1 : tensor<13xf32>
    %10 = stablehlo.select %8, %9, %0 : tensor<13xi1>, tensor<13xf32>
    return %10 : tensor<13xf32>
  }
}
