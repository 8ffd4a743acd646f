// RUN: weft-translate --emit=asm --cpu=cascadelake %s | FileCheck %s
// RUN: weft-translate --emit=asm --cpu=cascadelake %s | FileCheck %s --check-prefix=LAYOUT
// Products of few rows keep the sums of all of them in registers and read B where it is, once: eight rows in chains, two
// vectors of columns at a time, and four rows by lanes, the 64 lanes of a column at a time.

// CHECK-LABEL: weft_chains8_columns_f32_f32_float:
// CHECK: prefetcht0
// CHECK-NOT: (%rsp)
// CHECK-COUNT-16: vfmadd231ps {{.*}}%zmm
// CHECK-NOT: (%rsp)
// CHECK: jl
kernel.func @chains(%a: !kernel.buffer<f32>, %b: !kernel.buffer<f32>, %c: !kernel.buffer<f32>, %begin: index, %end: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %rows = arith.constant 8 : index
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

// CHECK-LABEL: weft_lanes4_rows_f32_f32_float:
// CHECK: vmovups 192({{.*}}), %zmm
// CHECK-NOT: (%rsp)
// CHECK-COUNT-16: vfmadd231ps {{.*}}%zmm
// CHECK-NOT: (%rsp)
// CHECK: jl
kernel.func @lanes(%a: !kernel.buffer<f32>, %b: !kernel.buffer<f32>, %c: !kernel.buffer<f32>, %begin: index, %end: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %rows = arith.constant 4 : index
  %size = arith.constant 512 : index
  kernel.for %t = %begin to %end {
    kernel.contract %a[%zero, %size, %one], %b[%zero, %one, %size] depth %size rows %zero to %rows columns %zero to %size lanes
        : !kernel.buffer<f32>, !kernel.buffer<f32> (%m, %n, %sum : f32) {
      %row = arith.muli %m, %size : index
      %at = arith.addi %row, %n : index
      kernel.store %sum, %c[%at] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}

// A B without elements is contiguous along both axes: the function for it is not that of those along N.
// LAYOUT-DAG: weft_lanes1_rows_f32_f32_float:
// LAYOUT-DAG: weft_lanes1_columns_f32_f32_float:
kernel.func @empty(%a: !kernel.buffer<f32>, %b: !kernel.buffer<f32>, %c: !kernel.buffer<f32>, %begin: index, %end: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %size = arith.constant 512 : index
  kernel.for %t = %begin to %end {
    kernel.contract %a[%zero, %size, %one], %b[%zero, %one, %one] depth %zero rows %zero to %one columns %zero to %size lanes
        : !kernel.buffer<f32>, !kernel.buffer<f32> (%m, %n, %sum : f32) {
      kernel.store %sum, %c[%n] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}
kernel.func @columns(%a: !kernel.buffer<f32>, %b: !kernel.buffer<f32>, %c: !kernel.buffer<f32>, %begin: index, %end: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %size = arith.constant 512 : index
  kernel.for %t = %begin to %end {
    kernel.contract %a[%zero, %size, %one], %b[%zero, %size, %one] depth %size rows %zero to %one columns %zero to %size lanes
        : !kernel.buffer<f32>, !kernel.buffer<f32> (%m, %n, %sum : f32) {
      kernel.store %sum, %c[%n] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}
