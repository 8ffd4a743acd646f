// kernel.contract: the rows and columns of the task are taken in blocks whose sums stay in the second-level cache. For
// each 256 of K register tiles (MatrixTile.cpp) run over rows of A and panels of 32 columns of B, adding to the block
// of C in scratch memory; the epilogue then reads the sums from there. B is packed before (kernel.pack) or copied here,
// and A is copied where it is not of the type of the sums or its rows are not contiguous (MatrixCopy.cpp).
#include "codegen/cpu/Product.h"

using namespace llvm;
namespace arith = mlir::arith;

namespace weft::cpu {

int64_t span(mlir::Value begin, mlir::Value end) {
  auto constantOf = [](mlir::Value value) -> std::optional<int64_t> {
    auto constant = value ? value.getDefiningOp<arith::ConstantIndexOp>() : nullptr;
    return constant ? std::optional<int64_t>(constant.value()) : std::nullopt;
  };
  if (auto low = constantOf(begin), high = constantOf(end); low && high)
    return std::max<int64_t>(*high - *low, 0);
  if (auto least = end.getDefiningOp<arith::MinSIOp>()) {
    int64_t x = span(begin, least.getLhs()), y = span(begin, least.getRhs());
    return x < 0 ? y : y < 0 ? x : std::min(x, y);
  }
  if (auto sum = end.getDefiningOp<arith::AddIOp>()) {
    if (sum.getLhs() == begin)
      return constantOf(sum.getRhs()).value_or(-1);
    if (sum.getRhs() == begin)
      return constantOf(sum.getLhs()).value_or(-1);
  }
  // A begin that is not known is at least 0.
  return constantOf(end).value_or(-1);
}

KernelWriter::MatrixTypes::MatrixTypes(mlir::Type a, mlir::Type b, KernelWriter &w) : aType(a), bType(b) {
  sumType = kernel::ContractOp::sumType(a, b);
  type = w.type(sumType);
  vectorLanes = std::min<int64_t>(w.target.vectorBytes * 8 / type->getScalarSizeInBits(), kLanes);
}

std::string KernelWriter::MatrixTypes::name(const char *kind) const {
  std::string name;
  raw_string_ostream(name) << "weft_" << kind << '_' << aType << '_' << bType << '_' << *type;
  return name;
}

// The tile by which a product of so many rows and columns (-1: many) takes the fewest instructions: each step of K
// costs a multiply-add for each sum, and loads of A and of B, which wait for no other and count half. A tile that is
// not as high as can be must save a quarter, as it is a function more to compile.
void KernelWriter::Product::chooseTile(int64_t rows, int64_t columns, int64_t registers) {
  int64_t least = INT64_MAX;
  rows = rows > 0 ? std::min(rows, kMostBlockRows) : kMostBlockRows;
  columns = columns > 0 ? std::min(columns, kMostBlockColumns) : kMostBlockColumns;
  for (int64_t vectors : {4, 2}) {
    int64_t highest = (registers - vectors - 1) / vectors;
    if (!aStrideM)
      highest = std::min(highest, kMostRowPointers);
    for (int64_t height = highest; height > 0; --height) {
      int64_t tiles = divideCeil(rows, height) * divideCeil(columns, vectors * vectorLanes);
      int64_t cost = tiles * (2 * height * vectors + height + 2 * vectors + 2);
      if (height < highest)
        cost += cost / 3;
      if (cost < least)
        least = cost, tileRows = height, tileVectors = vectors;
    }
  }
  tileColumns = tileVectors * vectorLanes;
}

KernelWriter::Product::Product(kernel::ContractOp op, KernelWriter &w)
    : MatrixTypes(op.getA().getType().getElementType(), op.getB().getType().getElementType(), w) {
  auto constantOf = [](mlir::Value value) {
    auto known = value.getDefiningOp<arith::ConstantIndexOp>();
    return known ? known.value() : 0;
  };
  // Copies are for what tiles cannot read as it is. (Rows of a tile whose distances are powers of two meet in the same
  // sets of the first-level cache, but six do not fill them.)
  aStrideM = constantOf(op.getAStrideM()), aStrideK = constantOf(op.getAStrideK());
  bool isScratch = op.getA().getDefiningOp<kernel::ScratchOp>();
  inPlace = aType == sumType && (aStrideK == 1 || (isScratch && aStrideM == 1 && aStrideK));
  if (!inPlace)
    aStrideK = 1;
  if (!inPlace || !isScratch)
    aStrideM = 0;

  int64_t rowSpan = span(op.getRowBegin(), op.getRowEnd()), columnSpan = span(op.getColumnBegin(), op.getColumnEnd());
  chooseTile(rowSpan, columnSpan, w.target.vectorRegisters);
  int64_t depth = constantOf(op.getK());
  unrolled = !depth || depth >= kShortDepth ? kUnrolledSteps : 1;
  wholeSteps = depth && depth % unrolled == 0;
  blockRows = kMostBlockRows / tileRows * tileRows;
  if (rowSpan > 0)
    blockRows = std::min<int64_t>(blockRows, alignTo(rowSpan, tileRows));
  blockColumns = kMostBlockColumns;
  if (columnSpan > 0)
    blockColumns = std::min<int64_t>(blockColumns, alignTo(columnSpan, kPanel));
  oneRowBlock = rowSpan >= 0 && rowSpan <= blockRows;
  oneColumnBlock = columnSpan >= 0 && columnSpan <= blockColumns;
  auto reserve = [&](int64_t elements) { return w.reserveScratch(type, elements); };
  if (!inPlace)
    a = reserve((blockRows + kLanes) * kStrideA); // a transposed block may end past the last tile
  c = reserve(blockRows * kStrideC);
  packed = op.getPackedB() && bType == sumType;
  b = packed ? nullptr : reserve(blockColumns / kPanel * kPanelElements);
}

void KernelWriter::contract(kernel::ContractOp op) {
  if (op.getLanes())
    return contractByLanes(op);
  int64_t before = scratchBytes;
  Product p(op, *this);
  Value *strideM = scalar(op.getAStrideM()), *strideK = scalar(op.getAStrideK()), *k = scalar(op.getK());
  Value *strideBK = scalar(op.getBStrideK()), *strideBN = scalar(op.getBStrideN());
  // Packed panels lie side by side, as if a column were as many elements from the one before as a panel has rows.
  if (op.getPackedB() && !p.packed)
    unsupported(op, "a packed operand has the type of the sums");
  Value *rowEnd = scalar(op.getRowEnd()), *columnEnd = scalar(op.getColumnEnd());
  Function *function = blockFunction(p), *tile = tileFunction(p);
  Value *none = ConstantPointerNull::get(b.getPtrTy());
  Value *copyA = p.inPlace ? none : copyFunctionFor(p, p.aType, strideM, strideK);
  Value *copyB = p.packed ? none : copyFunctionFor(p, p.bType, strideBK, strideBN);

  blocks(scalar(op.getRowBegin()), rowEnd, p.blockRows, p.oneRowBlock, [&](Value *row) {
    Value *rows = minimum(constant(p.blockRows), b.CreateSub(rowEnd, row));
    blocks(scalar(op.getColumnBegin()), columnEnd, p.blockColumns, p.oneColumnBlock, [&](Value *column) {
      Value *columns = minimum(constant(p.blockColumns), b.CreateSub(columnEnd, column));
      Value *fromA = pointer(op.getA(), b.CreateAdd(scalar(op.getABase()), b.CreateMul(row, strideM)));
      Value *fromB = pointer(op.getB(), b.CreateAdd(scalar(op.getBBase()), b.CreateMul(column, strideBN)));
      b.CreateCall(function,
                   {fromA, fromB, p.inPlace ? none : p.a, p.packed ? none : p.b, p.c, copyA, copyB, tile, strideM,
                    strideK, strideBK, strideBN, k, rows, columns, constant(p.tileRows), constant(p.tileColumns)});
      loop(constant(0), rows, 1, [&](Value *i) {
        Value *rowOfC = b.CreateGEP(p.type, p.c, b.CreateMul(i, constant(kStrideC)));
        epilogue(op, b.CreateAdd(row, i), column, columns,
                 [&](Value *n) { return loadVector(p.type, b.CreateGEP(p.type, rowOfC, n), laneMask); });
      });
    });
  });
  // The next product may use the same memory.
  mostScratchBytes = std::max(mostScratchBytes, scratchBytes);
  scratchBytes = before;
}

// Most tasks are one block: no loop then.
void KernelWriter::blocks(Value *begin, Value *end, int64_t size, bool one, function_ref<void(Value *)> body) {
  if (one)
    return branch(b.CreateICmpSLT(begin, end), [&] { body(begin); });
  loop(begin, end, size, body);
}

void KernelWriter::epilogue(kernel::ContractOp op, Value *row, Value *firstColumn, Value *columns,
                            function_ref<Value *(Value *)> sums) {
  mlir::Block &body = op.getEpilogue().front();
  laneLoop(firstColumn, b.CreateAdd(firstColumn, columns), body, [&](Lanes n) {
    values[body.getArgument(0)] = Lanes::uniform(row);
    values[body.getArgument(1)] = n;
    values[body.getArgument(2)] = Lanes::varying(sums(b.CreateSub(n.value, firstColumn)));
    block(body);
  });
}

Value *KernelWriter::multiplyAdd(Value *x, Value *y, Value *sum) {
  if (x->getType()->isFPOrFPVectorTy())
    return b.CreateIntrinsic(Intrinsic::fma, {x->getType()}, {x, y, sum});
  return b.CreateAdd(b.CreateMul(x, y), sum);
}

Value *KernelWriter::add(Value *x, Value *y) {
  return x->getType()->isFPOrFPVectorTy() ? b.CreateFAdd(x, y) : b.CreateAdd(x, y);
}

// void (a, b, copy of a, copy of b, c, function that copies a, that copies b, tile, a's strides, b's strides, k, rows,
// columns, rows and columns of a tile): the block of C. An a that is read in place, or a packed b, has no copy and no
// function. What depends on the layout is in the functions it is given, so that all products share it.
Function *KernelWriter::blockFunction(Product &p) {
  return helper(p.name("block"), 8, 9, [&](Function *f) {
    auto argument = [&](int i) -> Value * { return f->getArg(i); };
    Value *fromA = argument(0), *fromB = argument(1), *a = argument(2), *panels = argument(3), *c = argument(4);
    Value *copyA = argument(5), *copyB = argument(6), *tile = argument(7), *strideM = argument(8);
    Value *strideK = argument(9), *strideBK = argument(10), *strideBN = argument(11), *k = argument(12);
    Value *rows = argument(13), *columns = argument(14), *height = argument(15), *width = argument(16);
    auto count = [&](Value *size, Value *part) {
      return b.CreateUDiv(b.CreateSub(b.CreateAdd(size, part), constant(1)), part);
    };
    Value *tiles = count(rows, height), *tilesAcross = count(columns, width);
    Value *paddedRows = b.CreateMul(tiles, height),
          *twoPanels = b.CreateZExt(b.CreateICmpSGT(width, constant(kPanel)), b.getInt64Ty());
    Value *copiesA = b.CreateIsNotNull(copyA), *copiesB = b.CreateIsNotNull(copyB);
    Value *leftStride = b.CreateSelect(copiesA, constant(kStrideA), strideM);
    Value *panel = b.CreateSelect(copiesB, constant(kPanelElements), b.CreateMul(strideBN, constant(kPanel)));
    auto functionType = [&](unsigned pointers, unsigned integers) {
      SmallVector<Type *, 12> types(pointers, b.getPtrTy());
      types.append(integers, b.getInt64Ty());
      return FunctionType::get(b.getVoidTy(), types, false);
    };

    branch(b.CreateICmpEQ(k, constant(0)), [&] {
      Value *zeros = b.CreateVectorSplat(kLanes, Constant::getNullValue(p.type));
      loop(constant(0), b.CreateMul(paddedRows, constant(kStrideC)), kLanes,
           [&](Value *i) { storeVector(zeros, b.CreateGEP(p.type, c, i), nullptr); });
    });

    loop(constant(0), k, kDepth, [&](Value *k0) {
      Value *depth = minimum(constant(kDepth), b.CreateSub(k, k0));
      Value *cornerA = b.CreateGEP(memoryType(p.aType), fromA, b.CreateMul(k0, strideK));
      branch(copiesA, [&] {
        b.CreateCall(functionType(2, 8), copyA,
                     {cornerA, a, strideM, strideK, rows, paddedRows, depth, roundUp(depth, kPanel), leftStride,
                      constant(kPanel)});
      });
      branch(copiesB, [&] {
        Value *cornerB = b.CreateGEP(memoryType(p.bType), fromB, b.CreateMul(k0, strideBK));
        b.CreateCall(functionType(2, 8), copyB,
                     {cornerB, panels, strideBK, strideBN, depth, depth, columns, roundUp(columns, kPanel),
                      constant(kPanel), panel});
      });
      Value *left = b.CreateSelect(copiesA, a, cornerA);
      Value *right = b.CreateGEP(p.type, fromB, b.CreateMul(k0, constant(kPanel)));
      right = b.CreateSelect(copiesB, panels, right);
      loop(constant(0), tilesAcross, 1, [&](Value *across) {
        Value *j = b.CreateMul(across, width), *inPanels = b.CreateMul(b.CreateLShr(j, Log2_64(kPanel)), panel);
        Value *rightTile = b.CreateGEP(p.type, right, b.CreateAdd(inPanels, b.CreateAnd(j, constant(kPanel - 1))));
        // Where a tile's second panel does not exist, its first serves for columns that nobody reads.
        Value *hasNext = b.CreateICmpSLT(b.CreateAdd(j, constant(kPanel)), columns);
        Value *nextPanel = b.CreateSelect(hasNext, panel, constant(0));
        loop(constant(0), tiles, 1, [&](Value *number) {
          Value *i = b.CreateMul(number, height);
          Value *rowOfA = b.CreateGEP(p.type, left, b.CreateMul(i, leftStride));
          Value *lastRow = b.CreateSub(b.CreateSub(rows, i), constant(1));
          Value *tileOfC = b.CreateGEP(p.type, c, b.CreateAdd(b.CreateMul(i, constant(kStrideC)), j));
          // The tiles of a panel ask for the next one together; those of two panels by turns.
          Value *next = b.CreateAdd(b.CreateAdd(twoPanels, constant(1)), b.CreateAnd(number, twoPanels));
          Value *ahead = b.CreateGEP(p.type, rightTile, b.CreateMul(next, panel));
          ahead = b.CreateGEP(b.getInt8Ty(), ahead,
                              b.CreateMul(b.CreateLShr(number, twoPanels), constant(kDepth / kUnrolledSteps * kLine)));
          b.CreateCall(functionType(4, 5), tile,
                       {rowOfA, rightTile, tileOfC, ahead, depth, k0, nextPanel, leftStride, lastRow});
        });
      });
    });
  });
}

} // namespace weft::cpu
