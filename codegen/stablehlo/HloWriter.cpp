#include "codegen/stablehlo/HloWriter.h"

#include "codegen/evaluate/Evaluator.h"
#include "codegen/evaluate/ScalarBodies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <cstring>

using namespace mlir;

namespace weft::stablehlo {

std::string listOf(ArrayRef<int64_t> values) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i)
    text += (i ? ", " : "") + std::to_string(values[i]);
  return text + "]";
}

// ---------------------------------------------------------------- Text

void HloWriter::line(const std::string &words) { text += std::string(size_t(depth) * 2, ' ') + words + "\n"; }
void HloWriter::open(const std::string &words) {
  line(words);
  ++depth;
}
void HloWriter::close(const std::string &words) {
  --depth;
  line(words);
}

void HloWriter::between(const std::string &words) {
  close(words);
  ++depth;
}

std::string HloWriter::typeOf(Type element, ArrayRef<int64_t> shape) {
  std::string words = "tensor<";
  llvm::raw_string_ostream out(words);
  for (int64_t size : shape)
    out << size << 'x';
  out << element << '>';
  return words;
}

Hlo HloWriter::define(const std::string &words, Type element, const Sizes &shape) {
  Hlo result{fresh(), element, shape};
  line(result.name + " = " + words);
  return result;
}

Hlo HloWriter::typed(const std::string &op, const std::vector<Hlo> &operands, const std::string &attributes,
                     Type element, const Sizes &shape) {
  std::string names, types;
  for (const Hlo &operand : operands) {
    names += (names.empty() ? "" : ", ") + operand.name;
    types += (types.empty() ? "" : ", ") + typeOf(operand);
  }
  return define("stablehlo." + op + " " + names + (attributes.empty() ? "" : ", " + attributes) + " : (" + types +
                    ") -> " + typeOf(element, shape),
                element, shape);
}

// ---------------------------------------------------------------- Constants

static std::string textOf(Attribute attr) {
  std::string words;
  llvm::raw_string_ostream out(words);
  attr.print(out, /*elideType=*/true);
  return words;
}

static RankedTensorType tensorOf(Type element, ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, element);
}

static Hlo splat(HloWriter &writer, Attribute value, Type element, const Sizes &shape) {
  auto type = tensorOf(element, shape);
  return writer.define("stablehlo.constant " + textOf(DenseElementsAttr::get(type, value)) + " : " +
                           HloWriter::typeOf(element, shape),
                       element, shape);
}

Hlo HloWriter::number(double value, Type element, const Sizes &shape) {
  if (!isa<FloatType>(element))
    return whole(int64_t(value), element, shape);
  return splat(*this, FloatAttr::get(element, value), element, shape);
}

Hlo HloWriter::whole(int64_t value, Type element, const Sizes &shape) {
  if (isa<FloatType>(element))
    return number(double(value), element, shape);
  unsigned width = element.getIntOrFloatBitWidth();
  APInt bits = width == 1 ? APInt(1, value != 0) : APInt(64, uint64_t(value)).trunc(width);
  return splat(*this, IntegerAttr::get(element, bits), element, shape);
}

Hlo HloWriter::smallest(Type element, const Sizes &shape) {
  if (isa<FloatType>(element))
    return number(-INFINITY, element, shape);
  if (element.isUnsignedInteger() || element.isInteger(1))
    return whole(0, element, shape);
  return whole(int64_t(uint64_t(-1) << (element.getIntOrFloatBitWidth() - 1)), element, shape);
}

Hlo HloWriter::greatest(Type element, const Sizes &shape) {
  if (isa<FloatType>(element))
    return number(INFINITY, element, shape);
  if (element.isUnsignedInteger() || element.isInteger(1))
    return whole(-1, element, shape);
  return whole(int64_t(~(uint64_t(-1) << (element.getIntOrFloatBitWidth() - 1))), element, shape);
}

Hlo HloWriter::data(const void *bytes, Type element, const Sizes &shape) {
  constexpr int64_t kMostInDecimals = 16;
  auto type = tensorOf(element, shape);
  int64_t count = type.getNumElements();
  bool isBool = element.isInteger(1);
  size_t size = size_t(count) * (isBool ? 1 : element.getIntOrFloatBitWidth() / 8);
  std::string words;
  if (count <= kMostInDecimals) {
    DenseElementsAttr values;
    if (isBool) {
      const auto *flags = static_cast<const uint8_t *>(bytes);
      SmallVector<bool> bools(flags, flags + count);
      values = DenseElementsAttr::get(type, ArrayRef<bool>(bools));
    } else {
      values = DenseElementsAttr::getFromRawBuffer(type, ArrayRef<char>(static_cast<const char *>(bytes), size));
    }
    words = textOf(values);
  } else {
    words = "dense<\"0x" + llvm::toHex(StringRef(static_cast<const char *>(bytes), size)) + "\">";
  }
  return define("stablehlo.constant " + words + " : " + typeOf(element, shape), element, shape);
}

