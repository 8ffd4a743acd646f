#include "frontend/calls/WeightResults.h"

namespace weft {

std::shared_ptr<KeptResults> WeightResults::of(const Executable &executable, const std::vector<int> &inputs,
                                               const Tensor *sources) {
  const std::vector<int> &wanted = executable.keptInputs();
  std::lock_guard<std::mutex> lock(mutex);
  bool same = results && weights.size() == wanted.size();
  for (size_t i = 0; i < wanted.size(); ++i) {
    const Ref<Storage> &storage = sources[inputs[size_t(wanted[i])]].impl->storage;
    if (!canBeWeight(*storage))
      return nullptr;
    same = same && storage.get() == weights[i].get() && storage->version == versions[i];
  }
  if (same)
    return results;
  weights.clear();
  versions.clear();
  for (int input : wanted) {
    weights.push_back(sources[inputs[size_t(input)]].impl->storage);
    versions.push_back(weights.back()->version);
  }
  results = std::make_shared<KeptResults>();
  return results;
}

} // namespace weft
