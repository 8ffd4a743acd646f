// What eager calls came to. Of an op on operands of certain layouts: the kernel that ran, how it is launched, and the
// type of the result. When the call comes again there is no promotion, no shape inference, and no kernel to look up.
// Each thread remembers its own.
#pragma once
#include "frontend/tensor/Tensor.h"
#include "runtime/PreparedRun.h"

namespace weft {

// The same operands may come to different things in call() and apply() (frontend/dispatch/Ops.h).
enum class CallLevel : uint8_t { Call, Apply };

// A call as a few words: all that its outcome depends on, but the elements.
class CallKey {
public:
  CallKey(CallLevel level, OpKind op, const Tensor *operands, int count, const Attrs &attrs);
  bool operator==(const CallKey &o) const;
  CallKey(const CallKey &o) { *this = o; }
  CallKey &operator=(const CallKey &o);
  // False: such a call is not remembered. Its outcome depends on the elements, or it has too many operands.
  bool isUsable() const { return size > 0; }
  OpKind op() const { return OpKind(words[0] & 0xffff); }

  uint64_t hash = 0;
  static constexpr int kMaxOperands = 4;

private:
  static constexpr int kCapacity = 96;
  int size = 0;
  uint64_t words[kCapacity];
};

struct KnownCall {
  // The result of the op, not yet on the tape. The key must be that of the operands as they are.
  Tensor run(const Tensor *operands) const;

  CallKey key;
  TensorType type;
  Dims strides;
  int64_t bytes;
  PreparedRun launch;
  int count;
  DType numberTypes[CallKey::kMaxOperands]; // what the kernel reads a Python number as
  bool differentiable;                      // the result can get a history:
  bool direct; // that of the op on these very operands; else operands were brought to one shape or attributes changed

private:
  void runLong(const Tensor *operands, void *const *inputs, void *out) const;
};

// Null where the call did not come before. Good until this thread's next call.
const KnownCall *findCall(const CallKey &key);

// Remembers the call that is made while it lives, if it comes to one kernel that reads the operands where they lie.
class CallRecorder {
public:
  // All must outlive the recorder.
  CallRecorder(const CallKey &key, OpKind op, const Tensor *operands, int count, bool hasAttrs);
  ~CallRecorder();
  CallRecorder(const CallRecorder &) = delete;
  // The call gave `result`.
  void finish(const Tensor &result);

  // Told of each kernel that runs on this thread.
  static void noteRun(const ExecutablePtr &executable, const int64_t *symbols, const Tensor *operands, int count,
                      const void *out);
  // Something ran that cannot be remembered.
  static void noteOther();

private:
  bool readsOperands(const Tensor *read, int readCount);

  const CallKey &key;
  const OpKind op;
  const Tensor *operands;
  const int count;
  CallRecorder *const outer; // calls nest: call() of one level makes one of the next
  int runs = 0;
  bool direct;
  DType numberTypes[CallKey::kMaxOperands] = {};
  std::unique_ptr<PreparedRun> launch; // of the first run
  const void *out = nullptr;
};

} // namespace weft
