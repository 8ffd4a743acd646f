// kernel.contract: the rows and columns of the task are taken in blocks that stay in the second-level cache. For each 256 of K a block of
// A is copied row by row, a block of B in panels of 32 columns, and register tiles (MatrixTile.cpp) run over the two, adding to the block
// of C in scratch memory; the epilogue then reads the sums from there. Copies are padded with zeros, so tiles are always whole.
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
  int64_t depth = kDepth;
  if (auto k = op.getK().getDefiningOp<arith::ConstantIndexOp>())
    depth = std::clamp<int64_t>(alignTo(k.value(), kLanes), kLanes, kDepth);
  panelElements = depth * kPanel;
  // The padding keeps rows of one tile out of the same cache sets.
  strideA = depth + kLanes;
  strideC = blockColumns + kLanes;
  auto reserve = [&](int64_t elements) {
    return w.b.CreateConstGEP1_64(w.b.getInt8Ty(), w.scratch, w.reserveScratch(elements * bytes));
  };
  a = reserve((blockRows + kLanes) * strideA); // a transposed block may end past the last tile
  c = reserve(blockRows * strideC);
  packed = op.getPackedB() && bType == sumType;
  b = packed ? nullptr : reserve(blockColumns / kPanel * panelElements);
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
            Value *rowOfA = b.CreateGEP(p.type, p.a, b.CreateMul(i, constant(p.strideA)));
            Value *tileOfC = b.CreateGEP(p.type, p.c, b.CreateAdd(b.CreateMul(i, constant(p.strideC)), j));
            b.CreateCall(tile, {rowOfA, panel, tileOfC, depth});
          });
        });
      });
      loop(constant(0), rows, 1, [&](Value *i) {
        Value *rowOfC = b.CreateGEP(p.type, p.c, b.CreateMul(i, constant(p.strideC)));
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
  Value *end = b.CreateMul(p.paddedRows(*this, rows), constant(p.strideC));
  loop(constant(0), end, kLanes, [&](Value *i) { storeVector(vector, b.CreateGEP(p.type, p.c, i), nullptr); });
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
    return builder.CreateGEP(type, b, builder.CreateAdd(builder.CreateMul(number, w.constant(panelElements)), within));
  Value *start = builder.CreateMul(builder.CreateAdd(builder.CreateMul(number, k), k0), w.constant(kPanel));
  Value *index = builder.CreateAdd(builder.CreateAdd(w.scalar(op.getBBase()), start), within);
  return w.pointer(op.getB(), index);
}

static bool isOne(Value *stride) {
  auto *known = dyn_cast<ConstantInt>(stride);
  return known && known->isOne();
}

void KernelWriter::packRows(Product &p, Value *row, Value *rows, Value *k, Value *depth) {
  kernel::ContractOp op = p.op;
  Value *strideM = scalar(op.getAStrideM()), *strideK = scalar(op.getAStrideK());
  Value *corner = b.CreateAdd(b.CreateMul(row, strideM), b.CreateMul(k, strideK));
  corner = b.CreateAdd(scalar(op.getABase()), corner);
  auto from = [&](Value *i, Value *l) {
    return b.CreateAdd(corner, b.CreateAdd(b.CreateMul(i, strideM), b.CreateMul(l, strideK)));
  };
  auto to = [&](Value *i, Value *l) { return b.CreateGEP(p.type, p.a, b.CreateAdd(b.CreateMul(i, constant(p.strideA)), l)); };
  copyPanel(p, {op.getA(), strideM, strideK, rows, p.paddedRows(*this, rows), depth, depth, constant(p.strideA), from, to});
}

void KernelWriter::packColumns(Product &p, Value *column, Value *columns, Value *k, Value *depth) {
  kernel::ContractOp op = p.op;
  Value *strideK = scalar(op.getBStrideK()), *strideN = scalar(op.getBStrideN()), *base = scalar(op.getBBase());
  Value *padded = b.CreateAnd(b.CreateAdd(columns, constant(kPanel - 1)), constant(-kPanel));
  auto from = [&](Value *l, Value *j) {
    Value *n = b.CreateAdd(column, j), *kl = b.CreateAdd(k, l);
    if (!op.getPackedB())
      return b.CreateAdd(base, b.CreateAdd(b.CreateMul(kl, strideK), b.CreateMul(n, strideN)));
    Value *number = b.CreateUDiv(n, constant(kPanel)), *within = b.CreateAnd(n, constant(kPanel - 1));
    Value *start = b.CreateMul(b.CreateAdd(b.CreateMul(number, scalar(op.getK())), kl), constant(kPanel));
    return b.CreateAdd(base, b.CreateAdd(start, within));
  };
  auto to = [&](Value *l, Value *j) {
    Value *panel = b.CreateMul(b.CreateUDiv(j, constant(kPanel)), constant(p.panelElements));
    Value *within = b.CreateAdd(b.CreateMul(l, constant(kPanel)), b.CreateAnd(j, constant(kPanel - 1)));
    return b.CreateGEP(p.type, p.b, b.CreateAdd(panel, within));
  };
  if (op.getPackedB())
    strideN = constant(1);
  copyPanel(p, {op.getB(), strideK, strideN, depth, depth, columns, padded, constant(kPanel), from, to});
}

void KernelWriter::copyPanel(Product &p, const Copy &copy) {
  if (isOne(copy.strideRow) && !isOne(copy.strideColumn))
    return copyTransposed(p, copy);
  mlir::Type element = mlir::cast<kernel::BufferType>(copy.buffer.getType()).getElementType();
  lanes = kLanes;
  loop(constant(0), copy.paddedRows, 1, [&](Value *r) {
    Value *valid = copy.columns;
    if (copy.rows != copy.paddedRows)
      valid = b.CreateSelect(b.CreateICmpSLT(r, copy.rows), valid, constant(0));
    loop(constant(0), copy.paddedColumns, lanes, [&](Value *c) {
      Value *mask = firstLanes(b.CreateSub(valid, c));
      Value *value = loadLanes(copy.buffer, Lanes::linear(copy.from(r, c), copy.strideColumn), mask);
      storeVector(widen(value, element), copy.to(r, c), nullptr);
    });
  });
  lanes = 1;
}

// Rows are contiguous: vectors of them are read for as many columns, and turned over.
void KernelWriter::copyTransposed(Product &p, const Copy &copy) {
  mlir::Type element = mlir::cast<kernel::BufferType>(copy.buffer.getType()).getElementType();
  Function *transpose = transposeFunction(p, element);
  int64_t size = p.vectorLanes;
  loop(constant(0), copy.paddedColumns, size, [&](Value *c) {
    Value *columns = b.CreateSub(copy.columns, c);
    loop(constant(0), copy.paddedRows, size, [&](Value *r) {
      Value *from = pointer(copy.buffer, copy.from(r, c));
      b.CreateCall(transpose, {from, copy.strideColumn, columns, b.CreateSub(copy.rows, r), copy.to(r, c), copy.toStride});
    });
  });
}

} // namespace weft::cpu
