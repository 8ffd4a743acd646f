// The op records as a table, free of MLIR: generated from ir/ops/*.td (see tools/generate_op_table.py).
#pragma once
#include "ir/Graph.h"

#include <stdexcept>

namespace weft {

// A mistake of the user's: wrong shapes, dtypes, axes. The kind picks the Python class, as PyTorch's would be.
struct UserError : std::runtime_error {
  enum class Kind : uint8_t { Runtime, Value, Type, Index, NotImplemented, LinearAlgebra };
  Kind kind;
  UserError(Kind kind, const std::string &message) : std::runtime_error(message), kind(kind) {}
};
// One that is about another op than the one that is running: a trace finds out late.
struct LateError : UserError {
  using UserError::UserError;
};
// Throws UserError "[op] message".
[[noreturn]] void fail(UserError::Kind kind, const char *op, const std::string &message);

enum class OpFamily : uint8_t {
  Elementwise, // operands and result share one shape; the body is scalar
  Reduction,   // attributes dims, keepdim
  Shape,       // moves elements, computes nothing
  Contraction, // dot_general
  Convolution, // products one operand of which is read through windows
  Indexing,    // reads or writes at positions that are data
  Creation,    // no tensor data read: iota, full, random
  Composite,   // an expansion in terms of the others
  Extern,      // a C function of runtime/extern
  Control,     // runs a graph of its own, its attribute `body`
  Scan,        // element i is what elements 0 to i along the axis dim come to
  Segments,    // reduces runs of elements whose ends are data
};

struct AttrInfo {
  const char *name;
  Attr::Kind kind;
};

using InferRule = TensorType (*)(const char *name, const TensorType *operands, int count, const Attrs &attrs);
using AxisRule = int64_t (*)(int rank, const Attrs &attrs);

// What the values of an operand must be.
struct ValueCheck {
  enum class Rule : uint8_t {
    Divisor, // integers: not 0
    Index,   // a position along an axis of `of`
    Target   // the same, or the attribute `ignored`
  };
  Rule rule;
  int operand, of;
  int ignored;   // attribute; -1: none
  AxisRule axis; // by the rank of `of`, which may be 0
};

// What becomes of the first operand before a call. FloatsAlone: nothing, though other ops of floats convert integers.
enum class Conversion : uint8_t { No, IntegersToInt64, ToBool, BoolsToInt64, FloatsAlone };

// What an op is on complex tensors, that is on tensors of pairs, which have one more axis.
struct ComplexRule {
  enum class Kind : uint8_t {
    None,       // it takes none
    Parts,      // elementwise: the same op on the pairs
    Axes,       // the same op on the pairs, whose last axis its attributes leave alone
    SumOfParts, // the same, and the sum of both parts
    Any,        // elementwise: whether it is true of a part,
    All,        // of both
    Bools,      // of whether they differ from 0
    Product,    // of the elements along axes
    Bilinear,   // in its first two operands
    Op          // another op on the pairs
  };
  Kind kind = Kind::None;
  OpKind op{};
};

// Which of its operands are less, equal, greater where a comparison is true.
enum Relation : uint8_t { kLess = 1, kEqual = 2, kGreater = 4 };
inline constexpr double kNoIdentity = __builtin_inf();

// What is asked instead of an op's name; ir/ops/Base.td says what each means.
struct OpTraits {
  bool view, pairs, product, scatters, modular, idempotent, involution;
  uint8_t selects, lowerBounds, upperBounds; // bits of operands
  Conversion converts;
  uint8_t relation;                   // bits of Relation; 0: not a comparison
  double leftIdentity, rightIdentity; // or kNoIdentity
  const ValueCheck *check;
  AxisRule positionsAlong;    // of the first operand; null: the last result holds other things than positions
  const char *externFunction; // Extern: its symbol
  int coreAxes;               // Extern: the last axes of operands and results, which it works on
  int batchesTogether;        // Extern: fewer are not worth a thread
  bool cutsBatches;           // Extern: the last attribute is the number of tasks of a batch
  ComplexRule complex;
};

inline constexpr int kMostResults = 8; // of an op without a body

struct OpInfo {
  const char *name; // "softmax"
  OpFamily family;
  int operandCount; // the most it takes; -1: variadic
  const char *const *operandNames;
  int attrCount;
  const AttrInfo *attrs;
  bool differentiable;    // has a vjp
  uint32_t savesOperands; // bit i: the vjp reads operand i's value; bit 31 - i: that of result i
  bool symbolic;          // its shape rule works on symbolic sizes
  InferRule infer;        // the type of the first result; throws UserError on operands that do not fit
  int requiredOperands;   // operands past these may be left out, the last first
  const char *reduction;  // Reduction: the kind of kernel.reduce ("sum", "argmax", ...), else null
  int resultCount;        // of family Control: by the body (resultCount() below)
  const char *const *resultNames;
  const InferRule *inferOthers; // the types of the results but the first
  OpTraits traits;
};

const OpInfo &info(OpKind op);
OpKind opByName(const std::string &name); // throws std::out_of_range

inline const OpTraits &traits(OpKind op) { return info(op).traits; }
inline bool hasBody(OpKind op) { return info(op).family == OpFamily::Control; }
// The graph that is the first attribute of an op of family Control.
inline const Graph &bodyOf(const Attrs &attrs) { return *attrs[0].body; }
inline int resultCount(OpKind op, const Attrs &attrs) {
  return hasBody(op) ? int(bodyOf(attrs).outputs.size()) : info(op).resultCount;
}
// The comparison that is true in these cases, at least one and not all.
OpKind comparison(int relation);

// Checks operands and attributes and gives the type of a result.
TensorType inferType(OpKind op, const TensorType *operands, int count, const Attrs &attrs, int result = 0);
// For a type without symbols: throws UserError where a size is negative, or the tensor larger than any memory.
void checkSizes(const char *op, const TensorType &type);

} // namespace weft
