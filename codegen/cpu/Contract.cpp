// kernel.contract: the rows and columns of the task are taken in blocks whose sums stay in the second-level cache
// (MatrixBlock.cpp), from where the epilogue reads them.
#include "codegen/cpu/MatrixRows.h"

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

KernelWriter::MatrixTypes::MatrixTypes(mlir::Type a, mlir::Type b, bool isPairs, KernelWriter &w)
    : aType(a), bType(b), isPairs(isPairs) {
  sumType = kernel::ContractOp::sumType(a, b);
  type = w.type(sumType);
  isTiles = isPairs && w.target.multipliesTiles;
  isDots = isTiles || (isPairs && a.isBF16() && b.isBF16() && w.target.dotsPairs);
  copied = isDots ? w.b.getInt16Ty() : type;
  vectorLanes = std::min<int64_t>(w.target.vectorBytes * 8 / type->getScalarSizeInBits(), kLanes);
}

std::string KernelWriter::MatrixTypes::name(const char *kind) const {
  std::string name;
  raw_string_ostream(name) << "weft_" << kind << '_' << aType << '_' << bType << '_' << *type
                           << (isTiles   ? "_tiles"
                               : isDots  ? "_dots"
                               : isPairs ? "_pairs"
                                         : "");
  return name;
}

