#include "codegen/cuda/ScalarPrinter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cinttypes>
#include <stdexcept>

using namespace mlir;

namespace weft::cuda {

namespace {

std::string unsignedType(Type type) {
  std::string name = cType(type);
  if (name == "bool")
    return name;
  return name == "signed char" ? "unsigned char" : "unsigned " + name;
}

std::string floatLiteral(const llvm::APFloat &value) {
  uint64_t bits = value.bitcastToAPInt().getZExtValue();
  char text[64];
  if (&value.getSemantics() == &llvm::APFloat::IEEEsingle()) {
    if (value.isFinite())
      std::snprintf(text, sizeof text, "%af", double(value.convertToFloat()));
    else
      std::snprintf(text, sizeof text, "weftBits<float>(0x%08" PRIx64 "u)", bits);
  } else if (&value.getSemantics() == &llvm::APFloat::IEEEdouble()) {
    if (value.isFinite())
      std::snprintf(text, sizeof text, "%a", value.convertToDouble());
    else
      std::snprintf(text, sizeof text, "weftBits<double>(0x%016" PRIx64 "ull)", bits);
  } else {
    std::snprintf(text, sizeof text, "((unsigned short)%" PRIu64 ")", bits);
  }
  return value.isNegative() ? "(" + std::string(text) + ")" : text;
}

std::string literal(Attribute attr) {
  if (auto number = dyn_cast<FloatAttr>(attr))
    return floatLiteral(number.getValue());
  auto number = cast<IntegerAttr>(attr);
  if (number.getType().isInteger(1))
    return number.getValue().isZero() ? "false" : "true";
  int64_t value = number.getInt();
  std::string type = cType(number.getType());
  if (number.getType().isIndex() && IndexRange{value, value}.isNarrow())
    type = "int";
  if (type == "int" && value != INT32_MIN)
    return value < 0 ? "(" + std::to_string(value) + ")" : std::to_string(value);
  if (type == "long long" && value != INT64_MIN)
    return value < 0 ? "(" + std::to_string(value) + "ll)" : std::to_string(value) + "ll";
  return "((" + type + ")" + std::to_string(uint64_t(value)) + "ull)";
}

const char *floatPredicate(arith::CmpFPredicate predicate) {
  switch (predicate) {
  case arith::CmpFPredicate::OEQ:
    return "==";
  case arith::CmpFPredicate::OLT:
    return "<";
  case arith::CmpFPredicate::OLE:
    return "<=";
  case arith::CmpFPredicate::OGT:
    return ">";
  case arith::CmpFPredicate::OGE:
    return ">=";
  case arith::CmpFPredicate::UNE:
    return "!=";
  default:
    return nullptr;
  }
}

struct IntPredicate {
  const char *symbol;
  bool isUnsigned;
};
IntPredicate intPredicate(arith::CmpIPredicate predicate) {
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return {"==", false};
  case arith::CmpIPredicate::ne:
    return {"!=", false};
  case arith::CmpIPredicate::slt:
    return {"<", false};
  case arith::CmpIPredicate::sle:
    return {"<=", false};
  case arith::CmpIPredicate::sgt:
    return {">", false};
  case arith::CmpIPredicate::sge:
    return {">=", false};
  case arith::CmpIPredicate::ult:
    return {"<", true};
  case arith::CmpIPredicate::ule:
    return {"<=", true};
  case arith::CmpIPredicate::ugt:
    return {">", true};
  case arith::CmpIPredicate::uge:
    return {">=", true};
  }
  return {"==", false};
}

bool is16BitFloat(Type type) { return type.isF16() || type.isBF16(); }

// "F16" or "BF16": the conversions of the prelude.
std::string shortName(Type type) { return type.isF16() ? "F16" : "BF16"; }

} // namespace

std::string cType(Type type) {
  if (type.isF32())
    return "float";
  if (type.isF64())
    return "double";
  if (type.isIndex() || type.isInteger(64))
    return "long long";
  if (type.isInteger(32))
    return "int";
  if (type.isInteger(16))
    return "short";
  if (type.isInteger(8))
    return "signed char";
  if (type.isInteger(1))
    return "bool";
  if (is16BitFloat(type))
    return "unsigned short";
  std::string text;
  llvm::raw_string_ostream(text) << type;
  throw std::runtime_error("[cuda] no C++ type for " + text);
}

