// Stable sorting by radix: elements become unsigned keys of the same order, which are dealt out digit by digit, the
// lowest first. A digit that all keys have in common costs nothing but its count. Where the first few are asked for,
// what is not before the last of those found so far is passed over.
#include "runtime/extern/Extern.h"

#include <algorithm>
#include <type_traits>

namespace {

// Floats by sign and magnitude: negative ones in reverse, zeros alike, every NaN above infinity. Without branches, so
// that loops become vectors.
template <class Bits, Bits kInfinity> Bits keyOfFloat(Bits bits) {
  constexpr Bits kSign = Bits(1) << (8 * sizeof(Bits) - 1);
  Bits magnitude = bits & Bits(~kSign);
  Bits key = bits & kSign ? Bits(kSign - magnitude) : Bits(kSign + magnitude);
  return magnitude > kInfinity ? Bits(~Bits(0)) : key;
}
template <class Bits> Bits keyOfUnsigned(Bits bits) { return bits; }
template <class Bits> Bits keyOfSigned(Bits bits) { return bits ^ Bits(Bits(1) << (8 * sizeof(Bits) - 1)); }

struct Half {
  uint16_t bits;
};
template <size_t kBytes>
using Unsigned =
    std::conditional_t<kBytes == 1, uint8_t,
                       std::conditional_t<kBytes == 2, uint16_t, std::conditional_t<kBytes == 4, uint32_t, uint64_t>>>;
template <class T> using BitsOf = Unsigned<sizeof(T)>;

template <class Bits> struct Entry {
  Bits key;
  uint32_t low, high; // of the index
  int64_t index() const { return int64_t(uint64_t(high) << 32 | low); }
};

// Deals entries out by so many digits of keys, the first of which begins at bit `lowest`. Gives where they are then: in
// `from` or in `to`. The numbers may be constants.
template <class Bits, class Lowest, class Digits, class Width>
Entry<Bits> *dealtOut(Entry<Bits> *from, Entry<Bits> *to, int64_t n, Lowest lowest, Digits digits, Width digitBits) {
  constexpr int64_t kMostCounts = 8 << 10;
  const uint64_t mask = (uint64_t(1) << digitBits) - 1;
  auto digitOf = [&](Bits key, int digit) { return (uint64_t(key) >> (lowest + digit * digitBits)) & mask; };
  int64_t counts[kMostCounts];
  std::fill_n(counts, int64_t(digits) << digitBits, 0);
  for (int64_t i = 0; i < n; ++i)
    for (int digit = 0; digit < digits; ++digit)
      ++counts[(uint64_t(digit) << digitBits) + digitOf(from[i].key, digit)];
  for (int digit = 0; digit < digits; ++digit) {
    int64_t *starts = counts + (int64_t(digit) << digitBits), next = 0;
    if (starts[digitOf(from[0].key, digit)] == n)
      continue;
    for (uint64_t value = 0; value <= mask; ++value) {
      int64_t count = starts[value];
      starts[value] = next;
      next += count;
    }
    for (int64_t i = 0; i < n; ++i)
      to[starts[digitOf(from[i].key, digit)]++] = from[i];
    std::swap(from, to);
  }
  return from;
}

// Gives where the sorted entries are: in `from` or in `to`. differs: the bits that not all keys have in common.
template <class Bits> Entry<Bits> *sorted(Entry<Bits> *from, Entry<Bits> *to, int64_t n, uint64_t differs) {
  constexpr int64_t kFew = 48, kMany = 1 << 14;
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
  if (!differs)
    return from;
  // Two digits of many keys, where that is enough: as wide as the caches have lines for. Else bytes.
  constexpr int kWidest = 10;
  const int lowest = __builtin_ctzll(differs), width = 64 - __builtin_clzll(differs) - lowest;
  if (n >= kMany && width > 8 && width <= 2 * kWidest)
    return dealtOut(from, to, n, lowest, std::integral_constant<int, 2>(), (width + 1) / 2);
  return dealtOut(from, to, n, std::integral_constant<int, 0>(), std::integral_constant<int, sizeof(Bits)>(),
                  std::integral_constant<int, 8>());
}

// The first k of each row. Of integers the keys of keys are the elements, which then need not be looked up.
template <class Bits, bool isInvolution, class KeyOf>
void sortRows(void *const *buffers, int64_t n, int64_t k, bool descending, int64_t begin, int64_t end, void *scratch,
              KeyOf keyOf) {
  auto *entries = static_cast<Entry<Bits> *>(scratch);
  for (int64_t row = begin; row < end; ++row) {
    auto *x = static_cast<const Bits *>(buffers[0]) + row * n;
    auto *values = static_cast<Bits *>(buffers[1]) + row * k;
    auto *indices = static_cast<int64_t *>(buffers[2]) + row * k;
    Bits differs = 0;
    for (int64_t i = 0; i < n; ++i) {
      Bits key = keyOf(x[i]);
      differs |= Bits(key ^ keyOf(x[0]));
      entries[i] = {descending ? Bits(~key) : key, uint32_t(i), uint32_t(uint64_t(i) >> 32)};
    }
    const Entry<Bits> *result = sorted(entries, entries + n, n, differs);
    for (int64_t i = 0; i < k; ++i) {
      indices[i] = result[i].index();
      if constexpr (isInvolution)
        values[i] = keyOf(descending ? Bits(~result[i].key) : result[i].key);
      else
        values[i] = x[indices[i]];
    }
  }
}

// Entries that may be among the first k, by keys of which a smaller one is before a greater one.
template <class Bits> struct Candidates {
  Entry<Bits> *entries;
  int64_t k, room, count = 0;
  Bits last = Bits(~Bits(0)); // a key that is not before this one, and comes later, is not among them
  bool isFull = false;        // k entries are before or at `last`

  static bool before(const Entry<Bits> &a, const Entry<Bits> &b) {
    return a.key != b.key ? a.key < b.key : a.index() < b.index();
  }
  void add(Bits key, int64_t index) {
    if (isFull && key >= last)
      return;
    entries[count++] = {key, uint32_t(index), uint32_t(uint64_t(index) >> 32)};
    if (count == room)
      choose();
  }
  void choose() {
    std::nth_element(entries, entries + k - 1, entries + count, before);
    count = k;
    last = entries[k - 1].key;
    isFull = true;
  }
  void sort() {
    if (count > k)
      choose();
    std::sort(entries, entries + k, before);
  }
};

// As many entries as room is for; no more than sorting all takes.
int64_t candidatesOf(int64_t n, int64_t k) { return std::min(2 * n, std::max<int64_t>(2 * k, 512)); }
// Whether it is quicker than sorting all.
bool isFew(int64_t n, int64_t k) { return n > 128 && k <= n / 8; }

// Whether any of these elements is before `last` (and not as it): a question for whole vectors.
template <int64_t kCount, class T, class KeyOf> bool anyBefore(const T *x, T last, bool largest, KeyOf keyOf) {
  int any = 0;
  if constexpr (std::is_same_v<T, Half>) {
    const auto key = keyOf(last.bits);
    for (int64_t i = 0; i < kCount; ++i)
      any |= largest ? keyOf(x[i].bits) > key : keyOf(x[i].bits) < key;
  } else if (last != last) { // all else is less than NaN
    for (int64_t i = 0; i < kCount; ++i)
      any |= !largest & (x[i] == x[i]);
  } else if (largest) {
    for (int64_t i = 0; i < kCount; ++i)
      any |= !(x[i] <= last);
  } else {
    for (int64_t i = 0; i < kCount; ++i)
      any |= x[i] < last;
  }
  return any;
}

template <class T, class KeyOf>
void firstOfRows(void *const *buffers, int64_t n, int64_t k, bool largest, int64_t begin, int64_t end, void *scratch,
                 KeyOf keyOf) {
  using Bits = BitsOf<T>;
  constexpr int64_t kBlock = 64, kPart = 16;
  const Bits flip = largest ? Bits(~Bits(0)) : Bits(0);
  for (int64_t row = begin; row < end; ++row) {
    auto *elements = static_cast<const T *>(buffers[0]) + row * n;
    auto *x = static_cast<const Bits *>(buffers[0]) + row * n;
    Candidates<Bits> candidates{static_cast<Entry<Bits> *>(scratch), k, candidatesOf(n, k)};
    // Of so many elements, a constant, none is one.
    auto none = [&](int64_t first, auto count) {
      return candidates.isFull &&
             !anyBefore<count()>(elements + first, elements[candidates.entries[k - 1].index()], largest, keyOf);
    };
    auto addAll = [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i)
        candidates.add(Bits(keyOf(x[i]) ^ flip), i);
    };
    const int64_t whole = n / kBlock * kBlock;
    for (int64_t first = 0; first < whole; first += kBlock) {
      if (none(first, std::integral_constant<int64_t, kBlock>()))
        continue;
      for (int64_t part = first; part < first + kBlock; part += kPart)
        if (!none(part, std::integral_constant<int64_t, kPart>()))
          addAll(part, part + kPart);
    }
    addAll(whole, n);
    candidates.sort();
    for (int64_t i = 0; i < k; ++i) {
      int64_t index = candidates.entries[i].index();
      static_cast<Bits *>(buffers[1])[row * k + i] = x[index];
      static_cast<int64_t *>(buffers[2])[row * k + i] = index;
    }
  }
}

