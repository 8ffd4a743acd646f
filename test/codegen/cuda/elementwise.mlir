// RUN: weft-translate --emit=cuda %s | FileCheck %s

// A thread does four elements, 16 bytes of each tensor, and counts in 32 bits, as all sizes are known.
// CHECK: // batch 0: add_0(0, 1, 2; 2000) x 2, grain {{.*}}, threads 256, shared 0
// CHECK: __launch_bounds__(256) add_0(float *b0, float *b1, float *b2, long long n, long long tasks)
// CHECK: for (int first = (blockIdx.x * (int)blockDim.x + threadIdx.x) * 4; first < (int)n;
// CHECK: WeftVector<float, 4> in0;
// CHECK-NEXT: weftLoad(in0, b0, first, (int)n, whole);
// CHECK-NEXT: WeftVector<float, 4> in1;
// CHECK: out0.at[e] =
// CHECK: weftStore(out0, b2, first, (int)n, whole);
func.func @main(%x: tensor<2000xf32>, %y: tensor<2000xf32>) -> tensor<2000xf32> {
  %0 = weft.add %x, %y : (tensor<2000xf32>, tensor<2000xf32>) -> tensor<2000xf32>
  return %0 : tensor<2000xf32>
}
