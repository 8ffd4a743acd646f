// The identity of an eager kernel as a few bytes, and the table from it to executables.
#pragma once
#include "frontend/tensor/Tensor.h"
#include "ir/kernel/CanonicalOrder.h"
#include "runtime/Executable.h"

#include <cstring>
#include <string_view>
#include <vector>

namespace weft {

// Sizes and strides as a kernel knows them: small ones as they are, others by symbols.
class SymbolTable {
public:
  static constexpr int64_t kMostKnown = order::kFewRows;
  explicit SymbolTable(int64_t known = 1) : known(known) {} // up to which values are themselves
  // The value, or a symbol of its own.
  int64_t fresh(int64_t value) { return fresh(value, known); }
  int64_t fresh(int64_t value, int64_t known) {
    if (value >= 0 && value <= known)
      return value;
    if (__builtin_expect(used >= kFew, 0)) {
      if (many.empty())
        many.assign(few, few + kFew);
      many.push_back(value);
    } else {
      few[used] = value;
    }
    return symbol(used++);
  }
  const int64_t *values() const { return many.empty() ? few : many.data(); }
  int count() const { return used; }

private:
  static constexpr int kFew = 2 * 8 * kInlineRank; // of 8 operands' sizes and strides
  int64_t few[kFew];
  std::vector<int64_t> many; // all of them, where there are more
  int64_t known;
  int used = 0;
};

class KernelKey {
public:
  void byte(int value) {
    if (size < kCapacity)
      bytes[size] = uint8_t(value);
    ++size;
  }
  void word(int64_t value) {
    if (size + 8 <= kCapacity)
      std::memcpy(bytes + size, &value, 8);
    size += 8;
  }
  // A size or stride that is a code of a SymbolTable.
  void code(int64_t value) {
    int64_t code = isSymbol(value) ? SymbolTable::kMostKnown + 1 + ~value : value;
    if (code > 255)
      size = kCapacity;
    byte(int(code));
  }
  void attr(const Attr &a);
  // Too long for the table; such ops are looked up by their graph each time.
  bool overflowed() const { return size > kCapacity; }
  uint64_t hash() const;
  std::string_view text() const { return {reinterpret_cast<const char *>(bytes), size_t(size)}; }

  static constexpr int kCapacity = 1000;
  int size = 0;
  uint8_t bytes[kCapacity];
};

// The executable under a key; one that is null says that there can be none. Null: the key is not known. What is found
// or added is good until this thread's next call of either; other threads may forget it meanwhile.
const ExecutablePtr *findKernel(const KernelKey &key);
const ExecutablePtr &addKernel(const KernelKey &key, ExecutablePtr executable);

// How many kernels are kept; past that, those go that were not looked up for longest.
inline constexpr size_t kMostKernels = 2048;
void setMostKernels(size_t count);

} // namespace weft
