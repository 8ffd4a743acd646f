// What the passes do not take is an error, or left as it is.
// RUN: split-file %s %t
// RUN: not weft-opt --weft-to-kernel %t/empty.mlir 2>&1 | FileCheck %s --check-prefix=PLAN
// RUN: not weft-opt --weft-to-kernel %t/declaration.mlir 2>&1 | FileCheck %s --check-prefix=PLAN
// RUN: not weft-opt --weft-to-kernel %t/foreign.mlir 2>&1 | FileCheck %s --check-prefix=PLAN
// RUN: not weft-opt --weft-to-kernel %t/composite.mlir 2>&1 | FileCheck %s --check-prefix=COMPOSITE
// RUN: not weft-opt --weft-autodiff=wrt=1 %t/composite.mlir 2>&1 | FileCheck %s --check-prefix=WRT
// RUN: not weft-opt --weft-forward=wrt=-1 %t/composite.mlir 2>&1 | FileCheck %s --check-prefix=WRT
// RUN: not weft-opt --weft-batch=over=-1 %t/composite.mlir 2>&1 | FileCheck %s --check-prefix=WRT
// RUN: not weft-opt --weft-batch="size=3 over=1" %t/random.mlir 2>&1 | FileCheck %s --check-prefix=BATCH
// RUN: not weft-opt --weft-autodiff=wrt=0 %t/twice.mlir 2>&1 | FileCheck %s --check-prefix=COTANGENTS
// RUN: not weft-opt --weft-forward=wrt=0 %t/twice.mlir 2>&1 | FileCheck %s --check-prefix=TANGENTS
// RUN: not weft-opt --weft-to-kernel %t/factors.mlir 2>&1 | FileCheck %s --check-prefix=FACTORS
// RUN: weft-opt --weft-autodiff=wrt=0 --weft-forward --weft-pipeline %t/declaration.mlir | FileCheck %s --check-prefix=DECLARATION
// RUN: weft-opt --weft-autodiff=wrt=0 --weft-forward --weft-pipeline %t/foreign.mlir | FileCheck %s --check-prefix=FOREIGN

// PLAN: error: [codegen] a plan is made of a module of one function of weft ops, and private ones for its bodies; see --weft-fusion
// COMPOSITE: error: [codegen] 'weft.softmax' is no part of a kernel; see --weft-decompose and --weft-fusion
// WRT: error: @main has no argument {{1|-1}}; they are counted from 0
// BATCH: error: [random_integer] vmap has no rule for it with these operands batched; got int64[2], int64[2] (batched); vmap over other arguments
// COTANGENTS: error: the last arguments of @main must be the cotangents of its results, one for each, of the same types
// TANGENTS: error: the last arguments of @main must be the tangents of the arguments wrt, one for each, of the same types
// FACTORS: error: [compile] a size of the program is a product of more than 8 symbols; compile it for this shape
// DECLARATION: func.func private @main(tensor<2xf32>) -> tensor<2xf32>
// FOREIGN: arith.addf

//--- empty.mlir
module {}
//--- random.mlir
func.func @main(%s: tensor<2xi64>, %b: tensor<2xi64>) -> tensor<4xi64> {
  %0 = weft.random_integer %s, %b {offset = 0 : i64, shape = array<i64: 4>} : (tensor<2xi64>, tensor<2xi64>) -> tensor<4xi64>
  return %0 : tensor<4xi64>
}
//--- declaration.mlir
func.func private @main(tensor<2xf32>) -> tensor<2xf32>
//--- foreign.mlir
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = arith.addf %x, %x : tensor<2xf32>
  return %0 : tensor<2xf32>
}
//--- composite.mlir
func.func @main(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = weft.softmax %x {dim = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
//--- twice.mlir
func.func @main(%x: tensor<2xf32>, %y: tensor<3xf32>) -> tensor<2xf32> {
  %0 = weft.add %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
//--- factors.mlir
func.func @main(%x: tensor<?x?x?x?x?x?x?x?x?xf32, #weft.symbols<[0, 1, 2, 3, 4, 5, 6, 7, 8]>>) -> tensor<?x?x?x?x?x?x?x?x?xf32, #weft.symbols<[0, 1, 2, 3, 4, 5, 6, 7, 8]>> {
  %0 = weft.exp %x : (tensor<?x?x?x?x?x?x?x?x?xf32, #weft.symbols<[0, 1, 2, 3, 4, 5, 6, 7, 8]>>) -> tensor<?x?x?x?x?x?x?x?x?xf32, #weft.symbols<[0, 1, 2, 3, 4, 5, 6, 7, 8]>>
  return %0 : tensor<?x?x?x?x?x?x?x?x?xf32, #weft.symbols<[0, 1, 2, 3, 4, 5, 6, 7, 8]>>
}
