// RUN: weft-opt %s | FileCheck %s --check-prefix=TEXT
// RUN: weft-translate --emit=llvm --cpu=cascadelake %s | FileCheck %s
// Rows become lanes and back. Those of a known length have functions of their own; of rows up to four elements long whole
// vectors are read.

// TEXT: kernel.transpose %{{.*}}[%{{.*}}, %{{.*}}] count %{{.*}} length %{{.*}} into %{{.*}} : <bf16>, <f32>
// TEXT: kernel.transpose %{{.*}}[%{{.*}}, %{{.*}}] count %{{.*}} length %{{.*}} from %{{.*}} : <bf16>, <f32>
// CHECK-LABEL: void @turn(
// CHECK: call void @weft_to_lanes_bf16_7_7(
// CHECK: call void @weft_to_rows_bf16_7_7(
// CHECK: call void @weft_to_lanes_bf16_3_3(
// CHECK: call void @weft_to_lanes_bf16(
// CHECK: void @weft_to_lanes_bf16_7_7(
// CHECK: load <4 x i16>
// CHECK: void @weft_to_lanes_bf16_3_3(
// CHECK: load <16 x i16>
kernel.func @turn(%rows: !kernel.buffer<bf16>, %n: index, %begin: index, %end: index) {
  %lanes = kernel.scratch 448 : <f32>
  %c7 = arith.constant 7 : index
  %c3 = arith.constant 3 : index
  kernel.transpose %rows[%begin, %c7] count %end length %c7 into %lanes : <bf16>, <f32>
  kernel.transpose %rows[%begin, %c7] count %end length %c7 from %lanes : <bf16>, <f32>
  kernel.transpose %rows[%begin, %c3] count %end length %c3 into %lanes : <bf16>, <f32>
  kernel.transpose %rows[%begin, %n] count %end length %n into %lanes : <bf16>, <f32>
  kernel.return
}
