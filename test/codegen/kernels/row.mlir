// RUN: weft-opt %s --weft-decompose --weft-fusion --weft-to-kernel --split-input-file | FileCheck %s

// The exponential is needed by the sum and by the quotient: it is computed once, into scratch memory.
// CHECK-LABEL: kernel.func
// CHECK: kernel.scratch 128
// CHECK: kernel.for %[[ROW:.*]] = %arg2 to %arg3 {
// CHECK: %[[MAX:.*]] = kernel.reduce max
// CHECK: kernel.for lane
// CHECK: kernel.store
// CHECK: kernel.reduce sum
// CHECK: kernel.for lane
// CHECK: arith.divf
// CHECK: kernel.store %{{.*}}, %arg1
func.func @main(%x: tensor<32x128xf32>) -> tensor<32x128xf32> {
  %0 = weft.softmax %x {dim = 1 : i64} : (tensor<32x128xf32>) -> tensor<32x128xf32>
  return %0 : tensor<32x128xf32>
}

// -----

// A row of unknown length is kept in the row of the result.
// CHECK-LABEL: kernel.func
// CHECK-NOT: kernel.scratch
// CHECK: kernel.reduce max
// CHECK: kernel.for lane
// CHECK: kernel.store %{{.*}}, %[[RESULT:[a-z0-9]+]][
// CHECK: kernel.reduce sum
// CHECK: kernel.load %[[RESULT]][
// CHECK: kernel.store %{{.*}}, %[[RESULT]][
func.func @main(%x: tensor<?x?xf32, #weft.symbols<[0, 1]>>) -> tensor<?x?xf32, #weft.symbols<[0, 1]>>
    attributes {weft.symbol_count = 2 : i64} {
  %0 = weft.softmax %x {dim = 1 : i64} : (tensor<?x?xf32, #weft.symbols<[0, 1]>>) -> tensor<?x?xf32, #weft.symbols<[0, 1]>>
  return %0 : tensor<?x?xf32, #weft.symbols<[0, 1]>>
}

// -----

// One result a row: stored outside of any lane loop.
// CHECK-LABEL: kernel.func @sum_0
// CHECK: kernel.for %[[ROW:.*]] = %arg2 to %arg3 {
// CHECK-NEXT: arith.muli %[[ROW]]
// CHECK-NEXT: %[[SUM:.*]] = kernel.reduce sum %{{.*}} to %c300
// CHECK: kernel.store %[[SUM]], %arg1[%[[ROW]]]
func.func @main(%x: tensor<32x300xf32>) -> tensor<32xf32> {
  %0 = weft.sum %x {dims = array<i64: 1>, keepdim = false} : (tensor<32x300xf32>) -> tensor<32xf32>
  return %0 : tensor<32xf32>
}
