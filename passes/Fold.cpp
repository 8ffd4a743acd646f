// The rewrites of simplify, an op at a time. Each gives the same bits for every input: x * 1, x / 1, x - 0 and x + -0
// are x where x was computed, so that its NaNs have the bits that the op would give them, but x + 0 is not (it turns -0
// into 0), nor is x * 0 zero.
#include "ir/OpAccess.h"
#include "passes/Simplify.h"

#include "llvm/ADT/APFloat.h"

#include <cmath>
#include <optional>

using namespace mlir;

namespace weft {
namespace {

bool isArgReduction(Operation *op) { return llvm::StringRef(infoOf(op).reduction).starts_with("arg"); }

double roundTo(DType type, double value) {
  if (type == DType::Float32)
    return float(value);
  if (type != DType::Float16 && type != DType::BFloat16)
    return value;
  llvm::APFloat number(value);
  bool loses;
  number.convert(type == DType::Float16 ? llvm::APFloat::IEEEhalf() : llvm::APFloat::BFloat(),
                 llvm::APFloat::rmNearestTiesToEven, &loses);
  return number.convertToDouble();
}

// A tensor of one known number.
struct Constant {
  double real;     // float dtypes
  int64_t integer; // the others
};

std::optional<Constant> constantOf(Value value) {
  Operation *op = value.getDefiningOp();
  while (op && hasRecord(op) && infoOf(op).traits.view)
    op = op->getOperand(0).getDefiningOp();
  if (!op || kindOf(op) != OpKind::Full)
    return {};
  return Constant{roundTo(dtypeOf(value), floatOf(op, "value")), intOf(op, "integer")};
}

// Not where the number is kNoIdentity.
bool isConstant(Value value, double number) {
  std::optional<Constant> constant = constantOf(value);
  if (!constant)
    return false;
  if (!isFloat(dtypeOf(value)))
    return double(constant->integer) == number;
  return constant->real == number && std::signbit(constant->real) == std::signbit(number);
}

// Whether no NaN of the value has other bits than those of computed ones. Inputs may, C functions' results, and what
// only moves them.
bool isComputed(Value value) {
  if (!isFloat(dtypeOf(value)))
    return true;
  Operation *op = value.getDefiningOp();
  if (!op || !hasRecord(op) || familyOf(op) == OpFamily::Extern)
    return false;
  return !infoOf(op).traits.selects || llvm::all_of(op->getOperands(), isComputed);
}

class Folder {
public:
  explicit Folder(Operation *op) : op(op), builder(op) {}

  Value fold() {
    Value x = op->getNumOperands() ? op->getOperand(0) : Value();
    Value y = op->getNumOperands() > 1 ? op->getOperand(1) : Value();
    if (familyOf(op) == OpFamily::Reduction)
      return foldReduction(x);
    if (familyOf(op) == OpFamily::Shape && x.getType() == op->getResult(0).getType() && movesNothing())
      return x;
    const OpTraits &asked = infoOf(op).traits;
    if (asked.rightIdentity != kNoIdentity && isConstant(y, asked.rightIdentity) && isComputed(x))
      return x;
    if (asked.leftIdentity != kNoIdentity && isConstant(x, asked.leftIdentity) && isComputed(y))
      return y;
    if (asked.idempotent && x == y && isComputed(x))
      return x;
    if (asked.involution)
      if (Operation *inner = definedBy(x, kindOf(op)); inner && inner->getAttrs() == op->getAttrs())
        if (familyOf(op) == OpFamily::Shape || isComputed(inner->getOperand(0)))
          return inner->getOperand(0);
    switch (kindOf(op)) { // named: the rest of what is done is each op's own
    case OpKind::Reshape:
    case OpKind::Expand:
      if (std::optional<Constant> c = constantOf(x))
        return full(*c);
      // Of two in a row the second alone says where the elements go.
      if (Operation *inner = definedBy(x, kindOf(op)))
        return create(kindOf(op), {inner->getOperand(0)}, {Attr::list(shape())});
      return {};
    case OpKind::Permute:
      return foldPermute(x);
    case OpKind::Cast:
      return foldCast(x);
    case OpKind::Where:
      if (y == op->getOperand(2))
        return y;
      if (std::optional<Constant> condition = constantOf(x))
        return condition->integer ? y : op->getOperand(2);
      return {};
    default:
      return op->getNumOperands() ? foldNumbers(x, y) : Value();
    }
  }

private:
  Operation *op;
  OpBuilder builder;

  DType dtype() const { return dtypeOf(op->getResult(0)); }
  Dims shape() const { return shapeOf(op->getResult(0)); }

  static Operation *definedBy(Value value, OpKind kind) {
    Operation *definition = value.getDefiningOp();
    return definition && kindOf(definition) == kind ? definition : nullptr;
  }

  Value create(OpKind kind, ArrayRef<Value> operands, const Attrs &attrs) {
    return createOp(builder, op->getLoc(), kind, operands, attrs);
  }
  Value full(Constant c) {
    bool real = isFloat(dtype());
    return create(OpKind::Full, {},
                  {Attr::list(shape()), Attr::real(real ? c.real : 0.0), Attr::integer(real ? 0 : c.integer),
                   Attr::dtype(dtype())});
  }

