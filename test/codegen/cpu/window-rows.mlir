// RUN: weft-opt %s | weft-opt | FileCheck %s --check-prefix=KERNEL
// RUN: weft-translate --emit=llvm --cpu=x86-64-v3 %s | FileCheck %s
// RUN: weft-translate --emit=llvm --cpu=x86-64-v4 %s | FileCheck %s --check-prefix=AVX512
// Windows of an image that lies channels last are read where they are, by a table of addresses: nothing of the input is copied.

// With more registers a tile is higher, here as high as the rows of a task, and meanwhile asks for the next panel. The
// table's addresses are vectors.
// AVX512-LABEL: define internal void @weft_row_table(
// AVX512: select <8 x i1> %{{.*}}, <8 x i64>
// AVX512-LABEL: define internal void @weft_window_tile_f32_f32_float_10x16(
// AVX512: call void @llvm.prefetch.p0(
// AVX512-COUNT-10: call <16 x float> @llvm.fma.v16f32(

// KERNEL: kernel.contract {{.*}} windows of a in rows [
// CHECK-NOT: @weft_windows_
// CHECK-LABEL: define internal void @weft_window_tile_f32_f32_float_6x16(
// CHECK-COUNT-12: call <8 x float> @llvm.fma.v8f32(
// CHECK: ret void
// CHECK-NOT: @weft_windows_
kernel.func @product(%arg0: !kernel.buffer<f32>, %arg1: !kernel.buffer<f32>, %arg2: !kernel.buffer<f32>, %arg3: index, %arg4: index) {
  %c20 = arith.constant 20 : index
  %c48 = arith.constant 48 : index
  %c768 = arith.constant 768 : index
  %c3 = arith.constant 3 : index
  %c5 = arith.constant 5 : index
  %c80 = arith.constant 80 : index
  %c2 = arith.constant 2 : index
  %c10 = arith.constant 10 : index
  %c160 = arith.constant 160 : index
  %c16 = arith.constant 16 : index
  %c1 = arith.constant 1 : index
  %c128 = arith.constant 128 : index
  %c12 = arith.constant 12 : index
  %c0 = arith.constant 0 : index
  kernel.for %arg5 = %arg3 to %arg4 {
    %0 = arith.muli %arg5, %c12 : index
    %1 = arith.addi %0, %c12 : index
    %2 = arith.minsi %1, %c10 : index
    kernel.contract %arg0[%c0, %c0, %c0], %arg1[%c0, %c16, %c768] depth %c48 rows %0 to %2 columns %c0 to %c20 windows of a in rows [%c16, %c1, %c160, %c10, %c1, %c1, %c1, %c0, %c1, %c1, %c0, %c2, %c1, %c2, %c80, %c1, %c1, %c0, %c5, %c3, %c5, %c16, %c1, %c1, %c1] : !kernel.buffer<f32>, !kernel.buffer<f32> (%arg6, %arg7, %arg8 : f32) {
      %3 = arith.muli %arg7, %c10 : index
      %4 = arith.addi %3, %arg6 : index
      %5 = arith.cmpf une, %arg8, %arg8 : f32
      %cst = arith.constant 0x7FC00000 : f32
      %6 = arith.select %5, %cst, %arg8 : f32
      kernel.store %6, %arg2[%4] : f32, <f32>
    }
  }
  kernel.return
}
