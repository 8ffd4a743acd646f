// kernel.contract by lanes (KernelOps.td): one row of A times B, which is read once, where it lies, as fast as memory
// gives it. A sum has 64 lanes. Where B is contiguous along K these are in registers, for a few columns at once; else
// they are a strip of memory in the first-level cache, a row of it for each lane, and rows of B are added to its rows.
#include "codegen/cpu/Product.h"
#include "ir/kernel/CanonicalOrder.h"

using namespace llvm;

namespace weft::cpu {

using order::kBlock, order::kPositions;
static constexpr int64_t kColumns = 64; // of a strip, and of the sums in work
static constexpr int64_t kStrip = kPositions * kColumns;

struct KernelWriter::VectorProduct : MatrixTypes {
  int64_t vectors; // that hold the lanes of one sum
  bool copiesX;    // x is not contiguous, or of another type than the sums
  bool alongK, alongN;
  bool isLong; // may be more than a block

  VectorProduct(kernel::ContractOp op, KernelWriter &w)
      : MatrixTypes(op.getA().getType().getElementType(), op.getB().getType().getElementType(), w) {
    vectors = kPositions / vectorLanes;
    copiesX = !isOne(w.scalar(op.getAStrideK())) || aType != sumType;
    alongK = isOne(w.scalar(op.getBStrideK()));
    alongN = isOne(w.scalar(op.getBStrideN()));
    auto *depth = dyn_cast<ConstantInt>(w.scalar(op.getK()));
    isLong = !depth || depth->getSExtValue() > kBlock;
  }
  std::string form() const {
    return std::string(alongK   ? "_rows"
                       : alongN ? "_columns"
                                : "_gather") +
           (copiesX ? "_copied" : "") + (isLong ? "_long" : "");
  }
};

// What a lane's accumulator starts from.
static Constant *identity(Type *type) {
  return type->isFPOrFPVectorTy() ? ConstantFP::getNegativeZero(type) : Constant::getNullValue(type);
}

void KernelWriter::contractByLanes(kernel::ContractOp op) {
  VectorProduct p(op, *this);
  auto reserve = [&](int64_t elements) { return reserveScratch(p.type, elements); };
  Value *sums = reserve(kColumns), *strips = reserve(kStrip * (p.isLong ? 3 : 1));
  Value *copy = p.copiesX ? reserve(kBlock) : sums;
  Value *strideK = scalar(op.getBStrideK()), *strideN = scalar(op.getBStrideN()), *depth = scalar(op.getK());
  Value *columnEnd = scalar(op.getColumnEnd());
  int64_t most = span(op.getColumnBegin(), op.getColumnEnd());
  loop(scalar(op.getRowBegin()), scalar(op.getRowEnd()), 1, [&](Value *row) {
    Value *offset = b.CreateAdd(scalar(op.getABase()), b.CreateMul(row, scalar(op.getAStrideM())));
    blocks(scalar(op.getColumnBegin()), columnEnd, kColumns, most >= 0 && most <= kColumns, [&](Value *column) {
      Value *columns = minimum(constant(kColumns), b.CreateSub(columnEnd, column));
      Value *from = pointer(op.getB(), b.CreateAdd(scalar(op.getBBase()), b.CreateMul(column, strideN)));
      b.CreateCall(vectorFunction(p), {pointer(op.getA(), offset), from, sums, strips, copy, scalar(op.getAStrideK()),
                                       strideK, strideN, depth, columns});
      epilogue(op, row, column, columns, [&](Value *n) {
        // No products at all sum to +0.0.
        Value *sum = loadVector(p.type, b.CreateGEP(p.type, sums, n), laneMask);
        return b.CreateSelect(b.CreateICmpEQ(depth, constant(0)), Constant::getNullValue(sum->getType()), sum);
      });
    });
  });
}

// void (x, b, sums, strips, copy of x, x's stride, b's strides, k, columns)
Function *KernelWriter::vectorFunction(VectorProduct &p) {
  return helper(p.name("vector") + p.form(), 5, 5, [&](Function *f) {
    Value *x = f->getArg(0), *matrix = f->getArg(1), *sums = f->getArg(2), *strips = f->getArg(3);
    Value *copy = f->getArg(4), *strideX = f->getArg(5), *strideK = f->getArg(6), *strideN = f->getArg(7),
          *depth = f->getArg(8), *columns = f->getArg(9);
    lanes = int(p.vectorLanes);
    // The sums of the block of K that begins at k0.
    auto block = [&](Value *k0, Value *count) {
      Value *row = b.CreateGEP(memoryType(p.aType), x, b.CreateMul(k0, strideX));
      Value *corner = b.CreateGEP(memoryType(p.bType), matrix, b.CreateMul(k0, strideK));
      if (p.copiesX) {
        Value *padded = roundUp(count, kPanel), *one = constant(1);
        b.CreateCall(copyFunction(p, p.aType, false),
                     {row, copy, constant(0), strideX, one, one, count, padded, constant(0), constant(kPanel)});
        row = copy;
      }
      if (p.alongK)
        return sumAlongK(p, row, corner, sums, strideN, count, columns);
      sumAlongN(p, row, corner, strips, strideK, strideN, count, columns);
      addStrip(p, strips, sums, columns);
    };
    if (!p.isLong)
      return block(constant(0), depth);

    // Sums of blocks are elements of a second level of blocks, and those of a third.
    Value *second = b.CreateConstGEP1_64(p.type, strips, kStrip), *third = b.CreateConstGEP1_64(p.type, second, kStrip);
    Value *isLong = b.CreateICmpSGT(depth, constant(kBlock)),
          *isVeryLong = b.CreateICmpSGT(depth, constant(kBlock * kBlock));
    auto fill = [&](Value *strip) {
      loop(constant(0), constant(kStrip), lanes,
           [&](Value *i) { storeVector(identity(vectorType(p.type)), b.CreateGEP(p.type, strip, i), nullptr); });
    };
    auto addTo = [&](Value *strip, Value *number) {
      Value *lane =
          b.CreateGEP(p.type, strip, b.CreateMul(b.CreateAnd(number, constant(kPositions - 1)), constant(kColumns)));
      loop(constant(0), constant(kColumns), lanes, [&](Value *n) {
        Value *place = b.CreateGEP(p.type, lane, n);
        storeVector(add(loadVector(p.type, place, nullptr), loadVector(p.type, b.CreateGEP(p.type, sums, n), nullptr)),
                    place, nullptr);
      });
    };
    branch(isLong, [&] {
      fill(second);
      fill(third);
    });
    loop(constant(0), depth, kBlock, [&](Value *k0) {
      block(k0, minimum(constant(kBlock), b.CreateSub(depth, k0)));
      branch(isLong, [&] {
        Value *number = b.CreateLShr(k0, Log2_64(kBlock)), *next = b.CreateAdd(number, constant(1));
        addTo(second, number);
        Value *isFull = b.CreateICmpEQ(b.CreateAnd(next, constant(kBlock - 1)), constant(0));
        Value *isLast = b.CreateICmpSGE(b.CreateShl(next, Log2_64(kBlock)), depth);
        branch(b.CreateOr(isFull, isLast), [&] {
          addStrip(p, second, sums, constant(kColumns));
          addTo(third, b.CreateLShr(number, Log2_64(kBlock)));
          fill(second);
        });
      });
    });
    branch(isVeryLong, [&] { addStrip(p, third, sums, constant(kColumns)); });
  });
}

// Sums of `depth` products for each column, all lanes in registers.
void KernelWriter::sumAlongK(VectorProduct &p, Value *x, Value *matrix, Value *sums, Value *strideN, Value *depth,
                             Value *columns) {
  int64_t together = std::max<int64_t>(1, (target.vectorBytes == 64 ? 16 : 8) / p.vectors);
  Value *last = b.CreateSub(columns, constant(1)), *whole = b.CreateAnd(depth, constant(-kPositions));
  Type *memory = memoryType(p.bType);
  loop(constant(0), columns, together, [&](Value *first) {
    // Past the last column the last one again, whose sums nobody reads.
    SmallVector<Value *, 4> starts;
    for (int64_t i = 0; i < together; ++i) {
      Value *column = minimum(b.CreateAdd(first, constant(i)), last);
      starts.push_back(b.CreateGEP(memory, matrix, b.CreateMul(column, strideN)));
    }
    auto step = [&](Value *k, const Carried &carried, Value *left) {
      Carried next = carried;
      for (int64_t v = 0; v < p.vectors; ++v) {
        Value *mask = left ? firstLanes(b.CreateSub(left, constant(v * lanes))) : nullptr;
        Value *at = b.CreateAdd(k, constant(v * lanes));
        Value *element = loadVector(p.type, b.CreateGEP(p.type, x, at), mask);
        for (int64_t i = 0; i < together; ++i) {
          Value *&sum = next[i * p.vectors + v];
          Value *right = widen(loadVector(memory, b.CreateGEP(memory, starts[i], at), mask), p.bType);
          Value *added = multiplyAdd(element, right, sum);
          sum = mask ? b.CreateSelect(mask, added, sum) : added;
        }
      }
      return next;
    };
    Carried accumulators(together * p.vectors, identity(vectorType(p.type)));
    accumulators = loop(constant(0), whole, kPositions, accumulators,
                        [&](Value *k, const Carried &carried) { return step(k, carried, nullptr); });
    Value *left = b.CreateSub(depth, whole);
    accumulators = branch(b.CreateICmpNE(left, constant(0)), accumulators,
                          [&](const Carried &carried) { return step(whole, carried, left); });
    for (int64_t i = 0; i < together; ++i) {
      MutableArrayRef<Value *> vectors(accumulators.data() + i * p.vectors, p.vectors);
      for (int64_t half = p.vectors / 2; half; half /= 2)
        for (int64_t v = 0; v < half; ++v)
          vectors[v] = add(vectors[v], vectors[v + half]);
      Value *sum = vectors[0];
      for (int64_t half = p.vectorLanes / 2; half; half /= 2) {
        SmallVector<int> low = to_vector(seq<int>(0, half)), high = to_vector(seq<int>(half, 2 * half));
        sum = add(b.CreateShuffleVector(sum, low), b.CreateShuffleVector(sum, high));
      }
      b.CreateStore(b.CreateExtractElement(sum, uint64_t(0)),
                    b.CreateGEP(p.type, sums, b.CreateAdd(first, constant(i))));
    }
  });
}

// Runs body(n, mask) for vectors of the columns.
void KernelWriter::overColumns(Value *columns, function_ref<void(Value *, Value *)> body) {
  Value *whole = b.CreateAnd(columns, constant(-lanes)), *left = b.CreateSub(columns, whole);
  loop(constant(0), whole, lanes, [&](Value *n) { body(n, nullptr); });
  branch(b.CreateICmpNE(left, constant(0)), [&] { body(whole, firstLanes(left)); });
}

// The lanes of `depth` products for each column, into a strip.
void KernelWriter::sumAlongN(VectorProduct &p, Value *x, Value *matrix, Value *strip, Value *strideK, Value *strideN,
                             Value *depth, Value *columns) {
  Type *memory = memoryType(p.bType);
  auto products = [&](Value *k, bool isFirst) {
    Value *element = b.CreateVectorSplat(lanes, b.CreateLoad(p.type, b.CreateGEP(p.type, x, k)));
    Value *row = b.CreateGEP(memory, matrix, b.CreateMul(k, strideK));
    Value *lane = b.CreateGEP(p.type, strip, b.CreateMul(b.CreateAnd(k, constant(kPositions - 1)), constant(kColumns)));
    overColumns(columns, [&](Value *n, Value *mask) {
      Value *place = b.CreateGEP(p.type, lane, n);
      Value *sum = isFirst ? identity(vectorType(p.type)) : loadVector(p.type, place, nullptr);
      storeVector(multiplyAdd(element, widen(loadColumns(p, row, n, strideN, mask), p.bType), sum), place, nullptr);
    });
  };
  Value *started = minimum(depth, constant(kPositions));
  loop(constant(0), started, 1, [&](Value *k) { products(k, true); });
  loop(started, constant(kPositions), 1, [&](Value *k) {
    Value *lane = b.CreateGEP(p.type, strip, b.CreateMul(k, constant(kColumns)));
    overColumns(columns, [&](Value *n, Value *) {
      storeVector(identity(vectorType(p.type)), b.CreateGEP(p.type, lane, n), nullptr);
    });
  });
  loop(constant(kPositions), depth, 1, [&](Value *k) { products(k, false); });
}

// Elements of a row of B, contiguous or not.
Value *KernelWriter::loadColumns(VectorProduct &p, Value *row, Value *n, Value *strideN, Value *mask) {
  Type *memory = memoryType(p.bType);
  if (p.alongN)
    return loadVector(memory, b.CreateGEP(memory, row, n), mask);
  Value *first = b.CreateGEP(memory, row, b.CreateMul(n, strideN));
  Value *pointers = b.CreateGEP(memory, first, vector(Lanes::linear(constant(0), strideN)));
  return b.CreateMaskedGather(vectorType(memory), pointers, Align(memory->getScalarSizeInBits() / 8), mask,
                              Constant::getNullValue(vectorType(memory)));
}

// The tree over the lanes of a strip, which is overwritten.
void KernelWriter::addStrip(VectorProduct &p, Value *strip, Value *sums, Value *columns) {
  b.CreateCall(helper(p.name("strip"), 2, 1,
                      [&](Function *f) {
                        Value *strip = f->getArg(0), *sums = f->getArg(1), *columns = f->getArg(2);
                        lanes = int(p.vectorLanes);
                        auto row = [&](Value *lane, Value *n) {
                          return b.CreateGEP(p.type, strip, b.CreateAdd(b.CreateMul(lane, constant(kColumns)), n));
                        };
                        loop(constant(0), constant(Log2_64(kPositions)), 1, [&](Value *step) {
                          Value *half = b.CreateLShr(constant(kPositions / 2), step);
                          loop(constant(0), half, 1, [&](Value *lane) {
                            loop(constant(0), columns, lanes, [&](Value *n) {
                              Value *low = row(lane, n), *high = row(b.CreateAdd(lane, half), n);
                              storeVector(add(loadVector(p.type, low, nullptr), loadVector(p.type, high, nullptr)), low,
                                          nullptr);
                            });
                          });
                        });
                        loop(constant(0), columns, lanes, [&](Value *n) {
                          storeVector(loadVector(p.type, row(constant(0), n), nullptr), b.CreateGEP(p.type, sums, n),
                                      nullptr);
                        });
                      }),
               {strip, sums, columns});
}

} // namespace weft::cpu
