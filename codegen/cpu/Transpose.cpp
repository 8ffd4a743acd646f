// kernel.transpose: short rows into lanes and back, in tiles of a vector of rows. Of very short rows a tile is whole
// vectors of memory, whose elements are picked; of others it is a few elements of each row, transposed in registers.
#include "codegen/cpu/Product.h"

#include "llvm/Analysis/VectorUtils.h"

using namespace llvm;

namespace weft::cpu {

// One round of a transposition of vectors x, y, ... within parts of 128 bits: chunks of x and y in turn, from the lower
// halves of the parts or from the upper ones. Shuffles across parts cost more, to run and to compile, than storing the
// parts one by one.
static Value *interleave(IRBuilder<> &b, Value *x, Value *y, int part, int chunk, bool upper) {
  SmallVector<int, 16> order;
  int size = cast<FixedVectorType>(x->getType())->getNumElements();
  for (int start = 0; start < size; start += part)
    for (int q = start + (upper ? part / 2 : 0), i = 0; i < part / 2; i += chunk, q += chunk)
      for (int side = 0; side < 2; ++side)
        for (int e = 0; e < chunk; ++e)
          order.push_back(side * size + q + e);
  return b.CreateShuffleVector(x, y, order);
}

SmallVector<Value *, 16> transposeParts(IRBuilder<> &b, SmallVector<Value *, 16> vectors) {
  int part = vectors.size();
  for (int chunk = 1; chunk < part; chunk *= 2) {
    SmallVector<Value *, 16> next(part);
    for (int block = 0; block < part; block += 2 * chunk)
      for (int t = 0; t < chunk; ++t)
        for (bool upper : {false, true})
          next[block + 2 * t + upper] =
              interleave(b, vectors[block + t], vectors[block + chunk + t], part, chunk, upper);
    vectors = next;
  }
  return vectors;
}

Value *partOf(IRBuilder<> &b, Value *vector, int part, int size) {
  return b.CreateShuffleVector(vector, createSequentialMask(unsigned(part * size), unsigned(size), 0));
}

// A vector of elements of others: the i-th is element picks[i] % size of sources[picks[i] / size].
static Value *pick(IRBuilder<> &b, ArrayRef<Value *> sources, ArrayRef<int> picks) {
  int size = picks.size();
  Value *result = nullptr;
  SmallVector<int, 16> done(size, -1);
  for (int s = 0; s < int(sources.size()); ++s) {
    if (none_of(picks, [&](int pick) { return pick / size == s; }))
      continue;
    SmallVector<int, 16> order(done);
    for (int i = 0; i < size; ++i)
      if (picks[i] / size == s) {
        order[i] = (result ? size : 0) + picks[i] % size;
        done[i] = i;
      }
    result = result ? b.CreateShuffleVector(result, sources[s], order) : b.CreateShuffleVector(sources[s], order);
  }
  return result;
}

namespace {

struct Transposition {
  Type *memory, *type; // of an element of rows, and of lanes
  int size, part;      // elements of a vector, and of 128 bits
  int64_t length;      // or -1
  bool back;
};

} // namespace

// Such rows are whole vectors.
static constexpr int64_t kPicked = 4;

void KernelWriter::transpose(kernel::TransposeOp op) {
  mlir::Type element = op.getRows().getType().getElementType();
  Transposition t;
  t.memory = memoryType(element), t.type = type(op.getLanes().getType().getElementType());
  int bits = int(t.type->getScalarSizeInBits());
  t.size = std::min(target.vectorBytes * 8 / bits, kLanes), t.part = 128 / bits;
  t.back = op.getBack();
  Value *stride = scalar(op.getStride()), *length = scalar(op.getLength());
  auto *knownLength = dyn_cast<ConstantInt>(length), *knownStride = dyn_cast<ConstantInt>(stride);
  t.length = knownLength && knownStride ? knownLength->getSExtValue() : -1;
  std::string name;
  raw_string_ostream out(name);
  out << (t.back ? "weft_to_rows_" : "weft_to_lanes_") << element;
  if (t.length >= 0)
    out << '_' << t.length << '_' << knownStride->getSExtValue();
  Function *function = helper(name, 2, 3, [&](Function *f) {
    Value *rows = f->getArg(0), *lanesMemory = f->getArg(1), *count = f->getArg(3);
    Value *stride = f->getArg(2), *length = f->getArg(4);
    if (t.length >= 0)
      stride = constant(knownStride->getSExtValue()), length = constant(t.length);
    auto inRow = [&](Value *r, Value *i) {
      return b.CreateGEP(t.memory, rows, b.CreateAdd(b.CreateMul(r, stride), i));
    };
    auto inLanes = [&](Value *i, Value *r) {
      return b.CreateGEP(t.type, lanesMemory, b.CreateAdd(b.CreateMul(i, constant(kernel::TransposeOp::kLanes)), r));
    };
    auto later = [&](Value *value, int by) { return b.CreateAdd(value, constant(by)); };
    Align align(std::max(1u, t.memory->getScalarSizeInBits() / 8)), laneAlign(unsigned(bits) / 8);
    auto *vector = FixedVectorType::get(t.type, t.size);

    auto one = [&](Value *r, Value *i) {
      Value *row = inRow(r, i), *lane = inLanes(i, r);
      if (t.back)
        b.CreateAlignedStore(narrow(b.CreateAlignedLoad(t.type, lane, laneAlign), element), row, align);
      else
        b.CreateAlignedStore(widen(b.CreateAlignedLoad(t.memory, row, align), element), lane, laneAlign);
    };
    // Rows from r on, a vector of them, and what is in so many vectors of memory.
    auto picked = [&](Value *r) {
      SmallVector<Value *> from, to;
      int n = int(t.length);
      auto place = [&](int k) { return b.CreateConstGEP1_64(t.memory, inRow(r, constant(0)), k * t.size); };
      auto *inMemory = FixedVectorType::get(t.memory, t.size);
      for (int k = 0; k < n; ++k)
        from.push_back(t.back ? b.CreateAlignedLoad(vector, inLanes(constant(k), r), laneAlign)
                              : widen(b.CreateAlignedLoad(inMemory, place(k), align), element));
      for (int k = 0; k < n; ++k) {
        SmallVector<int, 16> picks;
        for (int e = 0; e < t.size; ++e)
          picks.push_back(t.back ? (k * t.size + e) % n * t.size + (k * t.size + e) / n : e * n + k);
        Value *value = pick(b, from, picks);
        if (t.back)
          b.CreateAlignedStore(narrow(value, element), place(k), align);
        else
          b.CreateAlignedStore(value, inLanes(constant(k), r), laneAlign);
      }
    };
    // Elements from i on of rows from r on, as many as a part.
    auto tile = [&](Value *r, Value *i) {
      auto *inMemory = FixedVectorType::get(t.memory, t.part);
      SmallVector<Value *, 16> vectors;
      for (int e = 0; e < t.part; ++e) {
        if (t.back) {
          vectors.push_back(b.CreateAlignedLoad(vector, inLanes(later(i, e), r), laneAlign));
          continue;
        }
        SmallVector<Value *> parts;
        for (int row = e; row < t.size; row += t.part)
          parts.push_back(b.CreateAlignedLoad(inMemory, inRow(later(r, row), i), align));
        vectors.push_back(widen(concatenateVectors(b, parts), element));
      }
      vectors = transposeParts(b, vectors);
      for (int e = 0; e < t.part; ++e) {
        if (!t.back) {
          b.CreateAlignedStore(vectors[e], inLanes(later(i, e), r), laneAlign);
          continue;
        }
        Value *elements = narrow(vectors[e], element);
        for (int row = e; row < t.size; row += t.part)
          b.CreateAlignedStore(partOf(b, elements, row / t.part, t.part), inRow(later(r, row), i), align);
      }
    };

    bool picks = t.length >= 0 && t.length <= kPicked && knownStride->getSExtValue() == t.length;
    Value *size = constant(t.size), *part = constant(t.part), *zero = constant(0);
    Value *fits = b.CreateICmpSGE(count, size);
    if (!picks)
      fits = b.CreateAnd(fits, b.CreateICmpSGE(length, part));
    // What is left beside whole tiles is in one more, which does some elements again.
    branch(fits, [&] {
      Value *lastRow = b.CreateSub(count, size), *last = b.CreateSub(length, part);
      loop(zero, count, t.size, [&](Value *r) {
        r = minimum(r, lastRow);
        if (picks)
          return picked(r);
        if (t.length < 0)
          return loop(zero, length, t.part, [&](Value *i) { tile(r, minimum(i, last)); });
        for (int64_t i = 0; i < t.length; i += t.part)
          tile(r, constant(std::min(i, t.length - t.part)));
      });
    });
    branch(b.CreateNot(fits),
           [&] { loop(zero, count, 1, [&](Value *r) { loop(zero, length, 1, [&](Value *i) { one(r, i); }); }); });
  });
  b.CreateCall(function, {pointer(op.getRows(), scalar(op.getBase())), scalar(op.getLanes()), stride,
                          scalar(op.getCount()), length});
}

} // namespace weft::cpu
