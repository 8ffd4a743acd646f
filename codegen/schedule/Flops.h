// How many floating-point operations a group's operations are, as profiles count them: two for each multiply-add of a
// product or convolution, one for each element of an elementwise operation, and one for each element that is reduced or
// scanned. What a schedule computes twice, or leaves out since it is masked, counts once; integers, what moves elements
// and library functions do not.
#pragma once
#include "codegen/schedule/Schedule.h"

namespace weft {

// Their sum, each term a product of other sizes.
std::vector<Extent> flopsOf(const Group &group);

// Gives them to that of the steps from `first` on, which are the group's, that does the arithmetic: the others copy
// operands, or finish a reduction.
void countFlops(Lowering &lowering, const Group &group, size_t first);

} // namespace weft
