// RUN: weft-opt %s --weft-fusion --weft-to-kernel | weft-translate --emit=llvm --cpu=x86-64-v3 | FileCheck %s
// Copies of windows store whole vectors, whatever the runs: no store takes a mask. Loads at the edges take theirs as words.

// CHECK-LABEL: define internal void @weft_windows_f32_float(
// CHECK-NOT: llvm.masked.store
// CHECK: store <16 x float>
// CHECK: call <8 x float> @llvm.x86.avx.maskload.ps.256(
// CHECK-NOT: llvm.masked.store
// CHECK: ret void
func.func @main(%x: tensor<2x16x17x17xf32>, %w: tensor<32x16x3x3xf32>) -> tensor<2x32x17x17xf32> {
  %0 = weft.conv_general %x, %w {stride = array<i64: 1, 1>, low = array<i64: 1, 1>, high = array<i64: 1, 1>, dilation = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x16x17x17xf32>, tensor<32x16x3x3xf32>) -> tensor<2x32x17x17xf32>
  return %0 : tensor<2x32x17x17xf32>
}
