// RUN: weft-translate --emit=llvm --cpu=cascadelake %s | FileCheck %s --check-prefixes=CHECK,MASK32,MASK16
// RUN: weft-translate --emit=llvm --cpu=x86-64-v3 %s | FileCheck %s --check-prefixes=CHECK,MASK32,COPY16
// RUN: weft-translate --emit=llvm --cpu=neoverse-n1 %s | FileCheck %s --check-prefixes=CHECK,COPY32,COPY16
// The rest of a lane loop is under a mask where the processor has one for elements of that size; else it goes through the stack,
// element by element.

// CHECK-LABEL: @single
// MASK32: call <{{16|8}} x float> @llvm.masked.load
// MASK32: call void @llvm.masked.store
// COPY32: alloca [16 x float], align 64
// COPY32-NOT: llvm.masked
// COPY32: load float, ptr
// COPY32: store float
// COPY32: br i1
// CHECK: ret void
kernel.func @single(%x: !kernel.buffer<f32>, %begin: index, %end: index) {
  kernel.for lane %i = %begin to %end {
    %a = kernel.load %x[%i] : !kernel.buffer<f32> -> f32
    %r = arith.negf %a : f32
    kernel.store %r, %x[%i] : f32, !kernel.buffer<f32>
  }
  kernel.return
}

// CHECK-LABEL: @half
// MASK16: call <16 x i16> @llvm.masked.load
// MASK16: call void @llvm.masked.store
// COPY16: alloca [16 x i16], align 64
// COPY16-NOT: llvm.masked
// COPY16: load i16, ptr
// COPY16: store i16
// COPY16: br i1
// CHECK: ret void
kernel.func @half(%x: !kernel.buffer<f16>, %begin: index, %end: index) {
  kernel.for lane %i = %begin to %end {
    %a = kernel.load %x[%i] : !kernel.buffer<f16> -> f16
    %r = arith.negf %a : f16
    kernel.store %r, %x[%i] : f16, !kernel.buffer<f16>
  }
  kernel.return
}
