// Stable sorting by radix: elements become unsigned keys of the same order, which are dealt out byte by byte, the
// lowest first. A byte that all keys have in common costs nothing but its count.
#include "runtime/extern/Extern.h"

#include <algorithm>
#include <cstring>

namespace {

// Floats by sign and magnitude: negative ones in reverse, zeros alike, every NaN above infinity.
template <class Bits, Bits kInfinity> Bits keyOfFloat(Bits bits) {
  constexpr Bits kSign = Bits(1) << (8 * sizeof(Bits) - 1);
  Bits magnitude = bits & Bits(~kSign);
  if (magnitude > kInfinity)
    return Bits(~Bits(0));
  if (magnitude == 0)
    return kSign;
  return bits & kSign ? Bits(~bits) : Bits(bits | kSign);
}
template <class Bits> Bits keyOfUnsigned(Bits bits) { return bits; }
template <class Bits> Bits keyOfSigned(Bits bits) { return bits ^ Bits(Bits(1) << (8 * sizeof(Bits) - 1)); }

template <class Bits> struct Entry {
  Bits key;
  uint32_t low, high; // of the index
  int64_t index() const { return int64_t(uint64_t(high) << 32 | low); }
};

// Gives where the sorted entries are: in `from` or in `to`.
template <class Bits> Entry<Bits> *sorted(Entry<Bits> *from, Entry<Bits> *to, int64_t n) {
  constexpr int64_t kFew = 48;
  if (n <= kFew) {
    for (int64_t i = 1; i < n; ++i) {
      Entry<Bits> entry = from[i];
      int64_t at = i;
      for (; at > 0 && from[at - 1].key > entry.key; --at)
        from[at] = from[at - 1];
      from[at] = entry;
    }
    return from;
  }
  int64_t counts[sizeof(Bits)][256] = {};
  for (int64_t i = 0; i < n; ++i)
    for (size_t byte = 0; byte < sizeof(Bits); ++byte)
      ++counts[byte][size_t(from[i].key >> (8 * byte)) & 255];
  for (size_t byte = 0; byte < sizeof(Bits); ++byte) {
    int64_t *starts = counts[byte];
    auto digit = [&](const Entry<Bits> &entry) { return size_t(entry.key >> (8 * byte)) & 255; };
    if (starts[digit(from[0])] == n)
      continue;
    int64_t next = 0;
    for (int64_t value = 0; value < 256; ++value) {
      int64_t count = starts[value];
      starts[value] = next;
      next += count;
    }
    for (int64_t i = 0; i < n; ++i)
      to[starts[digit(from[i])]++] = from[i];
    std::swap(from, to);
  }
  return from;
}

// Of integers the keys of keys are the elements, which then need not be looked up.
template <class Bits, bool isInvolution, class KeyOf>
void sortRows(void *const *buffers, int64_t n, bool descending, int64_t begin, int64_t end, void *scratch,
              KeyOf keyOf) {
  auto *entries = static_cast<Entry<Bits> *>(scratch);
  for (int64_t row = begin; row < end; ++row) {
    auto *x = static_cast<const Bits *>(buffers[0]) + row * n;
    auto *values = static_cast<Bits *>(buffers[1]) + row * n;
    auto *indices = static_cast<int64_t *>(buffers[2]) + row * n;
    for (int64_t i = 0; i < n; ++i) {
      Bits key = keyOf(x[i]);
      entries[i] = {descending ? Bits(~key) : key, uint32_t(i), uint32_t(uint64_t(i) >> 32)};
    }
    const Entry<Bits> *result = sorted(entries, entries + n, n);
    for (int64_t i = 0; i < n; ++i) {
      indices[i] = result[i].index();
      if constexpr (isInvolution)
        values[i] = keyOf(descending ? Bits(~result[i].key) : result[i].key);
      else
        values[i] = x[indices[i]];
    }
  }
}

} // namespace

// scalars: x's dtype and size, the results', descending.
int64_t weft_extern_sort_last_workspace(const int64_t *scalars) {
  return 2 * scalars[1] * int64_t(sizeof(Entry<uint64_t>));
}

void weft_extern_sort_last(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *scratch) {
  int64_t n = scalars[1];
  bool descending = scalars[6] != 0;
  auto sort = [&](auto bits, auto keyOf) {
    sortRows<decltype(bits), true>(buffers, n, descending, begin, end, scratch, keyOf);
  };
  auto sortFloats = [&](auto bits, auto keyOf) {
    sortRows<decltype(bits), false>(buffers, n, descending, begin, end, scratch, keyOf);
  };
  switch (scalars[0]) {
  case WEFT_BOOL:
  case WEFT_UINT8:
    return sort(uint8_t(), keyOfUnsigned<uint8_t>);
  case WEFT_UINT16:
    return sort(uint16_t(), keyOfUnsigned<uint16_t>);
  case WEFT_UINT32:
    return sort(uint32_t(), keyOfUnsigned<uint32_t>);
  case WEFT_UINT64:
    return sort(uint64_t(), keyOfUnsigned<uint64_t>);
  case WEFT_INT8:
    return sort(uint8_t(), keyOfSigned<uint8_t>);
  case WEFT_INT16:
    return sort(uint16_t(), keyOfSigned<uint16_t>);
  case WEFT_INT32:
    return sort(uint32_t(), keyOfSigned<uint32_t>);
  case WEFT_INT64:
    return sort(uint64_t(), keyOfSigned<uint64_t>);
  case WEFT_FLOAT16:
    return sortFloats(uint16_t(), keyOfFloat<uint16_t, 0x7c00>);
  case WEFT_BFLOAT16:
    return sortFloats(uint16_t(), keyOfFloat<uint16_t, 0x7f80>);
  case WEFT_FLOAT32:
    return sortFloats(uint32_t(), keyOfFloat<uint32_t, 0x7f800000>);
  default:
    return sortFloats(uint64_t(), keyOfFloat<uint64_t, 0x7ff0000000000000>);
  }
}
