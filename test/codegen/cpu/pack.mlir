// RUN: weft-opt %s | FileCheck %s --check-prefix=TEXT
// RUN: weft-translate --emit=llvm --cpu=cascadelake %s | FileCheck %s
// A matrix that is contiguous along K is transposed on its way into panels; one that is contiguous along N is copied. With
// a row stride, the copy is rows.

// TEXT: kernel.pack %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] depth %{{.*}} columns %{{.*}} into %{{.*}}[%{{.*}}] : <bf16>, <f32>
// CHECK-LABEL: void @pack(
// CHECK: call void @weft_transpose_bf16_float_16(
// CHECK: call void @weft_copy_bf16_float_16(
// CHECK: call void @weft_transpose_bf16_float_16({{.*}}, i64 96, i64 64)
kernel.func @pack(%b: !kernel.buffer<bf16>, %panels: !kernel.buffer<f32>, %begin: index, %end: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %k = arith.constant 100 : index
  %n = arith.constant 40 : index
  kernel.pack %b[%zero, %one, %k] depth %k columns %n into %panels[%zero] : <bf16>, <f32>
  kernel.pack %b[%zero, %n, %one] depth %k columns %n into %panels[%zero] : <bf16>, <f32>
  %stride = arith.constant 96 : index
  kernel.pack %b[%zero, %one, %k] depth %k columns %n into %panels[%zero] rows %stride : <bf16>, <f32>
  kernel.return
}
