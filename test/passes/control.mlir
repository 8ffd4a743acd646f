// RUN: split-file %s %t
// RUN: weft-opt --weft-autodiff="wrt=1" %t/cond.mlir | FileCheck %t/cond.mlir --check-prefix=REVERSE
// RUN: weft-opt --weft-batch="size=4 over=1" %t/cond.mlir | FileCheck %t/cond.mlir --check-prefix=BATCH
// RUN: weft-opt --weft-batch="size=4 over=0" %t/cond.mlir | FileCheck %t/cond.mlir --check-prefix=CHOICE
// RUN: weft-opt --weft-batch="size=4 over=0" %t/while.mlir | FileCheck %t/while.mlir
// RUN: not weft-opt --weft-autodiff="wrt=0" %t/while.mlir 2>&1 | FileCheck %t/while.mlir --check-prefix=REFUSED

//--- cond.mlir
// The derivative takes the same branch.
// REVERSE: func.func @main(%[[P:.*]]: tensor<i1>, %[[X:.*]]: tensor<3xf32>, %[[CT:.*]]: tensor<3xf32>)
// REVERSE: %[[R:.*]] = weft.cond %[[P]], %[[X]], %[[CT]] {body = @{{.*}}, otherwise = @{{.*}}}
// REVERSE: return %[[R]]
// BATCH: weft.cond %{{.*}}, %{{.*}} {{.*}} -> tensor<4x3xf32>
// Where examples differ in their condition, both branches run.
// CHOICE-NOT: weft.cond
// CHOICE: weft.exp
// CHOICE: %[[E:.*]] = weft.expand
// CHOICE: weft.neg
// CHOICE: %[[N:.*]] = weft.expand
// CHOICE: weft.where %{{.*}}, %[[E]], %[[N]]
func.func @main(%p: tensor<i1>, %x: tensor<3xf32>, %ct: tensor<3xf32>) -> tensor<3xf32> {
  %r = weft.cond %p, %x {body = @yes, otherwise = @no} : (tensor<i1>, tensor<3xf32>) -> tensor<3xf32>
  return %r : tensor<3xf32>
}
func.func private @yes(%x: tensor<3xf32>) -> tensor<3xf32> {
  %s = weft.exp %x : (tensor<3xf32>) -> tensor<3xf32>
  return %s : tensor<3xf32>
}
func.func private @no(%x: tensor<3xf32>) -> tensor<3xf32> {
  %s = weft.neg %x : (tensor<3xf32>) -> tensor<3xf32>
  return %s : tensor<3xf32>
}

//--- while.mlir
// The examples' conditions are carried, and the loop runs while one of them holds.
// CHECK: %[[ANY:.*]] = weft.any
// CHECK: %[[R:.*]]:3 = weft.while_loop %[[ANY]], %{{.*}}, %{{.*}} {body = @{{.*}}, carries = 2 : i64}
// CHECK: return %[[R]]#0
// REFUSED: [while_loop] has no gradient
func.func @main(%x: tensor<f32>, %ct: tensor<f32>) -> tensor<f32> {
  %one = weft.full {shape = array<i64>, value = 1.0 : f64, integer = 1 : i64, dtype = f32} : () -> tensor<f32>
  %p = weft.lt %x, %one : (tensor<f32>, tensor<f32>) -> tensor<i1>
  %r:2 = weft.while_loop %p, %x {body = @step, carries = 1 : i64} : (tensor<i1>, tensor<f32>) -> (tensor<f32>, tensor<i1>)
  return %r#0 : tensor<f32>
}
func.func private @step(%x: tensor<f32>) -> (tensor<f32>, tensor<i1>) {
  %one = weft.full {shape = array<i64>, value = 1.0 : f64, integer = 1 : i64, dtype = f32} : () -> tensor<f32>
  %s = weft.add %x, %one : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %p = weft.lt %s, %one : (tensor<f32>, tensor<f32>) -> tensor<i1>
  return %s, %p : tensor<f32>, tensor<i1>
}
