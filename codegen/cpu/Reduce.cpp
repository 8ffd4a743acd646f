// kernel.reduce in the canonical order (KernelOps.td). Outside a lane loop the 64 lanes of the order are one vector,
// which LLVM keeps in four registers or eight. Within a lane loop the 64 accumulators, a vector each, stand on the
// stack.
#include "codegen/cpu/Product.h"

#include "ir/kernel/CanonicalOrder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Analysis/VectorUtils.h"

using namespace llvm;
namespace arith = mlir::arith;

namespace weft::cpu {

using order::kBlock, order::kPositions;
static constexpr int64_t kUnrolledTree = 32; // elements of a lane that are all in registers

struct KernelWriter::Reduction {
  enum Kind { Sum, Prod, Max, Min, Any, All, ArgMax, ArgMin };
  kernel::ReduceOp op;
  Kind kind;
  mlir::Type element;
  Type *type; // of an element in registers
  bool isFloat;
  bool ordered; // the order matters: sums and products of floats
  bool indexed; // argmax, argmin
  Value *run;   // what the index is divided by: from one multiple of it to the next elements are neighbours. Or null
  KernelWriter &w;

  Reduction(kernel::ReduceOp op, KernelWriter &w) : op(op), w(w) {
    kind = StringSwitch<Kind>(op.getKind())
               .Case("sum", Sum)
               .Case("prod", Prod)
               .Case("max", Max)
               .Case("min", Min)
               .Case("any", Any)
               .Case("all", All)
               .Case("argmax", ArgMax)
               .Case("argmin", ArgMin);
    element = op.yielded().getType();
    type = w.type(element);
    isFloat = mlir::isa<mlir::FloatType>(element);
    ordered = isFloat && (kind == Sum || kind == Prod);
    indexed = kind == ArgMax || kind == ArgMin;
    run = findRun();
  }

  // The one of the divisors of which all are multiples.
  Value *findRun() {
    SmallVector<Value *> divisors;
    mlir::Block &body = op.getBody().front();
    for (mlir::Operation &operation : body) {
      if (!mlir::isa<arith::DivUIOp, arith::RemUIOp>(operation))
        continue;
      mlir::Value divisor = operation.getOperand(1);
      if (divisor.getParentBlock() == &body || w.get(divisor).kind != Lanes::Uniform)
        return nullptr;
      divisors.push_back(w.get(divisor).value);
    }
    auto found = find_if(divisors, [&](Value *run) {
      return all_of(divisors, [&](Value *divisor) { return isMultiple(divisor, run); });
    });
    return found == divisors.end() ? nullptr : *found;
  }

  Constant *identity() const {
    if (isFloat) {
      const fltSemantics &semantics = mlir::cast<mlir::FloatType>(element).getFloatSemantics();
      APFloat value = kind == Sum    ? APFloat::getZero(semantics, /*Negative=*/true)
                      : kind == Prod ? APFloat::getOne(semantics)
                                     : APFloat::getInf(semantics, kind == Max || kind == ArgMax);
      return type->isIntegerTy() ? (Constant *)ConstantInt::get(type, value.bitcastToAPInt())
                                 : ConstantFP::get(type, value);
    }
    unsigned bits = type->getIntegerBitWidth();
    switch (kind) {
    case Sum:
    case Any:
      return ConstantInt::get(type, 0);
    case Prod:
    case All:
      return ConstantInt::get(type, 1);
    case Max:
    case ArgMax:
      return ConstantInt::get(type, APInt::getSignedMinValue(bits));
    default:
      return ConstantInt::get(type, APInt::getSignedMaxValue(bits));
    }
  }
  // As many lanes as the writer is in.
  Value *identityVector() const { return ConstantVector::getSplat(ElementCount::getFixed(w.lanes), identity()); }
  Accumulator initial() const {
    Accumulator result{identityVector()};
    if (indexed)
      result.push_back(ConstantVector::getSplat(ElementCount::getFixed(w.lanes), w.b.getInt64(INT64_MAX)));
    return result;
  }

