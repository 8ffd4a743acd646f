// What weft-aot reads of arguments and results, written wrongly by hand.
// RUN: split-file %s %t
// RUN: not weft-opt %t/counts.mlir 2>&1 | FileCheck %s --check-prefix=COUNTS
// RUN: not weft-opt %t/outside.mlir 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// RUN: not weft-opt %t/types.mlir 2>&1 | FileCheck %s --check-prefix=TYPES
// RUN: not weft-opt %t/twice.mlir 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not weft-opt %t/weight.mlir 2>&1 | FileCheck %s --check-prefix=WEIGHT
// RUN: not weft-opt %t/kind.mlir 2>&1 | FileCheck %s --check-prefix=KIND
// RUN: not weft-opt %t/roles.mlir 2>&1 | FileCheck %s --check-prefix=ROLES
// RUN: not weft-opt %t/name.mlir 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not weft-opt %t/generator.mlir 2>&1 | FileCheck %s --check-prefix=GENERATOR
// RUN: not weft-aot %t/states.mlir -o %t/states.so 2>&1 | FileCheck %s --check-prefix=STATES
// RUN: not weft-aot %t/file.mlir -o %t/file.so 2>&1 | FileCheck %s --check-prefix=FILE

// COUNTS: counts.mlir:1:1: error: 'func.func' op has weft.donations of 2 results, but it has 1
// OUTSIDE: error: 'func.func' op has weft.donations that give result 0 to argument 1 of 1
// TYPES: error: 'func.func' op has weft.donations that give result 0 of type 'tensor<2xf32>' to argument 1 of type 'tensor<3xf32>'
// TWICE: error: 'func.func' op has weft.donations that give result 1 to argument 0, which has another
// WEIGHT: error: 'func.func' op has weft.donations that give result 0 to argument 0, which is a weight
// KIND: error: 'func.func' op has weft.donations, which is an array<i64: ...> of a function
// ROLES: error: 'func.func' op has weft.name on argument 0, which has weft.state too; it is one of them
// NAME: error: 'func.func' op has weft.state on argument 0, which takes a name in quotes
// GENERATOR: error: 'func.func' op has weft.generator on argument 0, which must be tensor<2xi64>, the seed and the position
// STATES: weft-aot: two states of @main have the name generator
// FILE: weft-aot: the model has the weight s, but no file of weights is given; name one with --weights-file

//--- counts.mlir
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> attributes {weft.donations = array<i64: 0, -1>} {
  return %x : tensor<2xf32>
}
//--- outside.mlir
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> attributes {weft.donations = array<i64: 1>} {
  return %x : tensor<2xf32>
}
//--- types.mlir
func.func @main(%x: tensor<2xf32>, %y: tensor<3xf32>) -> tensor<2xf32> attributes {weft.donations = array<i64: 1>} {
  return %x : tensor<2xf32>
}
//--- twice.mlir
func.func @main(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) attributes {weft.donations = array<i64: 0, 0>} {
  return %x, %x : tensor<2xf32>, tensor<2xf32>
}
//--- weight.mlir
func.func @main(%x: tensor<2xf32> {weft.weight = "w"}) -> tensor<2xf32> attributes {weft.donations = array<i64: 0>} {
  return %x : tensor<2xf32>
}
//--- kind.mlir
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> attributes {weft.donations = "x"} {
  return %x : tensor<2xf32>
}
//--- roles.mlir
func.func @main(%x: tensor<2xf32> {weft.name = "x", weft.state = "s"}) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
//--- name.mlir
func.func @main(%x: tensor<2xf32> {weft.state}) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
//--- generator.mlir
func.func @main(%x: tensor<2xf32> {weft.generator}) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
//--- states.mlir
func.func @main(%x: tensor<2xi64> {weft.generator}, %y: tensor<2xi64> {weft.generator}) -> tensor<2xi64> {
  return %x : tensor<2xi64>
}
//--- file.mlir
func.func @main(%x: tensor<2xf32> {weft.state = "s"}) -> tensor<2xf32> attributes {weft.donations = array<i64: 0>} {
  return %x : tensor<2xf32>
}