// ---------------------------------------------------------------- Elementwise

Hlo HloWriter::like(const Hlo &x, Type element) {
  bool differ = x.element != element && isa<IntegerType>(element) && isa<IntegerType>(x.element) &&
                element.getIntOrFloatBitWidth() == x.element.getIntOrFloatBitWidth();
  return differ ? bits(x, element) : x;
}

Hlo HloWriter::asInteger(const Hlo &x, bool isUnsigned) {
  unsigned width = x.element.getIntOrFloatBitWidth();
  if (width == 1)
    return x;
  return like(x, isUnsigned ? IntegerType::get(context, width, IntegerType::Unsigned) : integer(width));
}

Hlo HloWriter::unary(const char *op, const Hlo &x) {
  return define(std::string("stablehlo.") + op + " " + x.name + " : " + typeOf(x), x.element, x.shape);
}

Hlo HloWriter::binary(const char *op, const Hlo &a, const Hlo &b) {
  Hlo right = like(b, a.element);
  return define(std::string("stablehlo.") + op + " " + a.name + ", " + right.name + " : " + typeOf(a), a.element,
                a.shape);
}

Hlo HloWriter::compare(const char *direction, const Hlo &a, const Hlo &b) {
  Hlo right = like(b, a.element);
  const char *kind = isa<FloatType>(a.element)                                 ? "FLOAT"
                     : a.element.isUnsignedInteger() || a.element.isInteger(1) ? "UNSIGNED"
                                                                               : "SIGNED";
  return define(std::string("stablehlo.compare ") + direction + ", " + a.name + ", " + right.name + ", " + kind +
                    " : (" + typeOf(a) + ", " + typeOf(right) + ") -> " + typeOf(boolType(), a.shape),
                boolType(), a.shape);
}

Hlo HloWriter::select(const Hlo &condition, const Hlo &a, const Hlo &b) {
  Hlo right = like(b, a.element);
  return define("stablehlo.select " + condition.name + ", " + a.name + ", " + right.name + " : " + typeOf(condition) +
                    ", " + typeOf(a),
                a.element, a.shape);
}

Hlo HloWriter::convert(const Hlo &x, Type element) {
  return x.element == element ? x : typed("convert", {x}, "", element, x.shape);
}

Hlo HloWriter::bits(const Hlo &x, Type element) {
  return x.element == element ? x : typed("bitcast_convert", {x}, "", element, x.shape);
}

// ---------------------------------------------------------------- Bodies of records

static const llvm::StringMap<const char *> &sameOps() {
  static const auto *table = new llvm::StringMap<const char *>{
      {"arith.addf", "add"},
      {"arith.addi", "add"},
      {"arith.subf", "subtract"},
      {"arith.subi", "subtract"},
      {"arith.mulf", "multiply"},
      {"arith.muli", "multiply"},
      {"arith.divf", "divide"},
      {"arith.remf", "remainder"},
      {"arith.negf", "negate"},
      {"arith.andi", "and"},
      {"arith.ori", "or"},
      {"arith.xori", "xor"},
      {"arith.shli", "shift_left"},
      {"arith.shrui", "shift_right_logical"},
      {"arith.shrsi", "shift_right_arithmetic"},
      {"arith.maximumf", "maximum"},
      {"arith.minimumf", "minimum"},
      {"math.absf", "abs"},
      {"math.floor", "floor"},
      {"math.ceil", "ceil"},
      {"math.roundeven", "round_nearest_even"},
      {"math.sqrt", "sqrt"},
      {"math.rsqrt", "rsqrt"},
      {"math.cbrt", "cbrt"},
      {"math.exp", "exponential"},
      {"math.expm1", "exponential_minus_one"},
      {"math.log", "log"},
      {"math.log1p", "log_plus_one"},
      {"math.sin", "sine"},
      {"math.cos", "cosine"},
      {"math.tan", "tan"},
      {"math.tanh", "tanh"},
      {"math.atan2", "atan2"},
      {"math.powf", "power"},
  };
  return *table;
}