std::string ScalarPrinter::name(Value value) {
  auto found = names.find(value);
  if (found != names.end())
    return found->second;
  std::string name;
  if (auto constant = value.getDefiningOp<arith::ConstantOp>())
    name = literal(constant.getValue());
  else
    name = "v" + std::to_string(count++);
  names[value] = name;
  return name;
}

std::string ScalarPrinter::statement(Operation &op) {
  if (isa<arith::ConstantOp>(op))
    return "";
  std::string value = expression(op);
  return "const " + variableType(op.getResult(0)) + " " + name(op.getResult(0)) + " = " + value + ";";
}

std::string ScalarPrinter::variableType(Value value) {
  return value.getType().isIndex() && ranges.isNarrow(value) ? "int" : cType(value.getType());
}

bool ScalarPrinter::isNarrow(Operation &op) {
  bool positive = isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::MinSIOp, arith::MaxSIOp, arith::CmpIOp>(op);
  for (Value operand : op.getOperands())
    if (operand.getType().isIndex() && (!ranges.isNarrow(operand) || (!positive && ranges.of(operand)->least < 0)))
      return false;
  return op.getNumResults() && (!op.getResult(0).getType().isIndex() || ranges.isNarrow(op.getResult(0)));
}

std::string ScalarPrinter::expression(Operation &op) {
  // An int among wider indices is widened first; what it is cast from (an index) needs no more.
  const bool narrow = isNarrow(op);
  auto operand = [&](unsigned i) {
    Value value = op.getOperand(i);
    bool widens = value.getType().isIndex() && !narrow && ranges.isNarrow(value);
    return (widens ? "(long long)" : "") + name(value);
  };
  auto infix = [&](const char *symbol) { return operand(0) + " " + symbol + " " + operand(1); };
  Type type = op.getNumResults() ? op.getResult(0).getType() : Type();
  // Integers wrap, which C++ promises for unsigned ones alone.
  auto wrapping = [&](const char *symbol) {
    if (type.isIndex())
      return infix(symbol);
    std::string u = type.isInteger(64) ? "unsigned long long" : "unsigned";
    return "(" + cType(type) + ")((" + u + ")" + operand(0) + " " + symbol + " (" + u + ")" + operand(1) + ")";
  };
  auto onUnsigned = [&](const char *symbol) {
    Type type = op.getOperand(0).getType();
    std::string u = type.isIndex() && narrow ? "(unsigned)" : "(" + unsignedType(type) + ")";
    return u + operand(0) + " " + symbol + " " + u + operand(1);
  };
  auto extremum = [&](const std::string &first) { return first + " ? " + operand(0) + " : " + operand(1); };
  auto call = [&](const char *function) {
    std::string text = std::string(function) + "(";
    for (unsigned i = 0; i < op.getNumOperands(); ++i)
      text += (i ? ", " : "") + operand(i);
    return text + ")";
  };
  auto castTo = [&](const std::string &target) { return "(" + target + ")" + operand(0); };
  auto castUnsigned = [&] {
    return "(" + cType(type) + ")(" + unsignedType(op.getOperand(0).getType()) + ")" + operand(0);
  };

  return llvm::TypeSwitch<Operation *, std::string>(&op)
      .Case<arith::AddFOp>([&](auto) { return infix("+"); })
      .Case<arith::SubFOp>([&](auto) { return infix("-"); })
      .Case<arith::MulFOp>([&](auto) { return infix("*"); })
      .Case<arith::DivFOp>([&](auto) { return infix("/"); })
      .Case<arith::RemFOp>([&](auto) { return call("weftRemainder"); })
      .Case<arith::NegFOp>([&](auto) { return "-" + operand(0); })
      .Case<arith::AddIOp>([&](auto) { return wrapping("+"); })
      .Case<arith::SubIOp>([&](auto) { return wrapping("-"); })
      .Case<arith::MulIOp>([&](auto) { return wrapping("*"); })
      .Case<arith::ShLIOp>([&](auto) { return wrapping("<<"); })
      .Case<arith::DivSIOp>([&](auto) { return infix("/"); })
      .Case<arith::RemSIOp>([&](auto) { return infix("%"); })
      .Case<arith::DivUIOp>([&](auto) { return "(" + variableType(op.getResult(0)) + ")(" + onUnsigned("/") + ")"; })
      .Case<arith::RemUIOp>([&](auto) { return "(" + variableType(op.getResult(0)) + ")(" + onUnsigned("%") + ")"; })
      .Case<arith::ShRUIOp>([&](auto) { return "(" + variableType(op.getResult(0)) + ")(" + onUnsigned(">>") + ")"; })
      .Case<arith::ShRSIOp>([&](auto) { return infix(">>"); })
      .Case<arith::AndIOp>([&](auto) { return infix("&"); })
      .Case<arith::OrIOp>([&](auto) { return infix("|"); })
      .Case<arith::XOrIOp>([&](auto) { return infix("^"); })
      .Case<arith::MaximumFOp>(
          [&](auto) { return "WeftMax<" + cType(type) + ">::combine(" + operand(0) + ", " + operand(1) + ")"; })
      .Case<arith::MinimumFOp>(
          [&](auto) { return "WeftMin<" + cType(type) + ">::combine(" + operand(0) + ", " + operand(1) + ")"; })
      .Case<arith::MinSIOp>([&](auto) { return extremum(infix("<")); })
      .Case<arith::MaxSIOp>([&](auto) { return extremum(infix(">")); })
      .Case<arith::MinUIOp>([&](auto) { return extremum(onUnsigned("<")); })
      .Case<arith::MaxUIOp>([&](auto) { return extremum(onUnsigned(">")); })
      .Case<arith::SelectOp>([&](auto) { return operand(0) + " ? " + operand(1) + " : " + operand(2); })
      .Case<arith::CmpFOp>([&](arith::CmpFOp compare) {
        const char *symbol = floatPredicate(compare.getPredicate());
        if (!symbol)
          throw std::runtime_error("[cuda] a float comparison that kernel bodies do not have");
        return infix(symbol);
      })
      .Case<arith::CmpIOp>([&](arith::CmpIOp compare) {
        IntPredicate predicate = intPredicate(compare.getPredicate());
        return predicate.isUnsigned ? onUnsigned(predicate.symbol) : infix(predicate.symbol);
      })
      .Case<arith::BitcastOp>([&](auto) { return "weftBits<" + cType(type) + ">(" + operand(0) + ")"; })
      .Case<arith::ExtFOp>([&](auto) {
        Type from = op.getOperand(0).getType();
        return is16BitFloat(from) ? "(" + cType(type) + ")weftFrom" + shortName(from) + "(" + operand(0) + ")"
                                  : castTo(cType(type));
      })
      .Case<arith::TruncFOp>([&](auto) {
        return is16BitFloat(type) ? "weftTo" + shortName(type) + "(" + operand(0) + ")" : castTo(cType(type));
      })
      .Case<arith::FPToSIOp, arith::FPToUIOp, arith::SIToFPOp, arith::TruncIOp>([&](auto) {
        // To bool, C++ tests for zero, but the operation keeps the lowest bit.
        return type.isInteger(1) ? "(" + operand(0) + " & 1) != 0" : castTo(cType(type));
      })
      .Case<arith::ExtSIOp>([&](auto) {
        return op.getOperand(0).getType().isInteger(1) ? "(" + cType(type) + ")-(" + cType(type) + ")" + operand(0)
                                                       : castTo(cType(type));
      })
      .Case<arith::IndexCastOp>([&](auto) { return castTo(cType(type)); })
      .Case<arith::UIToFPOp, arith::ExtUIOp, arith::IndexCastUIOp>([&](auto) { return castUnsigned(); })
      .Case<math::FmaOp>([&](auto) { return call("weftFma"); })
      .Case<math::FloorOp>([&](auto) { return call("weftFloor"); })
      .Case<math::CeilOp>([&](auto) { return call("weftCeil"); })
      .Case<math::TruncOp>([&](auto) { return call("weftTrunc"); })
      .Case<math::RoundEvenOp>([&](auto) { return call("weftRoundEven"); })
      .Case<math::SqrtOp>([&](auto) { return call("weftSqrt"); })
      .Case<math::AbsFOp>([&](auto) { return call("weftAbs"); })
      .Case<math::CopySignOp>([&](auto) { return call("weftCopySign"); })
      .Default([&](Operation *op) -> std::string {
        throw std::runtime_error("[cuda] kernel bodies cannot have " + op->getName().getStringRef().str());
      });
}

} // namespace weft::cuda
