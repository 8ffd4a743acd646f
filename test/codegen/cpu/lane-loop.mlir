// RUN: weft-translate --emit=llvm --cpu=cascadelake %s | FileCheck %s
// A lane loop is a loop of whole vectors and one masked vector; what is the same in all lanes is computed once, as a scalar.

// CHECK-LABEL: void @scale
// CHECK: loop:
// CHECK:   load <16 x float>, ptr {{.*}}, align 4
// CHECK:   %[[S:.*]] = load float
// CHECK:   %[[INSERT:.*]] = insertelement <16 x float> poison, float %[[S]]
// CHECK:   fmul <16 x float>
// CHECK:   store <16 x float>
// CHECK: then:
// CHECK:   icmp slt <16 x i32>
// CHECK:   call <16 x float> @llvm.masked.load
// CHECK:   call void @llvm.masked.store
kernel.func @scale(%x: !kernel.buffer<f32>, %s: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %n: index, %begin: index, %end: index) {
  %c0 = arith.constant 0 : index
  %block = arith.constant 1024 : index
  kernel.for %t = %begin to %end {
    %lo = arith.muli %t, %block : index
    %next = arith.addi %lo, %block : index
    %hi = arith.minsi %next, %n : index
    kernel.for lane %i = %lo to %hi {
      %a = kernel.load %x[%i] : !kernel.buffer<f32> -> f32
      %b = kernel.load %s[%c0] : !kernel.buffer<f32> -> f32
      %p = arith.mulf %a, %b : f32
      kernel.store %p, %y[%i] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}

// A long chain of operations runs on four vectors side by side, and asks for what comes later.
// CHECK-LABEL: void @chain
// CHECK: call void @llvm.prefetch
// CHECK: load <64 x float>
// CHECK-COUNT-24: fadd <64 x float>
// CHECK: store <64 x float>
kernel.func @chain(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %begin: index, %end: index) {
  %c0 = arith.constant 0 : index
  %n = arith.constant 1024 : index
  kernel.for lane %i = %c0 to %n {
    %a0 = kernel.load %x[%i] : !kernel.buffer<f32> -> f32
    %a1 = arith.addf %a0, %a0 : f32
    %a2 = arith.addf %a1, %a0 : f32
    %a3 = arith.addf %a2, %a0 : f32
    %a4 = arith.addf %a3, %a0 : f32
    %a5 = arith.addf %a4, %a0 : f32
    %a6 = arith.addf %a5, %a0 : f32
    %a7 = arith.addf %a6, %a0 : f32
    %a8 = arith.addf %a7, %a0 : f32
    %a9 = arith.addf %a8, %a0 : f32
    %a10 = arith.addf %a9, %a0 : f32
    %a11 = arith.addf %a10, %a0 : f32
    %a12 = arith.addf %a11, %a0 : f32
    %a13 = arith.addf %a12, %a0 : f32
    %a14 = arith.addf %a13, %a0 : f32
    %a15 = arith.addf %a14, %a0 : f32
    %a16 = arith.addf %a15, %a0 : f32
    %a17 = arith.addf %a16, %a0 : f32
    %a18 = arith.addf %a17, %a0 : f32
    %a19 = arith.addf %a18, %a0 : f32
    %a20 = arith.addf %a19, %a0 : f32
    %a21 = arith.addf %a20, %a0 : f32
    %a22 = arith.addf %a21, %a0 : f32
    %a23 = arith.addf %a22, %a0 : f32
    %a24 = arith.addf %a23, %a0 : f32
    kernel.store %a24, %y[%i] : f32, !kernel.buffer<f32>
  }
  kernel.return
}

// Chains that are apart, enough of them to keep the processor busy, are interleaved on two vectors.
// CHECK-LABEL: void @chains
// CHECK: fadd <32 x float>
// CHECK-NEXT: fmul <32 x float>
// CHECK-NEXT: fadd <32 x float>
// CHECK-NEXT: fmul <32 x float>
// CHECK-NEXT: fsub <32 x float>
// CHECK: store <32 x float>
kernel.func @chains(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %z: !kernel.buffer<f32>, %begin: index, %end: index) {
  %c0 = arith.constant 0 : index
  %n = arith.constant 1024 : index
  kernel.for lane %i = %c0 to %n {
    %a0 = kernel.load %x[%i] : !kernel.buffer<f32> -> f32
    %b0 = kernel.load %y[%i] : !kernel.buffer<f32> -> f32
    %a1 = arith.addf %a0, %a0 : f32
    %a2 = arith.addf %a1, %a0 : f32
    %a3 = arith.addf %a2, %a0 : f32
    %a4 = arith.addf %a3, %a0 : f32
    %a5 = arith.addf %a4, %a0 : f32
    %a6 = arith.addf %a5, %a0 : f32
    %a7 = arith.addf %a6, %a0 : f32
    %a8 = arith.addf %a7, %a0 : f32
    %b1 = arith.mulf %b0, %b0 : f32
    %b2 = arith.mulf %b1, %b0 : f32
    %b3 = arith.mulf %b2, %b0 : f32
    %b4 = arith.mulf %b3, %b0 : f32
    %b5 = arith.mulf %b4, %b0 : f32
    %b6 = arith.mulf %b5, %b0 : f32
    %b7 = arith.mulf %b6, %b0 : f32
    %b8 = arith.mulf %b7, %b0 : f32
    %c1 = arith.subf %b0, %a0 : f32
    %c2 = arith.subf %c1, %a0 : f32
    %c3 = arith.subf %c2, %a0 : f32
    %c4 = arith.subf %c3, %a0 : f32
    %c5 = arith.subf %c4, %a0 : f32
    %c6 = arith.subf %c5, %a0 : f32
    %c7 = arith.subf %c6, %a0 : f32
    %c8 = arith.subf %c7, %a0 : f32
    %ab = arith.addf %a8, %b8 : f32
    %abc = arith.addf %ab, %c8 : f32
    kernel.store %abc, %z[%i] : f32, !kernel.buffer<f32>
  }
  kernel.return
}

// The 256 lanes of the middle third: a comparison is the same for all 16 lanes of a vector, and so is a quotient.
// CHECK-LABEL: void @third
// CHECK: %[[INSIDE:.*]] = icmp ult i64
// CHECK: %[[QUOTIENT:.*]] = udiv i64 %{{.*}}, 32
// CHECK: br i1 %[[INSIDE]]
// CHECK: load <16 x float>
// CHECK-NOT: masked.gather
// CHECK: ret void
kernel.func @third(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %begin: index, %end: index) {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %c256 = arith.constant 256 : index
  %c4096 = arith.constant 4096 : index
  %n = arith.constant 768 : index
  %zero = arith.constant 0.0 : f32
  kernel.for lane %i = %c0 to %n {
    %at = arith.subi %i, %c256 : index
    %inside = arith.cmpi ult, %at, %c256 : index
    %q = arith.divui %at, %c32 : index
    %r = arith.remui %at, %c32 : index
    %row = arith.muli %q, %c4096 : index
    %place = arith.addi %row, %r : index
    %a = kernel.load %x[%place] mask %inside else %zero : f32 : !kernel.buffer<f32> -> f32
    kernel.store %a, %y[%i] : f32, !kernel.buffer<f32>
  }
  kernel.return
}
