// kernel.contract with windows in rows: a row of A (or B, below) is the window of one of the results' positions, whose
// channels lie side by side at each position of the kernel. Tiles read them where they are, by a table of where each
// position of each row's window begins, and nothing of the input is copied. (Where a window leaves the input, the table
// points to zeros.) B is in panels as wide as a tile, of which a block of K stays in the first-level cache while the
// rows of a block go by. Where windows are rows of B, a step of K is one of them; A is read where it is,
// but for a last tile that is not whole.
#include "codegen/cpu/Product.h"
#include "codegen/schedule/Target.h"
#include "ir/kernel/Windows.h"

using namespace llvm;

namespace weft::cpu {

using kernel::Windows;

// Of a block: what its table, its sums and what it reads of the input fill of the second-level cache.
static constexpr int64_t kMostRows = 98;
static constexpr int64_t kLeastHeight = 6; // fewer sums would wait for each other
static constexpr int64_t kStepsAtOnce = 4, kLinesAsked = 2;

struct KernelWriter::RowWindows : MatrixTypes {
  bool ofRows;                        // the windows are rows of A, not of B
  int64_t columns, vectors, height;   // of a tile
  int64_t channels, positions, depth; // where the windows are rows of B the depth is the most
  int64_t blockRows, blockColumns;    // sums lie in strips of kStrideC columns
  bool hasGroups;
  llvm::Value *table, *tileOfA, *c, *totals; // scratch memory; of windows in rows of B, a tile's rows of A

