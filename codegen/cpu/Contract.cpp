// kernel.contract: the rows and columns of the task are taken in blocks that stay in the second-level cache. For each 256 of K a block of
// A is copied row by row, a block of B in panels of 32 columns (MatrixCopy.cpp), and register tiles (MatrixTile.cpp) run over the two,
// adding to the block of C in scratch memory; the epilogue then reads the sums from there. Copies are padded with zeros, so tiles are always whole.
#include "codegen/cpu/Product.h"

using namespace llvm;
namespace arith = mlir::arith;

namespace weft::cpu {

// An upper bound of end - begin, or -1 where none can be seen.
static int64_t span(mlir::Value begin, mlir::Value end) {
  auto constantOf = [](mlir::Value value) -> std::optional<int64_t> {
    auto constant = value.getDefiningOp<arith::ConstantIndexOp>();
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

KernelWriter::Product::Product(kernel::ContractOp op, KernelWriter &w) : op(op) {
  aType = op.getA().getType().getElementType();
  bType = op.getB().getType().getElementType();
  sumType = op.getEpilogue().getArgument(2).getType();
  type = w.type(sumType);
  int64_t bytes = type->getScalarSizeInBits() / 8;
  vectorLanes = std::min<int64_t>(w.target.vectorBytes / bytes, kLanes);
  tileColumns = kTileVectors * vectorLanes;

  int64_t mostRows = w.target.vectorBytes == 64 ? 14 : 6; // accumulators fill the registers
  int64_t rowSpan = span(op.getRowBegin(), op.getRowEnd()), columnSpan = span(op.getColumnBegin(), op.getColumnEnd());
  tileRows = mostRows;
  blockRows = kMostBlockRows / mostRows * mostRows;
  if (rowSpan > 0) {
    tileRows = divideCeil(rowSpan, divideCeil(rowSpan, mostRows)); // tiles of one height that waste least
    blockRows = std::min<int64_t>(kMostBlockRows / tileRows, divideCeil(rowSpan, tileRows)) * tileRows;
  }
  blockColumns = kMostBlockColumns;
  if (columnSpan > 0)
    blockColumns = std::min<int64_t>(blockColumns, alignTo(columnSpan, kPanel));
  auto reserve = [&](int64_t elements) {
    return w.b.CreateConstGEP1_64(w.b.getInt8Ty(), w.scratch, w.reserveScratch(elements * bytes));
  };
  a = reserve((blockRows + kLanes) * kStrideA); // a transposed block may end past the last tile
  c = reserve(blockRows * kStrideC);
  packed = op.getPackedB() && bType == sumType;
  b = packed ? nullptr : reserve(blockColumns / kPanel * kPanelElements);
}

void KernelWriter::contract(kernel::ContractOp op) {
  Product p(op, *this);
  Value *k = scalar(op.getK());
  Value *rowEnd = scalar(op.getRowEnd()), *columnEnd = scalar(op.getColumnEnd());
  Function *tile = tileFunction(p);
  Value *blocks = b.CreateUDiv(b.CreateAdd(k, constant(kDepth - 1)), constant(kDepth));

  loop(scalar(op.getRowBegin()), rowEnd, p.blockRows, [&](Value *row) {
    Value *rows = minimum(constant(p.blockRows), b.CreateSub(rowEnd, row));
    loop(scalar(op.getColumnBegin()), columnEnd, p.blockColumns, [&](Value *column) {
      Value *columns = minimum(constant(p.blockColumns), b.CreateSub(columnEnd, column));
      clearSums(p, rows, k);
      loop(constant(0), blocks, 1, [&](Value *number) {
        Value *k0 = b.CreateMul(number, constant(kDepth));
        Value *depth = minimum(constant(kDepth), b.CreateSub(k, k0));
        packRows(p, row, rows, k0, depth);
        if (!p.packed)
          packColumns(p, column, columns, k0, depth);
        loop(constant(0), columns, p.tileColumns, [&](Value *j) {
          Value *panel = p.panel(*this, column, j, k, k0);
          loop(constant(0), rows, p.tileRows, [&](Value *i) {
            Value *rowOfA = b.CreateGEP(p.type, p.a, b.CreateMul(i, constant(kStrideA)));
            Value *tileOfC = b.CreateGEP(p.type, p.c, b.CreateAdd(b.CreateMul(i, constant(kStrideC)), j));
            b.CreateCall(tile, {rowOfA, panel, tileOfC, depth});
          });
        });
      });
      loop(constant(0), rows, 1, [&](Value *i) {
        Value *rowOfC = b.CreateGEP(p.type, p.c, b.CreateMul(i, constant(kStrideC)));
        mlir::Region &body = op.getEpilogue();
        laneLoop(column, b.CreateAdd(column, columns), body.front(), [&](Lanes n) {
          Value *sum = loadVector(p.type, b.CreateGEP(p.type, rowOfC, b.CreateSub(n.value, column)), nullptr);
          values[body.getArgument(0)] = Lanes::uniform(b.CreateAdd(row, i));
          values[body.getArgument(1)] = n;
          values[body.getArgument(2)] = Lanes::varying(sum);
          block(body.front());
        });
      });
    });
  });
}

// -0.0, to which the first block's sum is added without a change; no products at all sum to +0.0.
void KernelWriter::clearSums(Product &p, Value *rows, Value *k) {
  auto *depth = dyn_cast<ConstantInt>(k);
  bool empty = depth && depth->isZero();
  Constant *zero = p.type->isFloatingPointTy() && !empty ? ConstantFP::getNegativeZero(p.type) : Constant::getNullValue(p.type);
  auto *vector = ConstantVector::getSplat(ElementCount::getFixed(kLanes), zero);
  Value *end = b.CreateMul(p.paddedRows(*this, rows), constant(kStrideC));
  loop(constant(0), end, kLanes, [&](Value *i) { storeVector(vector, b.CreateGEP(p.type, p.c, i), nullptr); });
}

Value *KernelWriter::wholePanels(Value *columns) {
  return b.CreateAnd(b.CreateAdd(columns, constant(kPanel - 1)), constant(-kPanel));
}

Value *KernelWriter::Product::paddedRows(KernelWriter &w, Value *rows) {
  auto &builder = w.b;
  Value *height = w.constant(tileRows);
  return builder.CreateMul(builder.CreateUDiv(builder.CreateAdd(rows, w.constant(tileRows - 1)), height), height);
}

// The element (k0, column + j) of B as tiles read it: 32 elements further for each k.
Value *KernelWriter::Product::panel(KernelWriter &w, Value *column, Value *j, Value *k, Value *k0) {
  auto &builder = w.b;
  Value *n = packed ? builder.CreateAdd(column, j) : j;
  Value *number = builder.CreateUDiv(n, w.constant(kPanel)), *within = builder.CreateAnd(n, w.constant(kPanel - 1));
  if (!packed)
    return builder.CreateGEP(type, b, builder.CreateAdd(builder.CreateMul(number, w.constant(kPanelElements)), within));
  Value *start = builder.CreateMul(builder.CreateAdd(builder.CreateMul(number, k), k0), w.constant(kPanel));
  Value *index = builder.CreateAdd(builder.CreateAdd(w.scalar(op.getBBase()), start), within);
  return w.pointer(op.getB(), index);
}

void KernelWriter::packRows(Product &p, Value *row, Value *rows, Value *k, Value *depth) {
  kernel::ContractOp op = p.op;
  Value *strideM = scalar(op.getAStrideM()), *strideK = scalar(op.getAStrideK());
  Value *corner = b.CreateAdd(b.CreateMul(row, strideM), b.CreateMul(k, strideK));
  Value *from = pointer(op.getA(), b.CreateAdd(scalar(op.getABase()), corner));
  copyMatrix(p, {p.aType, from, strideM, strideK, rows, p.paddedRows(*this, rows), depth, wholePanels(depth), p.a, constant(kStrideA),
                 constant(kPanel)});
}

void KernelWriter::packColumns(Product &p, Value *column, Value *columns, Value *k, Value *depth) {
  kernel::ContractOp op = p.op;
  if (op.getPackedB()) // of another type than sums: panel by panel
    return loop(constant(0), columns, kPanel, [&](Value *j) {
      Value *number = b.CreateUDiv(b.CreateAdd(column, j), constant(kPanel));
      Value *start = b.CreateMul(b.CreateAdd(b.CreateMul(number, scalar(op.getK())), k), constant(kPanel));
      Value *to = b.CreateGEP(p.type, p.b, b.CreateMul(j, constant(kDepth)));
      copyMatrix(p, {p.bType, pointer(op.getB(), b.CreateAdd(scalar(op.getBBase()), start)), constant(kPanel), constant(1), depth, depth,
                     constant(kPanel), constant(kPanel), to, constant(kPanel), constant(kPanelElements)});
    });
  Value *strideK = scalar(op.getBStrideK()), *strideN = scalar(op.getBStrideN());
  Value *corner = b.CreateAdd(b.CreateMul(k, strideK), b.CreateMul(column, strideN));
  Value *from = pointer(op.getB(), b.CreateAdd(scalar(op.getBBase()), corner));
  copyMatrix(p, {p.bType, from, strideK, strideN, depth, depth, columns, wholePanels(columns), p.b, constant(kPanel),
                 constant(kPanelElements)});
}

} // namespace weft::cpu