// Calls f with an element, the function that gives keys, and whether the keys of keys are the elements.
template <class F> void withKeys(int64_t dtype, F f) {
  using std::false_type, std::true_type;
  switch (dtype) {
  case WEFT_BOOL:
  case WEFT_UINT8:
    return f(uint8_t(), keyOfUnsigned<uint8_t>, true_type());
  case WEFT_UINT16:
    return f(uint16_t(), keyOfUnsigned<uint16_t>, true_type());
  case WEFT_UINT32:
    return f(uint32_t(), keyOfUnsigned<uint32_t>, true_type());
  case WEFT_UINT64:
    return f(uint64_t(), keyOfUnsigned<uint64_t>, true_type());
  case WEFT_INT8:
    return f(int8_t(), keyOfSigned<uint8_t>, true_type());
  case WEFT_INT16:
    return f(int16_t(), keyOfSigned<uint16_t>, true_type());
  case WEFT_INT32:
    return f(int32_t(), keyOfSigned<uint32_t>, true_type());
  case WEFT_INT64:
    return f(int64_t(), keyOfSigned<uint64_t>, true_type());
  case WEFT_FLOAT16:
    return f(Half(), keyOfFloat<uint16_t, 0x7c00>, false_type());
  case WEFT_BFLOAT16:
    return f(Half(), keyOfFloat<uint16_t, 0x7f80>, false_type());
  case WEFT_FLOAT32:
    return f(float(), keyOfFloat<uint32_t, 0x7f800000>, false_type());
  default:
    return f(double(), keyOfFloat<uint64_t, 0x7ff0000000000000>, false_type());
  }
}

} // namespace

