// compile() as a C++ function: the tensor half of weft.compile. The binding adds guards on Python objects.
#pragma once
#include "frontend/trace/Trace.h"

#include <functional>
#include <memory>
#include <vector>

namespace weft {

// Why a call was not kept that could not be traced.
inline constexpr const char *kNotItsTurn = "another thread was tracing";

// A function of tensors with the compiled calls made for it so far. The binding keeps one for each state of the Python
// values.
class CompiledFunction {
public:
  using Function = std::function<std::vector<Tensor>(const std::vector<Tensor> &)>;

  explicit CompiledFunction(Function function) : function(std::move(function)) {}
  std::vector<Tensor> operator()(const std::vector<Tensor> &arguments);

  // The call whose guards hold for these arguments, or null.
  const CompiledCall *find(const Tensor *arguments, int count) const;
  // Runs the function under a trace; keeps the call if it is replayable.
  std::vector<Tensor> trace(const std::vector<Tensor> &arguments);
  const std::vector<std::shared_ptr<CompiledCall>> &calls() const { return kept; }
  const std::string &lastReason() const { return reason; } // why the last trace was not kept

private:
  Function function;
  mutable std::vector<std::shared_ptr<CompiledCall>> kept; // the last used first
  std::string reason;
};

} // namespace weft
