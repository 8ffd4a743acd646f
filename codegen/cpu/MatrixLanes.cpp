// Products of few rows by lanes (KernelOps.td): 64 lanes a sum. Where B is contiguous along K they are lanes of
// vectors, all of those of a few rows and columns in registers. Else vectors hold neighbouring columns, and registers
// two lanes at a time.
#include "codegen/cpu/MatrixRows.h"

using namespace llvm;

namespace weft::cpu {

using order::kBlock, order::kPositions;

// What a lane's accumulator starts from.
static Constant *identity(Type *type) {
  return type->isFPOrFPVectorTy() ? ConstantFP::getNegativeZero(type) : Constant::getNullValue(type);
}

// As many vectors as they have elements: element i of the result is the tree over all of vector i.
Value *KernelWriter::addAcross(SmallVector<Value *, 16> vectors) {
  // A vector holds `parts` sums, in so many elements each. Two become one with elements half as many.
  int size = lanes;
  for (int parts = 1; parts < lanes; parts *= 2, size /= 2) {
    SmallVector<int, 16> low, high;
    for (int part = 0; part < 2 * parts; ++part)
      for (int e = 0; e < size / 2; ++e) {
        low.push_back(part * size + e);
        high.push_back(part * size + size / 2 + e);
      }
    SmallVector<Value *, 16> next;
    for (size_t i = 0; i < vectors.size(); i += 2)
      next.push_back(add(b.CreateShuffleVector(vectors[i], vectors[i + 1], low),
                         b.CreateShuffleVector(vectors[i], vectors[i + 1], high)));
    vectors = next;
  }
  return vectors[0];
}

// So many rows at a time, the last of which may be some of those before once more.
void KernelWriter::overRows(RowsProduct &p, int64_t count, function_ref<void(Value *)> body) {
  loop(constant(0), constant(p.rows), count, [&](Value *row) { body(minimum(row, constant(p.rows - count))); });
}

// The vectors of a sum become one; those of as many columns as it has lanes are kept, and become one of sums.
void KernelWriter::sumAlongK(RowsProduct &p, const RowsOperands &x) {
  int64_t vectors = kPositions / lanes, together = std::max<int64_t>(1, p.registers / vectors);
  int64_t rows = std::min(p.rows, together), width = bit_floor(uint64_t(together / rows));
  Value *last = b.CreateSub(x.columns, constant(1)), *whole = b.CreateAnd(x.depth, constant(-kPositions));
  Type *memory = memoryType(p.bType);
  auto kept = [&](Value *row, Value *column) {
    Value *number = b.CreateAdd(b.CreateMul(row, constant(lanes)), column);
    return b.CreateGEP(p.type, p.work, b.CreateMul(number, constant(lanes)));
  };
  auto tile = [&](Value *row, Value *column, Value *inVector) {
    SmallVector<Value *, 4> starts, columns;
    for (int64_t r = 0; r < rows; ++r)
      starts.push_back(b.CreateGEP(p.type, x.a, b.CreateMul(b.CreateAdd(row, constant(r)), x.strideM)));
    // Past the last column the last one again, whose sums nobody reads.
    for (int64_t i = 0; i < width; ++i) {
      Value *number = minimum(b.CreateAdd(column, constant(i)), last);
      columns.push_back(b.CreateGEP(memory, x.b, b.CreateMul(number, x.strideN)));
    }
    // The vectors of a sum lie together.
    auto step = [&](Value *k, Carried sums, Value *left) {
      for (int64_t v = 0; v < vectors; ++v) {
        Value *mask = left ? firstLanes(b.CreateSub(left, constant(v * lanes))) : nullptr;
        Value *at = b.CreateAdd(k, constant(v * lanes));
        SmallVector<Value *, 4> elements;
        for (Value *start : starts)
          elements.push_back(loadVector(p.type, b.CreateGEP(p.type, start, at), mask));
        for (int64_t i = 0; i < width; ++i) {
          Value *right = widen(loadVector(memory, b.CreateGEP(memory, columns[i], at), mask), p.bType);
          for (int64_t r = 0; r < rows; ++r) {
            Value *&sum = sums[(r * width + i) * vectors + v];
            Value *added = multiplyAdd(elements[r], right, sum);
            sum = mask ? b.CreateSelect(mask, added, sum) : added;
          }
        }
      }
      return sums;
    };
    Carried sums(rows * width * vectors, identity(vectorType(p.type)));
    sums = loop(constant(0), whole, kPositions, sums,
                [&](Value *k, const Carried &carried) { return step(k, carried, nullptr); });
    Value *left = b.CreateSub(x.depth, whole);
    sums = branch(b.CreateICmpNE(left, constant(0)), sums,
                  [&](const Carried &carried) { return step(whole, carried, left); });
    for (int64_t i = 0; i < rows * width; ++i) {
      MutableArrayRef<Value *> parts(sums.data() + i * vectors, vectors);
      for (int64_t half = vectors / 2; half; half /= 2)
        for (int64_t v = 0; v < half; ++v)
          parts[v] = add(parts[v], parts[v + half]);
      Value *place = kept(b.CreateAdd(row, constant(i / width)), b.CreateAdd(inVector, constant(i % width)));
      storeVector(parts[0], place, nullptr);
    }
  };
  loop(constant(0), x.columns, lanes, [&](Value *first) {
    loop(constant(0), minimum(b.CreateSub(x.columns, first), constant(lanes)), width, [&](Value *inVector) {
      overRows(p, rows, [&](Value *row) { tile(row, b.CreateAdd(first, inVector), inVector); });
    });
    loop(constant(0), constant(p.rows), 1, [&](Value *row) {
      SmallVector<Value *, 16> sums;
      for (int64_t i = 0; i < lanes; ++i)
        sums.push_back(loadVector(p.type, kept(row, constant(i)), nullptr));
      Value *place = b.CreateAdd(b.CreateMul(row, constant(kColumns)), first);
      storeVector(addAcross(sums), b.CreateGEP(p.type, p.sums, place), nullptr);
    });
  });
}

// Lanes l and l + 32 of a few rows and vectors of columns. Pairs of lanes come in an order in which those that the tree
// adds are neighbours: of each of its levels one sum waits on a stack, whose top are the sums of all lanes.
void KernelWriter::sumAlongN(RowsProduct &p, const RowsOperands &x) {
  constexpr int64_t pairs = kPositions / 2;
  int64_t rows = std::min<int64_t>(p.rows, 2);
  Value *whole = b.CreateAnd(x.depth, constant(-kPositions)), *left = b.CreateSub(x.depth, whole);
  Type *memory = memoryType(p.bType);
  auto tile = [&](Value *column, int64_t vectors, Value *mask) {
    Value *corner = b.CreateGEP(memory, x.b, b.CreateMul(column, x.strideN));
    int64_t size = rows * vectors;
    loop(constant(0), constant(pairs), 1, [&](Value *number) {
      Value *reversed = b.CreateIntrinsic(Intrinsic::bitreverse, {b.getInt64Ty()}, {number});
      Value *lane = b.CreateLShr(reversed, 64 - Log2_64(pairs)), *end = b.CreateAdd(lane, whole);
      Value *complete = b.CreateIntrinsic(Intrinsic::cttz, {b.getInt64Ty()}, {b.CreateNot(number), b.getFalse()});
      overRows(p, rows, [&](Value *row) {
        SmallVector<Value *, 4> starts;
        for (int64_t r = 0; r < rows; ++r)
          starts.push_back(b.CreateGEP(p.type, x.a, b.CreateMul(b.CreateAdd(row, constant(r)), x.strideM)));
        auto step = [&](Value *k, Carried sums, int64_t side) {
          k = b.CreateAdd(k, constant(side * pairs));
          Value *from = b.CreateGEP(memory, corner, b.CreateMul(k, x.strideK));
          SmallVector<Value *, 4> right;
          for (int64_t v = 0; v < vectors; ++v)
            right.push_back(widen(loadColumns(p, from, constant(v * lanes), x.strideN, mask), p.bType));
          for (int64_t r = 0; r < rows; ++r) {
            Value *place = b.CreateGEP(p.type, starts[r], b.CreateMul(k, x.strideA));
            Value *element = b.CreateVectorSplat(lanes, b.CreateLoad(p.type, place));
            for (int64_t v = 0; v < vectors; ++v) {
              Value *&sum = sums[side * size + r * vectors + v];
              sum = multiplyAdd(element, right[v], sum);
            }
          }
          return sums;
        };
        Carried sums(2 * size, identity(vectorType(p.type)));
        sums = loop(lane, end, kPositions, sums,
                    [&](Value *k, const Carried &carried) { return step(k, step(k, carried, 0), 1); });
        for (int64_t side : {0, 1})
          sums = branch(b.CreateICmpSGT(left, b.CreateAdd(lane, constant(side * pairs))), sums,
                        [&](const Carried &carried) { return step(end, carried, side); });
        for (int64_t i = 0; i < size; ++i)
          sums[i] = add(sums[i], sums[size + i]);
        sums.truncate(size);
        auto onStack = [&](Value *level, int64_t i) {
          Value *number = b.CreateAdd(b.CreateMul(level, constant(p.rows)), b.CreateAdd(row, constant(i / vectors)));
          Value *place = b.CreateAdd(b.CreateMul(number, constant(kColumns)), column);
          return b.CreateGEP(p.type, p.work, b.CreateAdd(place, constant(i % vectors * lanes)));
        };
        sums = loop(constant(0), complete, 1, sums, [&](Value *level, Carried sums) {
          for (int64_t i = 0; i < size; ++i)
            sums[i] = add(loadVector(p.type, onStack(level, i), nullptr), sums[i]);
          return sums;
        });
        for (int64_t i = 0; i < size; ++i)
          storeVector(sums[i], onStack(complete, i), nullptr);
      });
    });
  };
  overColumns(x.columns, std::clamp<int64_t>(bit_floor(uint64_t(p.registers / (2 * rows))), 1, 4), tile);
}

// Elements of a row of B, contiguous or not.
Value *KernelWriter::loadColumns(RowsProduct &p, Value *row, Value *n, Value *strideN, Value *mask) {
  Type *memory = memoryType(p.bType);
  if (p.alongN)
    return loadVector(memory, b.CreateGEP(memory, row, n), mask);
  Value *first = b.CreateGEP(memory, row, b.CreateMul(n, strideN));
  Value *pointers = b.CreateGEP(memory, first, vector(Lanes::linear(constant(0), strideN)));
  return b.CreateMaskedGather(vectorType(memory), pointers, Align(memory->getScalarSizeInBits() / 8), mask,
                              Constant::getNullValue(vectorType(memory)));
}

// Sums of blocks are elements of a second level of blocks, and those of a third. The lanes beyond the last of a level
// would not change what its tree gives, so the next power of two is enough.
void KernelWriter::addLevels(RowsProduct &p, Value *depth, function_ref<void(function_ref<void(Value *)>)> blocks) {
  Value *second = p.totals, *third = b.CreateConstGEP1_64(p.type, second, kPositions * p.rows * kColumns);
  auto lanesOf = [&](Value *count) {
    Value *bits = b.CreateIntrinsic(Intrinsic::ctlz, {b.getInt64Ty()}, {b.CreateSub(count, constant(1)), b.getFalse()});
    return minimum(b.CreateLShr(constant(INT64_MIN), b.CreateSub(bits, constant(1))), constant(kPositions));
  };
  int64_t width = p.rows * kColumns;
  Value *isLong = b.CreateICmpSGT(depth, constant(kBlock)),
        *isVeryLong = b.CreateICmpSGT(depth, constant(kBlock * kBlock));
  Value *inSecond = lanesOf(divideUp(depth, constant(kBlock))),
        *inThird = lanesOf(divideUp(depth, constant(kBlock * kBlock)));
  auto fill = [&](Value *level, Value *count) {
    loop(constant(0), b.CreateMul(count, constant(width)), lanes,
         [&](Value *i) { storeVector(identity(vectorType(p.type)), b.CreateGEP(p.type, level, i), nullptr); });
  };
  auto addTo = [&](Value *to, Value *from) {
    loop(constant(0), constant(width), lanes, [&](Value *n) {
      Value *place = b.CreateGEP(p.type, to, n);
      storeVector(add(loadVector(p.type, place, nullptr), loadVector(p.type, b.CreateGEP(p.type, from, n), nullptr)),
                  place, nullptr);
    });
  };
  auto laneOf = [&](Value *level, Value *number) {
    return b.CreateGEP(p.type, level, b.CreateMul(number, constant(width)));
  };
  auto addTree = [&](Value *level, Value *count) {
    loop(constant(1), count, 1, [&](Value *lane) {
      // Lanes count - 1 down to 1, each to the one that its highest bit is taken off of.
      Value *number = b.CreateSub(count, lane);
      Value *highest = b.CreateLShr(constant(INT64_MIN),
                                    b.CreateIntrinsic(Intrinsic::ctlz, {b.getInt64Ty()}, {number, b.getFalse()}));
      addTo(laneOf(level, b.CreateXor(number, highest)), laneOf(level, number));
    });
    loop(constant(0), constant(width), lanes, [&](Value *n) {
      storeVector(loadVector(p.type, b.CreateGEP(p.type, level, n), nullptr), b.CreateGEP(p.type, p.sums, n), nullptr);
    });
  };
  branch(isLong, [&] {
    fill(second, inSecond);
    branch(isVeryLong, [&] { fill(third, inThird); });
  });
  blocks([&](Value *k0) {
    branch(isLong, [&] {
      Value *number = b.CreateLShr(k0, Log2_64(kBlock)), *next = b.CreateAdd(number, constant(1));
      addTo(laneOf(second, b.CreateAnd(number, constant(kPositions - 1))), p.sums);
      Value *isFull = b.CreateICmpEQ(b.CreateAnd(next, constant(kBlock - 1)), constant(0));
      Value *isLast = b.CreateICmpSGE(b.CreateShl(next, Log2_64(kBlock)), depth);
      branch(b.CreateOr(isFull, isLast), [&] {
        addTree(second, inSecond);
        branch(isVeryLong, [&] {
          Value *lane = b.CreateAnd(b.CreateLShr(number, Log2_64(kBlock)), constant(kPositions - 1));
          addTo(laneOf(third, lane), p.sums);
          fill(second, inSecond);
        });
      });
    });
  });
  branch(isVeryLong, [&] { addTree(third, inThird); });
}

} // namespace weft::cpu
