// Tensors as they are while the host's lock is free (runtime/BlockingRegion.h) and other threads may change them: give
// them other memory, another shape.
//
// Whoever reads of a tensor its layout and where it lies does so at once, with nothing in between that lets go of the
// lock, and keeps the memory until it is done with it.
#pragma once
#include "frontend/tensor/Tensor.h"

#include <vector>

namespace weft {

// Waits for the values of the operands: what is read of them afterwards is not interrupted by that.
inline void settle(const Tensor *operands, int count) {
  for (bool settled = false; !settled;) {
    settled = true;
    for (int i = 0; i < count; ++i)
      if (Storage *storage = operands[i].impl->storage.get(); storage && storage->isPending()) {
        storage->data();
        settled = false;
      }
  }
}

// Tensors of its own that are what these are now.
class Snapshot {
public:
  Snapshot(const Tensor *tensors, int count);
  const Tensor *data() const { return many.empty() ? local : many.data(); }

private:
  static constexpr int kInline = 8;
  Tensor local[kInline];
  std::vector<Tensor> many;
};

// The memory of tensors, kept.
class Pins {
public:
  Pins(const Tensor *tensors, int count);

private:
  std::vector<Ref<Storage>> storages;
};

// Another thread changed a tensor that the operation goes on with.
[[noreturn]] void failChanged(const char *op);

} // namespace weft