  RowWindows(kernel::ContractOp op, KernelWriter &w)
      : MatrixTypes(op.getA().getType().getElementType(), op.getB().getType().getElementType(), false, w) {
    ofRows = op.getOfA();
    auto constantOf = [&](mlir::Value value) {
      auto *known = dyn_cast<ConstantInt>(w.scalar(value));
      if (!known)
        unsupported(op, "windows in rows have a kernel, channels and panels of known sizes");
      return known->getSExtValue();
    };
    columns = constantOf(op.getBStrideK()), depth = cpu::span({}, op.getK());
    if (depth < 0 || (ofRows && !isa<ConstantInt>(w.scalar(op.getK()))))
      unsupported(op, "windows in rows have a depth of known size");
    vectors = columns / vectorLanes;
    channels = constantOf(op.getWindows()[Windows::Channels]), positions = 1;
    for (int axis = 0; axis < Windows::kAxes; ++axis)
      positions *= constantOf(op.getWindows()[Windows::at(axis, Windows::Kernel)]);
    int64_t span = cpu::span(op.getRowBegin(), op.getRowEnd());
    chooseHeight(windowTileRows(w.target.vectorRegisters, vectors), span);
    blockRows = alignTo(span > 0 ? std::min(span, kMostRows) : kMostRows, height);
    hasGroups = depth > kGroupDepth;
    table = w.reserveScratch(w.b.getInt64Ty(), (ofRows ? blockRows : kDepth) * positions + kLanes);
    tileOfA = ofRows ? nullptr : w.reserveScratch(type, height * kDepth);
    // Of windows in rows of B all that a block of K reads stays in the cache while tiles go over the columns.
    blockColumns = kStrideC;
    if (!ofRows) {
      int64_t most = kMostBlockBytes / 2 / (type->getScalarSizeInBits() / 8) / blockRows;
      int64_t columnSpan = cpu::span(op.getColumnBegin(), op.getColumnEnd());
      blockColumns = alignTo(columnSpan > 0 ? std::min(columnSpan, most) : most, kStrideC);
    }
    c = w.reserveScratch(type, blockRows * blockColumns);
    totals = hasGroups ? w.reserveScratch(type, blockRows * blockColumns) : c;
  }
  // The highest, unless the rows of a task are so few that a lower one computes fewer that nobody wants.
  void chooseHeight(int64_t highest, int64_t rows) {
    height = highest;
    auto cost = [&](int64_t height) { return divideCeil(rows, height) * (height + 1); };
    if (rows > 0)
      for (int64_t lower = highest; lower >= std::min(kLeastHeight, highest); --lower)
        if (16 * cost(lower) < 15 * cost(height))
          height = lower;
  }
  std::string nameOf(const char *kind) const {
    return name(kind) + "_" + std::to_string(height) + "x" + std::to_string(columns);
  }
};

// void (table from the first position on, b, c, what to ask for meanwhile, first channel at it, depth, channels,
// whether c is added to): a tile of C = A * B over a block of K.
Function *KernelWriter::windowTileFunction(RowWindows &p) {
  return helper(p.nameOf("window_tile"), 4, 4, [&](Function *tile) {
    auto *vector = FixedVectorType::get(p.type, p.vectorLanes);
    int64_t bytes = p.type->getScalarSizeInBits() / 8, sumCount = p.height * p.vectors;
    Align align(bytes);
    Type *byte = b.getInt8Ty();
    Value *c = tile->getArg(2), *depth = tile->getArg(5), *channels = tile->getArg(6), *zero = constant(0);
    Carried state(sumCount, Constant::getNullValue(vector));
    state.append({tile->getArg(1), tile->getArg(3)});
    auto step = [&](Carried &state, ArrayRef<Value *> rows, Value *place, int64_t k) {
      SmallVector<Value *> right;
      for (int64_t j = 0; j < p.vectors; ++j)
        right.push_back(b.CreateAlignedLoad(
            vector, b.CreateConstGEP1_64(p.type, state[sumCount], k * p.columns + j * p.vectorLanes), align));
      for (int64_t i = 0; i < p.height; ++i) {
        Value *at = b.CreateConstGEP1_64(p.type, b.CreateGEP(p.type, rows[i], place), k);
        Value *left = b.CreateVectorSplat(p.vectorLanes, b.CreateAlignedLoad(p.type, at, align));
        for (int64_t j = 0; j < p.vectors; ++j) {
          Value *&sum = state[i * p.vectors + j];
          sum = multiplyAdd(left, right[j], sum);
        }
      }
    };
    auto steps = [&](ArrayRef<Value *> rows, int64_t count) {
      return [&, rows, count](Value *first, Carried state) {
        for (int64_t k = 0; k < count; ++k) {
          if (count > 1 && k < kLinesAsked)
            prefetch(b.CreateConstGEP1_64(byte, state[sumCount + 1], k * kLine), 2);
          step(state, rows, first, k);
        }
        state[sumCount] = b.CreateConstGEP1_64(p.type, state[sumCount], count * p.columns);
        if (count > 1)
          state[sumCount + 1] = b.CreateConstGEP1_64(byte, state[sumCount + 1], kLinesAsked * kLine);
        return state;
      };
    };
    // do: the channels at a position; while there is more of the block.
    BasicBlock *before = b.GetInsertBlock(), *enter = BasicBlock::Create(b.getContext(), "position", function);
    b.CreateBr(enter);
    b.SetInsertPoint(enter);
    SmallVector<PHINode *> phis;
    state.append({tile->getArg(0), tile->getArg(4), depth}); // the table, the first channel, what is left
    for (Value *&value : state) {
      phis.push_back(b.CreatePHI(value->getType(), 2));
      phis.back()->addIncoming(value, before);
      value = phis.back();
    }
    Value *table = state[sumCount + 2], *channel = state[sumCount + 3], *left = state[sumCount + 4];
    state.resize(sumCount + 2);
    Value *count = minimum(b.CreateSub(channels, channel), left);
    SmallVector<Value *> rows;
    for (int64_t i = 0; i < p.height; ++i) {
      Value *row = b.CreateLoad(b.getPtrTy(), b.CreateConstGEP1_64(b.getInt64Ty(), table, i));
      rows.push_back(b.CreateGEP(p.type, row, channel));
    }
    Value *whole = b.CreateAnd(count, constant(-kStepsAtOnce));
    state = loop(zero, whole, kStepsAtOnce, state, steps(rows, kStepsAtOnce));
    state = loop(whole, count, 1, state, steps(rows, 1));
    left = b.CreateSub(left, count);
    Carried next = state;
    next.append({b.CreateConstGEP1_64(byte, table, 8 * p.height), zero, left});
    BasicBlock *latch = b.GetInsertBlock(), *exit = BasicBlock::Create(b.getContext(), "sums", function);
    b.CreateCondBr(b.CreateICmpSGT(left, zero), enter, exit);
    for (auto [phi, value] : zip(phis, next))
      phi->addIncoming(value, latch);
    b.SetInsertPoint(exit);

    state.resize(sumCount);
    storeTile(p, c, state, tile->getArg(7));
  });
}

// A tile's sums over a block of K go to c, or are added to what is there.
void KernelWriter::storeTile(RowWindows &p, Value *c, Carried sums, Value *goesOn) {
  Align align(p.type->getScalarSizeInBits() / 8);
  auto sumAt = [&](int64_t number) {
    int64_t row = number / p.vectors, column = number % p.vectors * p.vectorLanes;
    return b.CreateConstGEP1_64(p.type, c, row * kStrideC + column);
  };
  sums = branch(b.CreateICmpNE(goesOn, constant(0)), sums, [&](const Carried &sums) {
    Carried added;
    for (auto [i, sum] : enumerate(sums))
      added.push_back(add(b.CreateAlignedLoad(sum->getType(), sumAt(i), align), sum));
    return added;
  });
  for (auto [i, sum] : enumerate(sums))
    b.CreateAlignedStore(sum, sumAt(i), align);
}

// After a block of K that ends a group its sums are added to the totals.
void KernelWriter::endGroup(RowWindows &p, Value *c, Value *totals, Value *k0, Value *depth, Value *k,
                            Value *elements) {
  Value *end = b.CreateAdd(k0, depth), *zero = constant(0);
  Value *endsGroup =
      b.CreateOr(b.CreateICmpEQ(end, k), b.CreateICmpEQ(b.CreateAnd(end, constant(kGroupDepth - 1)), zero));
  branch(endsGroup, [&] { addGroup(p, c, totals, b.CreateICmpSLT(k0, constant(kGroupDepth)), zero, elements); });
}

// void (table, b, c, totals, elements of a panel, k, tiles of rows, panels, channels, positions of the kernel): a block
// of C, whose sums are in the totals where K is more than a group.
Function *KernelWriter::windowBlockFunction(RowWindows &p) {
  return helper(p.nameOf("window_block") + (p.hasGroups ? "_groups" : ""), 4, 6, [&](Function *f) {
    Function *tile = windowTileFunction(p);
    Value *table = f->getArg(0), *panels = f->getArg(1), *c = f->getArg(2), *k = f->getArg(5), *tiles = f->getArg(6),
          *channels = f->getArg(8), *zero = constant(0);
    loop(zero, k, kDepth, [&](Value *k0) {
      Value *depth = minimum(constant(kDepth), b.CreateSub(k, k0)), *position = b.CreateUDiv(k0, channels),
            *channel = b.CreateURem(k0, channels), *inGroup = b.CreateAnd(k0, constant(kGroupDepth - 1));
      loop(zero, f->getArg(7), 1, [&](Value *j) {
        Value *inB = b.CreateAdd(b.CreateMul(j, f->getArg(4)), b.CreateMul(k0, constant(p.columns)));
        Value *panel = b.CreateGEP(p.type, panels, inB);
        // Meanwhile the next panel comes from memory: each of the first tiles asks for a part.
        Value *isLast = b.CreateICmpEQ(b.CreateAdd(j, constant(1)), f->getArg(7));
        Value *toNext = b.CreateSub(constant(kDepth * p.columns), b.CreateMul(j, f->getArg(4)));
        Value *next = b.CreateGEP(p.type, panel, b.CreateSelect(isLast, toNext, f->getArg(4)));
        Value *askedOfTile = b.CreateMul(b.CreateUDiv(depth, constant(kStepsAtOnce)), constant(kLinesAsked * kLine));
        loop(zero, tiles, 1, {next}, [&](Value *i, const Carried &asked) {
          Value *entry = b.CreateMul(b.CreateAdd(b.CreateMul(i, f->getArg(9)), position), constant(p.height));
          Value *inC = b.CreateAdd(b.CreateMul(i, constant(p.height * kStrideC)), b.CreateMul(j, constant(p.columns)));
          b.CreateCall(tile, {b.CreateGEP(b.getInt64Ty(), table, entry), panel, b.CreateGEP(p.type, c, inC), asked[0],
                              channel, depth, channels, inGroup});
          return Carried{b.CreateGEP(b.getInt8Ty(), asked[0], askedOfTile)};
        });
      });
      if (p.hasGroups)
        endGroup(p, c, f->getArg(3), k0, depth, k, b.CreateMul(tiles, constant(p.height * kStrideC)));
    });
  });
}

// void (table of the rows at the position, the tile's part of a, step by step, c, first channel, depth, whether c is
// added to): a tile of C = A * B over a block of K, where a row of B is a window.
Function *KernelWriter::windowColumnsFunction(RowWindows &p) {
  return helper(p.nameOf("window_columns"), 3, 3, [&](Function *tile) {
    auto *vector = FixedVectorType::get(p.type, p.vectorLanes);
    int64_t bytes = p.type->getScalarSizeInBits() / 8, sumCount = p.height * p.vectors;
    Align align(bytes);
    Value *table = tile->getArg(0), *a = tile->getArg(1), *c = tile->getArg(2), *channel = tile->getArg(3),
          *depth = tile->getArg(4), *zero = constant(0);
    auto steps = [&](int64_t count) {
      return [&, count](Value *first, Carried sums) {
        for (int64_t k = 0; k < count; ++k) {
          Value *place = b.CreateAdd(first, constant(k));
          Value *row = b.CreateLoad(b.getPtrTy(), b.CreateGEP(b.getInt64Ty(), table, place));
          row = b.CreateGEP(p.type, row, channel);
          SmallVector<Value *> right;
          for (int64_t j = 0; j < p.vectors; ++j)
            right.push_back(b.CreateAlignedLoad(vector, b.CreateConstGEP1_64(p.type, row, j * p.vectorLanes), align));
          Value *left = b.CreateGEP(p.type, a, b.CreateMul(place, constant(p.height)));
          for (int64_t i = 0; i < p.height; ++i) {
            Value *element = b.CreateAlignedLoad(p.type, b.CreateConstGEP1_64(p.type, left, i), align);
            for (int64_t j = 0; j < p.vectors; ++j) {
              Value *&sum = sums[i * p.vectors + j];
              sum = multiplyAdd(b.CreateVectorSplat(p.vectorLanes, element), right[j], sum);
            }
          }
        }
        return sums;
      };
    };
    Value *whole = b.CreateAnd(depth, constant(-kStepsAtOnce));
    Carried sums =
        loop(zero, whole, kStepsAtOnce, Carried(sumCount, Constant::getNullValue(vector)), steps(kStepsAtOnce));
    storeTile(p, c, loop(whole, depth, 1, sums, steps(1)), tile->getArg(5));
  });
}

// void (description of the windows, zeros, a, table, a tile's part of a, c, totals, a's strides, k, first row, rows,
// first column, columns, channels, positions of the kernel, elements of a strip of c, the window at k = 0): a block of
// C, whose sums are in the totals where K is more than a group.
Function *KernelWriter::windowColumnsBlockFunction(RowWindows &p) {
  return helper(p.nameOf("window_columns_block") + (p.hasGroups ? "_groups" : ""), 7, 10, [&](Function *f) {
    Function *tile = windowColumnsFunction(p);
    Value *table = f->getArg(3), *tileOfA = f->getArg(4), *c = f->getArg(5), *strideK = f->getArg(7), *k = f->getArg(8);
    Value *firstRow = f->getArg(9), *rows = f->getArg(10), *firstColumn = f->getArg(11), *columns = f->getArg(12),
          *channels = f->getArg(13), *stripElements = f->getArg(15), *zero = constant(0), *height = constant(p.height);
    Value *a = b.CreateGEP(p.type, f->getArg(2), firstRow), *tiles = divideUp(rows, height);
    Value *lastRow = b.CreateSub(rows, constant(1));
    Value *wholeTiles = b.CreateUDiv(rows, height);
    loop(zero, k, kDepth, [&](Value *k0) {
      Value *depth = minimum(constant(kDepth), b.CreateSub(k, k0)),
            *inGroup = b.CreateAnd(k0, constant(kGroupDepth - 1));
      b.CreateCall(rowTableFunction(), {f->getArg(0), table, f->getArg(1), b.CreateAdd(f->getArg(16), k0), depth, depth,
                                        constant(kDepth), f->getArg(14), constant(p.type->getScalarSizeInBits() / 8)});
      loop(zero, tiles, 1, [&](Value *i) {
        Value *first = b.CreateMul(i, height),
              *rowsOfC = b.CreateGEP(p.type, c, b.CreateMul(first, constant(kStrideC)));
        Value *isWhole = b.CreateICmpSLT(i, wholeTiles);
        auto copy = [&](function_ref<void(Value *, Value *)> rowsOf) {
          loop(zero, depth, 1, [&](Value *step) {
            rowsOf(b.CreateGEP(p.type, a, b.CreateMul(b.CreateAdd(k0, step), strideK)),
                   b.CreateGEP(p.type, tileOfA, b.CreateMul(step, height)));
          });
        };
        Align align(p.type->getScalarSizeInBits() / 8);
        branch(isWhole, [&] {
          copy([&](Value *from, Value *to) {
            auto *rows = FixedVectorType::get(p.type, p.height);
            b.CreateAlignedStore(b.CreateAlignedLoad(rows, b.CreateGEP(p.type, from, first), align), to, align);
          });
        });
        branch(b.CreateNot(isWhole), [&] {
          copy([&](Value *from, Value *to) {
            for (int64_t row = 0; row < p.height; ++row) {
              Value *place = minimum(b.CreateAdd(first, constant(row)), lastRow);
              b.CreateStore(b.CreateLoad(p.type, b.CreateGEP(p.type, from, place)),
                            b.CreateConstGEP1_64(p.type, to, row));
            }
          });
        });
        loop(zero, columns, p.columns, [&](Value *j) {
          Value *column = b.CreateAdd(firstColumn, j), *position = b.CreateUDiv(column, channels);
          Value *rowsOfB = b.CreateGEP(b.getInt64Ty(), table, b.CreateMul(position, constant(kDepth)));
          Value *inStrip = b.CreateAnd(j, constant(kStrideC - 1));
          Value *place = b.CreateAdd(b.CreateMul(b.CreateUDiv(j, constant(kStrideC)), stripElements), inStrip);
          b.CreateCall(tile, {rowsOfB, tileOfA, b.CreateGEP(p.type, rowsOfC, place), b.CreateURem(column, channels),
                              depth, inGroup});
        });
      });
      if (p.hasGroups)
        loop(zero, divideUp(columns, constant(kStrideC)), 1, [&](Value *strip) {
          Value *place = b.CreateMul(strip, stripElements);
          endGroup(p, b.CreateGEP(p.type, c, place), b.CreateGEP(p.type, f->getArg(6), place), k0, depth, k,
                   b.CreateMul(tiles, constant(p.height * kStrideC)));
        });
    });
  });
}

void KernelWriter::contractWindowRows(kernel::ContractOp op) {
  int64_t before = scratchBytes;
  RowWindows p(op, *this);
  Value *description = describeWindows(op);
  auto *ofZeros = ArrayType::get(p.type, p.channels);
  std::string name = p.name("zeros") + "_" + std::to_string(p.channels);
  GlobalVariable *zeros = module.getNamedGlobal(name);
  if (!zeros)
    zeros = new GlobalVariable(module, ofZeros, /*isConstant=*/true, GlobalValue::InternalLinkage,
                               Constant::getNullValue(ofZeros), name);
  Value *rowEnd = scalar(op.getRowEnd()), *columnEnd = scalar(op.getColumnEnd()), *panel = scalar(op.getBStrideN());
  int64_t rowSpan = span(op.getRowBegin(), op.getRowEnd()), columnSpan = span(op.getColumnBegin(), op.getColumnEnd());
  blocks(scalar(op.getRowBegin()), rowEnd, p.blockRows, rowSpan >= 0 && rowSpan <= p.blockRows, [&](Value *row) {
    Value *rows = minimum(constant(p.blockRows), b.CreateSub(rowEnd, row)), *height = constant(p.height);
    Value *tiles = divideUp(rows, height);
    if (p.ofRows)
      b.CreateCall(rowTableFunction(), {description, p.table, zeros, row, rows, b.CreateMul(tiles, height), height,
                                        constant(p.positions), constant(p.type->getScalarSizeInBits() / 8)});
    bool oneBlock = columnSpan >= 0 && columnSpan <= p.blockColumns;
    blocks(scalar(op.getColumnBegin()), columnEnd, p.blockColumns, oneBlock, [&](Value *column) {
      Value *columns = minimum(constant(p.blockColumns), b.CreateSub(columnEnd, column));
      if (p.ofRows) {
        Value *inB = b.CreateMul(b.CreateUDiv(column, constant(p.columns)), panel);
        Value *panels = pointer(op.getB(), b.CreateAdd(scalar(op.getBBase()), inB));
        b.CreateCall(windowBlockFunction(p),
                     {p.table, panels, p.c, p.totals, panel, constant(p.depth), tiles,
                      divideUp(columns, constant(p.columns)), constant(p.channels), constant(p.positions)});
      } else {
        b.CreateCall(windowColumnsBlockFunction(p),
                     {description, zeros, pointer(op.getA(), scalar(op.getABase())), p.table, p.tileOfA, p.c, p.totals,
                      scalar(op.getAStrideK()), scalar(op.getK()), row, rows, column, columns, constant(p.channels),
                      constant(p.positions), constant(p.blockRows * kStrideC), scalar(op.getBStrideN())});
      }
      loop(constant(0), rows, 1, [&](Value *i) {
        epilogue(op, b.CreateAdd(row, i), column, columns, [&](Value *n) {
          Value *inStrip = n, *strip = constant(0);
          if (p.blockColumns > kStrideC) {
            inStrip = b.CreateAnd(n, constant(kStrideC - 1));
            strip = b.CreateMul(b.CreateSub(n, inStrip), constant(p.blockRows));
          }
          Value *place = b.CreateAdd(strip, b.CreateAdd(b.CreateMul(i, constant(kStrideC)), inStrip));
          return loadVector(p.type, b.CreateGEP(p.type, p.totals, place), laneMask);
        });
      });
    });
  });
  mostScratchBytes = std::max(mostScratchBytes, scratchBytes);
  scratchBytes = before;
}

} // namespace weft::cpu
