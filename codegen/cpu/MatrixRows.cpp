// kernel.contract of few rows, for which a copy of B would cost more than it saves: B is read where it lies, once, for
// all rows. The sums of a strip of columns are in the first-level cache, and each block of 256 of K is added to them.
// How a block is summed depends on the layout of B:
// - along N vectors hold neighbouring columns, and the chains of a block are in the cache, too: so B is read by whole
//   rows, four at a time, which memory is faster at than at narrow strips of many rows;
// - along K vectors of K are loaded from as many columns as they have lanes, and transposed in registers;
// - of very few columns, along K, the lanes are blocks of K of all results.
// In the order of pairs (ir/kernel/KernelOps.td) rows of bf16 are read along K as pairs, of which half as many are
// transposed.
#include "codegen/cpu/MatrixRows.h"

using namespace llvm;

namespace weft::cpu {

static constexpr int64_t kStrip = 1024; // columns of a strip, half as many of many rows
static constexpr int64_t kStepsOfK = 4; // along N: rows of B that are read together, or twice as many for one row
static constexpr int64_t kMostDots = 4, kDotDepth = 4 * kDepth; // results, and K where they are better in lanes
static constexpr int64_t kRowPointers = 4;                      // of rows of A where it is

KernelWriter::RowsProduct::RowsProduct(kernel::ContractOp op, KernelWriter &w)
    : MatrixTypes(op.getA().getType().getElementType(), op.getB().getType().getElementType(), op.getPairs(), w) {
  this->isDots = false, copied = type; // which would take a copy in pairs
  rows = rowsOf(op, w);
  columns = rows <= order::kFewRows / 2 ? kStrip : kStrip / 2;
  bool packed = op.getPackedB(), unitN = isOne(w.scalar(op.getBStrideN())), unitK = isOne(w.scalar(op.getBStrideK()));
  bool readsA = aType == sumType && isOne(w.scalar(op.getAStrideK()));
  auto *known = dyn_cast<ConstantInt>(w.scalar(op.getK()));
  int64_t depth = known ? known->getSExtValue() : INT64_MAX, most = span(op.getColumnBegin(), op.getColumnEnd());
  unbroken = op.getUnbroken();
  hasGroups = !unbroken && depth > kGroupDepth;
  bool isDots =
      !packed && !unbroken && unitK && readsA && most >= 0 && rows * most <= (depth < kDotDepth ? 1 : kMostDots);
  form = isDots ? Dots : packed || unitN ? AlongN : unitK ? AlongK : Spread;
  readsLines = form == AlongK && vectorLanes * int64_t(type->getScalarSizeInBits()) == 8 * kLine;
  copiesA = !readsA || rows > kRowPointers;
  if (isDots)
    columns = kMostDots;
  else if (packed && !copiesA)
    columns = kPanel; // which is all in one stream
  // Columns of one panel may be few.
  int64_t vectors = divideCeil(most >= 0 && most < kPanel ? most : kPanel, vectorLanes);
  if (columns == kPanel && rows * vectors <= w.target.vectorRegisters / 2)
    vectorsOfPanel = vectors;
  auto reserve = [&](int64_t elements) { return w.reserveScratch(type, elements + kLanes); };
  sums = reserve(rows * columns);
  work = reserve(std::max(rows * columns, vectorLanes) * (isDots ? vectorLanes : 1) + vectorLanes * vectorLanes);
  totals = hasGroups ? reserve(rows * columns) : sums;
  copy = copiesA ? reserve(rows * kDepth * blocks()) : sums;
}

int64_t KernelWriter::RowsProduct::blocks() const {
  bool waits =
      vectorsOfPanel ? rows * vectorsOfPanel <= 2 : form == AlongK && rows <= (readsLines ? 2 : 1) * kRowsOfPairs;
  return waits && !unbroken ? 2 : 1;
}

Value *KernelWriter::RowsProduct::wholeVectors(IRBuilder<> &b, Value *depth, int64_t lanes) const {
  return b.CreateAnd(depth, b.getInt64(-lanes * (isPairs ? 2 : 1)));
}

int64_t KernelWriter::RowsProduct::rowsOf(kernel::ContractOp op, KernelWriter &w) {
  auto *begin = dyn_cast<ConstantInt>(w.scalar(op.getRowBegin()));
  auto *end = dyn_cast<ConstantInt>(w.scalar(op.getRowEnd()));
  return begin && end ? end->getSExtValue() - begin->getSExtValue() : -1;
}

std::string KernelWriter::RowsProduct::nameOfForm() const {
  const char *layout = form == AlongN ? "_columns" : form == AlongK ? "_rows" : form == Spread ? "_gather" : "_dots";
  return "few" + std::to_string(rows) + layout +
         (unbroken    ? "_unbroken"
          : hasGroups ? "_long"
                      : "") +
         (copiesA ? "_copied" : "") + "_" + std::to_string(columns) +
         (vectorsOfPanel ? "_by" + std::to_string(vectorsOfPanel) : "");
}

bool KernelWriter::hasFewRows(kernel::ContractOp op) {
  int64_t rows = RowsProduct::rowsOf(op, *this);
  return !(op.getPairs() && (op.getPackedB() || target.multipliesTiles)) && !op.hasWindows() && rows > 0 &&
         rows <= order::kFewRows;
}

void KernelWriter::contractRows(kernel::ContractOp op) {
  RowsProduct p(op, *this);
  Value *strideM = scalar(op.getAStrideM()), *strideA = scalar(op.getAStrideK()), *depth = scalar(op.getK());
  Value *strideK = scalar(op.getBStrideK()), *strideN = scalar(op.getBStrideN()),
        *panel = b.CreateMul(strideN, constant(kPanel));
  if (op.getPackedB()) {
    panel = b.CreateMul(strideN, constant(kPanel));
    strideK = constant(kPanel), strideN = constant(1);
  }
  Value *columnEnd = scalar(op.getColumnEnd());
  int64_t most = span(op.getColumnBegin(), op.getColumnEnd());
  Value *row = scalar(op.getRowBegin());
  Value *from = pointer(op.getA(), b.CreateAdd(scalar(op.getABase()), b.CreateMul(row, strideM)));
  blocks(scalar(op.getColumnBegin()), columnEnd, p.columns, most >= 0 && most <= p.columns, [&](Value *column) {
    Value *columns = minimum(constant(p.columns), b.CreateSub(columnEnd, column));
    Value *place =
        op.getPackedB() ? b.CreateMul(b.CreateLShr(column, Log2_64(kPanel)), panel) : b.CreateMul(column, strideN);
    Value *corner = pointer(op.getB(), b.CreateAdd(scalar(op.getBBase()), place));
    b.CreateCall(rowsFunction(p), {from, corner, p.sums, p.work, p.totals, p.copy, strideM, strideA, strideK, strideN,
                                   panel, depth, columns});
    Value *results = p.sums;
    if (p.hasGroups)
      results = b.CreateSelect(b.CreateICmpSGT(depth, constant(kGroupDepth)), p.totals, p.sums);
    loop(constant(0), constant(p.rows), 1, [&](Value *i) {
      Value *sums = b.CreateGEP(p.type, results, b.CreateMul(i, constant(p.columns)));
      epilogue(op, b.CreateAdd(row, i), column, columns,
               [&](Value *n) { return loadVector(p.type, b.CreateGEP(p.type, sums, n), laneMask); });
    });
  });
}

// void (a, b, sums, work, totals, copy of a, a's strides, b's strides, k, columns): the sums of all rows.
Function *KernelWriter::rowsFunction(RowsProduct &given) {
  return helper(given.name(given.nameOfForm().c_str()), 6, 7, [&](Function *f) {
    RowsProduct p = given;
    Value *mode = p.isPairs ? flushSubnormals() : nullptr;
    lanes = int(p.vectorLanes);
    p.sums = f->getArg(2), p.work = f->getArg(3), p.totals = f->getArg(4), p.copy = f->getArg(5);
    Value *strideM = f->getArg(6), *strideA = f->getArg(7), *strideK = f->getArg(8), *depth = f->getArg(11);
    RowsOperands x{nullptr,       strideM, strideA,       nullptr, strideK, f->getArg(9),
                   f->getArg(10), nullptr, f->getArg(12), nullptr, nullptr, nullptr};
    // No products at all sum to +0.0.
    branch(b.CreateICmpEQ(depth, constant(0)), [&] { clear(p, p.sums, x.columns); });
    int64_t step = p.blocks() * kDepth;
    loop(constant(0), depth, step, [&](Value *k0) {
      x.a = b.CreateGEP(memoryType(p.aType), f->getArg(0), b.CreateMul(k0, strideA));
      x.b = b.CreateGEP(memoryType(p.bType), f->getArg(1), b.CreateMul(k0, strideK));
      x.depth = minimum(constant(step), b.CreateSub(depth, k0));
      x.isFirst = b.CreateICmpEQ(k0, constant(0));
      x.inGroup = b.getFalse();
      if (!p.unbroken)
        x.inGroup = b.CreateICmpNE(b.CreateAnd(k0, constant(kGroupDepth - kDepth)), constant(0));
      if (p.form == RowsProduct::Dots) {
        branch(b.CreateICmpEQ(b.CreateAnd(k0, constant(kDepth * lanes - 1)), constant(0)), [&] {
          x.depth = b.CreateSub(depth, k0);
          x.strideA = constant(1);
          chainsOfDots(p, x);
        });
        addDots(p, x, b.CreateAnd(b.CreateLShr(k0, Log2_64(kDepth)), constant(lanes - 1)));
      } else if (p.copiesA) {
        copyRows(p, x);
        x.a = p.copy, x.strideM = constant(1), x.strideA = constant(p.rows);
      } else {
        x.strideA = constant(1);
      }
      if (p.form == RowsProduct::AlongK)
        sumAlongK(p, x);
      else if (p.vectorsOfPanel)
        sumPanel(p, x);
      else if (p.form != RowsProduct::Dots)
        sumAlongN(p, x);
      if (!p.hasGroups)
        return;
      Value *next = b.CreateAdd(k0, constant(step)), *rest = b.CreateAnd(next, constant(kGroupDepth - 1));
      Value *ends = b.CreateOr(b.CreateICmpSGE(next, depth), b.CreateICmpEQ(rest, constant(0)));
      branch(b.CreateAnd(b.CreateICmpSGT(depth, constant(kGroupDepth)), ends), [&] {
        addGroup(p, p.sums, p.totals, b.CreateICmpSLT(k0, constant(kGroupDepth)), constant(0),
                 constant(p.rows * p.columns));
      });
    });
    if (mode)
      setFloatMode(mode);
  });
}

// All rows of A side by side, of the type of the sums: their elements are constants apart.
void KernelWriter::copyRows(RowsProduct &p, const RowsOperands &x) {
  Type *memory = memoryType(p.aType);
  loop(constant(0), x.depth, 1, [&](Value *k) {
    for (int64_t r = 0; r < p.rows; ++r) {
      Value *place = b.CreateAdd(b.CreateMul(constant(r), x.strideM), b.CreateMul(k, x.strideA));
      Value *element = widen(b.CreateLoad(memory, b.CreateGEP(memory, x.a, place)), p.aType);
      b.CreateStore(element, b.CreateGEP(p.type, p.copy, b.CreateAdd(b.CreateMul(k, constant(p.rows)), constant(r))));
    }
  });
}

// Where the one is that is so many after the k-th of a row.
Value *KernelWriter::elementOfA(RowsProduct &p, const RowsOperands &x, int64_t row, Value *k, int64_t next) {
  Value *start = b.CreateGEP(p.type, x.a, b.CreateMul(constant(row), x.strideM));
  Value *place = b.CreateGEP(p.type, start, b.CreateMul(k, x.strideA));
  return b.CreateGEP(p.type, place, b.CreateMul(constant(next), x.strideA));
}

void KernelWriter::clear(RowsProduct &p, Value *sums, Value *columns) {
  loop(constant(0), constant(p.rows), 1, [&](Value *row) {
    loop(constant(0), columns, lanes, [&](Value *column) {
      Value *place = b.CreateAdd(b.CreateMul(row, constant(p.columns)), column);
      storeVector(Constant::getNullValue(vectorType(p.type)), b.CreateGEP(p.type, sums, place), nullptr);
    });
  });
}

// Elements of a row of B, contiguous or not.
Value *KernelWriter::loadColumns(RowsProduct &p, Value *row, Value *n, Value *strideN, Value *mask) {
  Type *memory = memoryType(p.bType);
  Value *first = b.CreateGEP(memory, row, b.CreateMul(n, strideN)), *loaded;
  if (p.form == RowsProduct::AlongN)
    loaded = loadVector(memory, first, mask);
  else
    loaded = b.CreateMaskedGather(
        vectorType(memory), b.CreateGEP(memory, first, vector(Lanes::linear(constant(0), strideN))),
        Align(memory->getScalarSizeInBits() / 8), mask, Constant::getNullValue(vectorType(memory)));
  return widen(loaded, p.bType);
}

// A packed panel, whose chains stay in registers for the length of a block: of two whole blocks at once, where there
// are so few that a multiply-add would wait for the one before. Past the last column it has zeros.
void KernelWriter::sumPanel(RowsProduct &p, const RowsOperands &x) {
  if (p.blocks() == 1)
    return sumBlocksOfPanel(p, x, 1);
  Value *isWhole = b.CreateICmpEQ(x.depth, constant(2 * kDepth));
  branch(isWhole, [&] { sumBlocksOfPanel(p, x, 2); });
  loop(constant(0), b.CreateSelect(isWhole, constant(0), x.depth), kDepth, [&](Value *k0) {
    RowsOperands block = x;
    block.a = b.CreateGEP(p.type, x.a, b.CreateMul(k0, x.strideA));
    block.b = b.CreateGEP(memoryType(p.bType), x.b, b.CreateMul(k0, x.strideK));
    block.depth = minimum(constant(kDepth), b.CreateSub(x.depth, k0));
    block.inGroup = b.CreateOr(x.inGroup, b.CreateICmpNE(k0, constant(0)));
    sumBlocksOfPanel(p, block, 1);
  });
}

void KernelWriter::sumBlocksOfPanel(RowsProduct &p, const RowsOperands &x, int64_t blocks) {
  int64_t vectors = p.vectorsOfPanel, chains = p.rows * vectors;
  SmallVector<Value *, 16> places;
  for (int64_t r = 0; r < p.rows; ++r)
    for (int64_t v = 0; v < vectors; ++v)
      places.push_back(b.CreateConstGEP1_64(p.type, p.sums, r * p.columns + v * lanes));
  auto add = [&](Value *from, Value *to, int64_t count, const Carried &sums) {
    return loop(from, to, count, sums, [&](Value *k, Carried sums) {
      for (int64_t i = 0; i < count; ++i)
        for (int64_t block = 0; block < blocks; ++block) {
          int64_t next = block * kDepth + i;
          Value *row =
              b.CreateGEP(memoryType(p.bType), x.b, b.CreateMul(b.CreateAdd(k, constant(next)), constant(kPanel)));
          SmallVector<Value *, 8> right;
          for (int64_t v = 0; v < vectors; ++v)
            right.push_back(loadColumns(p, row, constant(v * lanes), constant(1), nullptr));
          for (int64_t r = 0; r < p.rows; ++r) {
            Value *element = b.CreateVectorSplat(lanes, b.CreateLoad(p.type, elementOfA(p, x, r, k, next)));
            for (int64_t v = 0; v < vectors; ++v) {
              Value *&sum = sums[block * chains + r * vectors + v];
              sum = multiplyAdd(element, right[v], sum);
            }
          }
        }
      return sums;
    });
  };
  Carried sums = beginSums(p, x, places);
  sums.resize(blocks * chains, Constant::getNullValue(vectorType(p.type)));
  Value *depth = blocks > 1 ? constant(kDepth) : x.depth, *whole = b.CreateAnd(depth, constant(-kStepsOfK));
  sums = add(whole, depth, 1, add(constant(0), whole, kStepsOfK, sums));
  endSums(p, x, Carried(ArrayRef(sums).take_front(chains)), places);
  for (auto [sum, place] : zip(ArrayRef(sums).drop_front(chains), places))
    storeVector(addBlock(p, loadVector(p.type, place, nullptr), sum), place, nullptr);
}

// Chains begin at +0.0: those of the first block of a group where its sums are, others beside them.
void KernelWriter::sumAlongN(RowsProduct &p, const RowsOperands &x) {
  Value *chains = b.CreateSelect(x.inGroup, p.work, p.sums);
  branch(p.unbroken ? x.isFirst : b.getTrue(), [&] { clear(p, chains, x.columns); });
  int64_t most = p.rows > 1 ? kStepsOfK : 2 * kStepsOfK;
  Value *whole = b.CreateAnd(x.depth, constant(-most));
  loop(constant(0), whole, most, [&](Value *k) { addRowsOfB(p, x, chains, k, most); });
  if (p.isPairs) {
    Value *pairs = b.CreateAnd(x.depth, constant(-2));
    loop(whole, pairs, 2, [&](Value *k) { addRowsOfB(p, x, chains, k, 2); });
    whole = pairs;
  }
  loop(whole, x.depth, 1, [&](Value *k) { addRowsOfB(p, x, chains, k, 1); });
  branch(x.inGroup, [&] {
    loop(constant(0), constant(p.rows), 1, [&](Value *row) {
      loop(constant(0), x.columns, lanes, [&](Value *column) {
        Value *place = b.CreateAdd(b.CreateMul(row, constant(p.columns)), column);
        Value *sum = b.CreateGEP(p.type, p.sums, place), *chain = b.CreateGEP(p.type, p.work, place);
        storeVector(addBlock(p, loadVector(p.type, sum, nullptr), loadVector(p.type, chain, nullptr)), sum, nullptr);
      });
    });
  });
}

Value *KernelWriter::multiplyAddTo(MatrixTypes &p, Value *x, Value *y, Value *sum) {
  return p.isPairs ? multiplyAddWithoutSubnormals(x, y, sum) : multiplyAdd(x, y, sum);
}

Value *KernelWriter::addBlock(MatrixTypes &p, Value *total, Value *chain) {
  Value *sum = add(total, chain);
  return p.isPairs ? flushed(sum) : sum;
}

void KernelWriter::addZeros(Carried &sums) {
  for (Value *&sum : sums)
    sum = b.CreateFAdd(sum, Constant::getNullValue(sum->getType()));
}

// So many rows of B from the k-th on, to the chains of as many rows at a time as elements of A stay in registers. In
// the order of pairs one alone is the last of an odd K.
void KernelWriter::addRowsOfB(RowsProduct &p, const RowsOperands &x, Value *chains, Value *k, int64_t count) {
  Type *memory = memoryType(p.bType);
  Value *strideN = p.form == RowsProduct::AlongN ? constant(1) : x.strideN;
  Value *from = b.CreateGEP(memory, x.b, b.CreateMul(k, x.strideK));
  int64_t height = std::max<int64_t>(1, target.vectorRegisters / 2 / kStepsOfK);
  int64_t together = std::clamp<int64_t>(kStepsOfK / p.rows, 1, kPanel / lanes); // vectors, of few rows more
  auto panelFrom = [&](Value *column) {
    return b.CreateGEP(memory, from, b.CreateMul(b.CreateLShr(column, Log2_64(kPanel)), x.panel));
  };
  Value *whole = b.CreateAnd(x.columns, constant(-kPanel)), *left = b.CreateSub(x.columns, whole);
  for (int64_t first = 0; first < p.rows; first += height) {
    int64_t rows = std::min(height, p.rows - first);
    Carried elements;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t i = 0; i < count; ++i)
        elements.push_back(b.CreateVectorSplat(lanes, b.CreateLoad(p.type, elementOfA(p, x, first + r, k, i))));
    auto tile = [&](Value *panel, Value *column, Value *inPanel, int64_t vectors, Value *mask) {
      for (int64_t v = 0; v < vectors; ++v) {
        Value *n = b.CreateAdd(inPanel, constant(v * lanes));
        Value *to = b.CreateGEP(p.type, chains, b.CreateAdd(column, b.CreateAdd(n, constant(first * p.columns))));
        Carried sums;
        for (int64_t r = 0; r < rows; ++r)
          sums.push_back(loadVector(p.type, b.CreateConstGEP1_64(p.type, to, r * p.columns), nullptr));
        if (p.isPairs && count == 1)
          addZeros(sums);
        for (int64_t step = 0; step < count; ++step) {
          int64_t i = p.isPairs && count > 1 ? step ^ 1 : step;
          Value *row = b.CreateGEP(memory, panel, b.CreateMul(constant(i), x.strideK));
          Value *right = loadColumns(p, row, n, strideN, mask);
          for (int64_t r = 0; r < rows; ++r)
            sums[r] = multiplyAddTo(p, elements[r * count + i], right, sums[r]);
        }
        for (int64_t r = 0; r < rows; ++r)
          storeVector(sums[r], b.CreateConstGEP1_64(p.type, to, r * p.columns), nullptr);
      }
    };
    loop(constant(0), whole, kPanel, [&](Value *column) {
      Value *panel = panelFrom(column);
      loop(constant(0), constant(kPanel), together * lanes,
           [&](Value *inPanel) { tile(panel, column, inPanel, together, nullptr); });
    });
    Value *last = panelFrom(whole);
    loop(constant(0), left, lanes,
         [&](Value *inPanel) { tile(last, whole, inPanel, 1, firstLanes(b.CreateSub(left, inPanel))); });
  }
}

