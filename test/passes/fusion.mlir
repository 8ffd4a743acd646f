// RUN: weft-opt --weft-decompose --weft-simplify --weft-fusion --split-input-file %s | FileCheck %s
// RUN: weft-opt --weft-decompose --weft-simplify --weft-fusion="fuse=false" --split-input-file %s | FileCheck %s --check-prefix=SINGLE

// Elementwise ops and the views between them are one loop.
// CHECK-LABEL: func.func @elementwise
// CHECK: weft.group {{.*}}kind = "loop"
// CHECK: weft.expand
// CHECK: weft.add
// CHECK: weft.tanh
// CHECK-NOT: weft.group
// SINGLE-LABEL: func.func @elementwise
// SINGLE-COUNT-3: kind = "loop"
func.func @elementwise(%x: tensor<4x8xf32>, %b: tensor<8xf32>) -> tensor<4x8xf32> {
  %e = weft.expand %b {shape = array<i64: 4, 8>} : (tensor<8xf32>) -> tensor<4x8xf32>
  %a = weft.add %x, %e : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %t = weft.tanh %a : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %t : tensor<4x8xf32>
}

// -----

// A value that others need leaves the group as a second result.
// CHECK-LABEL: func.func @two_results
// CHECK: weft.group {{.*}} -> (tensor<4xf32>, tensor<4xf32>)
// CHECK-NOT: weft.group
// SINGLE-LABEL: func.func @two_results
func.func @two_results(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = weft.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %b = weft.sin %a : (tensor<4xf32>) -> tensor<4xf32>
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}

// -----

// Costly work is not repeated behind an expand: two kernels.
// CHECK-LABEL: func.func @no_repetition
// CHECK: weft.exp
// CHECK: weft.yield
// CHECK: weft.expand
// CHECK: weft.yield
// SINGLE-LABEL: func.func @no_repetition
func.func @no_repetition(%x: tensor<8xf32>, %y: tensor<64x8xf32>) -> tensor<64x8xf32> {
  %e = weft.exp %x : (tensor<8xf32>) -> tensor<8xf32>
  %w = weft.expand %e {shape = array<i64: 64, 8>} : (tensor<8xf32>) -> tensor<64x8xf32>
  %a = weft.add %y, %w : (tensor<64x8xf32>, tensor<64x8xf32>) -> tensor<64x8xf32>
  return %a : tensor<64x8xf32>
}

// -----

