// kernel.contract: the rows and columns of the task are taken in blocks whose sums stay in the second-level cache. For
// each 256 of K register tiles (MatrixTile.cpp) run over rows of A and panels of 32 columns of B, adding to the block
// of C in scratch memory; the epilogue reads the sums from there, a row of tiles after the other. B is packed before
// (kernel.pack) or copied here, part by part between the tiles that work on the block before. A is copied where it is
// not of the type of the sums or its rows are not contiguous (MatrixCopy.cpp).
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
  rows = rows > 0 ? std::min(rows, kMostCopiedRows) : kMostCopiedRows;
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
  int64_t bytes = type->getScalarSizeInBits() / 8, mostRows = kMostBlockBytes / (bytes * kMostBlockColumns);
  blockRows = (inPlace ? mostRows : kMostCopiedRows) / tileRows * tileRows;
  if (rowSpan > 0)
    blockRows = std::min<int64_t>(blockRows, alignTo(rowSpan, tileRows));
  blockColumns = kMostBlockColumns;
  if (columnSpan > 0)
    blockColumns = std::min<int64_t>(blockColumns, alignTo(columnSpan, kPanel));
  oneRowBlock = rowSpan >= 0 && rowSpan <= blockRows;
  auto reserve = [&](int64_t elements) { return w.reserveScratch(type, elements); };
  if (!inPlace)
    a = reserve((blockRows + kLanes) * kStrideA); // a transposed block may end past the last tile
  c = reserve(blockRows * kStrideC);
  hasGroups = !depth || depth > kGroupDepth;
  totals = hasGroups ? reserve(blockRows * kStrideC) : c;
  packed = op.getPackedB() && bType == sumType;
  bool isOneStep = depth && depth <= kDepth && columnSpan >= 0 && columnSpan <= blockColumns;
  b = packed ? nullptr : reserve(blockColumns / kPanel * kPanelElements);
  nextB = packed || isOneStep ? b : reserve(blockColumns / kPanel * kPanelElements);
}

void KernelWriter::contract(kernel::ContractOp op) {
  if (op.getLanes())
    return contractByLanes(op);
  int64_t before = scratchBytes;
  Product p(op, *this);
  // Packed panels lie side by side, as if a column were as many elements from the one before as a panel has rows.
  if (op.getPackedB() && !p.packed)
    unsupported(op, "a packed operand has the type of the sums");
  blocks(scalar(op.getRowBegin()), scalar(op.getRowEnd()), p.blockRows, p.oneRowBlock,
         [&](Value *row) { rowsOfBlocks(op, p, row); });
  // The next product may use the same memory.
  mostScratchBytes = std::max(mostScratchBytes, scratchBytes);
  scratchBytes = before;
}

