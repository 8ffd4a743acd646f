// The optional steps, one after the other; without the last every op is a group of its own.
// RUN: weft-opt --weft-pipeline=steps=0 %s | FileCheck %s --check-prefix=NONE
// RUN: weft-opt --weft-pipeline=steps=1 %s | FileCheck %s --check-prefix=SIMPLIFIED
// RUN: weft-opt --weft-pipeline=steps=4 %s | FileCheck %s --check-prefix=UNFUSED
// RUN: weft-opt --weft-pipeline=fuse=false %s | FileCheck %s --check-prefix=UNFUSED
// RUN: weft-opt --weft-pipeline %s | FileCheck %s --check-prefix=FUSED
// RUN: weft-opt --weft-pipeline=steps=5 %s | FileCheck %s --check-prefix=FUSED

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = weft.tanh %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = weft.tanh %x : (tensor<4xf32>) -> tensor<4xf32>
  %2 = weft.add %0, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// NONE-COUNT-3: weft.group
// NONE-NOT: weft.group
// SIMPLIFIED-COUNT-1: weft.tanh
// SIMPLIFIED-NOT: weft.tanh
// UNFUSED-COUNT-2: weft.group
// UNFUSED-NOT: weft.group
// FUSED-COUNT-1: weft.group
// FUSED-NOT: weft.group
