// RUN: weft-opt --weft-simplify %s | FileCheck %s

// What is exact goes: x * 1, x + -0, x - 0, x / 1.
// CHECK-LABEL: func.func @identities
// CHECK-NEXT: %[[X:.*]] = weft.exp
// CHECK-NEXT: return %[[X]]
func.func @identities(%input: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %x = weft.exp %input : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %one = weft.full {shape = array<i64: 2, 3>, value = 1.0 : f64, integer = 0 : i64, dtype = f32} : () -> tensor<2x3xf32>
  %zero = weft.full {shape = array<i64: 2, 3>, value = 0.0 : f64, integer = 0 : i64, dtype = f32} : () -> tensor<2x3xf32>
  %negative = weft.full {shape = array<i64>, value = -0.0 : f64, integer = 0 : i64, dtype = f32} : () -> tensor<f32>
  %wide = weft.expand %negative {shape = array<i64: 2, 3>} : (tensor<f32>) -> tensor<2x3xf32>
  %a = weft.mul %x, %one : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %b = weft.add %a, %wide : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %c = weft.sub %b, %zero : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %d = weft.div %c, %one : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %d : tensor<2x3xf32>
}

// An input's NaNs may have other bits than the op gives them, also where it has only been moved.
// CHECK-LABEL: func.func @bits_of_inputs
// CHECK-NEXT: weft.permute
// CHECK-NEXT: weft.maximum
// CHECK-NEXT: return
func.func @bits_of_inputs(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  %a = weft.permute %x {dims = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %b = weft.maximum %a, %a : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  return %b : tensor<3x2xf32>
}

// C functions do not say which NaN they give: maximum makes it the one.
// CHECK-LABEL: func.func @of_an_extern_op
// CHECK: weft.qr
// CHECK-NEXT: weft.maximum
func.func @of_an_extern_op(%x: tensor<3x3xf32>) -> tensor<3x3xf32> {
  %q, %r = weft.qr %x {complete = false} : (tensor<3x3xf32>) -> (tensor<3x3xf32>, tensor<3x3xf32>)
  %m = weft.maximum %q, %q : (tensor<3x3xf32>, tensor<3x3xf32>) -> tensor<3x3xf32>
  return %m : tensor<3x3xf32>
}

// x + 0 turns -0 into 0 and stays.
// CHECK-LABEL: func.func @not_exact
// CHECK: weft.add
func.func @not_exact(%x: tensor<3xf32>) -> tensor<3xf32> {
  %zero = weft.full {shape = array<i64: 3>, value = 0.0 : f64, integer = 0 : i64, dtype = f32} : () -> tensor<3xf32>
  %a = weft.add %x, %zero : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %a : tensor<3xf32>
}

// CHECK-LABEL: func.func @views
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>)
// CHECK-NEXT: %[[R:.*]] = weft.reshape %[[X]] {shape = array<i64: 3, 2>}
// CHECK-NEXT: return %[[R]], %[[X]], %[[X]]
func.func @views(%x: tensor<2x3xf32>) -> (tensor<3x2xf32>, tensor<2x3xf32>, tensor<2x3xf32>) {
  %a = weft.reshape %x {shape = array<i64: 6>} : (tensor<2x3xf32>) -> tensor<6xf32>
  %b = weft.reshape %a {shape = array<i64: 3, 2>} : (tensor<6xf32>) -> tensor<3x2xf32>
  %c = weft.permute %x {dims = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %d = weft.permute %c {dims = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  %e = weft.expand %x {shape = array<i64: 2, 3>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %b, %d, %e : tensor<3x2xf32>, tensor<2x3xf32>, tensor<2x3xf32>
}

// A cast there and back is nothing if the wider dtype holds every value of the narrower.
// CHECK-LABEL: func.func @casts
// CHECK-SAME: (%{{.*}}: tensor<3xbf16>, %[[Y:.*]]: tensor<3xf32>)
// CHECK-NEXT: %[[X:.*]] = weft.exp
// CHECK-NEXT: %[[A:.*]] = weft.cast %[[Y]] {dtype = bf16}
// CHECK-NEXT: %[[B:.*]] = weft.cast %[[A]] {dtype = f32}
// CHECK-NEXT: return %[[X]], %[[B]]
func.func @casts(%input: tensor<3xbf16>, %y: tensor<3xf32>) -> (tensor<3xbf16>, tensor<3xf32>) {
  %x = weft.exp %input : (tensor<3xbf16>) -> tensor<3xbf16>
  %a = weft.cast %x {dtype = f32} : (tensor<3xbf16>) -> tensor<3xf32>
  %b = weft.cast %a {dtype = bf16} : (tensor<3xf32>) -> tensor<3xbf16>
  %c = weft.cast %y {dtype = bf16} : (tensor<3xf32>) -> tensor<3xbf16>
  %d = weft.cast %c {dtype = f32} : (tensor<3xbf16>) -> tensor<3xf32>
  return %b, %d : tensor<3xbf16>, tensor<3xf32>
}

// The transpose of a product is the product the other way round.
// CHECK-LABEL: func.func @transposed_product
// CHECK-SAME: (%[[X:.*]]: tensor<4x2xf32>, %[[Y:.*]]: tensor<4x3xf32>)
// CHECK-NEXT: %[[D:.*]] = weft.dot_general %[[Y]], %[[X]]
// CHECK-NEXT: return %[[D]] : tensor<3x2xf32>
func.func @transposed_product(%x: tensor<4x2xf32>, %y: tensor<4x3xf32>) -> tensor<3x2xf32> {
  %d = weft.dot_general %x, %y {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 0>, rhs_contract = array<i64: 0>} : (tensor<4x2xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
  %t = weft.permute %d {dims = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return %t : tensor<3x2xf32>
}

// Equal ops once, random ones too: they are functions of the state. The unused go.
// CHECK-LABEL: func.func @common
// CHECK-NEXT: %[[U:.*]] = weft.uniform
// CHECK-NEXT: %[[S:.*]] = weft.add %[[U]], %[[U]]
// CHECK-NEXT: return %[[S]]
func.func @common(%state: tensor<2xi64>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %a = weft.uniform %state {shape = array<i64: 4>, dtype = f32, offset = 0 : i64} : (tensor<2xi64>) -> tensor<4xf32>
  %b = weft.uniform %state {shape = array<i64: 4>, dtype = f32, offset = 0 : i64} : (tensor<2xi64>) -> tensor<4xf32>
  %unused = weft.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %c = weft.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %c : tensor<4xf32>
}

// Known numbers are computed as the op would: in float32.
// CHECK-LABEL: func.func @numbers
// CHECK: weft.full {{.*}}value = 0.30000001192092896
// CHECK-NOT: weft.add
func.func @numbers() -> tensor<2xf32> {
  %a = weft.full {shape = array<i64: 2>, value = 0.1 : f64, integer = 0 : i64, dtype = f32} : () -> tensor<2xf32>
  %b = weft.full {shape = array<i64: 2>, value = 0.2 : f64, integer = 0 : i64, dtype = f32} : () -> tensor<2xf32>
  %c = weft.add %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %c : tensor<2xf32>
}

// The reduction of one element is that element.
// CHECK-LABEL: func.func @one_element
// CHECK-NOT: weft.sum
// CHECK: weft.reshape
func.func @one_element(%input: tensor<3x1xf32>) -> tensor<3xf32> {
  %x = weft.exp %input : (tensor<3x1xf32>) -> tensor<3x1xf32>
  %s = weft.sum %x {dims = array<i64: 1>, keepdim = false} : (tensor<3x1xf32>) -> tensor<3xf32>
  return %s : tensor<3xf32>
}
