// Products of few rows whose B is contiguous along K (MatrixRows.cpp): rows of B are loaded, and transposed in
// registers.
#include "codegen/cpu/MatrixRows.h"

#include "llvm/Analysis/VectorUtils.h"

using namespace llvm;

namespace weft::cpu {

// One of each pair of bf16, as f32.
static Value *ofPairs(IRBuilder<> &b, Value *pairs, bool second) {
  Value *bits = second ? b.CreateAnd(pairs, ConstantInt::getSigned(pairs->getType(), -65536)) : b.CreateShl(pairs, 16);
  return b.CreateBitCast(bits, pairs->getType()->getWithNewType(b.getFloatTy()));
}

// As many vectors as they have elements: the columns of them as a matrix. First parts of 128 bits find their place,
// then elements within parts.
SmallVector<Value *, 16> KernelWriter::transpose(SmallVector<Value *, 16> vectors) {
  int size = vectors.size(), part = std::min<int>(size, 128 / vectors[0]->getType()->getScalarSizeInBits());
  // Part q of all vectors, which then is k-part q: element i of vector `number` is to hold parts of vectors i, i + part
  // ...
  auto halves = [&](Value *x, Value *y, bool upper) {
    SmallVector<int, 16> order;
    for (int side = 0; side < 2; ++side)
      for (int e = 0; e < size / 2; ++e)
        order.push_back(side * size + upper * size / 2 + e);
    return b.CreateShuffleVector(x, y, order);
  };
  auto everyOther = [&](Value *x, Value *y, bool odd) {
    SmallVector<int, 16> order;
    for (int side = 0; side < 2; ++side)
      for (int start = odd * part; start < size; start += 2 * part)
        for (int e = 0; e < part; ++e)
          order.push_back(side * size + start + e);
    return b.CreateShuffleVector(x, y, order);
  };
  SmallVector<Value *, 16> result;
  for (int q = 0; q < size / part; ++q) {
    SmallVector<Value *, 16> parts;
    for (int i = 0; i < part; ++i) {
      if (size == part)
        parts.push_back(vectors[i]);
      else if (size == 2 * part)
        parts.push_back(halves(vectors[i], vectors[part + i], q));
      else
        parts.push_back(everyOther(halves(vectors[i], vectors[part + i], q / 2),
                                   halves(vectors[2 * part + i], vectors[3 * part + i], q / 2), q % 2));
    }
    append_range(result, transposeParts(b, parts));
  }
  return result;
}

static constexpr int64_t kFarBytes = 768 << 10; // of B, of which much is beyond the second-level cache

// Chains of several vectors advance together where rows of A are few, as a multiply-add waits for the one before: of
// two vectors of columns, or of two blocks of K for the columns that are left. Not where rows of B are whole pages
// apart: those of two vectors are too many for the sets of the first-level cache, and two blocks of many columns too
// many places for memory. Where a vector is a line, two blocks of K are quicker then, and so from half a page on.
void KernelWriter::sumAlongK(RowsProduct &p, RowsOperands x) {
  Value *left = constant(0); // the first column that is left
  Value *bytes = b.CreateMul(x.strideN, constant(memoryType(p.bType)->getScalarSizeInBits() / 8));
  x.isFar = b.CreateICmpSGT(b.CreateMul(bytes, x.columns), constant(kFarBytes));
  if (p.blocks() > 1) {
    int64_t distance = p.readsLines ? kPage / 2 : kPage;
    Value *meet = b.CreateICmpEQ(b.CreateAnd(bytes, constant(distance - 1)), constant(0));
    if (p.readsLines)
      meet = b.CreateAnd(meet, b.CreateICmpSGT(x.depth, constant(kDepth)));
    Value *inPairs = b.CreateSelect(meet, constant(0), b.CreateAnd(x.columns, constant(-2 * lanes)));
    Value *oneByOne = b.CreateAnd(meet, b.CreateICmpSGT(x.columns, constant(2 * lanes)));
    left = p.readsLines ? inPairs : b.CreateSelect(oneByOne, x.columns, inPairs);
    loop(constant(0), x.depth, kDepth, [&](Value *k0) {
      RowsOperands block = x;
      block.a = b.CreateGEP(p.type, x.a, b.CreateMul(k0, x.strideA));
      block.b = b.CreateGEP(memoryType(p.bType), x.b, k0);
      block.depth = minimum(constant(kDepth), b.CreateSub(x.depth, k0));
      block.inGroup = b.CreateOr(x.inGroup, b.CreateICmpNE(k0, constant(0)));
      loop(constant(0), inPairs, 2 * lanes, [&](Value *column) { sumTwoVectors(p, block, column); });
      if (!p.readsLines)
        loop(inPairs, left, lanes, [&](Value *column) { sumOneVector(p, block, column, 1); });
    });
  }
  loop(left, x.columns, lanes, [&](Value *column) { sumOneVector(p, x, column, p.blocks()); });
}

// Elements of rows of B, as vectors of the first of each, of the second, and so on: as many as a vector has, or, where
// loads are not what is waited for, by loads of 128 bits into parts of vectors, which save shuffles, as many as those
// have. (Of AVX-512's that would be four loads of each line.) In the order of pairs they are pairs.
SmallVector<Value *, 16> KernelWriter::loadRows(RowsProduct &p, ArrayRef<Value *> rows) {
  Type *memory = p.isPairs ? b.getInt32Ty() : memoryType(p.bType);
  Align align(memoryType(p.bType)->getScalarSizeInBits() / 8);
  SmallVector<Value *, 16> vectors;
  bool isWidened = memory != p.type && !p.isPairs;
  if (isWidened || p.readsLines || p.rows > kRowsOfPairs) {
    for (Value *row : rows) {
      Value *vector = b.CreateAlignedLoad(vectorType(memory), row, align);
      vectors.push_back(isWidened ? widen(vector, p.bType) : vector);
    }
    return transpose(vectors);
  }
  int part = 128 / int(memory->getScalarSizeInBits());
  auto *inMemory = FixedVectorType::get(memory, part);
  for (int i = 0; i < part; ++i) {
    SmallVector<Value *, 4> parts;
    for (int row = i; row < lanes; row += part)
      parts.push_back(b.CreateAlignedLoad(inMemory, rows[row], align));
    vectors.push_back(concatenateVectors(b, parts));
  }
  return transposeParts(b, vectors);
}

// Of the rows that are read after those of a chain, as many lines as the vectors from the k-th elements on are. The
// block's are asked for row by row, which memory is faster at than at a line of each row.
void KernelWriter::askForRows(RowsProduct &p, const RowsOperands &x, const RowsChain &chain, Value *k) {
  int64_t bits = memoryType(p.bType)->getScalarSizeInBits(), linesOfRow = kDepth * bits / 8 / kLine;
  branch(x.isFar, [&] {
    Value *first = p.isPairs ? b.CreateLShr(k, 1) : k; // of the lines of a block
    Value *row = b.CreateLShr(first, Log2_64(linesOfRow)), *line = b.CreateAnd(first, constant(linesOfRow - 1));
    Value *start = b.CreateGEP(memoryType(p.bType), chain.next, b.CreateMul(row, x.strideN));
    start = b.CreateGEP(b.getInt8Ty(), start, b.CreateMul(line, constant(kLine)));
    for (int64_t i = 0; i < std::max<int64_t>(1, lanes / linesOfRow); ++i) {
      Value *from = b.CreateGEP(memoryType(p.bType), start, b.CreateMul(constant(i), x.strideN));
      for (int64_t n = 0; n < std::min<int64_t>(lanes, linesOfRow); ++n)
        prefetch(b.CreateConstGEP1_64(b.getInt8Ty(), from, n * kLine));
    }
  });
}

// The products of the k-th elements, each `next` further on: `right` of each chain from the `first` on, to the sums of
// all rows of it.
void KernelWriter::addProducts(RowsProduct &p, const RowsOperands &x, ArrayRef<RowsChain> chains, int64_t first,
                               ArrayRef<Value *> right, Value *k, int64_t next, Carried &sums) {
  for (int64_t r = 0; r < p.rows; ++r) {
    Value *element = nullptr;
    for (auto [c, column] : enumerate(right)) {
      const RowsChain &chain = chains[first + c];
      if (!element || chain.firstK != chains[first].firstK)
        element = b.CreateVectorSplat(lanes, b.CreateLoad(p.type, elementOfA(p, x, r, k, chain.firstK + next)));
      Value *&sum = sums[r * chains.size() + first + c];
      sum = multiplyAddTo(p, element, column, sum);
    }
  }
}

// [from, to) of K, whole vectors of it, or of pairs. Chains are loaded together, or, where a vector of each element
// fills the registers, one after the other.
KernelWriter::Carried KernelWriter::addVectors(RowsProduct &p, const RowsOperands &x, ArrayRef<RowsChain> chains,
                                               Value *from, Value *to, const Carried &sums) {
  int64_t inPairs = p.isPairs ? 2 : 1, together = p.readsLines ? 1 : chains.size();
  auto add = [&](Value *k, int64_t first, Carried &sums) {
    for (int64_t done = 0; done < lanes * inPairs;) {
      SmallVector<SmallVector<Value *, 16>, 2> loaded;
      for (const RowsChain &chain : chains.slice(first, together))
        loaded.push_back(loadRows(p, chain.rows(b.CreateAdd(k, constant(done)))));
      int64_t count = int64_t(loaded[0].size());
      for (int64_t i = 0; i < count; ++i)
        for (int64_t inPair = inPairs - 1; inPair >= 0; --inPair) {
          SmallVector<Value *, 2> right;
          for (auto &vectors : loaded)
            right.push_back(p.isPairs ? ofPairs(b, vectors[i], inPair) : vectors[i]);
          addProducts(p, x, chains, first, right, k, done + i * inPairs + inPair, sums);
        }
      done += count * inPairs;
    }
  };
  return loop(from, to, lanes * inPairs, sums, [&](Value *k, Carried sums) {
    for (int64_t first = 0; first < int64_t(chains.size()); first += together) {
      // The branch also keeps LLVM from loading all chains first.
      if (p.readsLines)
        askForRows(p, x, chains[first], k);
      add(k, first, sums);
    }
    return sums;
  });
}

// void (rows of B, where to, elements from a row to the next, how many of each, last row): a vector of each element, in
// memory, as how many there are is not known.
Function *KernelWriter::lastRowsFunction(RowsProduct &given) {
  return helper(given.name("last_rows"), 2, 3, [&](Function *f) {
    lanes = int(given.vectorLanes);
    Type *memory = memoryType(given.bType);
    Value *mask = firstLanes(f->getArg(3));
    SmallVector<Value *, 16> vectors;
    for (int64_t i = 0; i < lanes; ++i) {
      Value *row = b.CreateGEP(memory, f->getArg(0), b.CreateMul(minimum(constant(i), f->getArg(4)), f->getArg(2)));
      vectors.push_back(widen(loadVector(memory, row, mask), given.bType));
    }
    for (auto [i, vector] : enumerate(transpose(vectors)))
      storeVector(vector, b.CreateConstGEP1_64(given.type, f->getArg(1), i * lanes), nullptr);
  });
}

// The rest of K where that is less than a vector of lines.
KernelWriter::Carried KernelWriter::addLastVector(RowsProduct &p, const RowsOperands &x, ArrayRef<RowsChain> chains,
                                                  int64_t first, Value *whole, Value *depth, const Carried &sums) {
  return branch(b.CreateICmpSLT(whole, depth), sums, [&](const Carried &sums) {
    Value *start = b.CreateGEP(memoryType(p.bType), chains[first].start, whole);
    b.CreateCall(lastRowsFunction(p), {start, p.work, x.strideN, b.CreateSub(depth, whole), chains[first].lastRow});
    return loop(whole, depth, 1, sums, [&](Value *k, Carried sums) {
      Value *place = b.CreateMul(b.CreateSub(k, whole), constant(lanes));
      addProducts(p, x, chains, first, loadVector(p.type, b.CreateGEP(p.type, p.work, place), nullptr), k, 0, sums);
      return sums;
    });
  });
}

// The rest of K from `whole` on, one or two at a time.
KernelWriter::Carried KernelWriter::addRest(RowsProduct &p, const RowsOperands &x, ArrayRef<RowsChain> chains,
                                            Value *whole, Value *depth, Carried sums) {
  Type *memory = memoryType(p.bType);
  if (p.readsLines && !p.isPairs) {
    for (int64_t first = 0; first < int64_t(chains.size()); ++first)
      sums = addLastVector(p, x, chains, first, whole, depth, sums);
    return sums;
  }
  auto add = [&](Value *k, int64_t next, Carried &sums) {
    SmallVector<Value *, 2> right;
    for (const RowsChain &chain : chains) {
      Value *elements = PoisonValue::get(vectorType(memory));
      for (auto [i, row] : enumerate(chain.rows(k)))
        elements = b.CreateInsertElement(elements, b.CreateLoad(memory, b.CreateConstGEP1_64(memory, row, next)), i);
      right.push_back(widen(elements, p.bType));
    }
    addProducts(p, x, chains, 0, right, k, next, sums);
  };
  if (p.isPairs) {
    Value *pairs = b.CreateAnd(depth, constant(-2));
    sums = loop(whole, pairs, 2, sums, [&](Value *k, Carried sums) {
      add(k, 1, sums);
      add(k, 0, sums);
      return sums;
    });
    whole = pairs;
  }
  return loop(whole, depth, 1, sums, [&](Value *k, Carried sums) {
    if (p.isPairs)
      addZeros(sums);
    add(k, 0, sums);
    return sums;
  });
}

// Two whole vectors of columns, in one block of K.
void KernelWriter::sumTwoVectors(RowsProduct &p, const RowsOperands &x, Value *column) {
  Type *memory = memoryType(p.bType);
  SmallVector<RowsChain, 2> chains;
  SmallVector<Value *, 8> places;
  for (int64_t v = 0; v < 2; ++v) {
    Value *start = b.CreateGEP(memory, x.b, b.CreateMul(b.CreateAdd(column, constant(v * lanes)), x.strideN));
    auto rows = [&, start](Value *k) {
      // Else LLVM would keep a pointer for each row, more than there are registers, instead of their distances.
      Value *first = b.CreateLaunderInvariantGroup(b.CreateGEP(memory, start, k));
      SmallVector<Value *, 16> rows;
      for (int64_t i = 0; i < lanes; ++i)
        rows.push_back(b.CreateGEP(memory, first, b.CreateMul(constant(i), x.strideN)));
      return rows;
    };
    Value *next = b.CreateGEP(memory, start, b.CreateMul(constant(2 * lanes), x.strideN));
    chains.push_back({rows, 0, start, constant(lanes - 1), next});
  }
  for (int64_t r = 0; r < p.rows; ++r)
    for (int64_t v = 0; v < 2; ++v)
      places.push_back(b.CreateGEP(p.type, p.sums, b.CreateAdd(column, constant(r * p.columns + v * lanes))));
  Value *whole = p.wholeVectors(b, x.depth, lanes);
  Carried sums = beginSums(p, x, places);
  sums = addVectors(p, x, chains, constant(0), whole, sums);
  sums = addRest(p, x, chains, whole, x.depth, sums);
  endSums(p, x, sums, places);
}

// One vector of columns, in one block of K, or up to two. Past the last column its own elements are loaded again, for
// sums that nobody reads.
void KernelWriter::sumOneVector(RowsProduct &p, const RowsOperands &x, Value *column, int64_t blocks) {
  Type *memory = memoryType(p.bType);
  Value *last = b.CreateSub(x.columns, constant(1));
  SmallVector<Value *, 16> starts;
  for (int64_t i = 0; i < lanes; ++i)
    starts.push_back(b.CreateGEP(memory, x.b, b.CreateMul(minimum(b.CreateAdd(column, constant(i)), last), x.strideN)));
  auto chainFrom = [&](int64_t firstK) {
    auto rows = [&, firstK](Value *k) {
      SmallVector<Value *, 16> rows;
      for (Value *start : starts)
        rows.push_back(b.CreateConstGEP1_64(memory, b.CreateGEP(memory, start, k), firstK));
      return rows;
    };
    auto rowAt = [&](Value *column) {
      return b.CreateConstGEP1_64(memory, b.CreateGEP(memory, x.b, b.CreateMul(column, x.strideN)), firstK);
    };
    return RowsChain{rows, firstK, rowAt(column), b.CreateSub(last, column),
                     rowAt(b.CreateAdd(column, constant(lanes)))};
  };
  RowsChain chains[] = {chainFrom(0), chainFrom(kDepth)};
  SmallVector<Value *, 8> places;
  for (int64_t r = 0; r < p.rows; ++r)
    places.push_back(b.CreateGEP(p.type, p.sums, b.CreateAdd(column, constant(r * p.columns))));
  Carried sums = beginSums(p, x, places);
  Value *depth = x.depth, *done = constant(0);
  Carried others;
  if (blocks > 1) {
    depth = minimum(x.depth, constant(kDepth));
    Value *second = b.CreateSub(x.depth, depth);
    done = p.wholeVectors(b, second, lanes);
    Carried both;
    for (Value *sum : sums)
      both.append({sum, Constant::getNullValue(sum->getType())});
    both = addVectors(p, x, chains, constant(0), done, both);
    for (int64_t r = 0; r < p.rows; ++r) {
      sums[r] = both[2 * r];
      others.push_back(both[2 * r + 1]);
    }
    others = addRest(p, x, chains[1], done, second, others);
  }
  Value *whole = p.wholeVectors(b, depth, lanes);
  sums = addVectors(p, x, chains[0], done, whole, sums);
  sums = addRest(p, x, chains[0], whole, depth, sums);
  endSums(p, x, sums, places);
  if (blocks > 1)
    branch(b.CreateICmpSGT(x.depth, constant(kDepth)), [&] {
      for (auto [sum, place] : zip(others, places))
        storeVector(addBlock(p, loadVector(p.type, place, nullptr), sum), place, nullptr);
    });
}

// What chains begin with, and where they are added.
KernelWriter::Carried KernelWriter::beginSums(RowsProduct &p, const RowsOperands &x, ArrayRef<Value *> places) {
  Carried sums(places.size(), Constant::getNullValue(vectorType(p.type)));
  if (!p.unbroken)
    return sums;
  return branch(b.CreateNot(x.isFirst), sums, [&](Carried sums) {
    for (auto [sum, place] : zip(sums, places))
      sum = loadVector(p.type, place, nullptr);
    return sums;
  });
}

void KernelWriter::endSums(RowsProduct &p, const RowsOperands &x, Carried sums, ArrayRef<Value *> places) {
  sums = branch(x.inGroup, sums, [&](Carried sums) {
    for (auto [sum, place] : zip(sums, places))
      sum = addBlock(p, loadVector(p.type, place, nullptr), sum);
    return sums;
  });
  for (auto [sum, place] : zip(sums, places))
    storeVector(sum, place, nullptr);
}

} // namespace weft::cpu
