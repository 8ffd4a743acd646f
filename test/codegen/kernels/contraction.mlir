// RUN: weft-opt %s --weft-fusion --weft-to-kernel --split-input-file | FileCheck %s

// x w^T + b with relu: one kernel, the bias and relu in the epilogue, the weight read where it lies.
// CHECK-LABEL: kernel.func @dot_general_add_relu_0
// CHECK: kernel.contract %{{.*}}[%{{.*}}, %c784{{.*}}, %c1{{.*}}], %{{.*}}[%{{.*}}, %c1{{.*}}, %c784{{.*}}] depth %c784
// CHECK: (%{{.*}}, %[[N:.*]], %[[SUM:.*]] : f32) {
// CHECK: kernel.load %{{.*}}[%[[N]]]
// CHECK: arith.addf %[[SUM]]
// CHECK: kernel.store
func.func @main(%x: tensor<32x784xf32>, %w: tensor<128x784xf32>, %b: tensor<128xf32>) -> tensor<32x128xf32> {
  %0 = weft.dot_general %x, %w {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 1>} : (tensor<32x784xf32>, tensor<128x784xf32>) -> tensor<32x128xf32>
  %1 = weft.expand %b {shape = array<i64: 32, 128>} : (tensor<128xf32>) -> tensor<32x128xf32>
  %2 = weft.add %0, %1 : (tensor<32x128xf32>, tensor<32x128xf32>) -> tensor<32x128xf32>
  %3 = weft.relu %2 : (tensor<32x128xf32>) -> tensor<32x128xf32>
  return %3 : tensor<32x128xf32>
}

// -----

// Batches are outer indices of the tasks.
// CHECK: x 6, grain
// CHECK-LABEL: kernel.func @dot_general_0
// CHECK: kernel.contract
func.func @main(%x: tensor<2x3x20x8xf32>, %y: tensor<2x3x8x30xf32>) -> tensor<2x3x20x30xf32> {
  %0 = weft.dot_general %x, %y {lhs_batch = array<i64: 0, 1>, rhs_batch = array<i64: 0, 1>, lhs_contract = array<i64: 3>, rhs_contract = array<i64: 2>} : (tensor<2x3x20x8xf32>, tensor<2x3x8x30xf32>) -> tensor<2x3x20x30xf32>
  return %0 : tensor<2x3x20x30xf32>
}

// -----

// One column: the matrix is what is streamed, and its rows are the columns of the kernel's product.
// CHECK: x 8, grain
// CHECK-LABEL: kernel.func @dot_general_0
// CHECK: kernel.contract %{{.*}}[%{{.*}}, %{{.*}}, %c1{{.*}}], %{{.*}}[%{{.*}}, %c1{{.*}}, %c300{{.*}}] depth %c300
func.func @main(%x: tensor<512x300xf32>, %y: tensor<300x1xf32>) -> tensor<512x1xf32> {
  %0 = weft.dot_general %x, %y {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<512x300xf32>, tensor<300x1xf32>) -> tensor<512x1xf32>
  return %0 : tensor<512x1xf32>
}

// -----

// A transposed left operand that is the smaller one is copied into rows first, an odd number of 32 elements apart.
// CHECK-LABEL: kernel.func @dot_general_rows_0
// CHECK: kernel.pack %{{.*}}[%{{.*}}, %c1{{.*}}, %c256{{.*}}] depth %{{.*}} columns %c600{{.*}} rows %c672
// CHECK-LABEL: kernel.func @dot_general_1
// CHECK: kernel.contract %{{.*}}[%{{.*}}, %c672{{.*}}, %c1{{.*}}]
func.func @main(%x: tensor<600x256xf32>, %y: tensor<600x512xf32>) -> tensor<256x512xf32> {
  %0 = weft.dot_general %x, %y {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 0>, rhs_contract = array<i64: 0>} : (tensor<600x256xf32>, tensor<600x512xf32>) -> tensor<256x512xf32>
  return %0 : tensor<256x512xf32>
}

// -----

// A right operand that is the smaller one is packed, and tasks copy their rows of the left one.
// CHECK-LABEL: kernel.func @dot_general_panels_0
// CHECK: kernel.pack
// CHECK-NOT: rows
// CHECK-LABEL: kernel.func @dot_general_1
// CHECK: kernel.contract %{{.*}}[%{{.*}}, %c1{{.*}}, %c512{{.*}}]
// CHECK-SAME: packed
func.func @main(%x: tensor<600x512xf32>, %y: tensor<600x256xf32>) -> tensor<512x256xf32> {
  %0 = weft.dot_general %x, %y {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 0>, rhs_contract = array<i64: 0>} : (tensor<600x512xf32>, tensor<600x256xf32>) -> tensor<512x256xf32>
  return %0 : tensor<512x256xf32>
}

