// RUN: weft-translate --emit=llvm --cpu=cascadelake %s | FileCheck %s
// The second loop over a row asks for half of the next row, and for half of this row of what the third stores; the third
// asks for the other half. The first asks for nothing, and nobody for the rows' scale.

// CHECK-LABEL: @rows
// CHECK: %[[NEXT:.*]] = add i64 %{{.*}}, 1
// CHECK-NOT: prefetch
// CHECK: fadd <64 x float>
// CHECK: mul i64 %[[NEXT]], 1024
// CHECK: call void @llvm.prefetch.p0(ptr %{{.*}}, i32 0, i32 3
// CHECK: getelementptr float, ptr %[[Y:.*]], i64
// CHECK: call void @llvm.prefetch.p0(ptr %{{.*}}, i32 1, i32 3
// CHECK-NOT: prefetch
// CHECK: fmul <16 x float>
// CHECK: add i64 %{{.*}}, 512
// CHECK: call void @llvm.prefetch.p0(ptr %{{.*}}, i32 0, i32 3
// CHECK-NOT: call void @llvm.prefetch
// CHECK: fsub <16 x float>
// CHECK: ret void
kernel.func @rows(%x: !kernel.buffer<f32>, %s: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %begin: index, %end: index) {
  %c0 = arith.constant 0 : index
  %n = arith.constant 1024 : index
  %kept = kernel.scratch 1024 : !kernel.buffer<f32>
  kernel.for %t = %begin to %end {
    %first = arith.muli %t, %n : index
    %r = kernel.reduce sum %i to %n : f32 {
      %j = arith.addi %first, %i : index
      %a = kernel.load %x[%j] : !kernel.buffer<f32> -> f32
      %b = kernel.load %s[%i] : !kernel.buffer<f32> -> f32
      %c = arith.addf %a, %b : f32
      kernel.yield %c : f32
    }
    kernel.for lane %i = %c0 to %n {
      %j = arith.addi %first, %i : index
      %a = kernel.load %x[%j] : !kernel.buffer<f32> -> f32
      %b = kernel.load %s[%i] : !kernel.buffer<f32> -> f32
      %c = arith.mulf %a, %r : f32
      %d = arith.mulf %c, %b : f32
      kernel.store %d, %kept[%i] : f32, !kernel.buffer<f32>
    }
    kernel.for lane %i = %c0 to %n {
      %j = arith.addi %first, %i : index
      %a = kernel.load %kept[%i] : !kernel.buffer<f32> -> f32
      %b = arith.subf %a, %r : f32
      kernel.store %b, %y[%j] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}

// With a loop more in between, all of the result's row is asked for: a quarter by the first loop, half by the second, and
// the last quarter by the third.

// CHECK-LABEL: @more
// CHECK: call void @llvm.prefetch.p0(ptr %{{.*}}, i32 1, i32 3
// CHECK-NOT: prefetch
// CHECK: fadd <64 x float>
// CHECK: call void @llvm.prefetch.p0(ptr %{{.*}}, i32 0, i32 3
// CHECK: add i64 %{{.*}}, 256
// CHECK: call void @llvm.prefetch.p0(ptr %{{.*}}, i32 1, i32 3
// CHECK: fmul <16 x float>
// CHECK: add i64 %{{.*}}, 768
// CHECK: call void @llvm.prefetch.p0(ptr %{{.*}}, i32 1, i32 3
// CHECK-NOT: prefetch
// CHECK: fadd <64 x float>
// CHECK: add i64 %{{.*}}, 512
// CHECK: call void @llvm.prefetch.p0(ptr %{{.*}}, i32 0, i32 3
// CHECK: fsub <16 x float>
// CHECK: ret void
kernel.func @more(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %begin: index, %end: index) {
  %c0 = arith.constant 0 : index
  %n = arith.constant 1024 : index
  %kept = kernel.scratch 1024 : !kernel.buffer<f32>
  kernel.for %t = %begin to %end {
    %first = arith.muli %t, %n : index
    %r = kernel.reduce sum %i to %n : f32 {
      %j = arith.addi %first, %i : index
      %a = kernel.load %x[%j] : !kernel.buffer<f32> -> f32
      kernel.yield %a : f32
    }
    kernel.for lane %i = %c0 to %n {
      %j = arith.addi %first, %i : index
      %a = kernel.load %x[%j] : !kernel.buffer<f32> -> f32
      %b = arith.mulf %a, %r : f32
      kernel.store %b, %kept[%i] : f32, !kernel.buffer<f32>
    }
    %s = kernel.reduce sum %i to %n : f32 {
      %a = kernel.load %kept[%i] : !kernel.buffer<f32> -> f32
      kernel.yield %a : f32
    }
    kernel.for lane %i = %c0 to %n {
      %j = arith.addi %first, %i : index
      %a = kernel.load %kept[%i] : !kernel.buffer<f32> -> f32
      %b = arith.subf %a, %s : f32
      kernel.store %b, %y[%j] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}

// Rows that come in runs: the next one's number is computed as this one's, an iteration ahead. Rows whose numbers are
// data are not asked for, as there may be no next number to read.

// CHECK-LABEL: @runs
// CHECK: %[[I:.*]] = phi i64
// CHECK: %[[AHEAD:.*]] = add i64 %[[I]], 1
// CHECK: %[[NUMBER:.*]] = udiv i64 %[[AHEAD]], 4
// CHECK: %[[FIRST:.*]] = mul i64 %[[NUMBER]], 64
// CHECK: %[[NEXT:.*]] = add i64 %[[FIRST]], %{{.*}}
// CHECK: fadd <64 x float>
// CHECK: mul i64 %[[NEXT]], 1024
// CHECK: call void @llvm.prefetch.p0(ptr %{{.*}}, i32 0, i32 3
// CHECK: ret void
kernel.func @runs(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %begin: index, %end: index) {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %c64 = arith.constant 64 : index
  %n = arith.constant 1024 : index
  kernel.for %t = %begin to %end {
    %run = arith.divui %t, %c4 : index
    %inRun = arith.remui %t, %c4 : index
    %firstRow = arith.muli %run, %c64 : index
    %row = arith.addi %firstRow, %inRun : index
    %first = arith.muli %row, %n : index
    %r = kernel.reduce sum %i to %n : f32 {
      %j = arith.addi %first, %i : index
      %a = kernel.load %x[%j] : !kernel.buffer<f32> -> f32
      kernel.yield %a : f32
    }
    kernel.for lane %i = %c0 to %n {
      %j = arith.addi %first, %i : index
      %a = kernel.load %x[%j] : !kernel.buffer<f32> -> f32
      %b = arith.mulf %a, %r : f32
      kernel.store %b, %y[%j] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}

// CHECK-LABEL: @chosen
// CHECK-NOT: prefetch
// CHECK: ret void
kernel.func @chosen(%x: !kernel.buffer<f32>, %rows: !kernel.buffer<index>, %y: !kernel.buffer<f32>, %begin: index, %end: index) {
  %c0 = arith.constant 0 : index
  %n = arith.constant 1024 : index
  kernel.for %t = %begin to %end {
    %row = kernel.load %rows[%t] : !kernel.buffer<index> -> index
    %first = arith.muli %row, %n : index
    %r = kernel.reduce sum %i to %n : f32 {
      %j = arith.addi %first, %i : index
      %a = kernel.load %x[%j] : !kernel.buffer<f32> -> f32
      kernel.yield %a : f32
    }
    kernel.for lane %i = %c0 to %n {
      %j = arith.addi %first, %i : index
      %a = kernel.load %x[%j] : !kernel.buffer<f32> -> f32
      %b = arith.mulf %a, %r : f32
      kernel.store %b, %y[%j] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}

// The results of a product of many rows are stored six rows at a time, and those of the next six asked for.

// CHECK-LABEL: @results
// CHECK: call void @weft_block
// CHECK: %[[LATER:.*]] = add i64 %{{.*}}, 6
// CHECK: mul i64 %[[LATER]], 512
// CHECK: call void @llvm.prefetch.p0(ptr %{{.*}}, i32 1, i32 3
// CHECK: store <16 x float>
// CHECK: ret void
kernel.func @results(%a: !kernel.buffer<f32>, %b: !kernel.buffer<f32>, %c: !kernel.buffer<f32>, %begin: index, %end: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %columns = arith.constant 128 : index
  %size = arith.constant 512 : index
  kernel.for %t = %begin to %end {
    %first = arith.muli %t, %columns : index
    %last = arith.addi %first, %columns : index
    kernel.contract %a[%zero, %size, %one], %b[%zero, %size, %one] depth %size rows %zero to %size columns %first to %last
        : !kernel.buffer<f32>, !kernel.buffer<f32> (%m, %n, %sum : f32) {
      %row = arith.muli %m, %size : index
      %at = arith.addi %row, %n : index
      kernel.store %sum, %c[%at] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}

// A load that is there for the cache asks for the lines of a vector's elements, and reads nothing.

// CHECK-LABEL: @asked
// CHECK: call void @llvm.prefetch.p0(ptr %{{.*}}, i32 0, i32 3
// CHECK-NOT: load <{{[0-9]+}} x float>
// CHECK: ret void
kernel.func @asked(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %begin: index, %end: index) {
  %zero = arith.constant 0 : index
  %size = arith.constant 64 : index
  %one = arith.constant 1.0 : f32
  kernel.for %t = %begin to %end {
    kernel.for lane %i = %zero to %size {
      %later = kernel.load %x[%i] {kernel.prefetch} : !kernel.buffer<f32> -> f32
      kernel.store %one, %y[%i] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
}

// A body that computes on several arrays asks for what comes later in each of them earlier than one that reads one array.

// CHECK-LABEL: @several
// CHECK-COUNT-12: call void @llvm.prefetch.p0(ptr %{{.*}}, i32 0, i32 3
// CHECK: call void @llvm.masked.store.v64f32
// CHECK-LABEL: @one
// CHECK-NOT: call void @llvm.prefetch
// CHECK: ret void
kernel.func @several(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %z: !kernel.buffer<f32>, %r: !kernel.buffer<f32>, %begin: index, %end: index) {
  kernel.for lane %i = %begin to %end {
    %x0 = kernel.load %x[%i] : !kernel.buffer<f32> -> f32
    %y0 = kernel.load %y[%i] : !kernel.buffer<f32> -> f32
    %z0 = kernel.load %z[%i] : !kernel.buffer<f32> -> f32
    %v0 = arith.addf %x0, %x0 : f32
    %v1 = arith.mulf %v0, %y0 : f32
    %v2 = arith.addf %v1, %z0 : f32
    %v3 = arith.mulf %v2, %x0 : f32
    %v4 = arith.addf %v3, %y0 : f32
    %v5 = arith.mulf %v4, %z0 : f32
    %v6 = arith.addf %v5, %x0 : f32
    %v7 = arith.mulf %v6, %y0 : f32
    %v8 = arith.addf %v7, %z0 : f32
    %v9 = arith.mulf %v8, %x0 : f32
    %v10 = arith.addf %v9, %y0 : f32
    %v11 = arith.mulf %v10, %z0 : f32
    %v12 = arith.addf %v11, %x0 : f32
    %v13 = arith.mulf %v12, %y0 : f32
    %v14 = arith.addf %v13, %z0 : f32
    %v15 = arith.mulf %v14, %x0 : f32
    %v16 = arith.addf %v15, %y0 : f32
    kernel.store %v16, %r[%i] : f32, !kernel.buffer<f32>
  }
  kernel.return
}
kernel.func @one(%x: !kernel.buffer<f32>, %r: !kernel.buffer<f32>, %begin: index, %end: index) {
  kernel.for lane %i = %begin to %end {
    %x0 = kernel.load %x[%i] : !kernel.buffer<f32> -> f32
    %v0 = arith.addf %x0, %x0 : f32
    %v1 = arith.mulf %v0, %x0 : f32
    %v2 = arith.addf %v1, %x0 : f32
    %v3 = arith.mulf %v2, %x0 : f32
    %v4 = arith.addf %v3, %x0 : f32
    kernel.store %v4, %r[%i] : f32, !kernel.buffer<f32>
  }
  kernel.return
}
