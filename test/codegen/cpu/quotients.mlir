// RUN: weft-translate --emit=llvm-opt --cpu=cascadelake %s | FileCheck %s
// RUN: weft-translate --emit=llvm-opt --cpu=x86-64-v3 %s | FileCheck %s --check-prefix=AVX2
// A row is divided by one number: its reciprocal is computed once, and vectors are divided only where a quotient is tiny
// or no number. AVX2 divides half as many numbers at a time, and twice as fast.

// CHECK-LABEL: @row
// CHECK: [[S:%[0-9]+]] = load float
// CHECK: [[INVERSE:%[0-9]+]] = fdiv float 1.000000e+00, [[S]]
// CHECK: select i1 %{{[0-9]+}}, float [[INVERSE]], float 0x7FF8000000000000
// CHECK: [[X:%[0-9]+]] = load <64 x float>
// CHECK-NEXT: [[Q:%[0-9]+]] = fmul <64 x float> [[X]],
// CHECK: [[REST:%[0-9]+]] = call <64 x float> @llvm.fma.v64f32(<64 x float> %{{[0-9]+}}, <64 x float> %{{.*}}, <64 x float> [[X]])
// CHECK: call <64 x float> @llvm.fma.v64f32(<64 x float> [[REST]], <64 x float> %{{.*}}, <64 x float> [[Q]])
// CHECK: br i1 %{{[0-9]+}}, label %[[TRUE:[a-z0-9]+]], label %{{.*}}, !prof
// CHECK: [[TRUE]]:
// CHECK-NEXT: fdiv <64 x float> [[X]],
// AVX2-LABEL: @row
// AVX2: fdiv <16 x float>
// AVX2-NOT: fma
kernel.func @row(%x: !kernel.buffer<f32>, %s: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %begin: index, %end: index) {
  %zero = arith.constant 0 : index
  %n = arith.constant 1024 : index
  kernel.for %row = %begin to %end {
    %divisor = kernel.load %s[%row] : !kernel.buffer<f32> -> f32
    kernel.for lane %i = %zero to %n {
      %a = kernel.load %x[%i] : !kernel.buffer<f32> -> f32
      %r = arith.divf %a, %divisor : f32
      kernel.store %r, %y[%i] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}

// What is divided may be no number: its NaNs become the one of results there, and nowhere else.
// CHECK-LABEL: @results
// CHECK-NOT: fixupimm
// CHECK: fdiv <64 x float>
// CHECK-COUNT-4: call <16 x float> @llvm.x86.avx512.mask.fixupimm.ps.512
// CHECK-NOT: call {{.*}}fixupimm
// AVX2-LABEL: @results
// AVX2: select <16 x i1>
kernel.func @results(%x: !kernel.buffer<f32>, %s: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %begin: index, %end: index) {
  %zero = arith.constant 0 : index
  %n = arith.constant 1024 : index
  %nan = arith.constant 0x7FC00000 : f32
  kernel.for %row = %begin to %end {
    %divisor = kernel.load %s[%row] : !kernel.buffer<f32> -> f32
    kernel.for lane %i = %zero to %n {
      %a = kernel.load %x[%i] : !kernel.buffer<f32> -> f32
      %r = arith.divf %a, %divisor : f32
      %isNan = arith.cmpf une, %r, %r : f32
      %result = arith.select %isNan, %nan, %r : f32
      kernel.store %result, %y[%i] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}
