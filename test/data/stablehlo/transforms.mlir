// Printed by jax 0.10.2 for transforms() of tools/stablehlo_jax.py.
module @jit_transforms attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<3x4xcomplex<f32>>, %arg1: tensor<2x8xf32>) -> (tensor<3x4xf32> {jax.result_info = "result[0]"}, tensor<3x3xcomplex<f32>> {jax.result_info = "result[1]"}, tensor<3x4xcomplex<f32>> {jax.result_info = "result[2]"}, tensor<2x8xf32> {jax.result_info = "result[3]"}, tensor<3x4xf32> {jax.result_info = "result[4]"}, tensor<3x4xcomplex<f32>> {jax.result_info = "result[5]"}) {
    %0 = stablehlo.abs %arg0 : (tensor<3x4xcomplex<f32>>) -> tensor<3x4xf32>
    %1 = stablehlo.transpose %arg0, dims = [1, 0] : (tensor<3x4xcomplex<f32>>) -> tensor<4x3xcomplex<f32>>
    %2 = stablehlo.real %1 : (tensor<4x3xcomplex<f32>>) -> tensor<4x3xf32>
    %3 = stablehlo.imag %1 : (tensor<4x3xcomplex<f32>>) -> tensor<4x3xf32>
    %4 = stablehlo.negate %3 : tensor<4x3xf32>
    %5 = stablehlo.complex %2, %4 : tensor<4x3xcomplex<f32>>
    %6 = stablehlo.dot_general %arg0, %5, contracting_dims = [1] x [0], precision = [DEFAULT, DEFAULT] : (tensor<3x4xcomplex<f32>>, tensor<4x3xcomplex<f32>>) -> tensor<3x3xcomplex<f32>>
    %7 = call @fft(%arg0) : (tensor<3x4xcomplex<f32>>) -> tensor<3x4xcomplex<f32>>
    %8 = call @fft_0(%arg1) : (tensor<2x8xf32>) -> tensor<2x5xcomplex<f32>>
    %9 = call @fft_1(%8) : (tensor<2x5xcomplex<f32>>) -> tensor<2x8xf32>
    %cst = stablehlo.constant dense<(2.000000e+00,-1.000000e+00)> : tensor<complex<f32>>
    %10 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<complex<f32>>) -> tensor<3x4xcomplex<f32>>
    %11 = stablehlo.multiply %arg0, %10 : tensor<3x4xcomplex<f32>>
    %12 = stablehlo.real %11 : (tensor<3x4xcomplex<f32>>) -> tensor<3x4xf32>
    %13 = stablehlo.exponential %arg0 : tensor<3x4xcomplex<f32>>
    return %0, %6, %7, %9, %12, %13 : tensor<3x4xf32>, tensor<3x3xcomplex<f32>>, tensor<3x4xcomplex<f32>>, tensor<2x8xf32>, tensor<3x4xf32>, tensor<3x4xcomplex<f32>>
  }
  func.func private @fft(%arg0: tensor<3x4xcomplex<f32>>) -> tensor<3x4xcomplex<f32>> {
    %0 = stablehlo.fft %arg0, type = FFT, length = [4] : (tensor<3x4xcomplex<f32>>) -> tensor<3x4xcomplex<f32>>
    return %0 : tensor<3x4xcomplex<f32>>
  }
  func.func private @fft_0(%arg0: tensor<2x8xf32>) -> tensor<2x5xcomplex<f32>> {
    %0 = stablehlo.fft %arg0, type = RFFT, length = [8] : (tensor<2x8xf32>) -> tensor<2x5xcomplex<f32>>
    return %0 : tensor<2x5xcomplex<f32>>
  }
  func.func private @fft_1(%arg0: tensor<2x5xcomplex<f32>>) -> tensor<2x8xf32> {
    %0 = stablehlo.fft %arg0, type = IRFFT, length = [8] : (tensor<2x5xcomplex<f32>>) -> tensor<2x8xf32>
    return %0 : tensor<2x8xf32>
  }
}
