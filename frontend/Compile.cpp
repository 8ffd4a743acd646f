// The story of compile(): find the compiled call whose guards hold and replay it; else run the function under a trace,
// which compiles what it recorded, and keep the call for the next time.
#include "frontend/Compile.h"

namespace weft {

const CompiledCall *CompiledFunction::find(const Tensor *arguments, int count) const {
  for (size_t i = 0; i < kept.size(); ++i)
    if (kept[i]->guardsHold(arguments, count)) {
      if (i > 0) // the next call most likely wants the same
        std::swap(kept[i], kept[0]);
      return kept[0].get();
    }
  return nullptr;
}

std::vector<Tensor> CompiledFunction::trace(const std::vector<Tensor> &arguments) {
  TraceTurn turn(TraceTurn::Otherwise::Skip);
  if (!turn) {
    reason = kNotItsTurn;
    return function(arguments);
  }
  std::vector<Tensor> outputs;
  std::shared_ptr<CompiledCall> call;
  {
    Trace trace(arguments);
    outputs = function(arguments);
    call = trace.finish(outputs);
  }
  if (!call) {
    reason = kCheckFailed;
    return function(arguments);
  }
  reason = call->reason;
  if (call->replayable)
    kept.insert(kept.begin(), std::move(call));
  return outputs;
}

std::vector<Tensor> CompiledFunction::operator()(const std::vector<Tensor> &arguments) {
  if (Trace::active()) // inside another compiled function: a part of that
    return function(arguments);
  const CompiledCall *call = find(arguments.data(), int(arguments.size()));
  if (!call)
    return trace(arguments);
  try {
    return call->replay(arguments.data(), int(arguments.size()));
  } catch (const CheckFailure &) {
    return function(arguments); // where it is thrown as it would have been, and may be caught
  }
}

} // namespace weft
