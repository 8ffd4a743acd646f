// RUN: weft-translate --emit=llvm --cpu=cascadelake %s | FileCheck %s
// RUN: weft-translate --emit=asm --cpu=neoverse-n1 %s | FileCheck %s --check-prefix=NEON
// Rounding to bfloat16 adds within 32 bits; then a permutation takes the upper halves, of two vectors at once where there are two.

// CHECK-LABEL: @round
// CHECK: [[HALF:%[0-9]+]] = call <16 x i32> @llvm.x86.avx512.pternlog.d.512({{.*}}, <16 x i32> splat (i32 1), <16 x i32> splat (i32 -32768), i32 174)
// CHECK: [[SUM:%[0-9]+]] = sub <16 x i32> {{.*}}, [[HALF]]
// CHECK: [[QUIET:%[0-9]+]] = or <16 x i32> {{.*}}, splat (i32 4194304)
// CHECK: select <16 x i1> {{.*}}, <16 x i32> [[QUIET]], <16 x i32> [[SUM]]
// CHECK: shufflevector <32 x i16> {{.*}}, <16 x i32> <i32 1, i32 3, i32 5,
// NEON-LABEL: round:
// NEON: fcmeq
// NEON-NOT: xtn
// NEON-COUNT-2: uzp2 v{{[0-9]+}}.8h
// NEON: b.lt
kernel.func @round(%x: !kernel.buffer<f32>, %y: !kernel.buffer<bf16>, %begin: index, %end: index) {
  kernel.for lane %i = %begin to %end {
    %a = kernel.load %x[%i] : !kernel.buffer<f32> -> f32
    %r = arith.truncf %a : f32 to bf16
    kernel.store %r, %y[%i] : bf16, !kernel.buffer<bf16>
  }
  kernel.return
}
