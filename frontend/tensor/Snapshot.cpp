#include "frontend/tensor/Snapshot.h"

namespace weft {

static Tensor copyOf(const Tensor &t) { return aliasOf(t, t.shape(), t.strides(), t.offset()); }

Snapshot::Snapshot(const Tensor *tensors, int count) {
  Tensor *copies = local;
  if (count > kInline) {
    many.resize(size_t(count));
    copies = many.data();
  }
  for (int i = 0; i < count; ++i)
    copies[i] = copyOf(tensors[i]);
}

Pins::Pins(const Tensor *tensors, int count) {
  storages.reserve(size_t(count));
  for (int i = 0; i < count; ++i)
    storages.push_back(tensors[i].impl->storage);
}

void failChanged(const char *op) {
  fail(UserError::Kind::Runtime, op,
       "another thread gave a tensor another shape or dtype while the operation ran; let the threads take turns, by a "
       "lock of the program's own");
}

} // namespace weft
