// RUN: weft-opt %s --weft-decompose --weft-simplify --weft-fusion --weft-to-kernel --split-input-file | FileCheck %s

// Sums of bags of rows: four rows at a time, of which none is looked at twice. Where all four are in the table, they are read without a
// mask while those 32 places on are asked for; else each has a mask.
// CHECK-LABEL: kernel.func @embedding_bag_0
// CHECK: arith.andi
// CHECK: kernel.for lane
// CHECK: kernel.load %{{[^ ]*}}[%{{[^ ]*}}] : <f32> -> f32
// CHECK-COUNT-4: kernel.load {{.*}} {kernel.prefetch} : <f32> -> f32
// CHECK: kernel.for lane
// CHECK-NOT: kernel.prefetch
// CHECK: kernel.load {{.*}} mask {{.*}} : <f32> -> f32
func.func @main(%w: tensor<1000x64xf32>, %i: tensor<2000xi64>, %o: tensor<100xi64>) -> tensor<100x64xf32> {
  %0 = weft.embedding_bag %w, %i, %o : (tensor<1000x64xf32>, tensor<2000xi64>, tensor<100xi64>) -> tensor<100x64xf32>
  return %0 : tensor<100x64xf32>
}

// -----

// A column has scalars, not lanes.
// CHECK-LABEL: kernel.func @embedding_bag_0
// CHECK-NOT: kernel.for lane
// CHECK: kernel.return
func.func @main(%w: tensor<1000x1xf32>, %i: tensor<2000xi64>, %o: tensor<100xi64>, %f: tensor<2000xf32>) -> tensor<100x1xf32> {
  %0 = weft.embedding_bag %w, %i, %o, %f : (tensor<1000x1xf32>, tensor<2000xi64>, tensor<100xi64>, tensor<2000xf32>) -> tensor<100x1xf32>
  return %0 : tensor<100x1xf32>
}
