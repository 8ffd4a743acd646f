// Attention where row i does not depend on the columns j > i.
#pragma once
#include "codegen/attention/Attention.h"

namespace weft {

// Whether leaving out the columns j > i of row i of the scores changes no result but in what the products out of them
// add for such columns: zeros times elements of the other operand.
bool hidesLaterColumns(const Group &group, const AttentionParts &parts);

} // namespace weft
