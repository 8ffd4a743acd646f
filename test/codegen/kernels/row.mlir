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
// CHECK: %[[RESULT:.*]] = arith.select %{{.*}}, %{{.*}}, %[[SUM]]
// CHECK: kernel.store %[[RESULT]], %arg1[%[[ROW]]]
func.func @main(%x: tensor<32x300xf32>) -> tensor<32xf32> {
  %0 = weft.sum %x {dims = array<i64: 1>, keepdim = false} : (tensor<32x300xf32>) -> tensor<32xf32>
  return %0 : tensor<32xf32>
}

// -----

// Columns reduced with the rows: a task is four lanes of a block of 1024 rows, runs of four rows every 64. Each row is
// added to its lane in the loop that stores the result; another kernel joins the lanes, and one the blocks.
// CHECK-LABEL: kernel.func @amax_sub_exp_sum_0
// CHECK: kernel.for %[[TASK:.*]] = %{{.*}} to %{{.*}} {
// CHECK: %[[FIRST:.*]] = arith.muli %[[TASK]], %c4
// CHECK: kernel.for lane
// CHECK: kernel.store %cst, %[[LANES:.*]][
// CHECK: kernel.for %[[I:.*]] = %c0 to
// CHECK-DAG: %[[LANE:.*]] = arith.remui %[[I]], %c4
// CHECK-DAG: %[[NUMBER:.*]] = arith.divui %[[I]], %c4
// CHECK-DAG: arith.muli %[[NUMBER]], %c64
// CHECK-DAG: arith.addi %[[FIRST]], %[[LANE]]
// CHECK: kernel.reduce max
// CHECK: kernel.reduce sum
// CHECK: kernel.for lane
// CHECK: kernel.store
// CHECK: kernel.load %[[LANES]][
// CHECK: kernel.store {{.*}}, %[[LANES]][
// CHECK-LABEL: kernel.func @amax_sub_exp_sum_of_lanes_1
// CHECK-LABEL: kernel.func @amax_sub_exp_sum_of_blocks_2
func.func @main(%x: tensor<2048x256xf32>) -> (tensor<2048x256xf32>, tensor<256xf32>) {
  %s = weft.softmax %x {dim = 1 : i64} : (tensor<2048x256xf32>) -> tensor<2048x256xf32>
  %w = weft.sum %s {dims = array<i64: 0>, keepdim = false} : (tensor<2048x256xf32>) -> tensor<256xf32>
  return %s, %w : tensor<2048x256xf32>, tensor<256xf32>
}

// -----

// Rows of 7 would leave most of a vector idle: they are the lanes.
// CHECK-LABEL: kernel.func
// CHECK: kernel.transpose %arg0[%{{.*}}, %c7{{.*}}] count %[[COUNT:.*]] length %c7{{.*}} into %[[X:.*]] : <f32>, <f32>
// CHECK: kernel.for lane %[[LANE:.*]] = %c0 to %[[COUNT]] {
// CHECK: kernel.reduce max
// CHECK: kernel.load %[[X]][
// CHECK: kernel.for %{{.*}} = %c0 to %c7
// CHECK: kernel.store %{{.*}}, %[[EXP:.*]][
// CHECK: kernel.reduce sum
// CHECK: kernel.load %[[EXP]][
// CHECK: kernel.store %{{.*}}, %[[Y:.*]][
// CHECK: kernel.transpose %arg1[%{{.*}}, %c7{{.*}}] count %[[COUNT]] length %c7{{.*}} from %[[Y]] : <f32>, <f32>
func.func @main(%x: tensor<1000x7xf32>) -> tensor<1000x7xf32> {
  %0 = weft.softmax %x {dim = 1 : i64} : (tensor<1000x7xf32>) -> tensor<1000x7xf32>
  return %0 : tensor<1000x7xf32>
}

// -----

// What lies across the rows is read as it is; a result of the row is stored by the lane loop.
// CHECK-LABEL: kernel.func
// CHECK-NOT: kernel.transpose
// CHECK: kernel.for lane
// CHECK: kernel.reduce argmax
// CHECK: kernel.load %arg0[
// CHECK: kernel.store %{{.*}}, %arg1[
// CHECK: kernel.return
func.func @main(%x: tensor<5x1000xf32>) -> tensor<1000xi64> {
  %0 = weft.permute %x {dims = array<i64: 1, 0>} : (tensor<5x1000xf32>) -> tensor<1000x5xf32>
  %1 = weft.argmax %0 {dims = array<i64: 1>, keepdim = false} : (tensor<1000x5xf32>) -> tensor<1000xi64>
  return %1 : tensor<1000xi64>
}

// -----

// A reduction alone.
// CHECK-LABEL: kernel.func
// CHECK: kernel.transpose
func.func @main(%x: tensor<1000x6xf32>) -> tensor<1000xf32> {
  %0 = weft.sum %x {dims = array<i64: 1>, keepdim = false} : (tensor<1000x6xf32>) -> tensor<1000xf32>
  return %0 : tensor<1000xf32>
}

// -----

// Whole vectors are summed as they are.
// CHECK-LABEL: kernel.func
// CHECK-NOT: kernel.transpose
// CHECK: kernel.reduce sum
// CHECK: kernel.return
func.func @main(%x: tensor<1000x16xf32>) -> tensor<1000xf32> {
  %0 = weft.sum %x {dims = array<i64: 1>, keepdim = false} : (tensor<1000x16xf32>) -> tensor<1000xf32>
  return %0 : tensor<1000xf32>
}
