// The order of the steps and the place of every temporary.
#pragma once
#include "codegen/plan/Plan.h"

namespace weft {

// A donation that may be taken: output buffer `output` in the memory of input buffer `input`.
struct Donation {
  int output, input;
};

// Marks the steps that depend on weights alone, and have results of known size: those become kept buffers.
void keepOfWeights(PlanDraft &draft);

// Sorts the steps into levels (PlanStep::batch): the steps of a level depend on earlier levels only and run side by
// side, as early as they can but for those that would only make temporaries live longer. Kept steps come first. Takes
// the donations that no other reader of the input forbids, as aliases in the plan. Writes plan.steps.
void orderSteps(PlanDraft &draft, const std::vector<Donation> &donations);

// Gives the temporaries of known size offsets in one arena, 64-byte aligned: largest first, each at the lowest place
// that is free while it lives; an output of an in-place step takes the place of an input that dies there. The others
// have an arena, a buffer of its own, for all that are constants times the same symbols.
void placeTemporaries(PlanDraft &draft);

} // namespace weft