// scalars: x's dtype and size, the results', descending.
int64_t weft_extern_sort_last_workspace(const int64_t *scalars) {
  return 2 * scalars[1] * int64_t(sizeof(Entry<uint64_t>));
}

void weft_extern_sort_last(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *scratch) {
  withKeys(scalars[0], [&](auto element, auto keyOf, auto isInvolution) {
    sortRows<BitsOf<decltype(element)>, isInvolution()>(buffers, scalars[1], scalars[1], scalars[6] != 0, begin, end,
                                                        scratch, keyOf);
  });
}

// scalars: x's dtype and size, the results', k, largest.
int64_t weft_extern_topk_last_workspace(const int64_t *scalars) {
  int64_t n = scalars[1], k = scalars[3];
  return (isFew(n, k) ? candidatesOf(n, k) : 2 * n) * int64_t(sizeof(Entry<uint64_t>));
}

void weft_extern_topk_last(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *scratch) {
  int64_t n = scalars[1], k = scalars[3];
  if (k == 0)
    return;
  withKeys(scalars[0], [&](auto element, auto keyOf, auto isInvolution) {
    using T = decltype(element);
    if (isFew(n, k))
      firstOfRows<T>(buffers, n, k, scalars[7] != 0, begin, end, scratch, keyOf);
    else
      sortRows<BitsOf<T>, isInvolution()>(buffers, n, k, scalars[7] != 0, begin, end, scratch, keyOf);
  });
}
