// Numbers pointers in the order in which they first come. A table that is used again keeps its memory.
#pragma once
#include <cstdint>
#include <vector>

namespace weft {

class PointerNumbers {
public:
  void clear() {
    entries.clear();
    slots.assign(slots.size(), -1);
  }
  int size() const { return int(entries.size()); }

  // The number of `pointer`, which gets the next one where it has none.
  int add(const void *pointer) {
    if (entries.size() * 2 >= slots.size())
      grow();
    int32_t &slot = slots[slotOf(pointer)];
    if (slot < 0) {
      slot = int32_t(entries.size());
      entries.push_back(pointer);
    }
    return slot;
  }
  // -1 where it has none.
  int find(const void *pointer) const { return slots.empty() ? -1 : slots[slotOf(pointer)]; }

private:
  size_t slotOf(const void *pointer) const {
    size_t mask = slots.size() - 1;
    size_t at = (reinterpret_cast<uintptr_t>(pointer) * 0x9e3779b97f4a7c15) >> 20 & mask;
    while (slots[at] >= 0 && entries[size_t(slots[at])] != pointer)
      at = (at + 1) & mask;
    return at;
  }
  void grow() {
    slots.assign(slots.empty() ? 64 : slots.size() * 2, -1);
    for (size_t i = 0; i < entries.size(); ++i)
      slots[slotOf(entries[i])] = int32_t(i);
  }

  std::vector<const void *> entries; // by number
  std::vector<int32_t> slots;        // open addressing; -1: free; a power of two of them
};

} // namespace weft