// Reductions of one row, what comes before, between and after them: one group.
// CHECK-LABEL: func.func @softmax
// CHECK: weft.group {{.*}}kind = "row", row = 1 : i64, space = array<i64: 4, 8>
// CHECK: weft.amax
// CHECK: weft.sum
// CHECK: weft.div
// CHECK-NOT: weft.group
// SINGLE-LABEL: func.func @softmax
// SINGLE: weft.group
// SINGLE: weft.group
func.func @softmax(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %y = weft.softmax %x {dim = 1 : i64} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

// CHECK-LABEL: func.func @layer_norm
// CHECK: weft.group {{.*}}kind = "row", row = 1 : i64, space = array<i64: 4, 8>
// CHECK-NOT: weft.group
// SINGLE-LABEL: func.func @layer_norm
func.func @layer_norm(%x: tensor<4x8xf32>, %w: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<4x8xf32> {
  %y = weft.layer_norm %x, %w, %b {axes = 1 : i64, eps = 1.0e-5 : f64} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

// A symbolic softmax over the last axis is a row group as well.
// CHECK-LABEL: func.func @symbolic_softmax
// CHECK: kind = "row", row = 1 : i64, space = array<i64: -1, -2>
// SINGLE-LABEL: func.func @symbolic_softmax
func.func @symbolic_softmax(%x: tensor<?x?xf32, #weft.symbols<[0, 1]>>) -> tensor<?x?xf32, #weft.symbols<[0, 1]>> {
  %y = weft.softmax %x {dim = 1 : i64} : (tensor<?x?xf32, #weft.symbols<[0, 1]>>) -> tensor<?x?xf32, #weft.symbols<[0, 1]>>
  return %y : tensor<?x?xf32, #weft.symbols<[0, 1]>>
}

// -----

// The bias and the activation are the product's epilogue; the weight's transpose is strides.
// CHECK-LABEL: func.func @linear_relu
// CHECK: weft.group {{.*}}kind = "contraction"
// CHECK: weft.dot_general
// CHECK: weft.add
// CHECK: weft.relu
// CHECK-NOT: weft.group
// SINGLE-LABEL: func.func @linear_relu
// SINGLE: kind = "contraction"
func.func @linear_relu(%x: tensor<16x32xf32>, %w: tensor<64x32xf32>, %b: tensor<64xf32>) -> tensor<16x64xf32> {
  %y = weft.linear %x, %w, %b : (tensor<16x32xf32>, tensor<64x32xf32>, tensor<64xf32>) -> tensor<16x64xf32>
  %z = weft.relu %y : (tensor<16x64xf32>) -> tensor<16x64xf32>
  return %z : tensor<16x64xf32>
}

// -----

// Sums over leading dimensions with what they sum; two over the same tensor are one group.
// CHECK-LABEL: func.func @columns
// CHECK: weft.group {{.*}}kind = "column"
// CHECK-NOT: weft.group
// SINGLE-LABEL: func.func @columns
func.func @columns(%x: tensor<64x8xf32>, %y: tensor<64x8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %p = weft.mul %x, %y : (tensor<64x8xf32>, tensor<64x8xf32>) -> tensor<64x8xf32>
  %a = weft.sum %p {dims = array<i64: 0>, keepdim = false} : (tensor<64x8xf32>) -> tensor<8xf32>
  %b = weft.sum %x {dims = array<i64: 0>, keepdim = false} : (tensor<64x8xf32>) -> tensor<8xf32>
  return %a, %b : tensor<8xf32>, tensor<8xf32>
}

// -----

// A long sum to one element is a reduction of its own; so is one over inner dimensions.
// CHECK-LABEL: func.func @reductions
// CHECK-DAG: kind = "reduction"
// CHECK-DAG: kind = "reduction"
// SINGLE-LABEL: func.func @reductions
func.func @reductions(%x: tensor<4x8192x3xf32>) -> (tensor<f32>, tensor<4x3xf32>) {
  %a = weft.sum %x {dims = array<i64: 0, 1, 2>, keepdim = false} : (tensor<4x8192x3xf32>) -> tensor<f32>
  %b = weft.sum %x {dims = array<i64: 1>, keepdim = false} : (tensor<4x8192x3xf32>) -> tensor<4x3xf32>
  return %a, %b : tensor<f32>, tensor<4x3xf32>
}

// -----

// A view that the function returns is a tensor; one that is only read is none.
// CHECK-LABEL: func.func @views
// CHECK-COUNT-1: weft.group
// CHECK-NOT: weft.group
// SINGLE-LABEL: func.func @views
func.func @views(%x: tensor<4x8xf32>) -> tensor<8x4xf32> {
  %t = weft.permute %x {dims = array<i64: 1, 0>} : (tensor<4x8xf32>) -> tensor<8x4xf32>
  %r = weft.flip %t {dims = array<i64: 0>} : (tensor<8x4xf32>) -> tensor<8x4xf32>
  return %r : tensor<8x4xf32>
}

// -----

// A gather is a load at a position that is data; a scatter stands alone, with the views and constants it reads.
// CHECK-LABEL: func.func @indexing
// CHECK: weft.group {{.*}}kind = "loop"
// CHECK: weft.index_select
// CHECK: weft.exp
// CHECK: weft.group {{.*}}kind = "scatter"
// CHECK: weft.full
// CHECK: weft.scatter_add
// SINGLE-LABEL: func.func @indexing
func.func @indexing(%x: tensor<9x4xf32>, %i: tensor<6xi64>) -> tensor<9x4xf32> {
  %g = weft.index_select %x, %i {dim = 0 : i64} : (tensor<9x4xf32>, tensor<6xi64>) -> tensor<6x4xf32>
  %e = weft.exp %g : (tensor<6x4xf32>) -> tensor<6x4xf32>
  %z = weft.full {shape = array<i64: 9, 4>, value = 0.0 : f64, integer = 0 : i64, dtype = f32} : () -> tensor<9x4xf32>
  %c = weft.reshape %i {shape = array<i64: 6, 1>} : (tensor<6xi64>) -> tensor<6x1xi64>
  %w = weft.expand %c {shape = array<i64: 6, 4>} : (tensor<6x1xi64>) -> tensor<6x4xi64>
  %s = weft.scatter_add %z, %w, %e {dim = 0 : i64} : (tensor<9x4xf32>, tensor<6x4xi64>, tensor<6x4xf32>) -> tensor<9x4xf32>
  return %s : tensor<9x4xf32>
}

// -----

// exp(x) and the sum's consumer would make a cycle through the product: the groups stay apart.
// CHECK-LABEL: func.func @acyclic
// CHECK-COUNT-3: weft.group
// SINGLE-LABEL: func.func @acyclic
func.func @acyclic(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %e = weft.exp %x : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %d = weft.dot_general %e, %x {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %f = weft.dot_general %d, %x {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %a = weft.add %e, %f : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %a : tensor<8x8xf32>
}

// -----

// The rows of %e take in %s, and with it a dependency on %c, when %p, which reads %e, is there already: %u, which reads %p
// through %t, must stay apart from %c and from %d, which has joined %c since.
// CHECK-LABEL: func.func @grown_rows
// CHECK: weft.group {{.*}}kind = "loop"
// CHECK-NEXT: weft.exp
// CHECK-NEXT: weft.log
// CHECK-NEXT: weft.yield
// CHECK: kind = "contraction"
// CHECK: kind = "row"
// CHECK: kind = "contraction"
// CHECK: kind = "contraction"
// CHECK: weft.add
// SINGLE-LABEL: func.func @grown_rows
func.func @grown_rows(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %y: tensor<2x8xf32>, %z: tensor<4x2xf32>, %v: tensor<2x4xf32>) -> (tensor<4x8xf32>, tensor<2x8xf32>) {
  %m = weft.amax %x {dims = array<i64: 1>, keepdim = true} : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %b = weft.expand %m {shape = array<i64: 4, 8>} : (tensor<4x1xf32>) -> tensor<4x8xf32>
  %e = weft.sub %x, %b : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %p = weft.dot_general %e, %w {lhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_batch = array<i64>, rhs_contract = array<i64: 0>} : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %c = weft.exp %y : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %q = weft.dot_general %z, %c {lhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_batch = array<i64>, rhs_contract = array<i64: 0>} : (tensor<4x2xf32>, tensor<2x8xf32>) -> tensor<4x8xf32>
  %s = weft.mul %q, %e : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %d = weft.log %c : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %t = weft.dot_general %v, %p {lhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_batch = array<i64>, rhs_contract = array<i64: 0>} : (tensor<2x4xf32>, tensor<4x8xf32>) -> tensor<2x8xf32>
  %u = weft.add %d, %t : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return %s, %u : tensor<4x8xf32>, tensor<2x8xf32>
}

// -----

// Columns of what a kernel of rows goes over anyway are reduced there, whether it computes them (a weight's gradient) or
// reads them (a bias's). What reads their totals is another kernel, though its shape is that of a value of the row.
// CHECK-LABEL: func.func @columns_of_rows
// CHECK: weft.group {{.*}} -> (tensor<512x512xf32>, tensor<512xf32>, tensor<512xf32>) attributes {kind = "row"
// CHECK: weft.yield
// CHECK: weft.group {{.*}}kind = "loop"
// CHECK: weft.neg
// CHECK-NOT: weft.group
// SINGLE-LABEL: func.func @columns_of_rows
func.func @columns_of_rows(%x: tensor<512x512xf32>, %g: tensor<512x512xf32>) -> (tensor<512x512xf32>, tensor<512xf32>, tensor<512xf32>) {
  %s = weft.softmax %x {dim = 1 : i64} : (tensor<512x512xf32>) -> tensor<512x512xf32>
  %p = weft.mul %s, %g : (tensor<512x512xf32>, tensor<512x512xf32>) -> tensor<512x512xf32>
  %w = weft.sum %p {dims = array<i64: 0>, keepdim = false} : (tensor<512x512xf32>) -> tensor<512xf32>
  %b = weft.amax %x {dims = array<i64: 0>, keepdim = false} : (tensor<512x512xf32>) -> tensor<512xf32>
  %n = weft.neg %w : (tensor<512xf32>) -> tensor<512xf32>
  return %p, %b, %n : tensor<512x512xf32>, tensor<512xf32>, tensor<512xf32>
}

// -----

// Few rows, or short ones: two kernels.
// CHECK-LABEL: func.func @columns_of_few_rows
// CHECK: kind = "row"
// CHECK: kind = "column"
// SINGLE-LABEL: func.func @columns_of_few_rows
func.func @columns_of_few_rows(%x: tensor<64x512xf32>) -> (tensor<64x512xf32>, tensor<512xf32>) {
  %s = weft.softmax %x {dim = 1 : i64} : (tensor<64x512xf32>) -> tensor<64x512xf32>
  %w = weft.sum %s {dims = array<i64: 0>, keepdim = false} : (tensor<64x512xf32>) -> tensor<512xf32>
  return %s, %w : tensor<64x512xf32>, tensor<512xf32>
}

// -----

// CHECK-LABEL: func.func @columns_of_short_rows
// CHECK: kind = "row"
// CHECK: kind = "column"
// SINGLE-LABEL: func.func @columns_of_short_rows
func.func @columns_of_short_rows(%x: tensor<4096x16xf32>) -> (tensor<4096x16xf32>, tensor<16xf32>) {
  %s = weft.softmax %x {dim = 1 : i64} : (tensor<4096x16xf32>) -> tensor<4096x16xf32>
  %w = weft.sum %s {dims = array<i64: 0>, keepdim = false} : (tensor<4096x16xf32>) -> tensor<16xf32>
  return %s, %w : tensor<4096x16xf32>, tensor<16xf32>
}

// -----

// A part of a row as heads is read where it is, whatever the batch and the time are.
// CHECK-LABEL: func.func @symbolic_views
// CHECK: weft.group {{.*}}kind = "contraction"
// CHECK: weft.slice
// CHECK-NOT: weft.group
func.func @symbolic_views(%x: tensor<?x?x192xf32, #weft.symbols<[0, 1]>>) -> tensor<?x4x?x?xf32, #weft.symbols<[0, 1, 1]>> attributes {weft.symbol_count = 2 : i64} {
  %0 = weft.slice %x {starts = array<i64: 0, 0, 64>, sizes = array<i64: -1, -2, 64>, steps = array<i64: 1, 1, 1>} : (tensor<?x?x192xf32, #weft.symbols<[0, 1]>>) -> tensor<?x?x64xf32, #weft.symbols<[0, 1]>>
  %1 = weft.reshape %0 {shape = array<i64: -1, -2, 4, 16>} : (tensor<?x?x64xf32, #weft.symbols<[0, 1]>>) -> tensor<?x?x4x16xf32, #weft.symbols<[0, 1]>>
  %2 = weft.permute %1 {dims = array<i64: 0, 2, 1, 3>} : (tensor<?x?x4x16xf32, #weft.symbols<[0, 1]>>) -> tensor<?x4x?x16xf32, #weft.symbols<[0, 1]>>
  %3 = weft.dot_general %2, %2 {lhs_batch = array<i64: 0, 1>, rhs_batch = array<i64: 0, 1>, lhs_contract = array<i64: 3>, rhs_contract = array<i64: 3>} : (tensor<?x4x?x16xf32, #weft.symbols<[0, 1]>>, tensor<?x4x?x16xf32, #weft.symbols<[0, 1]>>) -> tensor<?x4x?x?xf32, #weft.symbols<[0, 1, 1]>>
  return %3 : tensor<?x4x?x?xf32, #weft.symbols<[0, 1, 1]>>
}
