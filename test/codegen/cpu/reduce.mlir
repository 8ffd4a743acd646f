// RUN: weft-translate --emit=llvm --cpu=cascadelake %s | FileCheck %s
// The 64 lanes of the order are one vector; 200 is three of them and eight elements, and the lanes that are out of range
// add -0.0.

// CHECK-LABEL: @row
// CHECK: loop1:
// CHECK: %[[SUM:.*]] = phi <64 x float> [ splat (float -0.000000e+00)
// CHECK: load <64 x float>
// CHECK-NEXT: fadd <64 x float> %[[SUM]]
// CHECK: call <64 x float> @llvm.masked.load.v64f32.p0(ptr align 4 %{{.*}}, <64 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 false,
// CHECK: select <64 x i1> {{.*}}, <64 x float> %{{.*}}, <64 x float> splat (float -0.000000e+00)
// CHECK: fadd <64 x float>
// CHECK: fadd <32 x float>
// CHECK: fadd <16 x float>
// CHECK: fadd <8 x float>
// CHECK: fadd <4 x float>
// CHECK: fadd <2 x float>
// CHECK: fadd <1 x float>
kernel.func @row(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %begin: index, %end: index) {
  %n = arith.constant 200 : index
  kernel.for %t = %begin to %end {
    %first = arith.muli %t, %n : index
    %r = kernel.reduce sum %i to %n : f32 {
      %j = arith.addi %first, %i : index
      %a = kernel.load %x[%j] : !kernel.buffer<f32> -> f32
      kernel.yield %a : f32
    }
    kernel.store %r, %y[%t] : f32, !kernel.buffer<f32>
  }
  kernel.return
}

// Elements are neighbours from one multiple of 100 to the next. Those of a vector that is within one are loaded at once,
// others run by run under masks.
// CHECK-LABEL: @runs
// CHECK-NOT: gather
// CHECK: udiv i64 %{{.*}}, 100
// CHECK: icmp ule i64 %{{.*}}, 100
// CHECK: load <64 x float>
// CHECK: call <64 x float> @llvm.masked.load.v64f32
// CHECK-NOT: gather
// CHECK: ret void
kernel.func @runs(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %begin: index, %end: index) {
  %n = arith.constant 6400 : index
  %run = arith.constant 100 : index
  kernel.for %t = %begin to %end {
    %first = arith.muli %t, %run : index
    %r = kernel.reduce sum %i to %n : f32 {
      %number = arith.divui %i, %run : index
      %rest = arith.remui %i, %run : index
      %start = arith.muli %number, %n : index
      %j = arith.addi %start, %rest : index
      %k = arith.addi %j, %first : index
      %a = kernel.load %x[%k] : !kernel.buffer<f32> -> f32
      kernel.yield %a : f32
    }
    kernel.store %r, %y[%t] : f32, !kernel.buffer<f32>
  }
  kernel.return
}

// Two sums over the same elements are one loop; one that needs the result of another comes after it. (With a loop in
// between that stores, prefetch.mlir has two.)
// CHECK-LABEL: @together
// CHECK: phi <64 x float>
// CHECK-NOT: phi <64 x float>
// CHECK: end{{.*}}:
// CHECK: phi <64 x float>
// CHECK-NEXT: phi <64 x float>
// CHECK: fadd <64 x float>
// CHECK: fadd <64 x float>
// CHECK-NOT: phi <64 x float>
// CHECK: ret void
kernel.func @together(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %begin: index, %end: index) {
  %n = arith.constant 640 : index
  kernel.for %t = %begin to %end {
    %first = arith.muli %t, %n : index
    %mean = kernel.reduce sum %i to %n : f32 {
      %j = arith.addi %first, %i : index
      %a = kernel.load %x[%j] : !kernel.buffer<f32> -> f32
      kernel.yield %a : f32
    }
    %rest = kernel.reduce sum %i to %n : f32 {
      %j = arith.addi %first, %i : index
      %a = kernel.load %x[%j] : !kernel.buffer<f32> -> f32
      %d = arith.subf %a, %mean : f32
      kernel.yield %d : f32
    }
    %squares = kernel.reduce sum %i to %n : f32 {
      %j = arith.addi %first, %i : index
      %a = kernel.load %x[%j] : !kernel.buffer<f32> -> f32
      %d = arith.subf %a, %mean : f32
      %s = arith.mulf %d, %d : f32
      kernel.yield %s : f32
    }
    %r = arith.subf %squares, %rest : f32
    kernel.store %r, %y[%t] : f32, !kernel.buffer<f32>
  }
  kernel.return
}
