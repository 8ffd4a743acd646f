// RUN: weft-opt %s --weft-fusion="fuse=false" --weft-to-kernel --split-input-file | FileCheck %s

// Equal kernels are one; a donated input takes the output when its other readers are done; a temporary dies in place.
// CHECK: // buffer 2: output, 400 bytes, in the place of 0
// CHECK: // buffer 3: temporary, 400 bytes, at 0
// CHECK: // buffer 4: temporary, 400 bytes, at 0
// CHECK: // batch 0: add_0(0, 1, 3)
// CHECK: // batch 1: neg_1(3, 4)
// CHECK: // batch 2: add_0(0, 4, 2)
// CHECK: // arena: 448 bytes, 448 alive at once (1.000)
// CHECK-COUNT-2: kernel.func
// CHECK-NOT: kernel.func
func.func @main(%x: tensor<100xf32>, %y: tensor<100xf32>) -> tensor<100xf32> attributes {weft.donations = array<i64: 0>} {
  %0 = weft.add %x, %y : (tensor<100xf32>, tensor<100xf32>) -> tensor<100xf32>
  %1 = weft.neg %0 : (tensor<100xf32>) -> tensor<100xf32>
  %2 = weft.add %x, %1 : (tensor<100xf32>, tensor<100xf32>) -> tensor<100xf32>
  return %2 : tensor<100xf32>
}

// -----

// An output that is an input, and one that is another output, are copied.
// CHECK: // batch 0: reshape_1(0, 2)
// CHECK: // batch 1: reshape_1(1, 3)
func.func @main(%x: tensor<100xf32>) -> (tensor<100xf32>, tensor<100xf32>, tensor<100xf32>) {
  %0 = weft.neg %x : (tensor<100xf32>) -> tensor<100xf32>
  return %0, %x, %0 : tensor<100xf32>, tensor<100xf32>, tensor<100xf32>
}

// -----

// What depends on weights alone comes first and is kept: here a weight's packed copy.
// CHECK: // buffer 3: kept, 425984 bytes, at 0
// CHECK: // batch 0: dot_general_panels_0(
// CHECK-NEXT: // batch 1: dot_general_1(
// CHECK: // kept: 425984 bytes of the first 1 steps
func.func @main(%x: tensor<256x400xf32>, %w: tensor<400x256xf32> {weft.weight}) -> tensor<256x256xf32> {
  %0 = weft.dot_general %x, %w {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<256x400xf32>, tensor<400x256xf32>) -> tensor<256x256xf32>
  return %0 : tensor<256x256xf32>
}

// -----

// What makes more than it takes waits until it is wanted (the negative of an input); what takes more comes early.
// CHECK: // batch 0: add_0(0, 1,
// CHECK-NEXT: // batch 1: sum_2(
// CHECK-NEXT: // batch 2: neg_1(5,
// CHECK-NEXT: // batch 3: neg_1(0,
func.func @main(%x: tensor<64x100xf32>, %y: tensor<64x100xf32>) -> tensor<64x100xf32> {
  %0 = weft.add %x, %y : (tensor<64x100xf32>, tensor<64x100xf32>) -> tensor<64x100xf32>
  %1 = weft.neg %x : (tensor<64x100xf32>) -> tensor<64x100xf32>
  %2 = weft.sum %0 {dims = array<i64: 1>, keepdim = true} : (tensor<64x100xf32>) -> tensor<64x1xf32>
  %3 = weft.neg %2 : (tensor<64x1xf32>) -> tensor<64x1xf32>
  %4 = weft.expand %3 {shape = array<i64: 64, 100>} : (tensor<64x1xf32>) -> tensor<64x100xf32>
  %5 = weft.mul %1, %4 : (tensor<64x100xf32>, tensor<64x100xf32>) -> tensor<64x100xf32>
  return %5 : tensor<64x100xf32>
}

// -----

// A check is a result that nobody is given. It is looked at before a step writes to what it was given; a step that does
// both may not write there.
// CHECK: // buffer 3: output, 800 bytes, in the place of 0
// CHECK: // batch 0: remainder_0(1, 2,
// CHECK: // batch {{[0-9]+}}: any_
// CHECK-NOT: any_
// CHECK: // batch {{[0-9]+}}: add_{{[0-9]+}}(0, {{[0-9]+}}, 3)
// CHECK: // check after [[#]] steps: buffer [[#]]: too much
func.func @main(%x: tensor<100xi64>, %y: tensor<100xi64>, %z: tensor<100xi64>) -> (tensor<100xi64>, tensor<i1>) attributes {weft.checks = ["too much"], weft.donations = array<i64: 0>} {
  %0 = weft.remainder %y, %z : (tensor<100xi64>, tensor<100xi64>) -> tensor<100xi64>
  %1 = weft.gt %0, %y : (tensor<100xi64>, tensor<100xi64>) -> tensor<100xi1>
  %2 = weft.any %1 {dims = array<i64: 0>, keepdim = false} : (tensor<100xi1>) -> tensor<i1>
  %3 = weft.add %x, %0 : (tensor<100xi64>, tensor<100xi64>) -> tensor<100xi64>
  return %3, %2 : tensor<100xi64>, tensor<i1>
}