  Value *combine(Value *x, Value *y) const {
    auto &b = w.b;
    Value *p = w.widen(x, element), *q = w.widen(y, element);
    switch (kind) {
    case Sum:
      return isFloat ? w.narrow(b.CreateFAdd(p, q), element) : b.CreateAdd(x, y);
    case Prod:
      return isFloat ? w.narrow(b.CreateFMul(p, q), element) : b.CreateMul(x, y);
    case Max:
    case Min:
      if (isFloat)
        return w.narrow(w.extremum(kind == Max, p, q), element);
      return b.CreateBinaryIntrinsic(kind == Max ? Intrinsic::smax : Intrinsic::smin, x, y);
    case Any:
      return b.CreateOr(x, y);
    default:
      return b.CreateAnd(x, y);
    }
  }

  Accumulator combine(const Accumulator &x, const Accumulator &y) const {
    if (!indexed)
      return {combine(x[0], y[0])};
    auto &b = w.b;
    Value *p = w.widen(x[0], element), *q = w.widen(y[0], element), *better, *equal;
    if (isFloat) {
      Value *xNan = b.CreateFCmpUNO(p, p), *yNan = b.CreateFCmpUNO(q, q);
      better = kind == ArgMax ? b.CreateFCmpOGT(q, p) : b.CreateFCmpOLT(q, p);
      better = b.CreateOr(better, b.CreateAnd(yNan, b.CreateNot(xNan)));
      equal = b.CreateOr(b.CreateFCmpOEQ(p, q), b.CreateAnd(xNan, yNan));
    } else {
      better = kind == ArgMax ? b.CreateICmpSGT(q, p) : b.CreateICmpSLT(q, p);
      equal = b.CreateICmpEQ(p, q);
    }
    Value *take = b.CreateOr(better, b.CreateAnd(equal, b.CreateICmpSLT(y[1], x[1])));
    return {b.CreateSelect(take, y[0], x[0]), b.CreateSelect(take, y[1], x[1])};
  }

  // What the body yields at an index, with the identity in lanes that are out of range.
  Accumulator at(Lanes index) {
    w.values[op.index()] = index;
    w.block(op.getBody().front());
    Value *value = w.vector(op.yielded());
    if (w.laneMask && index.kind == Lanes::Linear)
      value = w.b.CreateSelect(w.laneMask, value, identityVector());
    Accumulator result{value};
    if (indexed) {
      Value *number = w.vector(index);
      if (w.laneMask && index.kind == Lanes::Linear)
        number = w.b.CreateSelect(w.laneMask, number, initial()[1]);
      result.push_back(number);
    }
    return result;
  }

