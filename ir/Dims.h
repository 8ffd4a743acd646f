// A short list of sizes, strides or axes: without allocation as long as most tensors need.
//
// A size below zero is known when the program runs: ~k (that is, -1-k) is "the value of symbol k", and larger numbers
// are products of symbols and a constant (sizeProduct). Equal products are equal numbers, so that shape rules compare
// sizes as they are. Sizes 0 and 1 are never symbols; nor are those sizes of a product of matrices that decide how it
// is computed (order::kFewRows).
#pragma once
#include <cassert>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weft {

inline constexpr int kMaxRank = 64;
inline constexpr int kInlineRank = 8;

inline bool isSymbol(int64_t size) { return size < 0; }
inline constexpr int64_t kTypicalSize = 1024; // what a schedule takes a symbol for that it knows nothing of
inline int64_t symbol(int index) { return ~int64_t(index); }
inline bool isPlainSymbol(int64_t size) { return isSymbol(size) && ~size <= INT32_MAX; }
inline int symbolIndex(int64_t size) { return int(~size); } // of a plain symbol

class Dims {
public:
  using value_type = int64_t;

  Dims() = default;
  Dims(const Dims &o) { take(o); }
  Dims(Dims &&o) noexcept { steal(o); }
  Dims &operator=(const Dims &o) {
    if (this != &o) {
      release();
      take(o);
    }
    return *this;
  }
  Dims &operator=(Dims &&o) noexcept {
    if (this != &o) {
      release();
      steal(o);
    }
    return *this;
  }
  ~Dims() { release(); }
  Dims(std::initializer_list<int64_t> values) {
    for (int64_t v : values)
      push_back(v);
  }
  Dims(int count, int64_t value) {
    for (int i = 0; i < count; ++i)
      push_back(value);
  }
  template <class It, class = decltype(*std::declval<It>())> Dims(It first, It last) {
    for (; first != last; ++first)
      push_back(*first);
  }

  int size() const { return count; }
  bool empty() const { return count == 0; }
  int64_t &operator[](int i) { return values[i]; }
  int64_t operator[](int i) const { return values[i]; }
  int64_t &back() { return values[count - 1]; }
  int64_t back() const { return values[count - 1]; }
  int64_t *begin() { return values; }
  int64_t *end() { return values + count; }
  const int64_t *begin() const { return values; }
  const int64_t *end() const { return values + count; }
  void push_back(int64_t v) {
    if (__builtin_expect(count >= kInlineRank, 0))
      grow();
    values[count++] = v;
  }
  void pop_back() { --count; }
  void insert(int at, int64_t v) {
    push_back(v);
    std::memmove(values + at + 1, values + at, sizeof(int64_t) * (count - 1 - at));
    values[at] = v;
  }
  void erase(int at) {
    --count;
    std::memmove(values + at, values + at + 1, sizeof(int64_t) * (count - at));
  }
  bool contains(int64_t v) const {
    for (int64_t x : *this)
      if (x == v)
        return true;
    return false;
  }
  bool operator==(const Dims &o) const {
    return count == o.count && std::memcmp(values, o.values, sizeof(int64_t) * count) == 0;
  }
  bool operator!=(const Dims &o) const { return !(*this == o); }

  // The product of the sizes; throws UserError where it has no number: see sizeProduct.
  int64_t product() const {
    int64_t p = 1;
    for (int64_t v : *this) {
      if (__builtin_expect(isSymbol(v), 0))
        return symbolicProduct();
      p *= v;
    }
    return p;
  }
  bool hasSymbol() const {
    for (int64_t v : *this)
      if (isSymbol(v))
        return true;
    return false;
  }

private:
  int64_t symbolicProduct() const;
  // What is short lies in `local`, all of which is copied at once; else `values` has room for kMaxRank.
  void take(const Dims &o) {
    std::memcpy(local, o.local, sizeof local);
    values = local;
    count = o.count;
    if (__builtin_expect(o.values != o.local, 0)) {
      allocate();
      std::memcpy(values, o.values, sizeof(int64_t) * count);
    }
  }
  void steal(Dims &o) {
    std::memcpy(local, o.local, sizeof local);
    values = o.values == o.local ? local : std::exchange(o.values, o.local);
    count = std::exchange(o.count, 0);
  }
  void release() {
    if (__builtin_expect(values != local, 0))
      deallocate();
  }
  void grow();     // for one more; throws UserError where there would be more than kMaxRank
  void allocate(); // moves what is in `local`
  void deallocate();

  int64_t *values = local;
  int count = 0;
  int64_t local[kInlineRank];
};

// A size as a product: constant * symbol * symbol ..., the symbols by their numbers, in order.
struct SizeFactors {
  int64_t constant = 1;
  Dims symbols;
};
inline constexpr int kMostFactors = 4;                         // symbols of a product
inline constexpr int kMostFactorSymbols = 254;                 // symbols that products may have: those of lower numbers
inline constexpr int64_t kMostFactor = (int64_t(1) << 30) - 1; // constant of a product
// The number that stands for the product of a constant >= 0 and symbols, by their numbers in any order. None where it
// has more factors than a number has room for.
std::optional<int64_t> sizeProduct(int64_t constant, const Dims &symbols);
// The same for sizes, which may be products themselves.
std::optional<int64_t> sizeProduct(const Dims &sizes);
SizeFactors factorsOf(int64_t size);
// The size, by the symbols' values.
int64_t evaluateSize(int64_t size, const int64_t *symbols);
// What schedules reckon symbols to be: speed depends on it, bits do not.
struct TypicalSizes {
  int64_t any = kTypicalSize;     // of symbols not in the list
  std::vector<int64_t> listed;    // by the symbol's number
  int64_t of(int64_t size) const; // a size, which may be a product
};
// Whether a number below zero is one that the functions above give.
bool isSizeCode(int64_t size);
std::string sizeText(int64_t size); // "2", "s0", "3*s0*s1"

// "[2, 3]", as PyTorch prints sizes; symbols print as s0, s1, ...
std::string toString(const Dims &dims);
// The same for sizes that a user gave, where a number below zero is no symbol.
std::string toStringAsGiven(const Dims &dims);
// Whether the elements, had an axis of size 0 size 1, take at most 2^62 bytes: then strides and offsets are in range,
// too.
bool isAddressable(const Dims &shape, int64_t itemBytes);
// Row-major strides of a shape without symbols.
Dims contiguousStrides(const Dims &shape);

} // namespace weft
