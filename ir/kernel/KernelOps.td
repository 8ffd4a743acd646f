// The kernel dialect: a fused group as loops over scalars. It is SPMD in spirit: the body of a lane loop is written for one
// element; codegen/cpu turns lanes into vectors, codegen/cuda into threads. Bodies use `arith` and `math` on scalars and `index`.
#ifndef WEFT_KERNEL_OPS
#define WEFT_KERNEL_OPS

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"

def Kernel_Dialect : Dialect {
  let name = "kernel";
  let cppNamespace = "::weft::kernel";
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def Kernel_Buffer : TypeDef<Kernel_Dialect, "Buffer"> {
  let mnemonic = "buffer";
  let summary = "Untracked memory that holds elements of one type; an i1 takes a byte.";
  let parameters = (ins "::mlir::Type":$elementType);
  let assemblyFormat = "`<` $elementType `>`";
}

class Kernel_Op<string mnemonic, list<Trait> traits = []> : Op<Kernel_Dialect, mnemonic, traits>;

def Kernel_FuncOp : Kernel_Op<"func", [IsolatedFromAbove, FunctionOpInterface, Symbol]> {
  let summary = "One kernel: arguments are buffers, then scalars of type index, then the bounds [begin, end) of the tasks to run.";
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type,
                   OptionalAttr<DictArrayAttr>:$arg_attrs, OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let skipDefaultBuilders = 1;
  // Makes the entry block: one argument a buffer, then `scalarCount` + 2 of type index.
  let builders = [OpBuilder<(ins "llvm::StringRef":$name, "mlir::TypeRange":$buffers, "int64_t":$scalarCount)>];
  let extraClassDeclaration = [{
    unsigned bufferCount();
    mlir::Value begin() { return getBody().getArgument(getBody().getNumArguments() - 2); }
    mlir::Value end() { return getBody().getArgument(getBody().getNumArguments() - 1); }
    llvm::ArrayRef<mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    llvm::ArrayRef<mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    mlir::Region *getCallableRegion() { return &getBody(); }
  }];
}

def Kernel_ReturnOp : Kernel_Op<"return", [Terminator, HasParent<"FuncOp">]> { let assemblyFormat = "attr-dict"; }

def Kernel_ForOp : Kernel_Op<"for", [SingleBlockImplicitTerminator<"YieldOp">, RecursiveMemoryEffects]> {
  let summary = "A loop from lower to upper by one. `lane`: the iterations are independent and become vector lanes or threads.";
  let arguments = (ins Index:$lower, Index:$upper, UnitAttr:$lane);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1; // kernel.for lane %i = %a to %b { ... }
  let hasVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "mlir::Value":$lower, "mlir::Value":$upper, "bool":$lane,
                             "llvm::function_ref<void(mlir::OpBuilder &, mlir::Location, mlir::Value)>":$body)>];
  let extraClassDeclaration = [{ mlir::Value index() { return getBody().getArgument(0); } }];
}

def Kernel_ReduceOp : Kernel_Op<"reduce", [SingleBlock, RecursiveMemoryEffects]> {
  let summary = "The reduction of the yielded values over [0, upper), in the canonical order.";
  let description = [{
    The canonical order of a float sum or product depends on the number of elements alone. Element i belongs to block i / 1024.
    Within a block, lane l of 64 combines the elements at positions l, l + 64, l + 128, ... in order; then lanes combine
    as a tree: l with l + 32, then l + 16, 8, 4, 2, 1. The results of the blocks are reduced by the same rule, and theirs as one block.
    (The numbers are those of ir/kernel/CanonicalOrder.h.)
    A lane's accumulator starts from the identity, which is exact: -0.0 for sums, 1 for products, -inf and +inf for max and min.

    `kind` is one of sum, prod, max, min (NaN wins), any, all (on i1), argmax, argmin (index of the first; a NaN wins; result i64).
    Integers are signed; argmax and argmin count from 0. The result of no elements is the identity, but +0.0 for a sum.
    A reduce that stands in a lane loop runs serially within each lane, in the same order.
  }];
  let arguments = (ins StrAttr:$kind, Index:$upper);
  let results = (outs AnyType:$result);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1; // %r = kernel.reduce sum %i to %n : f32 { ... kernel.yield %v : f32 }
  let hasVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "llvm::StringRef":$kind, "mlir::Value":$upper, "mlir::Type":$type,
                             "llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::Value)>":$body)>];
  let extraClassDeclaration = [{
    mlir::Value index() { return getBody().getArgument(0); }
    mlir::Value yielded() { return getBody().front().getTerminator()->getOperand(0); }
  }];
}

