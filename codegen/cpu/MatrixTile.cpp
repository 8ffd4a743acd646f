// The register tile of a matrix product: C[rows, vectors] += A[rows, depth] * B[depth, vectors], with all of C in
// registers, and the rows of B a stride apart: those of a panel, or of B itself. On AVX-512 and float32 it is 6 x 64:
// per step of K four loads of B, six broadcasts of A and twenty-four multiply-adds.
// In the order of pairs a step is two of K, whose products one instruction adds, or two multiply-adds, the second
// first.
#include "codegen/cpu/Product.h"

using namespace llvm;

namespace weft::cpu {

Function *KernelWriter::helper(const std::string &name, unsigned pointers, unsigned integers,
                               function_ref<void(Function *)> body) {
  if (Function *known = module.getFunction(name))
    return known;
  SmallVector<Type *, 12> types(pointers, b.getPtrTy());
  types.append(integers, b.getInt64Ty());
  Function *result =
      Function::Create(FunctionType::get(b.getVoidTy(), types, false), GlobalValue::InternalLinkage, name, module);
  result->addFnAttr(Attribute::NoUnwind);
  result->addFnAttr(Attribute::NoInline);
  IRBuilderBase::InsertPointGuard guard(b);
  Function *outer = std::exchange(function, result);
  int outerLanes = std::exchange(lanes, 1);
  b.SetInsertPoint(BasicBlock::Create(module.getContext(), "entry", result));
  body(result);
  b.CreateRetVoid();
  function = outer;
  lanes = outerLanes;
  return result;
}

// void (a, b, c, what to ask for meanwhile, depth, k, elements from a row of a to the next, last row, elements from a
// row of b to the next, bytes from a line that is asked for to the next, elements from a row of a to one that will be
// read later): k is the number of steps of K before in the group; where there are none, c is written, not added to. An
// unbroken chain goes on from what c holds.
// Rows of an A with a stride that is known are a constant apart, and all there; others have a pointer each, and what is
// beyond the last row is read from that one.
Function *KernelWriter::tileFunction(Product &p, int64_t rows) {
  int64_t together = p.isPairs ? 2 : 1, unrolled = rows == p.tileRows ? p.unrolled : together;
  bool isWhole = unrolled > together && p.wholeSteps;
  std::string name;
  raw_string_ostream(name) << "weft_tile_" << *p.type
                           << (p.isDots    ? "_dots_"
                               : p.isPairs ? "_pairs_"
                                           : "_")
                           << rows << 'x' << p.tileColumns << '_' << p.aStrideM << '_' << p.aStrideK << '_' << unrolled
                           << (isWhole                    ? "_whole"
                               : p.isPairs && !p.mayBeOdd ? "_even"
                                                          : "")
                           << (p.unbroken ? "_unbroken" : "");
  return helper(name, 4, 7, [&](Function *tile) {
    auto *vector = FixedVectorType::get(p.type, p.vectorLanes);
    int64_t bytes = p.copied->getScalarSizeInBits() / 8, rowsOfB = p.isDots ? 2 : 1; // that are one of pairs
    int64_t columnBytes = rowsOfB * bytes, distance = kPrefetchBytes / (p.tileColumns * columnBytes);
    Value *a = tile->getArg(0), *c = tile->getArg(2), *depth = tile->getArg(4);
    Value *strideB = b.CreateMul(tile->getArg(8), constant(columnBytes));
    Align align(bytes);

    SmallVector<Value *> rowsOfA;
    for (int64_t i = 0; i < rows; ++i) {
      Value *place = constant(i * p.aStrideM);
      if (!p.aStrideM)
        place = b.CreateMul(minimum(constant(i), tile->getArg(7)), tile->getArg(6));
      rowsOfA.push_back(b.CreateGEP(p.copied, a, place));
    }
    // The sums, what to ask for, and the row of B.
    int64_t sumCount = rows * p.tileVectors;
    auto sumAt = [&](int64_t number) {
      int64_t row = number / p.tileVectors, column = number % p.tileVectors * p.vectorLanes;
      return b.CreateConstGEP1_64(p.type, c, row * kStrideC + column);
    };
    Value *goesOn = b.CreateICmpNE(tile->getArg(5), constant(0));
    Carried state(sumCount, Constant::getNullValue(vector));
    if (p.unbroken)
      state = branch(goesOn, state, [&](Carried sums) {
        for (auto [i, sum] : enumerate(sums))
          sum = b.CreateAlignedLoad(vector, sumAt(i), align);
        return sums;
      });
    state.append({tile->getArg(3), tile->getArg(1)});
    Type *factor = p.isDots ? b.getInt32Ty() : p.type;
    // Products of a row of B with what `elementOf` gives of rows of A.
    auto multiply = [&](Carried &state, Value *row, function_ref<Value *(Value * rowOfA)> elementOf) {
      Value *later = b.CreateGEP(b.getInt8Ty(), row, b.CreateMul(strideB, constant(distance)));
      SmallVector<Value *> right;
      for (int64_t j = 0; j < p.tileColumns; j += p.vectorLanes) {
        auto *factors = FixedVectorType::get(factor, p.vectorLanes);
        right.push_back(b.CreateAlignedLoad(factors, b.CreateConstGEP1_64(factor, row, j), align));
        // B comes from the second-level cache, and waits there would stop the multiply-adds.
        if (j * columnBytes % kLine == 0)
          prefetch(b.CreateConstGEP1_64(factor, later, j));
      }
      for (int64_t i = 0; i < rows; ++i) {
        Value *left = b.CreateVectorSplat(p.vectorLanes, elementOf(rowsOfA[i]));
        for (int64_t j = 0; j < p.tileVectors; ++j) {
          Value *&sum = state[i * p.tileVectors + j];
          sum = p.isDots    ? dotAdd(right[j], left, sum)
                : p.isPairs ? multiplyAddWithoutSubnormals(left, right[j], sum)
                            : multiplyAdd(left, right[j], sum);
        }
      }
    };
    auto step = [&](Carried &state, Value *placeInA, int64_t k) {
      Value *&row = state[sumCount + 1], *next = b.CreateGEP(b.getInt8Ty(), row, strideB);
      auto elementsAt = [&](int64_t k) {
        return [&, k](Value *rowOfA) -> Value * {
          Value *place = b.CreateGEP(p.copied, rowOfA, placeInA);
          return b.CreateAlignedLoad(factor, b.CreateConstGEP1_64(p.copied, place, k * p.aStrideK), align);
        };
      };
      if (p.isPairs && !p.isDots) {
        multiply(state, next, elementsAt(k + 1));
        next = b.CreateGEP(b.getInt8Ty(), next, strideB);
      }
      multiply(state, row, elementsAt(k));
      row = next;
    };
    // Of an odd K: the other product of the pair is one of zeros.
    auto lastStep = [&](Value *place, Carried state) {
      Value *offset = b.CreateMul(place, constant(p.aStrideK));
      if (!p.isDots)
        for (int64_t i = 0; i < sumCount; ++i)
          state[i] = b.CreateFAdd(state[i], Constant::getNullValue(vector));
      multiply(state, state[sumCount + 1], [&](Value *rowOfA) {
        Value *element = b.CreateAlignedLoad(p.copied, b.CreateGEP(p.copied, rowOfA, offset), align);
        return p.isDots ? b.CreateZExt(element, factor) : element;
      });
      return state;
    };
    // The rows of A that the tiles of the next rows read, a line of each when one begins.
    auto askForA = [&](Value *k, Value *placeInA) {
      if (p.aStrideM)
        return;
      Value *inLine = b.CreateAnd(k, constant(kLine / bytes - 1));
      branch(b.CreateICmpEQ(inLine, constant(0)), [&] {
        Value *place = b.CreateAdd(placeInA, tile->getArg(10));
        for (Value *row : rowsOfA)
          prefetch(b.CreateGEP(p.copied, row, place));
      });
    };
    auto steps = [&](int64_t count) {
      return [&, count](Value *first, Carried state) {
        Value *placeInA = b.CreateMul(first, constant(p.aStrideK));
        if (count > together) {
          prefetch(state[sumCount]);
          askForA(first, placeInA);
        }
        for (int64_t k = 0; k < count; k += together)
          step(state, placeInA, k);
        state[sumCount] = b.CreateGEP(b.getInt8Ty(), state[sumCount], tile->getArg(9));
        return state;
      };
    };
    Value *whole = isWhole ? depth : b.CreateAnd(depth, constant(-unrolled));
    state = loop(constant(0), whole, unrolled, state, steps(unrolled), /*atLeastOnce=*/isWhole);
    if (unrolled > together && !isWhole)
      state = loop(whole, b.CreateAnd(depth, constant(-together)), together, state, steps(together));
    if (p.isPairs && p.mayBeOdd)
      state = branch(b.CreateTrunc(depth, b.getInt1Ty()), state,
                     [&](const Carried &state) { return lastStep(b.CreateSub(depth, constant(1)), state); });

    state.resize(sumCount);
    if (!p.unbroken)
      state = branch(goesOn, state, [&](const Carried &sums) {
        Carried added;
        for (auto [i, sum] : enumerate(sums))
          added.push_back(p.isPairs ? flushed(add(b.CreateAlignedLoad(vector, sumAt(i), align), sum))
                                    : add(b.CreateAlignedLoad(vector, sumAt(i), align), sum));
        return added;
      });
    for (auto [i, sum] : enumerate(state))
      b.CreateAlignedStore(sum, sumAt(i), align);
  });
}

} // namespace weft::cpu
