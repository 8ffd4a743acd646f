// RUN: weft-translate --emit=asm --cpu=cascadelake %s | FileCheck %s
// RUN: weft-translate --emit=asm --cpu=cascadelake %s | FileCheck %s --check-prefix=LAYOUT
// Products of few rows read B where it is, once.

// Along N four rows of it at a time, which the elements of four rows of A in registers multiply.
// CHECK-LABEL: weft_few4_columns_{{[0-9]+}}_f32_f32_float:
// CHECK-COUNT-16: vbroadcastss {{.*}}%zmm
// CHECK-NOT: {{zmm.*\(%rsp\)|\(%rsp\).*zmm}}
// CHECK-COUNT-16: vfmadd{{.*}}ps {{.*}}%zmm
// CHECK-NOT: {{zmm.*\(%rsp\)|\(%rsp\).*zmm}}
// CHECK: jl
kernel.func @along_n(%a: !kernel.buffer<f32>, %b: !kernel.buffer<f32>, %c: !kernel.buffer<f32>, %begin: index, %end: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %rows = arith.constant 4 : index
  %size = arith.constant 512 : index
  kernel.for %t = %begin to %end {
    kernel.contract %a[%zero, %size, %one], %b[%zero, %size, %one] depth %size rows %zero to %rows columns %zero to %size
        : !kernel.buffer<f32>, !kernel.buffer<f32> (%m, %n, %sum : f32) {
      %row = arith.muli %m, %size : index
      %at = arith.addi %row, %n : index
      kernel.store %sum, %c[%at] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}

// Along K four elements of each row are loaded into a part of a vector, so that shuffles within parts transpose them:
// eight shuffles for four multiply-adds a row. Of two rows, two vectors of columns at once.
// CHECK-LABEL: weft_few2_rows_{{[0-9]+}}_f32_f32_float:
// CHECK-COUNT-4: vinsertf128 $1, {{[0-9]*}}(%r
// CHECK-COUNT-8: vunpck{{[lh]p[sd]}} {{.*}}%ymm
// CHECK-COUNT-4: vinsertf128 $1, {{[0-9]*}}(%r
// CHECK-COUNT-8: vunpck{{[lh]p[sd]}} {{.*}}%ymm
// CHECK-NOT: {{ymm.*\(%rsp\)|\(%rsp\).*ymm}}
// CHECK-COUNT-16: vfmadd{{.*}}ps {{.*}}%ymm
// CHECK-NOT: {{ymm.*\(%rsp\)|\(%rsp\).*ymm}}
// CHECK: jl
kernel.func @along_k(%a: !kernel.buffer<f32>, %b: !kernel.buffer<f32>, %c: !kernel.buffer<f32>, %begin: index, %end: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %rows = arith.constant 2 : index
  %size = arith.constant 512 : index
  kernel.for %t = %begin to %end {
    kernel.contract %a[%zero, %size, %one], %b[%zero, %one, %size] depth %size rows %zero to %rows columns %zero to %size
        : !kernel.buffer<f32>, !kernel.buffer<f32> (%m, %n, %sum : f32) {
      %row = arith.muli %m, %size : index
      %at = arith.addi %row, %n : index
      kernel.store %sum, %c[%at] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}

// A B without elements is contiguous along both axes; with one column, rows of K are.
// LAYOUT-DAG: weft_few1_columns_{{[0-9]+}}_f32_f32_float:
// LAYOUT-DAG: weft_few1_dots_{{[0-9]+}}_f32_f32_float:
kernel.func @empty(%a: !kernel.buffer<f32>, %b: !kernel.buffer<f32>, %c: !kernel.buffer<f32>, %begin: index, %end: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %size = arith.constant 512 : index
  kernel.for %t = %begin to %end {
    kernel.contract %a[%zero, %size, %one], %b[%zero, %one, %one] depth %zero rows %zero to %one columns %zero to %size
        : !kernel.buffer<f32>, !kernel.buffer<f32> (%m, %n, %sum : f32) {
      kernel.store %sum, %c[%n] : f32, !kernel.buffer<f32>
    }
    kernel.contract %a[%zero, %size, %one], %b[%zero, %one, %one] depth %size rows %zero to %one columns %zero to %one
        : !kernel.buffer<f32>, !kernel.buffer<f32> (%m, %n, %sum : f32) {
      kernel.store %sum, %c[%n] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}
