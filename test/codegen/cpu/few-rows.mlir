// RUN: weft-translate --emit=asm --cpu=cascadelake %s | FileCheck %s
// RUN: weft-translate --emit=asm --cpu=cascadelake %s | FileCheck %s --check-prefix=LAYOUT
// RUN: weft-translate --emit=asm --cpu=haswell %s | FileCheck %s --check-prefix=AVX2
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

// Along K lines of 16 rows are loaded and transposed, for a vector of columns after the other: each asks for the rows that
// come next, where they are far.
// CHECK-LABEL: weft_few2_rows_{{[0-9]+}}_f32_f32_float:
// CHECK-COUNT-16: prefetcht0
// CHECK-COUNT-32: vunpck{{[lh]p[sd]}} {{.*}}%zmm
// CHECK-COUNT-16: prefetcht0
// CHECK-COUNT-32: vunpck{{[lh]p[sd]}} {{.*}}%zmm

// Without AVX-512 four elements of each row are loaded into a part of a vector, so that shuffles within parts transpose
// them: eight shuffles for four multiply-adds a row. Of two rows, two vectors of columns at once.
// AVX2-LABEL: weft_few2_rows_{{[0-9]+}}_f32_f32_float:
// AVX2-COUNT-4: vinsertf128 $1, {{[0-9]*}}(%r
// AVX2-COUNT-8: vunpck{{[lh]p[sd]}} {{.*}}%ymm
// AVX2-COUNT-4: vinsertf128 $1, {{[0-9]*}}(%r
// AVX2-COUNT-8: vunpck{{[lh]p[sd]}} {{.*}}%ymm
// AVX2-COUNT-16: vfmadd{{.*}}ps {{.*}}%ymm
// AVX2: jl
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

// Of a packed panel the chains stay in registers: four vectors of columns, four steps of K at once.
// LAYOUT-LABEL: weft_few1_columns_64_by4_f32_f32_float:
// LAYOUT-COUNT-16: vfmadd{{.*}}ps {{.*}}%zmm
// LAYOUT-NOT: vmovups %zmm
// LAYOUT: jl
kernel.func @panel(%a: !kernel.buffer<f32>, %b: !kernel.buffer<f32>, %c: !kernel.buffer<f32>, %begin: index, %end: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %panel = arith.constant 64 : index
  %size = arith.constant 512 : index
  kernel.for %t = %begin to %end {
    kernel.contract %a[%zero, %size, %one], %b[%zero, %panel, %size] depth %size rows %zero to %one columns %zero to %size packed
        : !kernel.buffer<f32>, !kernel.buffer<f32> (%m, %n, %sum : f32) {
      kernel.store %sum, %c[%n] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}
