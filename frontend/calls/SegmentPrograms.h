// Which program runs a segment of a trace. Segments that are alike but for sizes and numbers share one: the first is
// compiled as it is, the second as what both are instances of (ir/GeneralGraph.h).
#pragma once
#include "frontend/calls/CompiledCall.h"
#include "ir/GeneralGraph.h"

#include <functional>

namespace weft {

// Sets the plan's executable, and the symbols and further inputs that it takes. general: else it is for these sizes and
// numbers alone. varying: of the inputs, sizes for which the first program is a general one, where it can be. `lines`
// gives the graph's locations, which it gets where it is compiled. Returns the graph that the program is of, where that
// is a general one.
std::shared_ptr<const GeneralGraph> chooseProgram(Graph &graph, SegmentPlan &plan, bool general,
                                                  const VaryingSizes &varying,
                                                  const std::function<std::vector<std::string>()> &lines);

} // namespace weft
