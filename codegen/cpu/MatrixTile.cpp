// The register tile of a matrix product: C[rows, vectors] += A[rows, depth] * B[depth, vectors], with all of C in
// registers, and the rows of B a stride apart: those of a panel, or of B itself. On AVX-512 and float32 it is 6 x 64:
// per step of K four loads of B, six broadcasts of A and twenty-four multiply-adds.
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
  int64_t unrolled = rows == p.tileRows ? p.unrolled : 1;
  bool isWhole = unrolled > 1 && p.wholeSteps;
  std::string name;
  raw_string_ostream(name) << "weft_tile_" << *p.type << '_' << rows << 'x' << p.tileColumns << '_' << p.aStrideM << '_'
                           << p.aStrideK << '_' << unrolled << (isWhole ? "_whole" : "")
                           << (p.unbroken ? "_unbroken" : "");
  return helper(name, 4, 7, [&](Function *tile) {
    auto *vector = FixedVectorType::get(p.type, p.vectorLanes);
    int64_t bytes = p.type->getScalarSizeInBits() / 8, distance = kPrefetchBytes / (p.tileColumns * bytes);
    Value *a = tile->getArg(0), *c = tile->getArg(2), *depth = tile->getArg(4);
    Value *strideB = b.CreateMul(tile->getArg(8), constant(bytes));
    Align align(bytes);

    SmallVector<Value *> rowsOfA;
    for (int64_t i = 0; i < rows; ++i) {
      Value *place = constant(i * p.aStrideM);
      if (!p.aStrideM)
        place = b.CreateMul(minimum(constant(i), tile->getArg(7)), tile->getArg(6));
      rowsOfA.push_back(b.CreateGEP(p.type, a, place));
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
    auto step = [&](Carried &state, Value *placeInA, int64_t k) {
      Value *&row = state[sumCount + 1],
            *later = b.CreateGEP(b.getInt8Ty(), row, b.CreateMul(strideB, constant(distance)));
      SmallVector<Value *> right;
      for (int64_t j = 0; j < p.tileColumns; j += p.vectorLanes) {
        right.push_back(b.CreateAlignedLoad(vector, b.CreateConstGEP1_64(p.type, row, j), align));
        // B comes from the second-level cache, and waits there would stop the multiply-adds.
        if (j * bytes % kLine == 0)
          prefetch(b.CreateConstGEP1_64(p.type, later, j));
      }
      row = b.CreateGEP(b.getInt8Ty(), row, strideB);
      for (int64_t i = 0; i < rows; ++i) {
        Value *place = b.CreateGEP(p.type, rowsOfA[i], placeInA);
        Value *element = b.CreateAlignedLoad(p.type, b.CreateConstGEP1_64(p.type, place, k * p.aStrideK), align);
        Value *left = b.CreateVectorSplat(p.vectorLanes, element);
        for (int64_t j = 0; j < p.tileVectors; ++j) {
          Value *&sum = state[i * p.tileVectors + j];
          sum = multiplyAdd(left, right[j], sum);
        }
      }
    };
    // The rows of A that the tiles of the next rows read, a line of each when one begins.
    auto askForA = [&](Value *k, Value *placeInA) {
      if (p.aStrideM)
        return;
      Value *inLine = b.CreateAnd(k, constant(kLine / bytes - 1));
      branch(b.CreateICmpEQ(inLine, constant(0)), [&] {
        Value *place = b.CreateAdd(placeInA, tile->getArg(10));
        for (Value *row : rowsOfA)
          prefetch(b.CreateGEP(p.type, row, place));
      });
    };
    auto steps = [&](int64_t count) {
      return [&, count](Value *first, Carried state) {
        Value *placeInA = b.CreateMul(first, constant(p.aStrideK));
        if (count > 1) {
          prefetch(state[sumCount]);
          askForA(first, placeInA);
        }
        for (int64_t k = 0; k < count; ++k)
          step(state, placeInA, k);
        state[sumCount] = b.CreateGEP(b.getInt8Ty(), state[sumCount], tile->getArg(9));
        return state;
      };
    };
    Value *whole = isWhole ? depth : b.CreateAnd(depth, constant(-unrolled));
    state = loop(constant(0), whole, unrolled, state, steps(unrolled), /*atLeastOnce=*/isWhole);
    if (unrolled > 1 && !isWhole)
      state = loop(whole, depth, 1, state, steps(1));

    state.resize(sumCount);
    if (!p.unbroken)
      state = branch(goesOn, state, [&](const Carried &sums) {
        Carried added;
        for (auto [i, sum] : enumerate(sums))
          added.push_back(add(b.CreateAlignedLoad(vector, sumAt(i), align), sum));
        return added;
      });
    for (auto [i, sum] : enumerate(state))
      b.CreateAlignedStore(sum, sumAt(i), align);
  });
}

} // namespace weft::cpu
