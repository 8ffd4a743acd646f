// Around every rule whose record says `upcast`, 16-bit floats are cast to float32 and what it gives is cast back.
#include "ir/Derivatives.h"

#include "ir/Composites.h"
#include "ir/OpAccess.h"

#include <cmath>

namespace weft {
namespace build {
namespace {

constexpr double kSqrt2OverPi = 0.79788456080286535588;
constexpr double kInverseSqrt2Pi = 0.39894228040143267794;

struct Rules {
  Val (*vjp[4])(llvm::ArrayRef<Val> operands, Val result, Val ct, const Attrs &attrs, int i);
  Val (*jvp)(llvm::ArrayRef<Val> operands, Val result, llvm::ArrayRef<Val> tangents, const Attrs &attrs);
  bool hasVjp, upcast;
};
struct Expansion {
  Val (*expand)(llvm::ArrayRef<Val> operands, const Attrs &attrs);
  bool upcast;
};

#include "ir/Derivatives.inc"
#include "ir/Expansions.inc"

Val widened(Val v) {
  bool narrow = v && (v.dtype() == DType::Float16 || v.dtype() == DType::BFloat16);
  return narrow ? cast(v, DType::Float32) : v;
}
llvm::SmallVector<Val, 4> widened(llvm::ArrayRef<Val> values) {
  llvm::SmallVector<Val, 4> out;
  for (const Val &v : values)
    out.push_back(widened(v));
  return out;
}

} // namespace
} // namespace build

using namespace build;

bool hasVjp(OpKind op) { return rules[int(op)].hasVjp; }

bool hasJvp(OpKind op) { return rules[int(op)].jvp || (info(op).family == OpFamily::Elementwise && hasVjp(op)); }

Val vjp(OpKind op, llvm::ArrayRef<Val> operands, Val result, Val cotangent, const Attrs &attrs, int i) {
  const Rules &record = rules[int(op)];
  auto rule = record.vjp[info(op).operandCount < 0 ? 0 : i];
  if (!rule)
    return Val();
  if (!record.upcast)
    return rule(operands, result, cotangent, attrs, i);
  Val gradient = rule(widened(operands), widened(result), widened(cotangent), attrs, i);
  return gradient ? cast(gradient, operands[i].dtype()) : Val();
}

Val jvp(OpKind op, llvm::ArrayRef<Val> operands, Val result, llvm::ArrayRef<Val> tangents, const Attrs &attrs) {
  const Rules &record = rules[int(op)];
  llvm::SmallVector<Val, 4> wide = record.upcast ? widened(operands) : llvm::SmallVector<Val, 4>(operands);
  llvm::SmallVector<Val, 4> t = record.upcast ? widened(tangents) : llvm::SmallVector<Val, 4>(tangents);
  Val y = record.upcast ? widened(result) : result, tangent;
  if (record.jvp) {
    for (size_t i = 0; i < t.size(); ++i)
      if (!t[i] && isFloat(wide[i].dtype()))
        t[i] = zerosLike(wide[i]);
    tangent = record.jvp(wide, y, t, attrs);
  } else {
    // The Jacobian of an elementwise op is diagonal: what pulls a cotangent back pushes a tangent forward.
    for (size_t i = 0; i < t.size(); ++i)
      if (t[i] && record.vjp[i])
        if (Val part = record.vjp[i](wide, y, t[i], attrs, int(i)))
          tangent = tangent ? tangent + part : part;
  }
  return tangent ? cast(tangent, result.dtype()) : Val();
}

Val expansion(OpKind op, llvm::ArrayRef<Val> operands, const Attrs &attrs) {
  const Expansion &record = expansions[int(op)];
  assert(record.expand && "a composite");
  if (!record.upcast)
    return record.expand(operands, attrs);
  llvm::SmallVector<TensorType, 4> types;
  for (const Val &operand : operands)
    types.push_back(operand.type());
  DType dtype = inferType(op, types.data(), int(types.size()), attrs).dtype;
  return cast(record.expand(widened(operands), attrs), dtype);
}

static llvm::SmallVector<Val, 4> operandsOf(mlir::OpBuilder &builder, mlir::Operation *op) {
  llvm::SmallVector<Val, 4> operands;
  for (mlir::Value operand : op->getOperands())
    operands.emplace_back(builder, op->getLoc(), operand);
  return operands;
}

bool hasDerivative(mlir::Operation *op) { return hasVjp(kindOf(op)); }

mlir::Value derivative(mlir::OpBuilder &builder, mlir::Operation *op, int operand, mlir::Value cotangent) {
  Val result(builder, op->getLoc(), op->getResult(0)), ct(builder, op->getLoc(), cotangent);
  return vjp(kindOf(op), operandsOf(builder, op), result, ct, attrsOf(op), operand).value;
}

mlir::Value expansion(mlir::OpBuilder &builder, mlir::Operation *op) {
  return expansion(kindOf(op), operandsOf(builder, op), attrsOf(op)).value;
}

} // namespace weft
