// RUN: weft-translate --emit=cuda %s | FileCheck %s

// Few columns: blocks of their rows are tasks, of which a block of threads does 32; then their results. A few long rows:
// the same along them, a warp for each block.
// CHECK: batch 0: sum_blocks_0({{.*}}) x 6, grain {{.*}}, threads 256,
// CHECK: batch 0: sum_blocks_2({{.*}}) x 80, grain {{.*}}, threads 32,
// CHECK: batch 1: sum_of_blocks_1({{.*}}) x 1, grain
// CHECK: batch 1: sum_of_blocks_3({{.*}}) x 2, grain
// CHECK: void __launch_bounds__(256) sum_blocks_0(
// CHECK: weftReduceTogether<WeftSum<float>>(lanes,
// CHECK: __syncthreads();
// CHECK-NEXT: if (stores)
// CHECK: void __launch_bounds__(32) sum_blocks_2(
// CHECK: weftReduce<WeftSum<float>>(lanes,
func.func @main(%x: tensor<3000x64xf32>, %y: tensor<2x40960xf32>) -> (tensor<64xf32>, tensor<2xf32>) {
  %0 = weft.sum %x {dims = array<i64: 0>, keepdim = false} : (tensor<3000x64xf32>) -> tensor<64xf32>
  %1 = weft.sum %y {dims = array<i64: 1>, keepdim = false} : (tensor<2x40960xf32>) -> tensor<2xf32>
  return %0, %1 : tensor<64xf32>, tensor<2xf32>
}
