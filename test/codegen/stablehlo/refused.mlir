// RUN: not weft-translate --emit=stablehlo %s 2>&1 | FileCheck %s
// CHECK: weft-translate: [export] {{.*}}refused.mlir:5: the op qr of (float32[3, 3]) has no counterpart in StableHLO; do it outside the exported function
module {
  func.func @main(%x: tensor<3x3xf32>) -> tensor<3x3xf32> {
    %q, %r = weft.qr %x {complete = false} : (tensor<3x3xf32>) -> (tensor<3x3xf32>, tensor<3x3xf32>)
    return %r : tensor<3x3xf32>
  }
}
