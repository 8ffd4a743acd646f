// RUN: weft-opt %s --weft-decompose --weft-fusion --weft-to-kernel --split-input-file | FileCheck %s

// Contiguous operands: flat, a task is an element.
// CHECK-LABEL: kernel.func @mul_add_0
// CHECK-SAME: %[[BEGIN:arg3]]: index, %[[END:arg4]]: index
// CHECK: kernel.for lane %[[I:.*]] = %[[BEGIN]] to %[[END]] {
// CHECK-DAG: kernel.load %arg0[%[[I]]]
// CHECK-DAG: kernel.load %arg1[%[[I]]]
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK: kernel.store %{{.*}}, %arg2[%[[I]]]
func.func @main(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = weft.mul %x, %y : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = weft.add %0, %y : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// -----

// A bias makes the last axis the lanes; its load is not repeated by an address of two axes.
// CHECK-LABEL: kernel.func @add_0
// CHECK: kernel.for %[[ROW:.*]] = %arg3 to %arg4 {
// CHECK: kernel.for lane %[[I:.*]] = %c0{{.*}} to %c64
// CHECK-DAG: kernel.load %arg1[%[[I]]]
func.func @main(%x: tensor<4x64xf32>, %b: tensor<64xf32>) -> tensor<4x64xf32> {
  %0 = weft.expand %b {shape = array<i64: 4, 64>} : (tensor<64xf32>) -> tensor<4x64xf32>
  %1 = weft.add %x, %0 : (tensor<4x64xf32>, tensor<4x64xf32>) -> tensor<4x64xf32>
  return %1 : tensor<4x64xf32>
}

// -----

// 16-bit floats are computed in f32 and rounded at each op. The result has one NaN.
// CHECK-LABEL: kernel.func @add_mul_0
// CHECK: arith.extf
// CHECK: %[[SUM:.*]] = arith.addf {{.*}} : f32
// CHECK: %[[NARROW:.*]] = arith.truncf %[[SUM]] : f32 to bf16
// CHECK: arith.extf %[[NARROW]]
// CHECK: arith.mulf {{.*}} : f32
// CHECK: %[[RESULT:.*]] = arith.truncf
// CHECK: %[[WIDE:.*]] = arith.extf %[[RESULT]]
// CHECK: %[[IS_NAN:.*]] = arith.cmpf une, %[[WIDE]], %[[WIDE]]
// CHECK: %[[NAN:.*]] = arith.constant 0x7FC0 : bf16
// CHECK: %[[STORED:.*]] = arith.select %[[IS_NAN]], %[[NAN]], %[[RESULT]]
// CHECK: kernel.store %[[STORED]], %{{.*}} : bf16
func.func @main(%x: tensor<100xbf16>, %y: tensor<100xbf16>) -> tensor<100xbf16> {
  %0 = weft.add %x, %y : (tensor<100xbf16>, tensor<100xbf16>) -> tensor<100xbf16>
  %1 = weft.mul %0, %y : (tensor<100xbf16>, tensor<100xbf16>) -> tensor<100xbf16>
  return %1 : tensor<100xbf16>
}

// -----

// Symbolic strides: sizes and strides are scalars of the step.
// CHECK: // batch 0: add_0(0, 1, 2; 1 * s1; 1 * s2; 1 * s3) x 1 * s0
// CHECK-LABEL: kernel.func @add_0
// CHECK: kernel.for lane
func.func @main(%x: tensor<?x?xf32, #weft.symbols<[0, 1]>> {weft.strides = array<i64: -3, -4>},
                %y: tensor<?x?xf32, #weft.symbols<[0, 1]>>) -> tensor<?x?xf32, #weft.symbols<[0, 1]>>
    attributes {weft.symbol_count = 4 : i64} {
  %0 = weft.add %x, %y : (tensor<?x?xf32, #weft.symbols<[0, 1]>>, tensor<?x?xf32, #weft.symbols<[0, 1]>>) -> tensor<?x?xf32, #weft.symbols<[0, 1]>>
  return %0 : tensor<?x?xf32, #weft.symbols<[0, 1]>>
}

// -----

// A loop across the rows of a tensor: 64 of its columns a task, copied and transposed a panel of 64 lanes at a time. The copy
// is read by vectors, the other tensor where it lies.
// CHECK: // batch 0: add_0{{.*}} x 4, grain
// CHECK-LABEL: kernel.func
// CHECK: %[[COPY:.*]] = kernel.scratch 4096 : <f32>
// CHECK: kernel.pack %arg0[%{{.*}}, %c1{{.*}}, %c200{{.*}}] {{.*}} into %[[COPY]][%c0
// CHECK: kernel.for %
// CHECK: kernel.for lane
// CHECK-NOT: kernel.load %arg0
// CHECK: kernel.load %[[COPY]]
// CHECK: kernel.load %arg1
func.func @main(%x: tensor<300x200xf32>, %y: tensor<200x300xf32>) -> tensor<200x300xf32> {
  %0 = weft.permute %x {dims = array<i64: 1, 0>} : (tensor<300x200xf32>) -> tensor<200x300xf32>
  %1 = weft.add %0, %y : (tensor<200x300xf32>, tensor<200x300xf32>) -> tensor<200x300xf32>
  return %1 : tensor<200x300xf32>
}

// -----

// A long body and a count of whole blocks: a task is a block of elements, so that no mask is needed.
// CHECK: // batch 0: sigmoid_mul_tanh_0(0, 1) x 4, grain
// CHECK-LABEL: kernel.func @sigmoid_mul_tanh_0
// CHECK: kernel.for %[[BLOCK:.*]] = %arg2 to %arg3 {
// CHECK: %[[FIRST:.*]] = arith.muli %[[BLOCK]], %c1024
// CHECK: kernel.for lane %[[I:.*]] = %c0{{.*}} to %c1024
// CHECK: %[[AT:.*]] = arith.addi %[[FIRST]], %[[I]]
// CHECK: kernel.load %arg0[%[[AT]]]
func.func @main(%x: tensor<4x32x32xf32>) -> tensor<4x32x32xf32> {
  %0 = weft.sigmoid %x : (tensor<4x32x32xf32>) -> tensor<4x32x32xf32>
  %1 = weft.mul %0, %x : (tensor<4x32x32xf32>, tensor<4x32x32xf32>) -> tensor<4x32x32xf32>
  %2 = weft.tanh %1 : (tensor<4x32x32xf32>) -> tensor<4x32x32xf32>
  return %2 : tensor<4x32x32xf32>
}

// -----

// All axes but a last one of a few elements are the lanes, and each stores all of these.
// CHECK-LABEL: kernel.func @concatenate_0
// CHECK: kernel.for lane %[[I:.*]] = %arg3 to %arg4 {
// CHECK-DAG: kernel.load %arg0[%[[I]]]
// CHECK-DAG: kernel.load %arg1[%[[I]]]
// CHECK: %[[AT:.*]] = arith.muli %[[I]], %c2
// CHECK-NEXT: kernel.store %{{.*}}, %arg2[%[[AT]]]
// CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[AT]], %c1
// CHECK-NEXT: kernel.store %{{.*}}, %arg2[%[[NEXT]]]
func.func @main(%x: tensor<1000xf32>, %y: tensor<1000xf32>) -> tensor<1000x2xf32> {
  %0 = weft.reshape %x {shape = array<i64: 1000, 1>} : (tensor<1000xf32>) -> tensor<1000x1xf32>
  %1 = weft.reshape %y {shape = array<i64: 1000, 1>} : (tensor<1000xf32>) -> tensor<1000x1xf32>
  %2 = weft.concatenate %0, %1 {dim = 1 : i64} : (tensor<1000x1xf32>, tensor<1000x1xf32>) -> tensor<1000x2xf32>
  return %2 : tensor<1000x2xf32>
}

// -----

// The greatest elements of windows: of each column first, into scratch memory, then along the row.
// CHECK: maximum_0(0, 1) x 24, grain
// CHECK-LABEL: kernel.func @maximum_0
// CHECK: %[[LINE:.*]] = kernel.scratch 64
// CHECK: kernel.for %[[ROW:.*]] = %arg2 to %arg3 {
// CHECK: kernel.for lane %[[COLUMN:.*]] = %c0{{.*}} to %c64
// CHECK: arith.maximumf
// CHECK-NOT: arith.maximumf
// CHECK: kernel.store %{{.*}}, %[[LINE]][%[[COLUMN]]]
// CHECK: kernel.for lane %[[LANE:.*]] = %c0{{.*}} to %c32
// CHECK: kernel.load %[[LINE]]
// CHECK: kernel.load %[[LINE]]
// CHECK-NOT: kernel.load
// CHECK: arith.maximumf
func.func @main(%x: tensor<3x16x64xf32>) -> tensor<3x8x32xf32> {
  %0 = weft.max_pool %x {kernel = array<i64: 2, 2>, stride = array<i64: 2, 2>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilation = array<i64: 1, 1>} : (tensor<3x16x64xf32>) -> tensor<3x8x32xf32>
  return %0 : tensor<3x8x32xf32>
}