def Kernel_YieldOp : Kernel_Op<"yield", [Terminator, Pure]> {
  let arguments = (ins Variadic<AnyType>:$values);
  let builders = [OpBuilder<(ins), [{ (void)$_state; }]>];
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def Kernel_LoadOp : Kernel_Op<"load", [AttrSizedOperandSegments, MemoryEffects<[MemRead]>]> {
  let summary = "The element at a linear index. With a mask: `otherwise` where the mask is false, and memory is not touched.";
  let arguments = (ins Kernel_Buffer:$buffer, Index:$index, Optional<I1>:$mask, Optional<AnyType>:$otherwise);
  let results = (outs AnyType:$value);
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "mlir::Value":$buffer, "mlir::Value":$index)>];
  let assemblyFormat = "$buffer `[` $index `]` (`mask` $mask^ `else` $otherwise `:` type($otherwise))? attr-dict `:` type($buffer) `->` type($value)";
}

def Kernel_StoreOp : Kernel_Op<"store", [MemoryEffects<[MemWrite]>]> {
  let arguments = (ins AnyType:$value, Kernel_Buffer:$buffer, Index:$index, Optional<I1>:$mask);
  let hasVerifier = 1;
  let assemblyFormat = "$value `,` $buffer `[` $index `]` (`mask` $mask^)? attr-dict `:` type($value) `,` type($buffer)";
}

def Kernel_ScratchOp : Kernel_Op<"scratch", [MemoryEffects<[MemAlloc]>]> {
  let summary = "Memory private to one task of the grid; the kernel's scratch operations must all stand at the function's top.";
  let description = "With `times`, an argument of the function, so many times the elements. For CPUs only.";
  let arguments = (ins I64Attr:$elements, Optional<Index>:$times);
  let results = (outs Kernel_Buffer:$buffer);
  let assemblyFormat = "$elements (`times` $times^)? attr-dict `:` type($buffer)";
}

def Kernel_PackOp : Kernel_Op<"pack", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Copies the k x columns elements of B into panels from panels[panelsBase] on, as kernel.contract reads them with packedB.";
  let description = [{
    What rounding up adds to K and to the columns is filled with zeros; f16 and bf16 become the f32 of the sums. For CPUs only.
    bf16 may stay as it is, for a product in pairs: then the elements (k, n) and (k + 1, n) of an even k are neighbours in a panel.
    With a row stride the copy is no panels but k rows, so many elements from one to the next, with room for the columns rounded up to a
    multiple of 64: as kernel.contract reads an A where it is, whose rows and K these are.
  }];
  let arguments = (ins Kernel_Buffer:$b, Index:$bBase, Index:$bStrideK, Index:$bStrideN, Index:$k, Index:$columns,
                   Kernel_Buffer:$panels, Index:$panelsBase, Optional<Index>:$rowStride);
  let assemblyFormat = [{
    $b `[` $bBase `,` $bStrideK `,` $bStrideN `]` `depth` $k `columns` $columns `into` $panels `[` $panelsBase `]` (`rows` $rowStride^)?
    attr-dict `:` type($b) `,` type($panels)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    // The columns of a panel, and what its rows are a multiple of.
    static constexpr int64_t kColumns = 64, kRows = 32;
  }];
}

def Kernel_TransposeOp : Kernel_Op<"transpose", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Copies short rows into lanes, where a lane loop finds the same element of neighbouring rows side by side; or back.";
  let description = [{
    Element i < length of row r < count <= 64 is rows[base + r * stride + i] and lanes[i * 64 + r]. The copy goes from the rows to the lanes, or
    with `back` from the lanes to the rows. Numbers keep their bits; f16 and bf16 of rows are f32 in lanes. For CPUs only.
  }];
  let arguments = (ins Kernel_Buffer:$rows, Index:$base, Index:$stride, Index:$count, Index:$length, Kernel_Buffer:$lanes, UnitAttr:$back);
  let assemblyFormat = [{
    $rows `[` $base `,` $stride `]` `count` $count `length` $length (`from` $back^):(`into`)? $lanes attr-dict `:` type($rows) `,` type($lanes)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    static constexpr int64_t kLanes = 64;
    // The type of lanes for rows of this type; null where there is none.
    static mlir::Type laneType(mlir::Type row);
  }];
}

def Kernel_CompactOp : Kernel_Op<"compact", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Writes the numbers i < count of the flags that are true, in order, and gives how many they are.";
  let description = [{
    Both are scratch memory with room for the count rounded up to a multiple of 16, numbers for 16 more. For CPUs only.
  }];
  let arguments = (ins Kernel_Buffer:$flags, Index:$count, Kernel_Buffer:$numbers);
  let results = (outs Index:$kept);
  let assemblyFormat = "$flags `count` $count `into` $numbers attr-dict `:` type($flags) `,` type($numbers)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{ static constexpr int64_t kPastEnd = 16; }];
}