// The blocks of C that begin at this row. A step is 256 of K for one of them.
void KernelWriter::rowsOfBlocks(kernel::ContractOp op, Product &p, Value *row) {
  Value *strideM = scalar(op.getAStrideM()), *strideK = scalar(op.getAStrideK()), *k = scalar(op.getK());
  Value *strideBN = scalar(op.getBStrideN());
  Value *strideBK = p.packed ? constant(kPanel) : scalar(op.getBStrideK());
  Value *firstColumn = scalar(op.getColumnBegin()), *columnEnd = scalar(op.getColumnEnd());
  Value *panel = p.packed ? b.CreateMul(strideBN, constant(kPanel)) : constant(kPanelElements);
  Function *tile = tileFunction(p), *tiles = tilesFunction(p);
  Value *copyB = ConstantPointerNull::get(b.getPtrTy());
  if (!p.packed)
    copyB = copyFunctionFor(p, p.bType, strideBK, strideBN);
  Value *rows = minimum(constant(p.blockRows), b.CreateSub(scalar(op.getRowEnd()), row));
  Value *tilesDown = divideUp(rows, constant(p.tileRows));
  Value *blocksOfK = maximum(divideUp(k, constant(kDepth)), constant(1));
  Value *blocksAcross = divideUp(b.CreateSub(columnEnd, firstColumn), constant(p.blockColumns));
  // A transposed copy takes as many rows as a vector has lanes.
  bool transposes = isOne(strideBK) && !isOne(strideBN);
  Value *slice = roundUp(divideUp(constant(kDepth), tilesDown), transposes ? p.vectorLanes : 2);

  auto blockOfB = [&](Value *k0, Value *column) {
    Value *inBlock = b.CreateAdd(b.CreateMul(column, strideBN), b.CreateMul(k0, strideBK));
    return pointer(op.getB(), b.CreateAdd(scalar(op.getBBase()), inBlock));
  };
  auto depthFrom = [&](Value *k0) { return minimum(constant(kDepth), b.CreateSub(k, k0)); };
  auto columnsFrom = [&](Value *column) { return minimum(constant(p.blockColumns), b.CreateSub(columnEnd, column)); };
  Value *firstB = p.packed ? blockOfB(constant(0), firstColumn) : p.b;
  if (!p.packed) {
    Value *depth = depthFrom(constant(0)), *columns = columnsFrom(firstColumn);
    b.CreateCall(copyFunctionFor(p, p.bType, strideBK, strideBN),
                 {blockOfB(constant(0), firstColumn), p.b, strideBK, strideBN, depth, depth, columns,
                  roundUp(columns, kPanel), constant(kPanel), panel});
  }
  Carried first{constant(0), firstColumn, firstB, p.packed ? firstB : p.nextB};
  loop(constant(0), b.CreateMul(blocksOfK, blocksAcross), 1, first, [&](Value *, const Carried &at) {
    Value *k0 = at[0], *column = at[1], *panels = at[2], *depth = depthFrom(k0), *columns = columnsFrom(column);
    Value *deeper = b.CreateAdd(k0, constant(kDepth)), *isLast = b.CreateICmpSGE(deeper, k);
    Value *inGroup = b.CreateAnd(k0, constant(kGroupDepth - 1));
    Value *nextK = b.CreateSelect(isLast, constant(0), deeper);
    Value *nextColumn = b.CreateSelect(isLast, b.CreateAdd(column, constant(p.blockColumns)), column);
    Value *nextDepth =
        b.CreateSelect(b.CreateICmpSLT(nextColumn, columnEnd), depthFrom(nextK), constant(0));
    Value *nextBlock = blockOfB(nextK, nextColumn), *nextPanels = p.packed ? nextBlock : at[3];

    Value *left = pointer(op.getA(), b.CreateAdd(b.CreateAdd(scalar(op.getABase()), b.CreateMul(row, strideM)),
                                                 b.CreateMul(k0, strideK)));
    if (!p.inPlace) {
      b.CreateCall(copyFunctionFor(p, p.aType, strideM, strideK),
                   {left, p.a, strideM, strideK, rows, b.CreateMul(tilesDown, constant(p.tileRows)), depth, roundUp(depth, kPanel),
                    constant(kStrideA), constant(kPanel)});
      left = p.a;
    }
    loop(constant(0), b.CreateSelect(isLast, tilesDown, constant(1)), 1, [&](Value *number) {
      Value *end = b.CreateSelect(isLast, b.CreateAdd(number, constant(1)), tilesDown);
      b.CreateCall(tiles, {left, panels, p.c, nextBlock, nextPanels, copyB, tile,
                           p.inPlace ? strideM : constant(kStrideA), panel, strideBK, strideBN, depth, inGroup, rows, columns,
                           constant(p.tileRows), constant(p.tileColumns), number, end, slice, nextDepth,
                           b.CreateSelect(b.CreateICmpSGT(nextDepth, constant(0)), columnsFrom(nextColumn), constant(0))});
      Value *firstRow = b.CreateMul(number, constant(p.tileRows));
      if (p.hasGroups)
        branch(b.CreateOr(isLast, b.CreateICmpEQ(inGroup, constant(kGroupDepth - kDepth))),
               [&] { addGroup(p, k0, firstRow, b.CreateMul(end, constant(p.tileRows))); });
      branch(isLast, [&] {
        loop(firstRow, minimum(rows, b.CreateAdd(firstRow, constant(p.tileRows))), 1, [&](Value *i) {
          Value *rowOfC = b.CreateGEP(p.type, p.totals, b.CreateMul(i, constant(kStrideC)));
          epilogue(op, b.CreateAdd(row, i), column, columns,
                   [&](Value *n) { return loadVector(p.type, b.CreateGEP(p.type, rowOfC, n), laneMask); });
        });
      });
    });
    return Carried{nextK, nextColumn, nextPanels, panels};
  });
}