// The tile by which a product of so many rows and columns (-1: many) takes the fewest instructions: each step of K
// costs a multiply-add for each sum, and loads of A and of B, which wait for no other and count half. A tile that is
// not as high as can be must save a quarter, as it is a function more to compile.
void KernelWriter::Product::chooseTile(int64_t rows, int64_t columns, int64_t registers) {
  int64_t least = INT64_MAX;
  rows = rows > 0 ? std::min(rows, kMostCopiedRows) : kMostCopiedRows;
  columns = columns > 0 ? std::min(columns, kStripColumns) : kStripColumns;
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
    : MatrixTypes(op.getA().getType().getElementType(), op.getB().getType().getElementType(), op.getPairs(), w) {
  auto constantOf = [](mlir::Value value) {
    auto known = value.getDefiningOp<arith::ConstantIndexOp>();
    return known ? known.value() : 0;
  };
  // Copies are for what tiles cannot read as it is. (Rows of a tile whose distances are powers of two meet in the same
  // sets of the first-level cache, but six do not fill them.)
  aStrideM = constantOf(op.getAStrideM()), aStrideK = constantOf(op.getAStrideK());
  windowsOfA = op.hasWindows() && op.getOfA(), windowsOfB = op.hasWindows() && !op.getOfA();
  bool isScratch = op.getA().getDefiningOp<kernel::ScratchOp>();
  bool isColumns = isScratch && aStrideM == 1 && aStrideK && !isDots;
  aInPlace = !windowsOfA && w.type(aType) == copied && (aStrideK == 1 || isColumns);
  if (!aInPlace)
    aStrideK = 1;
  if (!aInPlace || !isScratch)
    aStrideM = 0;

  int64_t rowSpan = span(op.getRowBegin(), op.getRowEnd()), columnSpan = span(op.getColumnBegin(), op.getColumnEnd());
  if (isTiles)
    tileRows = tileColumns = kSideOfTiles, tileVectors = tileColumns / vectorLanes;
  else
    chooseTile(rowSpan, columnSpan, w.target.vectorRegisters);
  int64_t rows = RowsProduct::rowsOf(op, w), rest = rows % tileRows;
  bool isWorth = !isTiles && tileVectors > 2 && kRowsWorthATile * (tileRows - rest) >= rows;
  lastRows = rest > 0 && isWorth ? rest : tileRows;
  int64_t depth = constantOf(op.getK());
  unrolled = !depth || depth >= kShortDepth ? kUnrolledSteps : isPairs ? 2 : 1;
  mayBeOdd = !depth || depth % 2;
  wholeSteps = depth && depth % unrolled == 0;
  int64_t most = kMostBlockBytes / (type->getScalarSizeInBits() / 8);
  int64_t mostRows = isTiles ? kMostRowsOfTiles : aInPlace ? most / kStripColumns : kMostCopiedRows;
  blockRows = mostRows / tileRows * tileRows;
  if (rowSpan > 0)
    blockRows = std::min<int64_t>(blockRows, alignTo(rowSpan, tileRows));
  blockColumns = windowsOfB ? kStripColumns
                 : isTiles  ? kMostColumnsOfTiles
                            : alignDown(most / blockRows, kStripColumns);
  if (columnSpan > 0)
    blockColumns = std::min<int64_t>(blockColumns, alignTo(columnSpan, kPanel));
  oneRowBlock = rowSpan >= 0 && rowSpan <= blockRows;
  oneColumnBlock = columnSpan >= 0 && columnSpan <= blockColumns;
  // The rows of a high block are finished tile by tile, while they are in the first-level cache.
  bool isHigh = blockColumns <= kStripColumns && blockRows > kMostCopiedRows && !isTiles;
  finishedRows = isHigh ? tileRows : blockRows;
  auto reserve = [&](int64_t elements) { return w.reserveScratch(type, elements); };
  auto reserveCopy = [&](int64_t elements) { return w.reserveScratch(copied, elements); };
  if (!aInPlace || isTiles)
    a = reserveCopy((blockRows + kLanes) *
                    (isTiles ? kStrideOfTiles : kStrideA)); // a transposed block may end past the last tile
  int64_t elements = blockRows * alignTo(blockColumns, kStripColumns),
          stripPanels = std::min(blockColumns, kStripColumns) / kPanel;
  c = reserve(elements);
  unbroken = op.getUnbroken();
  hasGroups = !unbroken && (!depth || depth > kGroupDepth);
  totals = hasGroups ? reserve(elements) : c;
  packed = op.getPackedB() && w.type(bType) == copied;
  // The longer a step, the less often sums of many rows come and go (those of few stay in the cache anyway); but a copy
  // of A must stay there, too.
  leastDepth = isTiles ? kDepthOfTiles : kDepth;
  stepDepth = aInPlace && (!depth || depth > kDepth) ? 2 * kDepth : leastDepth;
  if (isTiles && aInPlace && columnSpan > 0 && columnSpan <= kSideOfTiles) // of A long parts of rows are read at once
    stepDepth = kGroupDepth;
  bool isOneStep = depth && depth <= leastDepth && oneColumnBlock && blockColumns <= kStripColumns;
  b = packed ? nullptr : reserveCopy(stripPanels * kPanel * stepDepth);
  nextB = packed || isOneStep ? b : reserveCopy(stripPanels * kPanel * stepDepth);
}

void KernelWriter::contract(kernel::ContractOp op) {
  if (hasFewRows(op))
    return contractRows(op);
  if (op.getInRows())
    return contractWindowRows(op);
  int64_t before = scratchBytes;
  Product p(op, *this);
  Value *windows = op.hasWindows() ? describeWindows(op) : nullptr;
  // Packed panels lie side by side, as if a column were as many elements from the one before as a panel has rows.
  if (op.getPackedB() && !p.packed)
    unsupported(op, "a packed operand has the type of the sums, or is of bf16 whose pairs this CPU multiplies");
  Value *rowEnd = scalar(op.getRowEnd()), *columnEnd = scalar(op.getColumnEnd());
  if (p.isTiles)
    configureTiles(constant(kSideOfTiles));
  blocks(scalar(op.getRowBegin()), rowEnd, p.blockRows, p.oneRowBlock, [&](Value *row) {
    Value *rows = minimum(constant(p.blockRows), b.CreateSub(rowEnd, row));
    blocks(scalar(op.getColumnBegin()), columnEnd, p.blockColumns, p.oneColumnBlock, [&](Value *column) {
      contractBlock(op, p, windows, row, rows, column,
                    minimum(constant(p.blockColumns), b.CreateSub(columnEnd, column)));
    });
  });
  if (p.isTiles)
    releaseTiles();
  // The next product may use the same memory.
  mostScratchBytes = std::max(mostScratchBytes, scratchBytes);
  scratchBytes = before;
}

// Whether tiles read the rows of B from `fromB` on where they are, as panels that are not copied.
Value *KernelWriter::readsRows(kernel::ContractOp op, Product &p, Value *fromB, Value *rows, Value *columns) {
  if (p.packed || p.isDots || p.windowsOfB || p.bType != p.sumType || !isOne(scalar(op.getBStrideN())))
    return b.getFalse();
  auto isMultiple = [&](Value *value, int64_t size) {
    return b.CreateICmpEQ(b.CreateAnd(value, constant(size - 1)), constant(0));
  };
  Value *bytes = b.CreateMul(scalar(op.getBStrideK()), constant(p.type->getScalarSizeInBits() / 8));
  Value *inLines = isMultiple(b.CreateOr(bytes, b.CreatePtrToInt(fromB, b.getInt64Ty())), kLine);
  Value *isBad = b.CreateOr(b.CreateNot(inLines), isMultiple(bytes, kPage));
  Value *few = b.CreateSelect(isBad, constant(kRowsWithoutCopyAtWorst), constant(kRowsWithoutCopy));
  Value *isDense = b.CreateAnd(inLines, b.CreateICmpSLE(bytes, constant(kDenseRow)));
  Value *isWorth = b.CreateOr(b.CreateICmpSLE(rows, few), isDense);
  return b.CreateAnd(isWorth, isMultiple(columns, p.tileColumns)); // past a tile nothing may be read
}

void KernelWriter::contractBlock(kernel::ContractOp op, Product &p, Value *windows, Value *row, Value *rows,
                                 Value *column, Value *columns) {
  Value *strideM = scalar(op.getAStrideM()), *strideK = scalar(op.getAStrideK()), *k = scalar(op.getK());
  Value *strideBN = scalar(op.getBStrideN()), *strideBK = p.packed ? constant(kPanel) : scalar(op.getBStrideK());
  Value *fromA = pointer(op.getA(), b.CreateAdd(scalar(op.getABase()), b.CreateMul(row, strideM)));
  Value *fromB = pointer(op.getB(), b.CreateAdd(scalar(op.getBBase()), b.CreateMul(column, strideBN)));
  Value *none = ConstantPointerNull::get(b.getPtrTy());
  if (windows) {
    beginWindows(windows, p.windowsOfA ? row : constant(0), p.windowsOfB ? column : constant(0));
    (p.windowsOfA ? fromA : fromB) = windows;
  }
  Value *copyA = p.windowsOfA               ? windowsFunction(p, p.aType)
                 : p.aInPlace && !p.isTiles ? none
                                            : copyFunctionFor({p.aType, p.copied, false}, strideM, strideK);
  // Tiles take whole steps of K: a copy ends in zeros. And rows pages apart would meet in few sets of a cache.
  if (p.aInPlace && p.isTiles) {
    Value *isWhole = b.CreateICmpEQ(b.CreateAnd(k, constant(kStepOfTiles - 1)), constant(0));
    Value *inPages = b.CreateAnd(b.CreateMul(strideM, constant(2)), constant(kPage - 1));
    Value *isSpread = b.CreateICmpNE(inPages, constant(0));
    if (p.stepDepth > kDepthOfTiles) // none is read again
      isSpread = b.getTrue();
    copyA = b.CreateSelect(b.CreateAnd(isWhole, isSpread), none, copyA);
  }
  Value *copyB = p.windowsOfB ? windowsFunction(p, p.bType)
                 : p.packed   ? none
                              : copyFunctionFor({p.bType, p.copied, p.isDots}, strideBK, strideBN);
  // A transposed copy takes as many rows as a vector has lanes.
  bool transposes = isOne(strideBK) && !isOne(strideBN);
  Function *block = blockFunction(p), *tile = p.isTiles ? matrixTilesFunction(p) : tileFunction(p, p.tileRows);
  Function *lastTile = p.isTiles ? tile : tileFunction(p, p.lastRows);
  Value *inPlace = readsRows(op, p, fromB, rows, columns);
  copyB = b.CreateSelect(inPlace, none, copyB);
  Value *isLong = b.CreateAnd(b.CreateNot(inPlace), b.CreateICmpSGT(rows, constant(kMostCopiedRows)));
  if (p.isTiles)
    isLong = b.CreateIsNull(copyA);
  Value *stepDepth = b.CreateSelect(isLong, constant(p.stepDepth), constant(p.leastDepth));
  Value *sums = p.c;
  if (p.hasGroups)
    sums = b.CreateSelect(b.CreateICmpSGT(k, constant(kGroupDepth)), p.totals, p.c);
  blocks(constant(0), rows, p.finishedRows, p.finishedRows == p.blockRows, [&](Value *first) {
    Value *end = minimum(rows, b.CreateAdd(first, constant(p.finishedRows)));
    SmallVector<Value *, 26> arguments{fromA, fromB, p.aInPlace && !p.isTiles ? none : p.a};
    arguments.append({p.packed ? none : p.b, p.packed ? none : p.nextB, p.c, p.totals});
    arguments.append({copyA, copyB, tile, lastTile});
    arguments.append({strideM, strideK, strideBK, strideBN, k, stepDepth, rows, columns, constant(p.blockRows)});
    arguments.append({constant(p.tileRows), constant(p.tileColumns),
                      constant(p.isTiles      ? kStepOfTiles
                               : p.windowsOfB ? kWindowRows
                               : transposes   ? std::max<int64_t>(p.vectorLanes, 2)
                                              : 2)});
    arguments.append({first, end, constant(p.unbroken ? kUnbroken : kGroupDepth)});
    b.CreateCall(block, arguments);
    loop(first, end, 1, [&](Value *i) {
      auto sumsFrom = [&](Value *n) {
        Value *inStrip = n, *strip = constant(0);
        if (p.blockColumns > kStripColumns) {
          inStrip = b.CreateAnd(n, constant(kStripColumns - 1));
          strip = b.CreateMul(b.CreateSub(n, inStrip), constant(p.blockRows));
        }
        Value *place = b.CreateAdd(b.CreateAdd(strip, inStrip), b.CreateMul(i, constant(kStrideC)));
        return loadVector(p.type, b.CreateGEP(p.type, sums, place), laneMask);
      };
      if (p.windowsOfB)
        return epilogueOfImages(op, b.CreateAdd(row, i), column, columns, sumsFrom);
      epilogue(op, b.CreateAdd(row, i), column, columns, sumsFrom, p.finishedRows < p.blockRows ? p.finishedRows : 0);
    });
  });
}

// Most tasks are one block: no loop then.
void KernelWriter::blocks(Value *begin, Value *end, int64_t size, bool one, function_ref<void(Value *)> body) {
  if (one)
    return branch(b.CreateICmpSLT(begin, end), [&] { body(begin); });
  loop(begin, end, size, body);
}

void KernelWriter::epilogue(kernel::ContractOp op, Value *row, Value *firstColumn, Value *columns,
                            function_ref<Value *(Value *)> sums, int64_t rowsAhead) {
  mlir::Block &body = op.getEpilogue().front();
  laneLoop(firstColumn, b.CreateAdd(firstColumn, columns), body, [&](Lanes n) {
    values[body.getArgument(0)] = Lanes::uniform(row);
    values[body.getArgument(1)] = n;
    Value *sum = sums(b.CreateSub(n.value, firstColumn));
    if (op.getUnbroken())
      sum = add(sum, Constant::getNullValue(sum->getType()));
    values[body.getArgument(2)] = Lanes::varying(sum);
    if (rowsAhead)
      prefetchResults(op, n, rowsAhead);
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

} // namespace weft::cpu