  // The same for all lanes from `start`, an aligned index, on, or as many as are left. Lanes in one run are loaded at
  // once, those in several run by run under masks; where runs are shorter than a vector, elements are gathered.
  Accumulator from(Value *start, Value *left) {
    auto &b = w.b;
    Lanes index = Lanes::linear(start, w.constant(1), /*aligned=*/true);
    Value *mask = left ? w.firstLanes(left) : nullptr, *lanes = w.constant(w.lanes), *zero = w.constant(0);
    auto all = [&](const Lanes &index) {
      w.laneMask = mask;
      return at(index);
    };
    auto *known = dyn_cast_or_null<ConstantInt>(run);
    if (!run || (known && (known->getSExtValue() < kLanes || known->getSExtValue() % w.lanes == 0)))
      return all(index);
    Lanes inRuns = index;
    inRuns.run = run, inRuns.runNumber = b.CreateUDiv(start, run);
    Value *before = b.CreateSub(start, b.CreateMul(inRuns.runNumber, run));
    Value *count = left ? w.minimum(w.maximum(left, zero), lanes) : lanes, *end = b.CreateAdd(before, count);
    Value *isLong = b.CreateICmpUGE(run, w.constant(kLanes)), *isInOne = b.CreateICmpULE(end, run);
    auto carried = [](const Accumulator &values) { return Carried(values.begin(), values.end()); };
    Carried values = carried(initial());
    values = w.branch(isInOne, values, [&](const Carried &) { return carried(all(inRuns)); });
    if (!known)
      values = w.branch(b.CreateNot(b.CreateOr(isLong, isInOne)), values,
                        [&](const Carried &) { return carried(all(index)); });
    Value *isInMore = b.CreateAnd(isLong, b.CreateNot(isInOne));
    return w.branch(isInMore, values, [&](const Carried &values) {
      return w.loop(zero, w.divideUp(end, run), 1, values, [&](Value *number, const Carried &values) {
        Lanes part = inRuns;
        part.runNumber = b.CreateAdd(inRuns.runNumber, number);
        Value *first = b.CreateSub(b.CreateMul(part.runNumber, run), start);
        Value *last = w.minimum(b.CreateAdd(first, run), count);
        w.laneMask = b.CreateAnd(w.firstLanes(last), b.CreateNot(w.firstLanes(first)));
        Carried results;
        for (auto [value, old] : zip(at(part), values))
          results.push_back(b.CreateSelect(w.laneMask, value, old));
        return results;
      });
    });
  }
};

// Later reductions of the block that run over the same elements and need nothing that is not known yet, neither values
// nor what is stored in between: one loop serves all. (What they have in common, as the distances from a mean that are
// summed, and their squares, LLVM finds.)
SmallVector<kernel::ReduceOp> KernelWriter::together(kernel::ReduceOp op) {
  SmallVector<kernel::ReduceOp> ops{op};
  auto isShort = [&](kernel::ReduceOp op) { return !op.getKind().starts_with("arg") && !isLong(op.getBody().front()); };
  if (inLanes() || !isShort(op))
    return ops;
  for (mlir::Operation *next = op->getNextNode(); next; next = next->getNextNode()) {
    auto other = mlir::dyn_cast<kernel::ReduceOp>(next);
    if (!other && !mlir::isMemoryEffectFree(next) && !mlir::isa<kernel::LoadOp>(next))
      break;
    if (!other || other.getUpper() != op.getUpper() || other.getKind() != op.getKind() ||
        other.getType() != op.getType() || !isShort(other) || values.count(other))
      continue;
    bool isKnown = true;
    other->walk([&](mlir::Operation *inner) {
      for (mlir::Value operand : inner->getOperands())
        isKnown &= other.getBody().isAncestor(operand.getParentRegion()) || values.count(operand);
    });
    if (isKnown)
      ops.push_back(other);
  }
  return ops;
}

void KernelWriter::reduce(kernel::ReduceOp op) {
  if (auto known = values.find(op); known != values.end() && joined.erase(op))
    return;
  Value *upper = scalar(op.getUpper());
  auto *known = dyn_cast<ConstantInt>(upper);
  SmallVector<Reduction, 2> reductions;
  for (kernel::ReduceOp each : together(op))
    reductions.emplace_back(each, *this);
  bool within = inLanes();
  auto results =
      within ? SmallVector<Accumulator, 2>{reduceWithin(reductions[0], upper)} : reduceAcross(reductions, upper);
  for (auto [r, result] : zip(reductions, results)) {
    Value *value = result.back();
    if (known && known->isZero() && r.kind == Reduction::Sum)
      value = Constant::getNullValue(value->getType());
    values[r.op] = within ? Lanes::varying(value) : Lanes::uniform(value);
    if (r.op != op)
      joined.insert(r.op);
  }
}

// Combines the elements [lower, upper) of a block.
SmallVector<Accumulator, 2> KernelWriter::reduceBlock(MutableArrayRef<Reduction> reductions, Value *lower,
                                                      Value *upper) {
  mlir::Block &body = reductions[0].op.getBody().front();
  Value *count = b.CreateSub(upper, lower);
  auto *known = dyn_cast<ConstantInt>(count);
  // Fewer elements than lanes need no more lanes; a long body is compiled for as many as it runs best with.
  int width = reductions[0].indexed ? kLanes : kPositions;
  while (known && width > kLanes && known->getSExtValue() <= width / 2)
    width /= 2;
  int part = isLong(body) ? std::min(width, lanesFor(body, count)) : width;
  auto elements = [&](Reduction &r, Value *index, Value *left) {
    SmallVector<Accumulator> parts;
    lanes = part;
    for (int first = 0; first < width; first += part) {
      // Blocks begin at multiples of kBlock.
      auto later = [&](Value *value, int by) { return by ? b.CreateAdd(value, constant(by)) : value; };
      parts.push_back(r.from(later(index, first), left ? later(left, -first) : nullptr));
    }
    laneMask = nullptr;
    lanes = width;
    if (parts.size() == 1)
      return parts[0];
    SmallVector<Value *> vectors;
    for (const Accumulator &values : parts)
      vectors.push_back(values[0]);
    return Accumulator{concatenateVectors(b, vectors)};
  };
  // What is carried is one accumulator after the other.
  auto accumulator = [&](const Carried &carried, size_t i) {
    size_t size = carried.size() / reductions.size();
    return Accumulator(carried.begin() + i * size, carried.begin() + (i + 1) * size);
  };
  auto step = [&](Value *index, Value *left, const Carried &carried) {
    Carried sums;
    for (Reduction &r : reductions)
      prefetchRows(r.op, Lanes::linear(index, constant(1)));
    for (auto [i, r] : enumerate(reductions)) {
      Accumulator sum = r.combine(accumulator(carried, i), elements(r, index, left));
      sums.append(sum.begin(), sum.end());
    }
    return sums;
  };
  lanes = width;
  Carried sums;
  for (Reduction &r : reductions) {
    Accumulator initial = r.initial();
    sums.append(initial.begin(), initial.end());
  }
  Value *rest = b.CreateAnd(count, constant(width - 1));
  auto *knownRest = dyn_cast<ConstantInt>(rest);
  if (!(knownRest && knownRest->isZero()) && isLong(body)) {
    sums = loop(lower, upper, width, sums,
                [&](Value *index, const Carried &carried) { return step(index, b.CreateSub(upper, index), carried); });
  } else {
    Value *whole = b.CreateAdd(lower, b.CreateAnd(count, constant(-width)));
    sums = loop(lower, whole, width, sums,
                [&](Value *index, const Carried &carried) { return step(index, nullptr, carried); });
    sums = branch(b.CreateICmpNE(rest, constant(0)), sums,
                  [&](const Carried &carried) { return step(whole, rest, carried); });
  }
  lanes = 1;
  SmallVector<Accumulator, 2> results;
  for (auto [i, r] : enumerate(reductions))
    results.push_back(acrossVector(r, accumulator(sums, i)));
  return results;
}

Accumulator KernelWriter::acrossVector(Reduction &r, Accumulator vector) {
  int width = cast<FixedVectorType>(vector[0]->getType())->getNumElements();
  for (int half = width / 2; half; half /= 2) {
    SmallVector<int, 32> low, high;
    for (int i = 0; i < half; ++i) {
      low.push_back(i);
      high.push_back(half + i);
    }
    Accumulator x, y;
    for (Value *value : vector) {
      x.push_back(b.CreateShuffleVector(value, low));
      y.push_back(b.CreateShuffleVector(value, high));
    }
    vector = r.combine(x, y);
  }
  for (Value *&value : vector)
    value = b.CreateExtractElement(value, uint64_t(0));
  return vector;
}

// The rounds above the first level: results of blocks go to position (block mod 64) of an array; a full array of kBlock
// results goes to the next array in the same way. `lanes` is 1 for arrays of scalars.
SmallVector<Accumulator, 2>
KernelWriter::combineBlocks(MutableArrayRef<Reduction> reductions, Value *upper,
                            function_ref<SmallVector<Accumulator, 2>(Value *, Value *)> blockResults) {
  Value *blocks = b.CreateLShr(b.CreateAdd(upper, constant(kBlock - 1)), Log2_64(kBlock));
  auto *known = dyn_cast<ConstantInt>(blocks);
  bool deep = !known || known->getSExtValue() > kBlock;
  Type *type = reductions[0].type, *element = inLanes() ? (Type *)vectorType(type) : type;
  struct Arrays {
    AllocaInst *second, *third;
  };
  SmallVector<Arrays, 2> arrays;
  for (Reduction &r : reductions) {
    arrays.push_back({stackArray(element, kPositions), deep ? stackArray(element, kPositions) : nullptr});
    fill(r, arrays.back().second, element);
    if (deep)
      fill(r, arrays.back().third, element);
  }
  auto add = [&](Reduction &r, AllocaInst *array, Value *number, Value *value) {
    Value *slot = b.CreateGEP(element, array, b.CreateAnd(number, constant(kPositions - 1)));
    b.CreateStore(r.combine(b.CreateLoad(element, slot), value), slot);
  };
  auto flush = [&](Value *number) {
    for (auto [r, array] : zip(reductions, arrays)) {
      Value *sum = tree(r, array.second, element, kPositions);
      add(r, array.third, b.CreateLShr(number, Log2_64(kBlock)), sum);
      fill(r, array.second, element);
    }
  };
  loop(constant(0), blocks, 1, [&](Value *number) {
    Value *lower = b.CreateShl(number, Log2_64(kBlock));
    auto results = blockResults(lower, minimum(upper, b.CreateAdd(lower, constant(kBlock))));
    for (auto [r, array, result] : zip(reductions, arrays, results))
      add(r, array.second, number, result[0]);
    if (deep) {
      Value *last = b.CreateICmpEQ(b.CreateAnd(number, constant(kBlock - 1)), constant(kBlock - 1));
      branch(last, [&] { flush(number); });
    }
  });
  auto upperRounds = [&] {
    if (deep) {
      Value *open = b.CreateICmpNE(b.CreateAnd(blocks, constant(kBlock - 1)), constant(0));
      branch(open, [&] { flush(b.CreateSub(blocks, constant(1))); });
    }
    Carried totals;
    for (auto [r, array] : zip(reductions, arrays))
      totals.push_back(tree(r, deep ? array.third : array.second, element, kPositions));
    return totals;
  };
  // With identities a single block's result stays as it is.
  Carried totals;
  for (Arrays &array : arrays)
    totals.push_back(known ? nullptr : b.CreateLoad(element, array.second));
  totals = known ? upperRounds()
                 : branch(b.CreateICmpUGT(blocks, constant(1)), totals, [&](const Carried &) { return upperRounds(); });
  SmallVector<Accumulator, 2> results;
  for (Value *total : totals)
    results.push_back({total});
  return results;
}

void KernelWriter::fill(Reduction &r, AllocaInst *array, Type *element) {
  if (!inLanes()) {
    b.CreateAlignedStore(ConstantVector::getSplat(ElementCount::getFixed(kPositions), r.identity()), array, Align(64));
    return;
  }
  Value *identity = r.identityVector();
  loop(constant(0), constant(kPositions), 1,
       [&](Value *i) { b.CreateStore(identity, b.CreateGEP(element, array, i)); });
}

// The tree over the first `count` positions of an array; the others count as the identity. The array is overwritten.
Value *KernelWriter::tree(Reduction &r, AllocaInst *array, Type *element, int64_t count) {
  if (!inLanes()) {
    Value *all = b.CreateAlignedLoad(FixedVectorType::get(r.type, kPositions), array, Align(64));
    return acrossVector(r, {all})[0];
  }
  loop(constant(0), constant(Log2_64(kPositions)), 1, [&](Value *step) {
    Value *half = b.CreateLShr(constant(kPositions / 2), step);
    loop(constant(0), minimum(half, b.CreateSub(constant(count), half)), 1, [&](Value *i) {
      Value *low = b.CreateGEP(element, array, i), *high = b.CreateGEP(element, array, b.CreateAdd(i, half));
      b.CreateStore(r.combine(b.CreateLoad(element, low), b.CreateLoad(element, high)), low);
    });
  });
  return b.CreateLoad(element, array);
}

// The tree over positions that are in registers.
Accumulator KernelWriter::tree(Reduction &r, MutableArrayRef<Accumulator> positions) {
  for (size_t half = kPositions / 2; half; half /= 2)
    for (size_t i = 0; i < half && i + half < positions.size(); ++i)
      positions[i] = r.combine(positions[i], positions[i + half]);
  return positions[0];
}

SmallVector<Accumulator, 2> KernelWriter::reduceAcross(MutableArrayRef<Reduction> reductions, Value *upper) {
  int64_t most = span(nullptr, reductions[0].op.getUpper());
  if (!reductions[0].ordered || (most >= 0 && most <= kBlock))
    return reduceBlock(reductions, constant(0), upper);
  return combineBlocks(reductions, upper,
                       [&](Value *lower, Value *upper) { return reduceBlock(reductions, lower, upper); });
}

Accumulator KernelWriter::reduceWithin(Reduction &r, Value *upper) {
  auto *known = dyn_cast<ConstantInt>(upper);
  int64_t count = known ? known->getSExtValue() : -1;
  if (count > 0 && count <= kUnrolledTree && !isLong(r.op.getBody().front())) {
    SmallVector<Accumulator> parts;
    for (int64_t i = 0; i < count; ++i)
      parts.push_back(r.at(Lanes::uniform(constant(i))));
    return tree(r, parts);
  }
  if (!r.ordered || (count >= 0 && count <= 1)) {
    Accumulator initial = r.initial();
    Carried result =
        loop(constant(0), upper, 1, Carried(initial.begin(), initial.end()), [&](Value *i, const Carried &carried) {
          Accumulator sum = r.combine(Accumulator(carried.begin(), carried.end()), r.at(Lanes::uniform(i)));
          return Carried(sum.begin(), sum.end());
        });
    return Accumulator(result.begin(), result.end());
  }
  Type *element = vectorType(r.type);
  AllocaInst *array = stackArray(element, kPositions);
  if (known && count <= kPositions) {
    loop(constant(0), upper, 1,
         [&](Value *i) { b.CreateStore(r.at(Lanes::uniform(i))[0], b.CreateGEP(element, array, i)); });
    if (count > kUnrolledTree)
      return {tree(r, array, element, count)};
    SmallVector<Accumulator> parts;
    for (int64_t i = 0; i < count; ++i)
      parts.push_back({b.CreateLoad(element, b.CreateGEP(element, array, constant(i)))});
    return tree(r, parts);
  }
  auto block = [&](Value *lower, Value *upper) {
    fill(r, array, element);
    loop(lower, upper, 1, [&](Value *i) {
      Value *value = r.at(Lanes::uniform(i))[0];
      Value *slot = b.CreateGEP(element, array, b.CreateAnd(i, constant(kPositions - 1)));
      b.CreateStore(r.combine(b.CreateLoad(element, slot), value), slot);
    });
    return tree(r, array, element, kPositions);
  };
  if (known && known->getSExtValue() <= kBlock)
    return {block(constant(0), upper)};
  return combineBlocks(
      r, upper, [&](Value *lower, Value *upper) { return SmallVector<Accumulator, 2>{{block(lower, upper)}}; })[0];
}

} // namespace weft::cpu