// -----

// The check depends on what would be written in the input's place.
// CHECK: // buffer 1: output, 800 bytes
// CHECK-NOT: in the place of
// CHECK: // check after 3 steps: buffer 3: above
func.func @main(%x: tensor<100xi64>) -> (tensor<100xi64>, tensor<i1>) attributes {weft.checks = ["above"], weft.donations = array<i64: 0>} {
  %0 = weft.neg %x : (tensor<100xi64>) -> tensor<100xi64>
  %1 = weft.amax %0 {dims = array<i64: 0>, keepdim = false} : (tensor<100xi64>) -> tensor<i64>
  %2 = weft.gt %1, %1 : (tensor<i64>, tensor<i64>) -> tensor<i1>
  return %0, %2 : tensor<100xi64>, tensor<i1>
}

// -----

// A strided input is copied as any loop reads it: across its rows, transposed in a task's own memory.
// CHECK: // batch 0: reshape_0(0, 1)
// CHECK: kernel.pack
func.func @main(%x: tensor<512x512xf32> {weft.strides = array<i64: 1, 512>}) -> tensor<512x512xf32> {
  return %x : tensor<512x512xf32>
}

// -----

// What nobody uses is not computed, whatever it is.
// CHECK: // batch 0: exp_0(0, 1)
// CHECK-NOT: // batch
// CHECK-COUNT-1: kernel.func
// CHECK-NOT: kernel.func
func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = weft.tanh %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = weft.sum %0 {dims = array<i64: 0>, keepdim = false} : (tensor<4x8xf32>) -> tensor<8xf32>
  %2 = weft.exp %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = weft.expand %1 {shape = array<i64: 4, 8>} : (tensor<8xf32>) -> tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// -----

// Temporaries of symbolic size that have the same symbols are placed by their constants; what dies in place gives it on.
// CHECK: // buffer 2: temporary, 8 * s0 * s1 bytes, in 5, at 0
// CHECK: // buffer 3: temporary, 4 * s0 * s1 bytes, in 5, at 8
// CHECK: // buffer 4: temporary, 4 * s0 * s1 bytes, in 5, at 8
// CHECK: // buffer 5: temporary, 12 * s0 * s1 bytes, of others
// CHECK: // arena: 0 bytes
func.func @main(%x: tensor<?x?xf32, #weft.symbols<[0, 1]>>) -> tensor<?x?xf32, #weft.symbols<[0, 1]>> attributes {weft.symbol_count = 2 : i64} {
  %0 = weft.cast %x {dtype = f64} : (tensor<?x?xf32, #weft.symbols<[0, 1]>>) -> tensor<?x?xf64, #weft.symbols<[0, 1]>>
  %1 = weft.cast %0 {dtype = f32} : (tensor<?x?xf64, #weft.symbols<[0, 1]>>) -> tensor<?x?xf32, #weft.symbols<[0, 1]>>
  %2 = weft.neg %1 : (tensor<?x?xf32, #weft.symbols<[0, 1]>>) -> tensor<?x?xf32, #weft.symbols<[0, 1]>>
  %3 = weft.exp %2 : (tensor<?x?xf32, #weft.symbols<[0, 1]>>) -> tensor<?x?xf32, #weft.symbols<[0, 1]>>
  return %3 : tensor<?x?xf32, #weft.symbols<[0, 1]>>
}

// -----

// The products of symbols are sizes like others: blocks of 64 of 3 * s0 * s1 columns, and what they have in common with a
// symbol.
// CHECK: // buffer 0: input, 96 * s0 * s1 bytes
// CHECK: // buffer 1: output, 32 * s0 * s1 bytes
// CHECK: x 1 * ceil(s0 * s1 / 
func.func @main(%x: tensor<3x?x?x8xf32, #weft.symbols<[0, 1]>>) -> tensor<?x8xf32, #weft.symbols<[s0 * s1]>> attributes {weft.symbol_count = 2 : i64} {
  %0 = weft.reshape %x {shape = array<i64: 3, -4611686052787126786>} : (tensor<3x?x?x8xf32, #weft.symbols<[0, 1]>>) -> tensor<3x?xf32, #weft.symbols<[8 * s0 * s1]>>
  %1 = weft.sum %0 {dims = array<i64: 0>, keepdim = false} : (tensor<3x?xf32, #weft.symbols<[8 * s0 * s1]>>) -> tensor<?xf32, #weft.symbols<[8 * s0 * s1]>>
  %2 = weft.reshape %1 {shape = array<i64: -4611686022722355714, 8>} : (tensor<?xf32, #weft.symbols<[8 * s0 * s1]>>) -> tensor<?x8xf32, #weft.symbols<[s0 * s1]>>
  return %2 : tensor<?x8xf32, #weft.symbols<[s0 * s1]>>
}
