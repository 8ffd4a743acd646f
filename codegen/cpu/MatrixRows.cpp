// kernel.contract of few rows, for which a copy of B would cost more than it saves: B is read where it lies, for a
// block of 64 columns at a time. Very few rows are summed by lanes (MatrixLanes.cpp), others in chains: a tile of them
// is all 256 of a block of K for a few vectors of columns. Only where the columns of B are not neighbours are those of
// a tile copied before.
#include "codegen/cpu/MatrixRows.h"

using namespace llvm;

namespace weft::cpu {

static constexpr int64_t kCopiedRow = kCopiedDepth + 16; // rows whose distance is no power of two are in different sets
static constexpr int64_t kRowsAhead = 4;
static constexpr int64_t kRowPointers = 4; // more would not fit into registers

KernelWriter::RowsProduct::RowsProduct(kernel::ContractOp op, KernelWriter &w)
    : MatrixTypes(op.getA().getType().getElementType(), op.getB().getType().getElementType(), w) {
  byLanes = op.getLanes();
  unbroken = op.getUnbroken();
  rows = rowsOf(op, w);
  if (byLanes && (rows < 1 || rows > order::kLaneRows))
    rows = 1;
  bool unitK = isOne(w.scalar(op.getBStrideK())), unitN = isOne(w.scalar(op.getBStrideN()));
  alongK = unitK && (byLanes || !unitN);
  alongN = unitN && !alongK;
  copiesA = aType != sumType || (byLanes && alongK && !isOne(w.scalar(op.getAStrideK())));
  auto *depth = dyn_cast<ConstantInt>(w.scalar(op.getK()));
  isLong = !depth || depth->getSExtValue() > kCopiedDepth;
  registers = w.target.vectorRegisters * 3 / 4;
  auto reserve = [&](int64_t elements) { return w.reserveScratch(type, elements); };
  int64_t before = Log2_64(order::kPositions / 2) * rows * kColumns;
  if (!byLanes)
    before = alongN ? 0 : (kDepth + kMostLanes) * copiedColumns();
  else if (alongK)
    before = rows * vectorLanes * vectorLanes;
  work = reserve(before + rows * kColumns);
  sums = w.b.CreateConstGEP1_64(type, work, before);
  totals = isLong ? reserve(byLanes ? 2 * order::kPositions * rows * kColumns : rows * kColumns) : sums;
  copy = copiesA ? reserve(rows * kCopiedRow) : sums;
}

int64_t KernelWriter::RowsProduct::rowsOf(kernel::ContractOp op, KernelWriter &w) {
  auto *begin = dyn_cast<ConstantInt>(w.scalar(op.getRowBegin()));
  auto *end = dyn_cast<ConstantInt>(w.scalar(op.getRowEnd()));
  return begin && end ? end->getSExtValue() - begin->getSExtValue() : -1;
}

std::string KernelWriter::RowsProduct::form() const {
  const char *layout = alongN ? "_columns" : alongK ? "_rows" : "_gather";
  return (byLanes    ? "lanes"
          : unbroken ? "unbroken"
                     : "chains") +
         std::to_string(rows) + layout + (isLong ? "_long" : "") + (copiesA ? "_copied" : "");
}

bool KernelWriter::hasFewRows(kernel::ContractOp op) {
  int64_t rows = RowsProduct::rowsOf(op, *this);
  return op.getLanes() || (!op.getPackedB() && rows > 0 && rows <= order::kFewRows);
}

void KernelWriter::contractRows(kernel::ContractOp op) {
  RowsProduct p(op, *this);
  Value *strideM = scalar(op.getAStrideM()), *strideK = scalar(op.getAStrideK()), *depth = scalar(op.getK());
  Value *strideBK = scalar(op.getBStrideK()), *strideBN = scalar(op.getBStrideN());
  Value *columnEnd = scalar(op.getColumnEnd());
  int64_t most = span(op.getColumnBegin(), op.getColumnEnd());
  loop(scalar(op.getRowBegin()), scalar(op.getRowEnd()), p.rows, [&](Value *row) {
    Value *from = pointer(op.getA(), b.CreateAdd(scalar(op.getABase()), b.CreateMul(row, strideM)));
    Value *rowStride = strideM, *stride = strideK;
    if (p.copiesA && !p.isLong) {
      copyRows(p, from, strideM, strideK, depth);
      from = p.copy, rowStride = constant(kCopiedRow), stride = constant(1);
    }
    blocks(scalar(op.getColumnBegin()), columnEnd, kColumns, most >= 0 && most <= kColumns, [&](Value *column) {
      Value *columns = minimum(constant(kColumns), b.CreateSub(columnEnd, column));
      Value *corner = pointer(op.getB(), b.CreateAdd(scalar(op.getBBase()), b.CreateMul(column, strideBN)));
      b.CreateCall(rowsFunction(p), {from, corner, p.sums, p.work, p.totals, p.copy, rowStride, stride, strideBK,
                                     strideBN, depth, columns});
      Value *results = p.sums;
      if (p.isLong && !p.byLanes && !p.unbroken)
        results = b.CreateSelect(b.CreateICmpSGT(depth, constant(kGroupDepth)), p.totals, p.sums);
      loop(constant(0), constant(p.rows), 1, [&](Value *i) {
        Value *sums = b.CreateGEP(p.type, results, b.CreateMul(i, constant(kColumns)));
        epilogue(op, b.CreateAdd(row, i), column, columns, [&](Value *n) {
          // No products at all sum to +0.0.
          Value *sum = loadVector(p.type, b.CreateGEP(p.type, sums, n), laneMask);
          return b.CreateSelect(b.CreateICmpEQ(depth, constant(0)), Constant::getNullValue(sum->getType()), sum);
        });
      });
    });
  });
}

// `count` of K of all rows of A, contiguous and of the type of the sums.
void KernelWriter::copyRows(RowsProduct &p, Value *from, Value *strideM, Value *strideK, Value *count) {
  Value *rows = constant(p.rows);
  b.CreateCall(copyFunction(p, p.aType, isOne(strideK)),
               {from, p.copy, strideM, strideK, rows, rows, count, roundUp(count, kPanel), constant(kCopiedRow),
                constant(kPanel)});
}

// void (a, b, sums, work, totals, copy of a, a's strides, b's strides, k, columns): the sums of all rows.
Function *KernelWriter::rowsFunction(RowsProduct &given) {
  return helper(given.name(given.form().c_str()), 6, 6, [&](Function *f) {
    RowsProduct p = given;
    lanes = int(p.vectorLanes);
    p.sums = f->getArg(2), p.work = f->getArg(3), p.totals = f->getArg(4), p.copy = f->getArg(5);
    Value *from = f->getArg(0), *matrix = f->getArg(1), *strideM = f->getArg(6), *strideA = f->getArg(7);
    Value *strideK = f->getArg(8), *strideN = f->getArg(9), *depth = f->getArg(10), *columns = f->getArg(11);
    auto part = [&](Value *k0, Value *count) {
      RowsOperands x{b.CreateGEP(memoryType(p.aType), from, b.CreateMul(k0, strideA)),
                     strideM,
                     p.copiesA ? constant(1) : strideA,
                     b.CreateGEP(memoryType(p.bType), matrix, b.CreateMul(k0, strideK)),
                     strideK,
                     strideN,
                     count,
                     columns};
      if (p.copiesA && p.isLong) {
        copyRows(p, x.a, strideM, strideA, count);
        x.a = p.copy, x.strideM = constant(kCopiedRow);
      }
      if (!p.byLanes)
        return sumInChains(p, x, k0);
      p.alongK ? sumAlongK(p, x) : sumAlongN(p, x);
    };
    if (!p.isLong)
      return part(constant(0), depth);
    auto parts = [&](function_ref<void(Value *)> then) {
      loop(constant(0), depth, kCopiedDepth, [&](Value *k0) {
        part(k0, minimum(constant(kCopiedDepth), b.CreateSub(depth, k0)));
        then(k0);
      });
    };
    if (p.byLanes)
      return addLevels(p, depth, parts);
    parts([&](Value *k0) {
      if (p.unbroken)
        return;
      Value *next = b.CreateAdd(k0, constant(kCopiedDepth)), *inGroup = b.CreateAnd(next, constant(kGroupDepth - 1));
      Value *ends = b.CreateOr(b.CreateICmpSGE(next, depth), b.CreateICmpEQ(inGroup, constant(0)));
      branch(b.CreateAnd(b.CreateICmpSGT(depth, constant(kGroupDepth)), ends), [&] {
        addGroup(p, p.sums, p.totals, b.CreateICmpSLT(k0, constant(kGroupDepth)), constant(0),
                 constant(p.rows * kColumns));
      });
    });
  });
}

// The part of K that begins at k0, block by block. Tiles are all rows and a few vectors of columns.
void KernelWriter::sumInChains(RowsProduct &p, const RowsOperands &x, Value *k0) {
  int64_t most = std::clamp<int64_t>(bit_floor(uint64_t(p.registers / p.rows)), 1, 4);
  loop(constant(0), x.depth, kDepth, [&](Value *first) {
    Value *count = minimum(constant(kDepth), b.CreateSub(x.depth, first));
    Value *before = b.CreateAdd(k0, first), *goesOn = b.CreateICmpNE(before, constant(0));
    Value *adds = b.CreateICmpNE(b.CreateAnd(before, constant(kGroupDepth - kDepth)), constant(0));
    Value *cornerA = b.CreateGEP(p.type, x.a, b.CreateMul(first, x.strideA));
    Value *cornerB = b.CreateGEP(memoryType(p.bType), x.b, b.CreateMul(first, x.strideK));
    auto tile = [&](Value *column, int64_t vectors, Value *right, mlir::Type type, Value *stride, Value *mask) {
      SmallVector<Value *, kRowPointers> starts;
      for (int64_t r = 0; r < std::min(p.rows, kRowPointers); ++r)
        starts.push_back(b.CreateGEP(p.type, cornerA, b.CreateMul(constant(r), x.strideM)));
      Carried sums(p.rows * vectors, Constant::getNullValue(vectorType(p.type)));
      SmallVector<Value *, 16> places;
      for (int64_t i = 0; i < p.rows * vectors; ++i)
        places.push_back(
            b.CreateGEP(p.type, p.sums, b.CreateAdd(column, constant(i / vectors * kColumns + i % vectors * lanes))));
      if (p.unbroken)
        sums = branch(goesOn, sums, [&](Carried sums) {
          for (auto [sum, place] : zip(sums, places))
            sum = loadVector(p.type, place, nullptr);
          return sums;
        });
      sums = loop(constant(0), count, 1, sums, [&](Value *k, Carried sums) {
        Value *from = b.CreateGEP(memoryType(type), right, b.CreateMul(k, stride)), *at = b.CreateMul(k, x.strideA);
        SmallVector<Value *, 4> loaded;
        for (int64_t v = 0; v < vectors; ++v) {
          Value *place = b.CreateConstGEP1_64(memoryType(type), from, v * lanes);
          loaded.push_back(widen(loadVector(memoryType(type), place, mask), type));
          if (p.alongN)
            prefetch(b.CreateGEP(memoryType(type), place, b.CreateMul(stride, constant(kRowsAhead))));
        }
        for (int64_t r = 0; r < p.rows; ++r) {
          if (r == kRowPointers)
            at = b.CreateAdd(at, b.CreateMul(x.strideM, constant(kRowPointers)));
          Value *place = b.CreateGEP(p.type, starts[r % kRowPointers], at);
          Value *element = b.CreateVectorSplat(lanes, b.CreateLoad(p.type, place));
          for (int64_t v = 0; v < vectors; ++v)
            sums[r * vectors + v] = multiplyAdd(element, loaded[v], sums[r * vectors + v]);
        }
        return sums;
      });
      if (!p.unbroken)
        sums = branch(adds, sums, [&](Carried sums) {
          for (auto [sum, place] : zip(sums, places))
            sum = add(loadVector(p.type, place, nullptr), sum);
          return sums;
        });
      for (auto [sum, place] : zip(sums, places))
        storeVector(sum, place, nullptr);
    };
    if (p.alongN)
      return overColumns(x.columns, most, [&](Value *column, int64_t vectors, Value *mask) {
        tile(column, vectors, b.CreateGEP(memoryType(p.bType), cornerB, column), p.bType, x.strideK, mask);
      });
    int64_t width = p.copiedColumns();
    loop(constant(0), x.columns, width, [&](Value *column) {
      Value *from = b.CreateGEP(memoryType(p.bType), cornerB, b.CreateMul(column, x.strideN));
      Value *columns = minimum(b.CreateSub(x.columns, column), constant(width));
      b.CreateCall(p.alongK ? transposeFunction(p, p.bType) : copyFunction(p, p.bType, false),
                   {from, p.work, x.strideK, x.strideN, count, count, columns, constant(width), constant(width),
                    constant(kPanel)});
      int64_t vectors = std::min(most, width / lanes);
      for (int64_t inCopy = 0; inCopy < width; inCopy += vectors * lanes)
        tile(b.CreateAdd(column, constant(inCopy)), vectors, b.CreateConstGEP1_64(p.type, p.work, inCopy), p.sumType,
             constant(width), nullptr);
    });
  });
}

// So many vectors at a time, then one by one, under a mask.
void KernelWriter::overColumns(Value *columns, int64_t vectors,
                               function_ref<void(Value *column, int64_t vectors, Value *mask)> tile) {
  Value *inTiles = b.CreateAnd(columns, constant(-vectors * lanes));
  loop(constant(0), inTiles, vectors * lanes, [&](Value *column) { tile(column, vectors, nullptr); });
  loop(inTiles, columns, lanes, [&](Value *column) { tile(column, 1, firstLanes(b.CreateSub(columns, column))); });
}

} // namespace weft::cpu
