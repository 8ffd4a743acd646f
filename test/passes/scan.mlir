// RUN: split-file %s %t
// RUN: weft-opt --weft-autodiff="wrt=0,1,2" %t/reverse.mlir | FileCheck %t/reverse.mlir
// RUN: weft-opt --weft-forward="wrt=2" %t/forward.mlir | FileCheck %t/forward.mlir
// RUN: weft-opt --weft-batch="size=4 over=1" %t/batch.mlir | FileCheck %t/batch.mlir
// RUN: weft-opt --weft-simplify-scans %t/simplify.mlir | FileCheck %t/simplify.mlir
// RUN: weft-opt --weft-fusion --weft-to-kernel %t/plan.mlir | FileCheck %t/plan.mlir

//--- reverse.mlir
// The step's derivative reads the step's result, which a scan of the same operands gives once more, and its first carry,
// and runs from the last step to the first. What all steps read is a sum of products in each: one product over all steps.
// CHECK: func.func @main(%[[H:.*]]: tensor<3xf32>, %[[X:.*]]: tensor<7x3xf32>, %[[W:.*]]: tensor<3x3xf32>, %[[CT:.*]]: tensor<3xf32>)
// CHECK: %[[R:.*]]:3 = weft.scan %[[H]], %[[X]], %[[W]] {body = @[[LONGER:.*]], carries = 1 : i64, reverse = false, sequences = 1 : i64
// CHECK: %[[B:.*]]:2 = weft.scan %[[CT]], %[[R]]#1, %[[R]]#2, %[[W]] {body = @[[BACK:.*]], carries = 1 : i64, reverse = true, sequences = 2 : i64
// CHECK: %[[G:.*]] = weft.dot_general %[[R]]#1, %[[B]]#1 {{.*}}lhs_contract = array<i64: 0>{{.*}}rhs_contract = array<i64: 0>
// CHECK: return %[[B]]#0, %[[B]]#1, %{{.*}} : tensor<3xf32>, tensor<7x3xf32>, tensor<3x3xf32>
// CHECK: func.func private @[[LONGER]](%{{.*}}: tensor<3xf32>, %{{.*}}: tensor<3xf32>, %{{.*}}: tensor<3x3xf32> {weft.weight}) -> (tensor<3xf32>
// CHECK: func.func private @[[BACK]](
func.func @main(%h: tensor<3xf32>, %x: tensor<7x3xf32>, %w: tensor<3x3xf32>, %ct: tensor<3xf32>) -> tensor<3xf32> {
  %r = weft.scan %h, %x, %w {body = @step, carries = 1 : i64, sequences = 1 : i64, sizes = array<i64: 7>, reverse = false} : (tensor<3xf32>, tensor<7x3xf32>, tensor<3x3xf32>) -> tensor<3xf32>
  return %r : tensor<3xf32>
}
func.func private @step(%h: tensor<3xf32>, %x: tensor<3xf32>, %w: tensor<3x3xf32> {weft.weight}) -> tensor<3xf32> {
  %p = weft.dot_general %h, %w {lhs_batch = array<i64>, lhs_contract = array<i64: 0>, rhs_batch = array<i64>, rhs_contract = array<i64: 0>} : (tensor<3xf32>, tensor<3x3xf32>) -> tensor<3xf32>
  %s = weft.add %p, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %t = weft.tanh %s : (tensor<3xf32>) -> tensor<3xf32>
  return %t : tensor<3xf32>
}

