// The value of a tensor at a point, as scalar operations. Values of a fused group are evaluated on demand: elementwise
// ops by their scalar body, shape ops by changing the point, reductions by a kernel.reduce in the outermost loop that
// knows the point, the group's inputs by loads. Nothing is evaluated twice at one point.
//
// 16-bit floats are float32 here, rounded to their precision at each op's result; unsigned integers are signless with
// Scalar::isUnsigned.
#pragma once
#include "codegen/elementary/Scalar.h"
#include "codegen/evaluate/Point.h"
#include "ir/OpAccess.h"

namespace weft {

// Elements that a kernel reads: a buffer of the plan, or scratch memory.
struct Storage {
  int planBuffer = -1;
  mlir::Type type; // the tensor's element type
  Sizes shape, strides;
  Size offset{0};

  bool isRowMajor() const;
  // Images whose pixels are vectors of channels.
  bool isChannelsLast() const;
};

// How a dtype is kept in memory (unsigned integers as signless ones), and in what type its values are computed (16-bit
// floats in float32).
mlir::Type storageType(mlir::Type element);
mlir::Type computeType(mlir::Type element);
bool isUnsignedType(mlir::Type element);
mlir::Type elementType(mlir::Value tensor);
Sizes sizesOf(mlir::Value tensor);

// Attributes of an op by name.
int64_t intAttr(mlir::Operation *op, llvm::StringRef name);
bool boolAttr(mlir::Operation *op, llvm::StringRef name);
std::vector<int64_t> intsAttr(mlir::Operation *op, llvm::StringRef name);

class Evaluator {
public:
  explicit Evaluator(KernelBuilder &k) : k(k) {}

  void bind(mlir::Value value, const Storage &storage) { inputs[value] = storage; }
  // Overrides how a value is evaluated; returns null where it does not apply.
  using Override = std::function<mlir::Value(const Point &)>;
  void override(mlir::Value value, Override evaluate, bool isMoved = false) {
    overrides[value] = {std::move(evaluate), isMoved};
  }

  // Evaluates at a point; with a mask (i1, null: true) the result matters, and memory is read, only where it is true.
  Scalar evaluate(mlir::Value value, const Point &point, mlir::Value mask = {});
  Scalar load(const Storage &storage, const Point &point, mlir::Value mask = {});
  // Where in its buffer the element of a tensor lies.
  mlir::Value place(const Storage &storage, const Point &point);
  Scalar scalar(mlir::Value value, mlir::Type element);
  // The value as memory holds it, and a store of it at the point of a row-major buffer.
  // A NaN that was computed becomes the one that all targets and orders of evaluation agree on.
  mlir::Value toMemory(Scalar value, mlir::Type element);
  // One of two values, of which moved ones keep their bits.
  Scalar choose(Scalar condition, Scalar a, Scalar b);
  // The result of a reduction op from what was accumulated in reducedType().
  Scalar reduced(mlir::Operation *op, mlir::Value value);
  // Rounds a value in compute type to the precision of `element`.
  Scalar rounded(Scalar value, mlir::Type element);

  mlir::Value constantZero(mlir::Type type);

  // Every load of an input: the buffer and the index it was read at. For in-place reuse.
  std::vector<std::pair<int, mlir::Value>> reads;

private:
  Scalar compute(mlir::Value value, const Point &point, mlir::Value mask);
  Scalar elementwise(mlir::Operation *op, const Point &point, mlir::Value mask);
  Scalar shape(mlir::Operation *op, const Point &point, mlir::Value mask);
  Scalar concatenate(mlir::Operation *op, const Point &point, mlir::Value mask);
  Scalar indexed(mlir::Operation *op, const Point &point, mlir::Value mask);
  Scalar creation(mlir::Operation *op, const Point &point, mlir::Value mask);
  Scalar reduction(mlir::Operation *op, const Point &point, mlir::Value mask);

  KernelBuilder &k;
  llvm::DenseMap<mlir::Value, Storage> inputs;
  struct Overridden {
    Override evaluate;
    bool isMoved = false; // what it gives (Scalar.h)
  };
  llvm::DenseMap<mlir::Value, Overridden> overrides;
  std::map<std::vector<const void *>, llvm::SmallVector<Scalar, 1>> known;
};

// The boundaries of the value's dimensions that evaluating it wants cut (see Point.h): the fewer, the flatter the loop.
Boundaries wantedBoundaries(mlir::Value value, const llvm::DenseMap<mlir::Value, Storage> &inputs);
// The boundaries that the op itself cuts in its result to find its operands' points.
Boundaries ownBoundaries(mlir::Operation *op);
// Which dimensions of an expand's result do not exist in its operand; a size-1 dimension goes with the one before it.
llvm::SmallVector<bool> expandedDims(const Sizes &from, const Sizes &to);
// Where a value's elements lie, if it is a chain of views whose elements are at an offset plus strides into an input.
std::optional<Storage> stridedView(mlir::Value value, const llvm::DenseMap<mlir::Value, Storage> &inputs);
// The segments of a reduction's operand: the point of its result, with `index` running over the reduced elements.
Point reducedPoint(KernelBuilder &k, mlir::Operation *op, const Point &resultPoint, mlir::Value index);
// "sum", "max", ...: the kind of kernel.reduce that stands for the op on elements of this type.
std::string reductionKind(mlir::Operation *op, mlir::Type element);
// What is reduced: sums and products in the result's type, bool by logic, unsigned numbers as wider signed ones.
mlir::Type reducedType(mlir::Operation *op);
// An element of the operand as it is accumulated.
mlir::Value reducedElement(mlir::Operation *op, Scalar value);

} // namespace weft
