// Memory of the host that GPUs copy from and to by themselves ("pinned"). Released blocks are kept by size class; one
// that a copy works on waits until that is done.
#pragma once
#include <cstddef>

namespace weft::cuda {

// Any device copies it; `device` is one that there is.
void *allocatePinned(size_t bytes, int device);
void releasePinned(void *data) noexcept;
// Whether the address is in such memory, in use.
bool isPinned(const void *data);
// That a copy in the stream reads or writes it, if it is pinned. A graph that is being captured keeps it.
void pinnedUsedIn(void *stream, int device, const void *data);
void releaseCachedPinned();

class PinnedMemory {
public:
  PinnedMemory(size_t bytes, int device) : memory(allocatePinned(bytes, device)) {}
  ~PinnedMemory() { releasePinned(memory); }
  PinnedMemory(const PinnedMemory &) = delete;
  void *data() const { return memory; }

private:
  void *memory;
};

} // namespace weft::cuda