// -----

// Few rows: the columns of a thread's tasks are one product.
// CHECK: x 8, grain
// CHECK-LABEL: kernel.func @dot_general_0
// CHECK: kernel.contract {{.*}} rows %c0{{.*}} to %c3
func.func @main(%x: tensor<3x300xf32>, %y: tensor<512x300xf32>) -> tensor<3x512xf32> {
  %0 = weft.dot_general %x, %y {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 1>} : (tensor<3x300xf32>, tensor<512x300xf32>) -> tensor<3x512xf32>
  return %0 : tensor<3x512xf32>
}

// -----

// Few columns: they are the rows of the kernel's product.
// CHECK: x 8, grain
// CHECK-LABEL: kernel.func @dot_general_0
// CHECK: kernel.contract %{{.*}}[%{{.*}}, %c1{{.*}}, %c6{{.*}}], %{{.*}}[%{{.*}}, %c1{{.*}}, %c300{{.*}}] depth %c300{{.*}} rows %c0{{.*}} to %c6
func.func @main(%x: tensor<512x300xf32>, %y: tensor<300x6xf32>) -> tensor<512x6xf32> {
  %0 = weft.dot_general %x, %y {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<512x300xf32>, tensor<300x6xf32>) -> tensor<512x6xf32>
  return %0 : tensor<512x6xf32>
}

// -----

// Rows are cut at multiples of a register tile's six.
// CHECK: x 4, grain 1
// CHECK-LABEL: kernel.func @dot_general_0
// CHECK-DAG: %[[BLOCK:.*]] = arith.constant 132 : index
// CHECK: %[[BEGIN:.*]] = arith.muli %{{.*}}, %[[BLOCK]]
// CHECK: kernel.contract {{.*}} rows %[[BEGIN]] to
func.func @main(%x: tensor<256x256xf32>, %y: tensor<256x256xf32>) -> tensor<256x256xf32> {
  %0 = weft.dot_general %x, %y {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  return %0 : tensor<256x256xf32>
}

// -----

// Ten columns take the time of a tile's 32, so that four tasks are worth two threads.
// CHECK: x 4, grain 1
// CHECK-LABEL: kernel.func @dot_general_0
// CHECK: %c18 = arith.constant 18 : index
func.func @main(%x: tensor<64x512xf32>, %y: tensor<512x10xf32>) -> tensor<64x10xf32> {
  %0 = weft.dot_general %x, %y {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<64x512xf32>, tensor<512x10xf32>) -> tensor<64x10xf32>
  return %0 : tensor<64x10xf32>
}

// -----

// And a small product is one task.
// CHECK: x 1, grain
// CHECK-LABEL: kernel.func @dot_general_0
func.func @main(%x: tensor<32x64xf32>, %y: tensor<64x64xf32>) -> tensor<32x64xf32> {
  %0 = weft.dot_general %x, %y {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<32x64xf32>, tensor<64x64xf32>) -> tensor<32x64xf32>
  return %0 : tensor<32x64xf32>
}

// -----

// Sizes that are not known count as 1024 each, or as what the function says they are like: then there are more tasks.
// CHECK-LABEL: kernel.func @dot_general_0
// CHECK-NOT: 132
// CHECK: arith.constant 1024 : index
func.func @main(%x: tensor<?x?xf32, #weft.symbols<[0, 1]>>, %y: tensor<?x?xf32, #weft.symbols<[1, 2]>>) -> tensor<?x?xf32, #weft.symbols<[0, 2]>> attributes {weft.symbol_count = 3 : i64} {
  %0 = weft.dot_general %x, %y {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<?x?xf32, #weft.symbols<[0, 1]>>, tensor<?x?xf32, #weft.symbols<[1, 2]>>) -> tensor<?x?xf32, #weft.symbols<[0, 2]>>
  return %0 : tensor<?x?xf32, #weft.symbols<[0, 2]>>
}

// -----

// CHECK-LABEL: kernel.func @dot_general_0
// CHECK: arith.constant 132 : index
func.func @main(%x: tensor<?x?xf32, #weft.symbols<[0, 1]>>, %y: tensor<?x?xf32, #weft.symbols<[1, 2]>>) -> tensor<?x?xf32, #weft.symbols<[0, 2]>> attributes {weft.symbol_count = 3 : i64, weft.typical_size = 256 : i64} {
  %0 = weft.dot_general %x, %y {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<?x?xf32, #weft.symbols<[0, 1]>>, tensor<?x?xf32, #weft.symbols<[1, 2]>>) -> tensor<?x?xf32, #weft.symbols<[0, 2]>>
  return %0 : tensor<?x?xf32, #weft.symbols<[0, 2]>>
}
