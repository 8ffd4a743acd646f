#include "runtime/PreparedRun.h"

namespace weft {

PreparedRun::PreparedRun(ExecutablePtr given, const int64_t *values)
    : executable(std::move(given)), symbols(values, values + executable->symbolCount()),
      isLong(executable->takesLong(values)) {
  const Executable &executable = *this->executable;
  if (isLong || !executable.single || executable.program().checkCount > 0 || executable.place.isCuda() ||
      executable.stepBuffers.size() > kMaxBuffers)
    return;
  const Executable::Step &step = executable.steps[0];
  tasks = step.grid(values);
  if (tasks < 1 || tasks > step.step->grain || step.scratchBytes(values) > 0 || step.function.workspace)
    return;
  int inputs = executable.inputCount(), outputs = executable.outputCount();
  for (int32_t number : executable.stepBuffers) {
    if (number >= inputs + outputs)
      return;
    buffers[bufferCount++] = int8_t(number < inputs ? number : ~(number - inputs));
  }
  for (const Executable::Value &scalar : executable.scalars)
    scalars.push_back(scalar(values));
  kernel = step.function.run;
}

} // namespace weft
