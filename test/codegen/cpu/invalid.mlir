// RUN: not weft-translate --emit=llvm --cpu=cascadelake %s 2>&1 | FileCheck %s
// RUN: not weft-translate --emit=llvm --cpu=core2 %S/lane-loop.mlir 2>&1 | FileCheck %s --check-prefix=CPU
// RUN: not weft-translate --emit=llvm --cpu=no-such-cpu %S/lane-loop.mlir 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// CHECK: [codegen] the CPU code generator does not know this operation: {{.*}}math.tan
// CPU: [codegen] the CPU 'core2' lacks AVX2, FMA or F16C; the oldest one supported is x86-64-v3
// UNKNOWN: [codegen] unknown CPU 'no-such-cpu'
kernel.func @tangent(%x: !kernel.buffer<f32>, %begin: index, %end: index) {
  kernel.for lane %i = %begin to %end {
    %a = kernel.load %x[%i] : !kernel.buffer<f32> -> f32
    %r = math.tan %a : f32
    kernel.store %r, %x[%i] : f32, !kernel.buffer<f32>
  }
  kernel.return
}
