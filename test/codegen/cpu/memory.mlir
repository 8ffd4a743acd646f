// RUN: weft-translate --emit=llvm --cpu=cascadelake %s | FileCheck %s
// RUN: weft-translate --emit=llvm --cpu=cascadelake %s | FileCheck %s --check-prefix=EVERY
// RUN: weft-translate --emit=llvm --cpu=x86-64-v3 %s | FileCheck %s --check-prefixes=EVERY,AVX2
// Loads are as wide as the index allows: one scalar where all lanes read the same, a vector where the index grows by one, a reversed
// vector where it falls by one, else a gather; bool is a byte that is not zero.

// CHECK-LABEL: @loads
// CHECK: loop:
// CHECK: load float
// CHECK: load <16 x float>
// CHECK: shufflevector <16 x float> {{.*}} <i32 15, i32 14, i32 13,
// CHECK: call <16 x float> @llvm.masked.gather.v16f32
// CHECK: load <16 x i8>
// CHECK-NEXT: icmp ne <16 x i8>
kernel.func @loads(%x: !kernel.buffer<f32>, %m: !kernel.buffer<i1>, %y: !kernel.buffer<f32>, %begin: index, %end: index) {
  %zero = arith.constant 0 : index
  %three = arith.constant 3 : index
  %last = arith.constant 999 : index
  kernel.for lane %i = %begin to %end {
    %a = kernel.load %x[%zero] : !kernel.buffer<f32> -> f32
    %back = arith.subi %last, %i : index
    %b = kernel.load %x[%back] : !kernel.buffer<f32> -> f32
    %far = arith.muli %i, %three : index
    %c = kernel.load %x[%far] : !kernel.buffer<f32> -> f32
    %k = kernel.load %m[%i] : !kernel.buffer<i1> -> i1
    %d = arith.select %k, %b, %c : f32
    %r = arith.addf %a, %d : f32
    kernel.store %r, %y[%i] : f32, !kernel.buffer<f32>
  }
  kernel.return
}

// Every other element is two loads and a choice; the second one begins at the last of the first, since what is behind
// the last element may not be there. Those that take a mask take words on AVX2, where LLVM would drop masks of registers
// that nothing is used of.
// EVERY-LABEL: @every_other
// EVERY: [[NEXT:%.*]] = getelementptr float, ptr %{{.*}}, i64 15
// EVERY: load <16 x float>, ptr [[NEXT]]
// EVERY: shufflevector <16 x float> {{.*}} <i32 0, i32 2, i32 4, i32 6, i32 8, i32 10, i32 12, i32 14, i32 17, i32 19,
// AVX2-COUNT-4: call <8 x float> @llvm.x86.avx.maskload.ps.256
// EVERY-NOT: masked.gather
// EVERY: ret void
kernel.func @every_other(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %begin: index, %end: index) {
  %two = arith.constant 2 : index
  kernel.for lane %i = %begin to %end {
    %far = arith.muli %i, %two : index
    %a = kernel.load %x[%far] : !kernel.buffer<f32> -> f32
    kernel.store %a, %y[%i] : f32, !kernel.buffer<f32>
  }
  kernel.return
}