  // A shape op that keeps the type, and the elements where they are.
  bool movesNothing() const {
    switch (kindOf(op)) {
    case OpKind::Permute: {
      Dims dims = intsOf(op, "dims");
      for (int i = 0; i < dims.size(); ++i)
        if (dims[i] != i)
          return false;
      return true;
    }
    case OpKind::Flip:
      for (int64_t dim : intsOf(op, "dims"))
        if (shape()[int(dim)] != 1)
          return false;
      return true;
    default: // the same sizes leave no room for a slice, padding or another input
      return true;
    }
  }

  Value foldReduction(Value x) {
    Dims sizes = shapeOf(x);
    for (int64_t dim : intsOf(op, "dims"))
      if (sizes[int(dim)] != 1)
        return {};
    // The reduction of one element is that element; of several dtypes or positions there is more to say.
    if (isArgReduction(op) || dtypeOf(x) != dtype())
      return {};
    Value element = shape() == sizes ? x : create(OpKind::Reshape, {x}, {Attr::list(shape())});
    return isComputed(x) ? element : create(OpKind::Mul, {element, full({1.0, 0})}, {});
  }

  Value foldPermute(Value x) {
    Dims dims = intsOf(op, "dims");
    if (std::optional<Constant> c = constantOf(x))
      return full(*c);
    if (Operation *inner = definedBy(x, OpKind::Permute)) {
      Dims first = intsOf(inner, "dims"), both;
      for (int64_t dim : dims)
        both.push_back(first[int(dim)]);
      return create(OpKind::Permute, {inner->getOperand(0)}, {Attr::list(both)});
    }
    // The transpose of a product is the product the other way round, to the bit: a * b is b * a.
    Operation *dot = x.getDefiningOp();
    if (!dot || familyOf(dot) != OpFamily::Contraction || !x.hasOneUse())
      return {};
    Dims lhsBatch = intsOf(dot, "lhs_batch"), rhsBatch = intsOf(dot, "rhs_batch");
    Dims lhsContract = intsOf(dot, "lhs_contract"), rhsContract = intsOf(dot, "rhs_contract");
    int batch = lhsBatch.size(), rows = shapeOf(dot->getOperand(0)).size() - batch - lhsContract.size();
    int columns = dims.size() - batch - rows;
    for (int i = 0; i < dims.size(); ++i)
      if (dims[i] != (i < batch ? i : i < batch + columns ? i + rows : i - columns))
        return {};
    return create(kindOf(dot), {dot->getOperand(1), dot->getOperand(0)},
                  {Attr::list(rhsBatch), Attr::list(lhsBatch), Attr::list(rhsContract), Attr::list(lhsContract)});
  }

  // Every value of `from` is a value of `to`.
  static bool holds(DType to, DType from) {
    if (from == to || from == DType::Bool)
      return true;
    if (to == DType::Bool)
      return false;
    if (isFloat(from))
      return isFloat(to) && itemSize(to) > itemSize(from);
    int bits = 8 * itemSize(from) - (isSignedInt(from) ? 1 : 0);
    if (isFloat(to))
      return bits <= (to == DType::Float64 ? 53 : to == DType::Float32 ? 24 : to == DType::Float16 ? 11 : 8);
    return itemSize(to) > itemSize(from) && (isSignedInt(to) || !isSignedInt(from));
  }

  Value foldCast(Value x) {
    DType from = dtypeOf(x);
    if (from == dtype())
      return x;
    if (Operation *inner = definedBy(x, OpKind::Cast)) {
      Value source = inner->getOperand(0);
      if (dtypeOf(source) == dtype() && holds(from, dtype()) && isComputed(source))
        return source;
    }
    std::optional<Constant> c = constantOf(x);
    if (!c)
      return {};
    if (isFloat(from) && isFloat(dtype()))
      return full({roundTo(dtype(), c->real), 0});
    // Small whole numbers are exact in every dtype.
    double number = isFloat(from) ? c->real : double(c->integer);
    if (number != std::trunc(number) || number < 0 || number > 127 || dtype() == DType::Bool ||
        (number == 0 && std::signbit(number)))
      return {};
    return full({number, int64_t(number)});
  }

  // Arithmetic of known numbers, where float64 and a rounding give what the op gives: + - * / of narrower floats do.
  Value foldNumbers(Value x, Value y) {
    if (familyOf(op) != OpFamily::Elementwise || !isFloat(dtype()) || op->getNumOperands() > 2)
      return {};
    std::optional<Constant> a = constantOf(x), b = y ? constantOf(y) : a;
    if (!a || !b)
      return {};
    double result;
    switch (kindOf(op)) {
    case OpKind::Neg:
      result = -a->real;
      break;
    case OpKind::Add:
      result = a->real + b->real;
      break;
    case OpKind::Sub:
      result = a->real - b->real;
      break;
    case OpKind::Mul:
      result = a->real * b->real;
      break;
    case OpKind::Div:
      result = a->real / b->real;
      break;
    default:
      return {};
    }
    if (dtype() != DType::Float64)
      result = roundTo(DType::Float32, result); // 16-bit floats compute in float32
    return full({roundTo(dtype(), result), 0});
  }
};

} // namespace

Value fold(Operation *op) { return hasRecord(op) ? Folder(op).fold() : Value(); }

} // namespace weft