namespace {

struct Comparison {
  const char *direction;
  bool isUnsigned;
};
Comparison comparisonOf(arith::CmpIPredicate predicate) {
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return {"EQ", false};
  case arith::CmpIPredicate::ne:
    return {"NE", false};
  case arith::CmpIPredicate::slt:
    return {"LT", false};
  case arith::CmpIPredicate::sle:
    return {"LE", false};
  case arith::CmpIPredicate::sgt:
    return {"GT", false};
  case arith::CmpIPredicate::sge:
    return {"GE", false};
  case arith::CmpIPredicate::ult:
    return {"LT", true};
  case arith::CmpIPredicate::ule:
    return {"LE", true};
  case arith::CmpIPredicate::ugt:
    return {"GT", true};
  case arith::CmpIPredicate::uge:
    return {"GE", true};
  }
  llvm_unreachable("a predicate");
}

// Those that a Scalar makes (codegen/elementary/Scalar.h).
const char *comparisonOf(arith::CmpFPredicate predicate) {
  switch (predicate) {
  case arith::CmpFPredicate::OEQ:
    return "EQ";
  case arith::CmpFPredicate::UNE:
    return "NE";
  case arith::CmpFPredicate::OLT:
    return "LT";
  case arith::CmpFPredicate::OLE:
    return "LE";
  case arith::CmpFPredicate::OGT:
    return "GT";
  case arith::CmpFPredicate::OGE:
    return "GE";
  default:
    return nullptr;
  }
}

} // namespace

Hlo HloWriter::ofOp(Operation &op, const std::vector<Hlo> &operands, const Sizes &shape) {
  Type result = op.getResult(0).getType();
  if (auto same = sameOps().find(op.getName().getStringRef()); same != sameOps().end()) {
    Hlo first = isa<arith::ShRSIOp>(op) ? asInteger(operands[0], false) : operands[0];
    return operands.size() == 1 ? unary(same->second, first) : binary(same->second, first, operands[1]);
  }
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return splat(*this, constant.getValue(), result, shape);
  if (isa<arith::DivSIOp>(op))
    return binary("divide", asInteger(operands[0], false), operands[1]);
  if (isa<arith::DivUIOp>(op))
    return binary("divide", asInteger(operands[0], true), operands[1]);
  if (auto compared = dyn_cast<arith::CmpIOp>(op)) {
    auto [direction, isUnsigned] = comparisonOf(compared.getPredicate());
    bool ordered = direction[0] == 'L' || direction[0] == 'G';
    return compare(direction, ordered ? asInteger(operands[0], isUnsigned) : operands[0], operands[1]);
  }
  if (auto compared = dyn_cast<arith::CmpFOp>(op))
    if (const char *direction = comparisonOf(compared.getPredicate()))
      return compare(direction, operands[0], operands[1]);
  if (isa<arith::SelectOp>(op))
    return select(operands[0], operands[1], operands[2]);
  if (isa<arith::BitcastOp>(op))
    return bits(operands[0], result);
  if (isa<arith::ExtFOp, arith::TruncFOp>(op))
    return convert(operands[0], result);
  if (isa<arith::ExtUIOp, arith::UIToFPOp>(op))
    return convert(asInteger(operands[0], true), result);
  if (isa<arith::ExtSIOp, arith::SIToFPOp>(op))
    return convert(asInteger(operands[0], false), result);
  if (isa<arith::FPToSIOp>(op))
    return convert(operands[0], result);
  if (isa<arith::TruncIOp>(op) && !result.isInteger(1))
    return convert(operands[0], result);
  if (isa<math::FmaOp>(op)) // StableHLO has none
    return binary("add", binary("multiply", operands[0], operands[1]), operands[2]);
  if (isa<math::TruncOp>(op)) {
    Hlo isNegative = compare("LT", operands[0], number(0, result, shape));
    return select(isNegative, unary("ceil", operands[0]), unary("floor", operands[0]));
  }
  if (isa<math::CopySignOp>(op)) {
    Hlo magnitude = unary("abs", operands[0]);
    Type integral = integer(result.getIntOrFloatBitWidth());
    Hlo isNegative = compare("LT", bits(operands[1], integral), whole(0, integral, shape));
    return select(isNegative, unary("negate", magnitude), magnitude);
  }
  fail(UserError::Kind::NotImplemented, "export",
       "StableHLO has no operation for " + op.getName().getStringRef().str());
}

