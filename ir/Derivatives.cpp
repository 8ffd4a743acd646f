// Around every rule whose record says `upcast`, 16-bit floats are cast to float32 and what it gives is cast back.
#include "ir/Derivatives.h"

#include "ir/Complex.h"
#include "ir/Composites.h"
#include "ir/OpAccess.h"

#include <cmath>

namespace weft {
namespace build {
namespace {

constexpr double kSqrt2OverPi = 0.79788456080286535588;
constexpr double kInverseSqrt2Pi = 0.39894228040143267794;

struct Rules {
  Val (*vjp[5])(llvm::ArrayRef<Val> operands, llvm::ArrayRef<Val> results, llvm::ArrayRef<Val> cts, const Attrs &attrs,
                int i);
  Results (*jvp)(llvm::ArrayRef<Val> operands, llvm::ArrayRef<Val> results, llvm::ArrayRef<Val> tangents,
                 const Attrs &attrs);
  bool hasVjp, upcast;
};
struct Expansion {
  Results (*expand)(llvm::ArrayRef<Val> operands, const Attrs &attrs);
  bool upcast;
};

#include "ir/Derivatives.inc"
#include "ir/Expansions.inc"

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

Val vjp(OpKind op, llvm::ArrayRef<Val> operands, llvm::ArrayRef<Val> results, llvm::ArrayRef<Val> cotangents,
        const Attrs &attrs, int i) {
  const Rules &record = rules[int(op)];
  auto rule = record.vjp[info(op).operandCount < 0 ? 0 : i];
  if (!rule)
    return Val();
  if (!record.upcast)
    return rule(operands, results, cotangents, attrs, i);
  Val gradient = rule(widened(operands), widened(results), widened(cotangents), attrs, i);
  return gradient ? cast(gradient, operands[i].dtype()) : Val();
}

Results jvp(OpKind op, llvm::ArrayRef<Val> operands, llvm::ArrayRef<Val> results, llvm::ArrayRef<Val> tangents,
            const Attrs &attrs) {
  const Rules &record = rules[int(op)];
  auto wide = [&](llvm::ArrayRef<Val> values) {
    return record.upcast ? widened(values) : llvm::SmallVector<Val, 4>(values);
  };
  llvm::SmallVector<Val, 4> x = wide(operands), y = wide(results), t = wide(tangents);
  Results made;
  if (record.jvp) {
    for (size_t i = 0; i < t.size(); ++i)
      if (!t[i] && isFloat(x[i].dtype()))
        t[i] = zerosLike(x[i]);
    made = record.jvp(x, y, t, attrs);
  } else {
    // The Jacobian of an elementwise op is diagonal: what pulls a cotangent back pushes a tangent forward.
    Val tangent;
    for (size_t i = 0; i < t.size(); ++i)
      if (t[i] && record.vjp[i])
        if (Val part = record.vjp[i](x, y, t[i], attrs, int(i)))
          tangent = tangent ? tangent + part : part;
    made = {tangent};
  }
  for (size_t i = 0; i < made.size(); ++i)
    if (made[i])
      made[i] = cast(made[i], results[i].dtype());
  return made;
}

Results expansion(OpKind op, llvm::ArrayRef<Val> operands, const Attrs &attrs) {
  const Expansion &record = expansions[int(op)];
  assert(record.expand && "a composite");
  if (!record.upcast)
    return record.expand(operands, attrs);
  llvm::SmallVector<TensorType, 4> types;
  for (const Val &operand : operands)
    types.push_back(operand.type());
  Results results = record.expand(widened(operands), attrs);
  for (size_t i = 0; i < results.size(); ++i)
    results[i] = cast(results[i], inferType(op, types.data(), int(types.size()), attrs, int(i)).dtype);
  return results;
}

bool hasDerivative(mlir::Operation *op) { return hasVjp(kindOf(op)); }

static llvm::SmallVector<Val, 4> valuesOf(mlir::OpBuilder &builder, mlir::Operation *op, mlir::ValueRange values) {
  llvm::SmallVector<Val, 4> all;
  for (mlir::Value value : values)
    all.push_back(value ? Val(builder, op->getLoc(), value) : Val());
  return all;
}

mlir::Value derivative(mlir::OpBuilder &builder, mlir::Operation *op, int operand, mlir::ValueRange cotangents) {
  auto values = [&](mlir::ValueRange range) { return valuesOf(builder, op, range); };
  return vjp(kindOf(op), values(op->getOperands()), values(op->getResults()), values(cotangents), attrsOf(op), operand)
      .value;
}

llvm::SmallVector<mlir::Value, 2> expansion(mlir::OpBuilder &builder, mlir::Operation *op) {
  llvm::SmallVector<mlir::Value, 2> results;
  for (const Val &result : expansion(kindOf(op), valuesOf(builder, op, op->getOperands()), attrsOf(op)))
    results.push_back(result.value);
  return results;
}

} // namespace weft
