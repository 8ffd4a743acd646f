// RUN: weft-opt %s --weft-decompose --weft-simplify --weft-fusion --weft-to-kernel --split-input-file | FileCheck %s

// A library's function is a step of its own, a task a batch: it gets buffers of its operands and results, and by each its dtype and
// its last sizes.
// CHECK: // batch 0: exp_0(0, 3)
// CHECK: // batch 1: weft_extern_sort_last(3, 4, 2; 11; 5; 11; 5; 8; 5; 1) x 3, grain 1
// CHECK: // batch 2: add_1(4, 1)
// CHECK-LABEL: kernel.func @exp_0
// CHECK-LABEL: kernel.func @add_1
// CHECK-NOT: kernel.func
func.func @main(%x: tensor<3x5xf32>) -> (tensor<3x5xf32>, tensor<3x5xi64>) {
  %0 = weft.exp %x : (tensor<3x5xf32>) -> tensor<3x5xf32>
  %1:2 = weft.sort %0 {dim = 1 : i64, descending = true} : (tensor<3x5xf32>) -> (tensor<3x5xf32>, tensor<3x5xi64>)
  %2 = weft.add %1#0, %1#0 : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  return %2, %1#1 : tensor<3x5xf32>, tensor<3x5xi64>
}

// -----

// Along another axis: what the function reads is moved first, and what it wrote afterwards.
// CHECK: // batch 0: permute_0(0, {{[0-9]+}})
// CHECK: // batch 1: weft_extern_sort_last({{.*}}; 11; 3; 11; 3; 8; 3; 0) x 5
// CHECK: // batch 2: permute_1(
func.func @main(%x: tensor<3x5xf32>) -> tensor<3x5xf32> {
  %0:2 = weft.sort %x {dim = 0 : i64, descending = false} : (tensor<3x5xf32>) -> (tensor<3x5xf32>, tensor<3x5xi64>)
  return %0#0 : tensor<3x5xf32>
}

// -----

// The first few of a row are chosen, not sorted with the others: its attributes are k, and whether the greatest are wanted.
// CHECK: // batch 0: weft_extern_topk_last({{.*}}; 11; 500; 11; 5; 8; 5; 5; 1) x 3
func.func @main(%x: tensor<3x500xf32>) -> tensor<3x5xf32> {
  %0:2 = weft.topk %x {dim = 1 : i64, k = 5 : i64, largest = true} : (tensor<3x500xf32>) -> (tensor<3x5xf32>, tensor<3x5xi64>)
  return %0#0 : tensor<3x5xf32>
}
