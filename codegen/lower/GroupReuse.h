// Equal groups are scheduled once: the second layer of a model takes the steps of the first, on its own buffers, so
// that ten layers lower in little more than the time of one.
#pragma once
#include "codegen/schedule/Schedule.h"

namespace weft {

class GroupReuse {
public:
  explicit GroupReuse(Lowering &lowering) : lowering(lowering) {}

  // Adds the group's steps: those of an equal group that came before, or what `schedule` makes. Groups are equal when
  // their ops, attributes and types are, and their inputs and results lie alike in memory; a schedule may depend on
  // nothing else.
  void add(const Group &group, llvm::function_ref<void(Lowering &, const Group &)> schedule);

private:
  // What a group was scheduled to: its steps, and its buffers, which are those of its inputs and results (each once)
  // and then the temporaries made for it.
  struct Scheduled {
    size_t firstStep, stepCount;
    std::vector<int> buffers;
  };

  void repeat(const Scheduled &equal, std::vector<int> buffers, const Group &group);

  Lowering &lowering;
  std::map<std::string, Scheduled> known;
};

} // namespace weft
