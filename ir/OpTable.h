// The op records as a table, free of MLIR: generated from ir/ops/*.td (see tools/generate_op_table.py).
#pragma once
#include "ir/Graph.h"

#include <stdexcept>

namespace weft {

// A mistake of the user's: wrong shapes, dtypes, axes. The kind picks the Python class, as PyTorch's would be.
struct UserError : std::runtime_error {
  enum class Kind : uint8_t { Runtime, Value, Type, Index, NotImplemented };
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
  Indexing,    // reads or writes at positions that are data
  Creation,    // no tensor data read: iota, full, random
  Composite,   // an expansion in terms of the others
};

struct AttrInfo {
  const char *name;
  Attr::Kind kind;
};

struct OpInfo {
  const char *name; // "softmax"
  OpFamily family;
  int operandCount; // the most it takes; -1: variadic
  const char *const *operandNames;
  int attrCount;
  const AttrInfo *attrs;
  bool differentiable;    // has a vjp
  uint32_t savesOperands; // bit i: the vjp reads operand i's value; bit 31: it reads the result's
  bool symbolic;          // its shape rule works on symbolic sizes
  // The type of the result. Throws UserError on operands that do not fit.
  TensorType (*infer)(const char *name, const TensorType *operands, int count, const Attrs &attrs);
  int requiredOperands;  // operands past these may be left out, the last first
  const char *reduction; // Reduction: the kind of kernel.reduce ("sum", "argmax", ...), else null
};

const OpInfo &info(OpKind op);
OpKind opByName(const std::string &name); // throws std::out_of_range

// Checks operands and attributes and gives the type of the result.
TensorType inferType(OpKind op, const TensorType *operands, int count, const Attrs &attrs);
// For a type without symbols: throws UserError where a size is negative, or the tensor larger than any memory.
void checkSizes(const char *op, const TensorType &type);

} // namespace weft
