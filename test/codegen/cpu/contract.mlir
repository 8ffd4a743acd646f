// RUN: weft-translate --emit=asm --cpu=cascadelake %s | FileCheck %s --check-prefix=AVX512
// RUN: weft-translate --emit=asm --cpu=x86-64-v3 %s | FileCheck %s --check-prefix=AVX2
// RUN: weft-translate --emit=llvm --cpu=cascadelake %s | FileCheck %s
// The register tile keeps all of its sums in registers and reads the rows of A where they are: its loop is four steps of
// loads, broadcasts and multiply-adds, and nothing is loaded from the stack or stored there. Where a line of A begins
// that of each of the next rows is asked for.

// AVX512-LABEL: weft_tile_float_6x64_0_1_4_whole:
// AVX512: [[LOOP:.LBB[0-9]+_[0-9]+]]:
// AVX512-NOT: mov{{.*}}(%rsp)
// AVX512-COUNT-96: vfmadd231ps {{.*}}%zmm
// AVX512-NOT: mov{{.*}}(%rsp)
// AVX512: cmpq
// AVX512: testb $15,
// AVX512-NEXT: jne [[LOOP]]
// AVX512-COUNT-6: prefetcht0
// AVX512: jmp [[LOOP]]

// AVX2-LABEL: weft_tile_float_6x16_0_1_4_whole:
// AVX2: [[LOOP:.LBB[0-9]+_[0-9]+]]:
// AVX2-COUNT-48: vfmadd231ps {{.*}}%ymm
// AVX2: jmp [[LOOP]]

// Whole tiles of columns of B are not copied for few rows of A; for rows of B that are no neighbours they are. The last
// four of 64 rows have a tile of their own.
// CHECK-LABEL: void @few(
// CHECK: [[FUNCTION:%.*]] = select i1 {{.*}}, ptr null, ptr @weft_copy_f32_float_16
// CHECK: call void @weft_block_f32_f32_float({{.*}}, ptr [[FUNCTION]], ptr @weft_tile_float_6x64_0_1_4_whole, ptr @weft_tile_float_4x64_0_1_1,
// CHECK: call void @weft_block_f32_f32_float({{.*}}, ptr @weft_transpose_f32_float_16, ptr @weft_tile
kernel.func @product(%a: !kernel.buffer<f32>, %b: !kernel.buffer<f32>, %c: !kernel.buffer<f32>, %begin: index, %end: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %size = arith.constant 1000 : index
  %block = arith.constant 126 : index
  kernel.for %t = %begin to %end {
    %r0 = arith.muli %t, %block : index
    %next = arith.addi %r0, %block : index
    %r1 = arith.minsi %next, %size : index
    kernel.contract %a[%zero, %size, %one], %b[%zero, %size, %one] depth %size rows %r0 to %r1 columns %zero to %size
        : !kernel.buffer<f32>, !kernel.buffer<f32> (%m, %n, %sum : f32) {
      %row = arith.muli %m, %size : index
      %at = arith.addi %row, %n : index
      kernel.store %sum, %c[%at] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}

kernel.func @few(%a: !kernel.buffer<f32>, %b: !kernel.buffer<f32>, %c: !kernel.buffer<f32>, %begin: index, %end: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %rows = arith.constant 64 : index
  %size = arith.constant 1000 : index
  kernel.contract %a[%zero, %size, %one], %b[%zero, %size, %one] depth %size rows %zero to %rows columns %begin to %end
      : !kernel.buffer<f32>, !kernel.buffer<f32> (%m, %n, %sum : f32) {
    %row = arith.muli %m, %size : index
    %at = arith.addi %row, %n : index
    kernel.store %sum, %c[%at] : f32, !kernel.buffer<f32>
  }
  kernel.contract %a[%zero, %size, %one], %b[%zero, %one, %size] depth %size rows %zero to %rows columns %begin to %end
      : !kernel.buffer<f32>, !kernel.buffer<f32> (%m, %n, %sum : f32) {
    %row = arith.muli %m, %size : index
    %at = arith.addi %row, %n : index
    kernel.store %sum, %c[%at] : f32, !kernel.buffer<f32>
  }
  kernel.return
}
