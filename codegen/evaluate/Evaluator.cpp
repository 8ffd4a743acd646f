#include "codegen/evaluate/Evaluator.h"
#include "codegen/evaluate/ScalarBodies.h"
#include "ir/OpTable.h"
#include "ir/kernel/NarrowFloats.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <limits>
#include <stdexcept>

using namespace mlir;

namespace weft {

bool Storage::isRowMajor() const { return strides == rowMajorStrides(shape); }

bool Storage::isChannelsLast() const {
  return shape.size() > 2 && strides[1].is(1) && !shape[1].is(1) && !isRowMajor();
}

Scalar Evaluator::scalar(Value value, Type element) {
  return Scalar{&k.builder, k.location, value, isUnsignedType(element)};
}

Value Evaluator::constantZero(Type type) {
  OpBuilder::InsertionGuard guard(k.builder);
  k.hoist({});
  return arith::ConstantOp::create(k.builder, k.location, k.builder.getZeroAttr(type));
}

Scalar Evaluator::rounded(Scalar value, Type element) {
  if ((!element.isF16() && !element.isBF16()) || kernel::isExactIn(value.value, element))
    return value;
  OpBuilder::InsertionGuard guard(k.builder);
  k.hoist({value.value});
  Value narrow = arith::TruncFOp::create(k.builder, k.location, element, value.value);
  return value.with(arith::ExtFOp::create(k.builder, k.location, computeType(element), narrow));
}

// `result` holds the value, maybe in fewer bits.
static Scalar withOneNan(Scalar value, Scalar result) {
  if (value.isMoved || !value.isFloat())
    return result;
  return select(isNan(value), result.constant(std::numeric_limits<double>::quiet_NaN()), result);
}

Value Evaluator::toMemory(Scalar value, Type element) {
  OpBuilder::InsertionGuard guard(k.builder);
  k.hoist({value.value});
  Scalar result = value;
  if (element.isF16() || element.isBF16()) {
    auto wide = value.value.getDefiningOp<arith::ExtFOp>();
    result = value.with(wide ? wide.getIn() : arith::TruncFOp::create(k.builder, k.location, element, value.value));
  }
  return withOneNan(value, result).value;
}

Scalar Evaluator::choose(Scalar condition, Scalar a, Scalar b) {
  if (a.isMoved != b.isMoved) {
    Scalar &computed = a.isMoved ? b : a;
    computed = withOneNan(computed, computed);
  }
  Scalar result = select(condition, a, b);
  result.isMoved = a.isMoved || b.isMoved;
  return result;
}

Scalar Evaluator::evaluate(Value value, const Point &point, Value mask) {
  std::vector<const void *> key{value.getAsOpaquePointer(), mask ? mask.getAsOpaquePointer() : nullptr};
  Operation *op = value.getDefiningOp();
  if (op && !inputs.count(value) && familyOf(op) == OpFamily::Reduction) {
    // A row may be named in several ways, with and without its kept axes.
    key.push_back(linear(k, point, sizesOf(value)).getAsOpaquePointer());
  } else {
    for (const Segment &segment : point) {
      key.push_back(reinterpret_cast<const void *>(intptr_t(segment.first)));
      key.push_back(segment.index.getAsOpaquePointer());
    }
  }
  for (const Scalar &scalar : known[key])
    if (k.reaches(scalar.value))
      return scalar;
  Scalar result = compute(value, point, mask);
  known[key].push_back(result);
  return result;
}

Scalar Evaluator::compute(Value value, const Point &point, Value mask) {
  if (auto at = overrides.find(value); at != overrides.end())
    if (Value result = at->second.evaluate(point)) {
      Scalar known = scalar(result, elementType(value));
      known.isMoved = at->second.isMoved;
      return known;
    }
  if (auto at = inputs.find(value); at != inputs.end())
    return load(at->second, point, mask);
  Operation *op = value.getDefiningOp();
  switch (familyOf(op)) {
  case OpFamily::Elementwise:
    return elementwise(op, point, mask);
  case OpFamily::Reduction:
    return reduction(op, point, mask);
  case OpFamily::Shape:
    return shape(op, point, mask);
  case OpFamily::Indexing:
    return indexed(op, point, mask);
  case OpFamily::Creation:
    return creation(op, point, mask);
  case OpFamily::Contraction:
  case OpFamily::Convolution:
  case OpFamily::Composite:
  case OpFamily::Extern:
  case OpFamily::Control:
  case OpFamily::Scan:
  case OpFamily::Segments:
    break;
  }
  throw std::runtime_error("[codegen] '" + op->getName().getStringRef().str() +
                           "' is no part of a kernel; see --weft-decompose and --weft-fusion");
}

Value Evaluator::place(const Storage &storage, const Point &point) {
  Point cuts = cut(k, point, storage.shape, stridedBoundaries(storage.shape, storage.strides));
  // Outer terms first, so that their sum stands in the outer loop.
  std::multimap<int, Value> terms;
  for (const Segment &segment : cuts) {
    Value term = k.mul(segment.index, mergedStride(storage.shape, storage.strides, segment.first, segment.end()));
    terms.insert({KernelBuilder::depth(term), term});
  }
  Value index = k.offset(storage.offset);
  for (auto &[depth, term] : terms)
    index = k.add(index, term);
  return index;
}

Scalar Evaluator::load(const Storage &storage, const Point &point, Value mask) {
  Value index = place(storage, point);
  Type memory = storageType(storage.type);
  Value buffer = k.buffer(storage.planBuffer, memory);
  reads.push_back({storage.planBuffer, index});
  Value otherwise = mask ? constantZero(memory) : Value();
  OpBuilder::InsertionGuard guard(k.builder);
  k.hoist({index, mask});
  Value value = kernel::LoadOp::create(k.builder, k.location, memory, buffer, index, mask, otherwise);
  if (memory != computeType(storage.type))
    value = arith::ExtFOp::create(k.builder, k.location, computeType(storage.type), value);
  Scalar result = scalar(value, storage.type);
  result.isMoved = true;
  return result;
}

Scalar Evaluator::elementwise(Operation *op, const Point &point, Value mask) {
  SmallVector<Scalar> operands;
  SmallVector<Value> values;
  for (Value operand : op->getOperands()) {
    operands.push_back(evaluate(operand, point, mask));
    values.push_back(operands.back().value);
  }
  Type element = elementType(op->getResult(0));
  OpBuilder::InsertionGuard guard(k.builder);
  k.hoist(values);
  // Named: what only chooses or keeps a value must not touch the bits of a NaN.
  if (kindOf(op) == OpKind::Where)
    return choose(operands[0], operands[1], operands[2]);
  if (kindOf(op) == OpKind::Cast && elementType(op->getOperand(0)) == element)
    return operands[0];
  Scalar result = buildScalar(k.builder, k.location, kindOf(op), operands, attrsOf(op), computeType(element));
  return rounded(scalar(result.value, element), element);
}

std::string reductionKind(Operation *op, Type element) {
  StringRef kind = infoOf(op).reduction;
  if (element.isInteger(1) && (kind == "max" || kind == "min"))
    kind = kind == "max" ? "any" : "all";
  return kind.str();
}

Type reducedType(Operation *op) {
  Type from = elementType(op->getOperand(0)), to = elementType(op->getResult(0));
  std::string kind = reductionKind(op, from);
  if (kind == "any" || kind == "all")
    return IntegerType::get(op->getContext(), 1);
  if (kind == "sum" || kind == "prod")
    return computeType(to);
  bool widens = from.isInteger(1) || isUnsignedType(from);
  unsigned bits = from.getIntOrFloatBitWidth();
  return widens ? Type(IntegerType::get(op->getContext(), bits < 32 ? 32 : 64)) : computeType(from);
}

// Of 64 bits there is no wider type: with the highest one flipped, signed numbers are in the order of unsigned ones.
static bool isReordered(Operation *op) {
  Type from = elementType(op->getOperand(0));
  std::string kind = reductionKind(op, from);
  return isUnsignedType(from) && from.getIntOrFloatBitWidth() == 64 && kind != "sum" && kind != "prod" &&
         kind != "any" && kind != "all";
}

Value reducedElement(Operation *op, Scalar value) {
  if (isReordered(op))
    return (value ^ value.constantInt(INT64_MIN)).value;
  Type type = reducedType(op);
  return value.type() == type ? value.value : convert(value, type).value;
}

Point reducedPoint(KernelBuilder &k, Operation *op, const Point &resultPoint, Value index) {
  Value operand = op->getOperand(0);
  Sizes shape = sizesOf(operand), resultShape = sizesOf(op->getResult(0));
  std::vector<int64_t> dims = intsAttr(op, "dims");
  bool keep = boolAttr(op, "keepdim");
  auto isReduced = [&](int dim) { return llvm::is_contained(dims, dim); };

  Point kept = cut(k, resultPoint, resultShape, ownBoundaries(op));

  Point point;
  Sizes reducedShape;
  for (int64_t dim : dims)
    reducedShape.push_back(shape[dim]);
  Point reduced{{0, int(dims.size()), index}};
  Boundaries runs = 0;
  for (size_t i = 1; i < dims.size(); ++i)
    if (dims[i] != dims[i - 1] + 1)
      runs |= boundary(int(i));
  reduced = cut(k, reduced, reducedShape, runs);

  size_t nextKept = 0, nextReduced = 0;
  for (int dim = 0; dim < int(shape.size());) {
    if (isReduced(dim)) {
      Segment segment = reduced[nextReduced++];
      point.push_back({dim, segment.count, segment.index});
      if (keep)
        for (int end = dim + segment.count, at = dim; at < end && nextKept < kept.size();)
          at += kept[nextKept++].count;
    } else {
      Segment segment = kept[nextKept++];
      point.push_back({dim, segment.count, segment.index});
    }
    dim = point.back().end();
  }
  return point;
}

Scalar Evaluator::reduction(Operation *op, const Point &point, Value mask) {
  Value operand = op->getOperand(0);
  Size count;
  for (int64_t dim : intsAttr(op, "dims"))
    count = count * sizesOf(operand)[dim];
  std::string kind = reductionKind(op, elementType(operand));
  bool isArg = kind == "argmax" || kind == "argmin";
  Value upper = k.size(count);

  Type type = reducedType(op);

  OpBuilder::InsertionGuard guard(k.builder);
  SmallVector<Value> outer{mask};
  for (const Segment &segment : point)
    outer.push_back(segment.index);
  k.hoist(outer);
  Value total = k.reduce(kind, upper, isArg ? Type(k.builder.getI64Type()) : type, [&](Value index) {
    return reducedElement(op, evaluate(operand, reducedPoint(k, op, point, index), mask));
  });
  return reduced(op, total);
}

Scalar Evaluator::reduced(Operation *op, Value value) {
  Type from = elementType(op->getOperand(0)), to = elementType(op->getResult(0));
  OpBuilder::InsertionGuard guard(k.builder);
  k.hoist({value});
  Scalar result{&k.builder, k.location, value, isUnsignedType(from) && value.getType() == computeType(from)};
  if (isReordered(op) && from == to) // no position
    result = result ^ result.constantInt(INT64_MIN);
  if (result.type() != computeType(to))
    result = convert(result, computeType(to), isUnsignedType(to));
  return rounded(scalar(result.value, to), to);
}

} // namespace weft