// To the totals of these rows, which the first group's sums are.
void KernelWriter::addGroup(Product &p, Value *k0, Value *firstRow, Value *endRow) {
  Value *isFirst = b.CreateICmpSLT(k0, constant(kGroupDepth)), *stride = constant(kStrideC);
  int outerLanes = std::exchange(lanes, kLanes);
  loop(b.CreateMul(firstRow, stride), b.CreateMul(endRow, stride), kLanes, [&](Value *i) {
    Value *total = b.CreateGEP(p.type, p.totals, i);
    Value *group = loadVector(p.type, b.CreateGEP(p.type, p.c, i), nullptr);
    Value *sum = add(loadVector(p.type, total, nullptr), group);
    storeVector(b.CreateSelect(isFirst, group, sum), total, nullptr);
  });
  lanes = outerLanes;
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

// void (a, panels of b, c, the next block of b, where its panels go, the function that copies it, tile, elements from a
// row of a to the next, from a panel to the next, b's strides, depth, steps of K before in the group, rows, columns, rows and columns
// of a tile, first and end of the rows of tiles, rows of b's next block to copy for each, rows and columns of that
// block): these rows of the tiles of a block. What depends on the layout is in the functions it is given, so that all
// products share it.
Function *KernelWriter::tilesFunction(Product &p) {
  return helper(p.name("tiles"), 7, 15, [&](Function *f) {
    auto argument = [&](int i) -> Value * { return f->getArg(i); };
    Value *a = argument(0), *panels = argument(1), *c = argument(2), *nextB = argument(3), *nextPanels = argument(4);
    Value *copyB = argument(5), *tile = argument(6), *strideA = argument(7), *panel = argument(8);
    Value *strideBK = argument(9), *strideBN = argument(10), *depth = argument(11), *k0 = argument(12);
    Value *rows = argument(13), *columns = argument(14), *height = argument(15), *width = argument(16);
    Value *slice = argument(19), *nextDepth = argument(20), *nextColumns = argument(21);
    auto functionType = [&](unsigned pointers, unsigned integers) {
      SmallVector<Type *, 12> types(pointers, b.getPtrTy());
      types.append(integers, b.getInt64Ty());
      return FunctionType::get(b.getVoidTy(), types, false);
    };
    Value *tilesAcross = divideUp(columns, width);
    // What a tile asks for, a line each few steps: a part of the next block of packed panels, as long as there are any,
    // then the lines of C that lie before the end of its rows.
    int64_t most = kDepth / kUnrolledSteps * kLine, bytes = p.type->getScalarSizeInBits() / 8;
    int64_t parts = kPanelElements * bytes / most; // of a panel
    Value *asked = b.CreateMul(b.CreateUDiv(depth, constant(kUnrolledSteps)), constant(kLine));
    Value *packedParts = b.CreateMul(b.CreateLShr(roundUp(nextColumns, kPanel), Log2_64(kPanel)), constant(parts));
    Value *copies = b.CreateIsNotNull(copyB);
    packedParts = b.CreateSelect(copies, constant(0), packedParts);
    Value *copied = b.CreateSelect(copies, nextDepth, constant(0));

    loop(argument(17), argument(18), 1, [&](Value *number) {
      Value *firstSlice = b.CreateMul(number, slice);
      branch(b.CreateICmpSLT(firstSlice, copied), [&] {
        Value *count = minimum(slice, b.CreateSub(copied, firstSlice));
        b.CreateCall(functionType(2, 8), copyB,
                     {b.CreateGEP(memoryType(p.bType), nextB, b.CreateMul(firstSlice, strideBK)),
                      b.CreateGEP(p.type, nextPanels, b.CreateMul(firstSlice, constant(kPanel))), strideBK, strideBN,
                      count, count, nextColumns, roundUp(nextColumns, kPanel), constant(kPanel), panel});
      });
      Value *i = b.CreateMul(number, height), *rowOfA = b.CreateGEP(p.type, a, b.CreateMul(i, strideA));
      Value *lastRow = b.CreateSub(b.CreateSub(rows, i), constant(1));
      Value *rowsOfC = b.CreateGEP(p.type, c, b.CreateMul(i, constant(kStrideC)));
      Value *endOfC = b.CreateGEP(p.type, rowsOfC, b.CreateMul(height, constant(kStrideC)));
      Value *linesOfC = b.CreateGEP(b.getInt8Ty(), endOfC, b.CreateNeg(asked));
      Value *firstPart = b.CreateMul(number, tilesAcross);
      loop(constant(0), tilesAcross, 1, [&](Value *across) {
        Value *part = b.CreateAdd(firstPart, across), *inPanel = b.CreateAnd(part, constant(parts - 1));
        Value *partOfB = b.CreateGEP(p.type, nextB, b.CreateMul(b.CreateLShr(part, Log2_64(parts)), panel));
        partOfB = b.CreateGEP(b.getInt8Ty(), partOfB, b.CreateMul(inPanel, constant(most)));
        Value *ahead = b.CreateSelect(b.CreateICmpSLT(part, packedParts), partOfB, linesOfC);
        Value *j = b.CreateMul(across, width), *inPanels = b.CreateMul(b.CreateLShr(j, Log2_64(kPanel)), panel);
        Value *right = b.CreateGEP(p.type, panels, b.CreateAdd(inPanels, b.CreateAnd(j, constant(kPanel - 1))));
        // Where a tile's second panel does not exist, its first serves for columns that nobody reads.
        Value *hasNext = b.CreateICmpSLT(b.CreateAdd(j, constant(kPanel)), columns);
        Value *nextPanel = b.CreateSelect(hasNext, panel, constant(0));
        b.CreateCall(functionType(4, 5), tile,
                     {rowOfA, right, b.CreateGEP(p.type, rowsOfC, j), ahead, depth, k0, nextPanel, strideA, lastRow});
      });
    });
  });
}

} // namespace weft::cpu
