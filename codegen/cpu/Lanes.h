// A kernel value in LLVM terms. Outside lane loops every value is uniform; inside, what is the same in all lanes stays
// a scalar, an index that grows by a constant from lane to lane stays a scalar base and a stride (so that loads know
// they are contiguous), and the rest is a vector with one element a lane.
#pragma once
#include "llvm/IR/Value.h"

namespace weft::cpu {

struct Lanes {
  enum Kind : uint8_t { Uniform, Linear, Varying };
  Kind kind = Uniform;
  llvm::Value *value = nullptr;  // the scalar; the scalar of lane 0; the vector
  llvm::Value *stride = nullptr; // Linear only, of the scalar's type
  bool aligned = false;          // Linear only: the scalar is a multiple of the number of lanes
  // Linear only, or null: the lanes in range are all in one run of so many indices; its number.
  llvm::Value *run = nullptr, *runNumber = nullptr;

  static Lanes uniform(llvm::Value *value) { return {Uniform, value, nullptr}; }
  static Lanes linear(llvm::Value *base, llvm::Value *stride, bool aligned = false) {
    return {Linear, base, stride, aligned};
  }
  static Lanes varying(llvm::Value *vector) { return {Varying, vector, nullptr}; }
};

} // namespace weft::cpu