//--- forward.mlir
// Tangents are carried beside the carries.
// CHECK: func.func @main(%[[H:.*]]: tensor<3xf32>, %[[X:.*]]: tensor<7x3xf32>, %[[W:.*]]: tensor<3xf32>, %[[T:.*]]: tensor<3xf32>)
// CHECK: %[[Z:.*]] = weft.full
// CHECK: %[[R:.*]]:2 = weft.scan %[[H]], %[[Z]], %[[X]], %[[W]], %[[T]] {body = @{{.*}}, carries = 2 : i64, reverse = false, sequences = 1 : i64
// CHECK: return %[[R]]#1
func.func @main(%h: tensor<3xf32>, %x: tensor<7x3xf32>, %w: tensor<3xf32>, %t: tensor<3xf32>) -> tensor<3xf32> {
  %r = weft.scan %h, %x, %w {body = @step, carries = 1 : i64, sequences = 1 : i64, sizes = array<i64: 7>, reverse = false} : (tensor<3xf32>, tensor<7x3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %r : tensor<3xf32>
}
func.func private @step(%h: tensor<3xf32>, %x: tensor<3xf32>, %w: tensor<3xf32> {weft.weight}) -> tensor<3xf32> {
  %p = weft.mul %h, %w : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %s = weft.add %p, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %s : tensor<3xf32>
}

//--- batch.mlir
// Entries stay in front of the examples; a carry that is the same for all at first need not stay so.
// CHECK: func.func @main(%[[H:.*]]: tensor<3xf32>, %[[X:.*]]: tensor<4x7x3xf32>) -> (tensor<4x3xf32>, tensor<4x7x3xf32>)
// CHECK: %[[E:.*]] = weft.expand %[[H]]
// CHECK: %[[P:.*]] = weft.permute %[[X]] {dims = array<i64: 1, 0, 2>}
// CHECK: %[[R:.*]]:2 = weft.scan %[[E]], %[[P]] {{.*}} -> (tensor<4x3xf32>, tensor<7x4x3xf32>)
// CHECK: %[[Y:.*]] = weft.permute %[[R]]#1
// CHECK: return %[[R]]#0, %[[Y]]
func.func @main(%h: tensor<3xf32>, %x: tensor<7x3xf32>) -> (tensor<3xf32>, tensor<7x3xf32>) {
  %r:2 = weft.scan %h, %x {body = @step, carries = 1 : i64, sequences = 1 : i64, sizes = array<i64: 7>, reverse = false} : (tensor<3xf32>, tensor<7x3xf32>) -> (tensor<3xf32>, tensor<7x3xf32>)
  return %r#0, %r#1 : tensor<3xf32>, tensor<7x3xf32>
}
func.func private @step(%h: tensor<3xf32>, %x: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %s = weft.add %h, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %s, %x : tensor<3xf32>, tensor<3xf32>
}

//--- simplify.mlir
// The first scan gives what the second one does, and nobody reads the second one's last result.
// CHECK: func.func @main
// CHECK-NEXT: %[[R:.*]]:2 = weft.scan
// CHECK-NEXT: weft.add %[[R]]#0, %[[R]]#0
// CHECK-NOT: weft.scan
// CHECK: return %{{.*}}, %[[R]]#1
func.func @main(%h: tensor<3xf32>, %x: tensor<7x3xf32>) -> (tensor<3xf32>, tensor<7x3xf32>) {
  %a = weft.scan %h, %x {body = @less, carries = 1 : i64, sequences = 1 : i64, sizes = array<i64: 7>, reverse = false} : (tensor<3xf32>, tensor<7x3xf32>) -> tensor<3xf32>
  %b:3 = weft.scan %h, %x {body = @more, carries = 1 : i64, sequences = 1 : i64, sizes = array<i64: 7>, reverse = false} : (tensor<3xf32>, tensor<7x3xf32>) -> (tensor<3xf32>, tensor<7x3xf32>, tensor<7x3xf32>)
  %s = weft.add %a, %b#0 : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %s, %b#1 : tensor<3xf32>, tensor<7x3xf32>
}
func.func private @less(%h: tensor<3xf32>, %x: tensor<3xf32>) -> tensor<3xf32> {
  %s = weft.add %h, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %s : tensor<3xf32>
}
func.func private @more(%h: tensor<3xf32>, %x: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %s = weft.add %h, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %s, %s, %x : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

//--- plan.mlir
// One step, with a plan of its own. The carry may be written over in place.
// CHECK: scan(0, 1, 2, 3) x 7, the last first, of
// CHECK: output, 12 bytes, in the place of 0
// CHECK: kernel.func @add_0
func.func @main(%h: tensor<3xf32>, %x: tensor<7x3xf32>) -> tensor<3xf32> {
  %r = weft.scan %h, %x {body = @step, carries = 1 : i64, sequences = 1 : i64, sizes = array<i64: 7>, reverse = true} : (tensor<3xf32>, tensor<7x3xf32>) -> tensor<3xf32>
  return %r : tensor<3xf32>
}
func.func private @step(%h: tensor<3xf32>, %x: tensor<3xf32>) -> tensor<3xf32> {
  %s = weft.add %h, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %s : tensor<3xf32>
}
