#include "runtime/PreparedRun.h"

namespace weft {

PreparedRun::PreparedRun(const Executable &executable, const int64_t *values)
    : executable(&executable), symbols(values, values + executable.symbolCount()) {
  if (!executable.single || executable.place.isCuda())
    return;
  const Executable::Step &step = executable.steps[0];
  tasks = step.grid(values);
  small = tasks <= step.step->grain && step.step->scratchBytes == 0 && executable.stepBuffers.size() <= kMaxBuffers;
  for (int32_t number : executable.stepBuffers)
    small &= number < executable.inputCount() + executable.outputCount();
  kernel = step.step->kernel;
  buffers = executable.stepBuffers;
  for (const Executable::Value &scalar : executable.scalars)
    scalars.push_back(scalar(values));
}

void PreparedRun::run(void *const *inputs, void *const *outputs) const {
  if (!small || Executable::isProfiled())
    return executable->run(inputs, outputs, symbols.data());
  void *arguments[kMaxBuffers];
  int inputCount = executable->inputCount();
  for (size_t i = 0; i < buffers.size(); ++i)
    arguments[i] = buffers[i] < inputCount ? inputs[buffers[i]] : outputs[buffers[i] - inputCount];
  if (tasks > 0)
    kernel(arguments, scalars.data(), 0, tasks, nullptr);
}

} // namespace weft
