// What a compiled call makes of weights alone, such as their packed copies, kept from one replay to the next.
#pragma once
#include "frontend/tensor/Tensor.h"
#include "runtime/Executable.h"

#include <memory>
#include <mutex>
#include <vector>

namespace weft {

class WeightResults {
public:
  // Too small to be worth looking after.
  static constexpr int64_t kLeastBytes = 4096;
  // Whether writes to the memory can be told: nobody outside of weft may write there.
  static bool canBeWeight(const Storage &storage) { return !storage.mayChangeUnseen() && storage.bytes >= kLeastBytes; }

  // The kept results of a run of `executable`, whose input i is sources[inputs[i]]; what was kept before if no weight
  // has been written to since. Null: nothing may be kept.
  std::shared_ptr<KeptResults> of(const Executable &executable, const std::vector<int> &inputs, const Tensor *sources);

private:
  std::mutex mutex;
  std::vector<Ref<Storage>> weights; // held, so that no other storage can be taken for one of them
  std::vector<uint32_t> versions;
  std::shared_ptr<KeptResults> results;
};

} // namespace weft