// The chains of as many blocks as a vector has lanes, or of all that are left, of each result, in `work`: block by
// block, in each those of all results. Whole blocks' are in lanes; so are the results of one that is not whole, as far
// as K comes in vectors.
void KernelWriter::chainsOfDots(RowsProduct &p, const RowsOperands &x) {
  Type *memory = memoryType(p.bType);
  Value *results = b.CreateMul(x.columns, constant(p.rows));
  Value *all = minimum(divideUp(x.depth, constant(kDepth)), constant(lanes));
  Value *whole = minimum(b.CreateLShr(x.depth, Log2_64(kDepth)), constant(lanes));
  auto rowsOf = [&](Value *number, Value *k) { // of A and of B
    Value *row = b.CreateURem(number, constant(p.rows)), *column = b.CreateUDiv(number, constant(p.rows));
    Value *left = b.CreateGEP(p.type, x.a, b.CreateAdd(b.CreateMul(row, x.strideM), k));
    return std::pair(left, b.CreateGEP(memory, x.b, b.CreateAdd(b.CreateMul(column, x.strideN), k)));
  };
  // The chains of a lane each, from its rows on.
  auto inLanes = [&](function_ref<std::pair<Value *, Value *>(Value *)> rowsOfLane, Value *depth, Value *place) {
    SmallVector<std::pair<Value *, Value *>, 16> rows;
    for (int64_t i = 0; i < lanes; ++i)
      rows.push_back(rowsOfLane(constant(i)));
    Carried sums{Constant::getNullValue(vectorType(p.type))};
    sums = loop(constant(0), depth, lanes, sums, [&](Value *k, Carried sums) {
      SmallVector<Value *, 16> lefts, rights;
      for (auto [left, right] : rows) {
        lefts.push_back(loadVector(p.type, b.CreateGEP(p.type, left, k), nullptr));
        rights.push_back(widen(loadVector(memory, b.CreateGEP(memory, right, k), nullptr), p.bType));
      }
      for (auto [l, r] : zip(transpose(lefts), transpose(rights)))
        sums[0] = multiplyAdd(l, r, sums[0]);
      return sums;
    });
    storeVector(sums[0], place, nullptr);
  };
  Value *count = b.CreateMul(whole, results), *isWorth = b.CreateICmpSGT(count, constant(1));
  Value *lastChain = b.CreateSub(count, constant(1)), *lastResult = b.CreateSub(results, constant(1));
  loop(constant(0), b.CreateSelect(isWorth, count, constant(0)), lanes, [&](Value *first) {
    auto rowsOfLane = [&](Value *lane) {
      Value *chain = minimum(b.CreateAdd(first, lane), lastChain), *block = b.CreateUDiv(chain, results);
      return rowsOf(b.CreateSub(chain, b.CreateMul(block, results)), b.CreateMul(block, constant(kDepth)));
    };
    inLanes(rowsOfLane, constant(kDepth), b.CreateGEP(p.type, p.work, first));
  });
  loop(b.CreateSelect(isWorth, whole, constant(0)), all, 1, [&](Value *block) {
    Value *first = b.CreateMul(block, constant(kDepth)), *chains = b.CreateMul(block, results);
    Value *depth = minimum(constant(kDepth), b.CreateSub(x.depth, first));
    Value *vectors = b.CreateAnd(depth, constant(-lanes));
    vectors = b.CreateSelect(b.CreateICmpSGT(results, constant(1)), vectors, constant(0));
    branch(b.CreateICmpSGT(vectors, constant(0)), [&] {
      auto rowsOfLane = [&](Value *lane) { return rowsOf(minimum(lane, lastResult), first); };
      inLanes(rowsOfLane, vectors, b.CreateGEP(p.type, p.work, chains));
    });
    loop(constant(0), results, 1, [&](Value *number) {
      auto [left, right] = rowsOf(number, first);
      Value *place = b.CreateGEP(p.type, p.work, b.CreateAdd(chains, number));
      Carried sums = branch(b.CreateICmpSGT(vectors, constant(0)), {Constant::getNullValue(p.type)},
                            [&](const Carried &) { return Carried{b.CreateLoad(p.type, place)}; });
      sums = loop(vectors, depth, 1, sums, [&, left = left, right = right](Value *k, const Carried &sums) {
        Value *l = b.CreateLoad(p.type, b.CreateGEP(p.type, left, k));
        Value *r = widen(b.CreateLoad(memory, b.CreateGEP(memory, right, k)), p.bType);
        return Carried{multiplyAdd(l, r, sums[0])};
      });
      b.CreateStore(sums[0], place);
    });
  });
}

// The chains of one block.
void KernelWriter::addDots(RowsProduct &p, const RowsOperands &x, Value *block) {
  Value *chains = b.CreateMul(block, b.CreateMul(x.columns, constant(p.rows)));
  loop(constant(0), constant(p.rows), 1, [&](Value *row) {
    loop(constant(0), x.columns, 1, [&](Value *column) {
      Value *number = b.CreateAdd(b.CreateMul(column, constant(p.rows)), row);
      Value *place = b.CreateGEP(p.type, p.sums, b.CreateAdd(b.CreateMul(row, constant(p.columns)), column));
      Value *chain = b.CreateLoad(p.type, b.CreateGEP(p.type, p.work, b.CreateAdd(chains, number)));
      Carried sum = branch(x.inGroup, {chain},
                           [&](const Carried &sum) { return Carried{add(b.CreateLoad(p.type, place), sum[0])}; });
      b.CreateStore(sum[0], place);
    });
  });
}

} // namespace weft::cpu
