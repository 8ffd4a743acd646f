// RUN: weft-translate --emit=cuda %s | FileCheck %s

// Many tiles: large ones, of which a thread has 8 x 8 results. Rows of A are read along the depth, and of B across it.
// CHECK: dot_general_0({{.*}}) x 256, grain
// CHECK: __shared__ __align__(32) unsigned char tiles[weftTileBytes<8, 8, float>];
// CHECK: weftContract<8, 8, true, false, false, WeftInOrder, float>(tiles, (int)512,
// CHECK-NEXT: [&](int m, int k) -> float { return b0[0 + m * (int)512 + k * (int)1]; },
// CHECK-NEXT: [&](int n, int k) -> float { return b1[0 + n * (int)1 + k * (int)2048]; },
func.func @main(%x: tensor<2048x512xf32>, %y: tensor<512x2048xf32>) -> tensor<2048x2048xf32> {
  %0 = weft.matmul %x, %y : (tensor<2048x512xf32>, tensor<512x2048xf32>) -> tensor<2048x2048xf32>
  return %0 : tensor<2048x2048xf32>
}
