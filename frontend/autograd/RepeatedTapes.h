// Tapes of one structure have one derivative. The first few go through it op by op; meanwhile the derivative is
// compiled into a program, in the background, and the next ones run that. Bits and errors are the same.
#pragma once
#include "frontend/autograd/BackwardPass.h"
#include "frontend/executables/BoundedCache.h"
#include "runtime/Executable.h"

#include <memory>
#include <mutex>
#include <vector>

namespace weft {

// From the values that a tape keeps to the gradients of its leaves.
class TapeProgram {
public:
  // Throws std::logic_error where the derivative reads what the tape does not keep.
  TapeProgram(const TapeDerivative &derivative, const TapePart &tape);
  void compile();
  std::vector<std::pair<Ref<TensorImpl>, Tensor>> run(const TapePart &tape) const;

private:
  ValueId addRecorded(const TapeDerivative &derivative, const TapePart &tape, ValueId v);

  struct Gradient {
    TapeValue leaf;
    int output = -1; // of the program; -1: it is
    TapeValue value; // a value of the tape itself
  };
  std::vector<TapeValue> inputs;
  std::vector<Gradient> gradients;
  std::vector<TensorType> outputs;
  Device device;
  Graph graph; // until it is compiled
  ExecutablePtr executable;
};

class RepeatedTapes {
public:
  static RepeatedTapes &global();

  struct Entry {
    Hash128 key;
    std::shared_ptr<const TapeProgram> program; // null: op by op
    bool isDue = false;                         // it was seen often enough for compile()
  };
  // Notes that the tape was seen.
  Entry find(const TapePart &tape);
  void compile(const Entry &entry, const TapeDerivative &derivative, const TapePart &tape);

  // How many times a program ran in place of the ops, for tests.
  int64_t programRuns() const;

private:
  struct Seen {
    int times = 0;
    std::shared_ptr<const TapeProgram> program;
  };
  mutable std::mutex mutex;
  BoundedCache<Seen> known{128};
  int64_t runs = 0;
};

} // namespace weft