Hlo HloWriter::scalarBody(OpKind op, const std::vector<Hlo> &operands, const Attrs &attrs, Type element,
                          const Sizes &shape) {
  context->loadDialect<arith::ArithDialect, math::MathDialect>();
  Location location = UnknownLoc::get(context);
  OwningOpRef<ModuleOp> around = ModuleOp::create(location); // where ops are made and folded
  Block &body = *around->getBody();
  OpBuilder builder = OpBuilder::atBlockEnd(&body);
  std::vector<Scalar> scalars;
  llvm::DenseMap<Value, Hlo> values;
  for (const Hlo &operand : operands) {
    Hlo computed = convert(operand, isa<FloatType>(operand.element) ? computeType(operand.element) : operand.element);
    Value argument = body.addArgument(computeType(operand.element), location);
    scalars.push_back({&builder, location, argument, isUnsignedType(operand.element), false, true});
    values[argument] = computed;
  }
  Value result = buildScalar(builder, location, op, scalars, attrs, computeType(element)).value;
  llvm::DenseMap<Value, bool> needed{{result, true}};
  for (Operation &each : llvm::reverse(body))
    if (llvm::any_of(each.getResults(), [&](Value v) { return needed.count(v); }))
      for (Value operand : each.getOperands())
        needed[operand] = true;
  for (Operation &each : body) {
    if (!needed.count(each.getResult(0)))
      continue;
    std::vector<Hlo> given;
    for (Value operand : each.getOperands())
      given.push_back(values[operand]);
    values[each.getResult(0)] = ofOp(each, given, shape);
  }
  Hlo found = values[result];
  return isa<FloatType>(element) ? convert(found, element) : like(found, element);
}

// ---------------------------------------------------------------- Moves

Hlo HloWriter::iota(int64_t dim, Type element, const Sizes &shape) {
  return define("stablehlo.iota dim = " + std::to_string(dim) + " : " + typeOf(element, shape), element, shape);
}

Hlo HloWriter::broadcast(const Hlo &x, ArrayRef<int64_t> axes, const Sizes &shape) {
  return x.shape == shape ? x : typed("broadcast_in_dim", {x}, "dims = " + listOf(axes), x.element, shape);
}

Hlo HloWriter::reshape(const Hlo &x, const Sizes &shape) {
  return x.shape == shape ? x : typed("reshape", {x}, "", x.element, shape);
}

Hlo HloWriter::slice(const Hlo &x, ArrayRef<int64_t> starts, ArrayRef<int64_t> sizes, ArrayRef<int64_t> steps) {
  std::string ranges;
  Sizes shape(sizes.begin(), sizes.end());
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t end = starts[i] + (sizes[i] ? (sizes[i] - 1) * steps[i] + 1 : 0);
    ranges += (i ? ", " : "") + std::to_string(starts[i]) + ":" + std::to_string(end) +
              (steps[i] == 1 ? "" : ":" + std::to_string(steps[i]));
  }
  return define("stablehlo.slice " + x.name + " [" + ranges + "] : (" + typeOf(x) + ") -> " + typeOf(x.element, shape),
                x.element, shape);
}

Hlo HloWriter::pad(const Hlo &x, const Hlo &value, ArrayRef<int64_t> low, ArrayRef<int64_t> high,
                   ArrayRef<int64_t> interior) {
  Sizes shape;
  for (size_t i = 0; i < x.shape.size(); ++i)
    shape.push_back(low[i] + x.shape[i] + high[i] + std::max<int64_t>(x.shape[i] - 1, 0) * interior[i]);
  return typed("pad", {x, value},
               "low = " + listOf(low) + ", high = " + listOf(high) + ", interior = " + listOf(interior), x.element,
               shape);
}

Hlo HloWriter::concatenate(const std::vector<Hlo> &parts, int64_t dim) {
  Sizes shape = parts[0].shape;
  for (size_t i = 1; i < parts.size(); ++i)
    shape[size_t(dim)] += parts[i].shape[size_t(dim)];
  return typed("concatenate", parts, "dim = " + std::to_string(dim), parts[0].element, shape);
}

// ---------------------------------------------------------------- Regions

void HloWriter::block(const std::vector<Hlo> &arguments,
                      const std::function<std::vector<Hlo>(const std::vector<Hlo> &)> &body) {
  std::vector<Hlo> named;
  std::string words;
  for (const Hlo &argument : arguments) {
    named.push_back({fresh(), argument.element, argument.shape});
    words += (words.empty() ? "" : ", ") + named.back().name + ": " + typeOf(argument);
  }
  between("^bb0(" + words + "):");
  yield(body(named));
}

void HloWriter::yield(const std::vector<Hlo> &values) {
  std::string names, types;
  for (const Hlo &value : values) {
    names += (names.empty() ? "" : ", ") + value.name;
    types += (types.empty() ? "" : ", ") + typeOf(value);
  }
  line("stablehlo.return " + names + " : " + types);
}

} // namespace weft::stablehlo
