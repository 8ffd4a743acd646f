// RUN: weft-opt %s --weft-fusion --weft-to-kernel --split-input-file | FileCheck %s

// Columns: a strip of them is the lanes, in blocks of 64 rows; sums of float32 are carried in float64.
// CHECK: // batch 0: cumsum_0({{.*}}) x 12
// CHECK-LABEL: kernel.func @cumsum_0
// CHECK-DAG: kernel.scratch 128 : <f64>
// CHECK-DAG: kernel.scratch 128 : <f64>
// CHECK: kernel.for lane
// CHECK: arith.extf {{.*}} : f32 to f64
// CHECK: arith.addf {{.*}} : f64
// CHECK: arith.addf {{.*}} : f64
// CHECK: arith.truncf {{.*}} : f64 to f32
// CHECK-NOT: kernel.transpose
func.func @main(%x: tensor<3x1000x500xf32>) -> tensor<3x1000x500xf32> {
  %0 = weft.cumsum %x {dim = 1 : i64} : (tensor<3x1000x500xf32>) -> tensor<3x1000x500xf32>
  return %0 : tensor<3x1000x500xf32>
}

// -----

// Rows are transposed: both results of a maximum come back.
// CHECK: // batch 0: cummax_0({{.*}}) x 100
// CHECK-LABEL: kernel.func @cummax_0
// CHECK: kernel.transpose {{.*}} into {{.*}} : <f32>, <f32>
// CHECK: kernel.transpose {{.*}} from {{.*}} : <f32>, <f32>
// CHECK: kernel.transpose {{.*}} from {{.*}} : <i64>, <i64>
func.func @main(%x: tensor<100x2000xf32>) -> (tensor<100x2000xf32>, tensor<100x2000xi64>) {
  %0:2 = weft.cummax %x {dim = 1 : i64} : (tensor<100x2000xf32>) -> (tensor<100x2000xf32>, tensor<100x2000xi64>)
  return %0#0, %0#1 : tensor<100x2000xf32>, tensor<100x2000xi64>
}

// -----

// What is computed for a scan is a tensor of its own, and so is what is made of it.
// CHECK: // batch 0: mul_0
// CHECK: // batch 1: cumsum_1
// CHECK: // batch 2: mul_
func.func @main(%x: tensor<100x200xf32>) -> tensor<100x200xf32> {
  %0 = weft.mul %x, %x : (tensor<100x200xf32>, tensor<100x200xf32>) -> tensor<100x200xf32>
  %1 = weft.cumsum %0 {dim = 1 : i64} : (tensor<100x200xf32>) -> tensor<100x200xf32>
  %2 = weft.mul %1, %x : (tensor<100x200xf32>, tensor<100x200xf32>) -> tensor<100x200xf32>
  return %2 : tensor<100x200xf32>
}

// -----

// A bag is a task; its rows are read where they are.
// CHECK: // batch 0: embedding_bag_0({{.*}}) x 20
// CHECK-LABEL: kernel.func @embedding_bag_0
// CHECK: kernel.scratch 256 : <f32>
// CHECK: kernel.for lane
func.func @main(%w: tensor<50x64xf32>, %i: tensor<300xi64>, %o: tensor<20xi64>) -> tensor<20x64xf32> {
  %0 = weft.embedding_bag %w, %i, %o : (tensor<50x64xf32>, tensor<300xi64>, tensor<20xi64>) -> tensor<20x64xf32>
  return %0 : tensor<20x64xf32>
}
