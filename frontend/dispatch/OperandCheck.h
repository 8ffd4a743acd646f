// What the values of an op's operand must be: indices lie within their dimension, integers are not divided by 0.
// Kernels do not look: they read zero at an index outside and write nothing there, and x / 0 is 0.
//
// There is one rule and two ways to look. Values that are there are read, before anything runs: eagerly, and of a
// trace's inputs each time the call is replayed. Of a tensor that a trace computes, the trace records a check
// (ir/Graph.h), which the program makes while it runs.
#pragma once
#include "frontend/tensor/Tensor.h"

namespace weft {

// Why a call whose check failed was not kept.
inline constexpr const char *kCheckFailed = "an index is out of bounds, or an integer is divided by 0";
// Thrown where a check fails. A replay that throws it has changed nothing.
struct CheckFailure : LateError {
  using LateError::LateError;
};

struct OperandCheck {
  enum class Rule : uint8_t {
    Index,     // in [low, size), or `ignored`
    Class,     // in [0, size)
    Divisor,   // not 0
    Factorised // int32: 0, the info of a factorisation that succeeded
  };
  // What an info that is not 0 says of a matrix.
  enum class Failure : uint8_t { NotPositive, Singular, NotFinite, LowRank };
  Rule rule;
  const char *op;
  TensorType operand; // Index: what is indexed; Divisor: what is divided; Class: none
  int64_t low = 0, size = 0;
  bool mayIgnore = false;
  int64_t ignored = 0;
  Failure failure = Failure::NotPositive; // Factorised

  // fromEnd: whether -size to -1 count from the end.
  static OperandCheck index(const char *op, const TensorType &operand, int64_t size, bool fromEnd = false);
  static OperandCheck divisor(const char *op, const TensorType &dividend);
  static OperandCheck classes(const char *op, int64_t count);
  static OperandCheck factorised(const char *op, Failure failure);

  // Throws CheckFailure on the first value that breaks the rule. Reads the values.
  void scan(const Tensor &values) const;
  // Whether any value breaks the rule, as a 0-d bool.
  Tensor isBroken(const Tensor &values) const;
  // Whether no value in [least, greatest] breaks the rule.
  bool allows(int64_t least, int64_t greatest) const;
  bool accepts(const int64_t *index, int64_t count) const { return firstBroken(index, count) == count; }
  // "[op] what is wrong", without saying which value.
  std::string message(const TensorType &values) const;
  [[noreturn]] void fail(const std::string &message) const;

private:
  int64_t firstBroken(const int64_t *index, int64_t count) const;
};

// Looks at the values now where they can be had, else records the check in the trace. Those of another device are
// waited for and copied, but in a trace.
void check(const Tensor &values, const OperandCheck &check);

// By the record's rule (ValueCheck).
void checkOperands(OpKind op, const Tensor *operands, const Attrs &attrs);

// Whether the values are such that checkOperands() throws nothing, where that is found at once, by one look at few
// values; false says nothing. Operands may be numbers, and attributes not normalised yet.
bool valuesFitAtOnce(const ValueCheck &rule, const Tensor *operands, int count, const Attrs &attrs);
inline bool fitAtOnce(OpKind op, const Tensor *operands, int count, const Attrs &attrs) {
  const ValueCheck *rule = traits(op).check;
  return !rule || valuesFitAtOnce(*rule, operands, count, attrs);
}

// checkOperands() does nothing on this thread while one lives: of a derivative's ops, which take their indices from ops
// that were checked.
class AlreadyChecked {
public:
  AlreadyChecked();
  ~AlreadyChecked();
  AlreadyChecked(const AlreadyChecked &) = delete;

private:
  bool before;
};

} // namespace weft