def Kernel_ContractOp : Kernel_Op<"contract", [SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "Tasks of a matrix product C[m, n] = sum over k of A[m, k] * B[k, n], each result handed to the epilogue region.";
  let description = [{
    The float order along k: fused multiply-adds (float64 in float64, else in float32) in one chain from +0.0 within blocks of 256, the
    blocks' sums added in order within groups of 2048, and the groups' in order, each beginning with the first. Integers wrap. A and B are addressed as base + m * stride + k * stride
    and so on. The region gets (m, n, sum), is a lane body along n, and stores. Nothing may be stored that A or B is read from.
    [rowBegin, rowEnd) x [columnBegin, columnEnd) is the part of C to compute.

    With `packedB`, B is stored in panels of 64 columns (kernel.pack), of the type of the sums: the element (k, n) is at
    bBase + (n / 64 * bStrideN + k) * 64 + n % 64, where bStrideN is the depth it was packed for, rounded up to a multiple of 32. bStrideK is
    not looked at; columnBegin must be a multiple of 64.
    The elements of A and B may be of different types if both are f16, bf16 or f32. Of an A in scratch memory so many rows may be read past
    rowEnd (kRowsPastEnd), with any elements.

    The order depends on K alone: never on layouts, nor on the number of rows and columns, so that a row of a product has the same bits
    whatever is beside it.

    With `windows` A (`ofA`) or B is the matrix of the windows of a convolution's input (ir/kernel/Windows.h): its base is that of the input, its
    strides are not looked at. Where there is no element of the input, the element of the matrix is zero.

    With `inRows` A (or B) is that matrix transposed: a row is an image and one of the results' positions, and the channels of an element of
    the input are contiguous. A and B are of the type of the sums; channels and the kernel's sizes are constants, and K is.
    Of A: B is in panels of bStrideK columns (a multiple of two vectors), (k, n) is at bBase + n / bStrideK * bStrideN + k * bStrideK +
    n % bStrideK, and columnBegin is a multiple of 128. Of B: aStrideM is 1, and channels and columnBegin are multiples of two vectors; bStrideN is the row
    of the matrix that stands at k = 0, so that a group of K can be a product by itself, whose K may vary up to that.

    With `unbroken` the chain is one over all of K, and +0.0 is added at its end, so that no sum is -0.0: products that are zeros change
    nothing, wherever in K they stand.

    With `pairs`, the order of bf16 times bf16, a chain takes its products two by two: of k = 0 and 1, that of 1 is added first, by a fused
    multiply-add, and that of 0 by the next, and so on; an odd K ends with a product of zeros. No number in it is subnormal: what an
    operand, a sum in the chain, or a sum of blocks would be below 2^-126, after rounding to 24 bits as if exponents had no end, is a
    zero of its sign. That is what AVX-512 BF16's vdpbf16ps computes; others emulate it. A processor that multiplies tiles (AMX) has its own
    order instead, that of tdpbf16ps: of 32 of k the products of even k are a chain of fused multiply-adds from +0.0, those of odd k another;
    the sum of both is added to the chain from +0.0 of such sums, in groups of 2048. A and B are bf16, or f32 that bf16 was widened to.
    It does not go with `unbroken`. A packed B of bf16 has the layout that kernel.pack gives it: (k, n) is at bBase + (n / 64 * bStrideN + k / 2 * 2) * 64 + n % 64 * 2 + k % 2.

    `threadTile` is how many rows and columns of results a GPU's thread computes, of 16 x 16 threads; 4 and 4 if it is not there.
  }];
  let arguments = (ins Kernel_Buffer:$a, Index:$aBase, Index:$aStrideM, Index:$aStrideK,
                   Kernel_Buffer:$b, Index:$bBase, Index:$bStrideK, Index:$bStrideN,
                   Index:$k, Index:$rowBegin, Index:$rowEnd, Index:$columnBegin, Index:$columnEnd, UnitAttr:$packedB,
                   UnitAttr:$unbroken, UnitAttr:$pairs, UnitAttr:$ofA, UnitAttr:$inRows, OptionalAttr<DenseI32ArrayAttr>:$threadTile,
                   Variadic<Index>:$windows);
  let regions = (region SizedRegion<1>:$epilogue);
  // kernel.contract %a[%base, %m, %k], %b[%base, %k, %n] depth %k rows %r0 to %r1 columns %c0 to %c1 [packed] [unbroken | pairs]
  //     [windows of a | b [in rows] [...]] : types of a and b
  //   (%m, %n, %sum : f32) { ... }
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let skipDefaultBuilders = 1;
  // The body is called with (builder, location, m, n, sum).
  let builders = [OpBuilder<(ins "mlir::ValueRange":$aOperands, "mlir::ValueRange":$bOperands, "mlir::Value":$k,
      "mlir::ValueRange":$rows, "mlir::ValueRange":$columns, "bool":$packedB,
      "llvm::function_ref<void(mlir::OpBuilder &, mlir::Location, mlir::Value, mlir::Value, mlir::Value)>":$body)>];
  let extraClassDeclaration = [{
    static constexpr int64_t kRowsPastEnd = 16;
    bool hasWindows() { return !getWindows().empty(); }
    // The type of the sum of products of elements of these types; null if they do not go together.
    static mlir::Type sumType(mlir::Type a, mlir::Type b);
  }];
}
#endif
