// A part of a tensor's memory read and replaced by ops of the table, so that tape and trace can follow an in-place
// write to a view.
#pragma once
#include "frontend/tensor/Tensor.h"

namespace weft {

// `flat` is a contiguous tensor as one axis; `part` a view of its memory. flat with the part's elements replaced by
// `value`'s.
Tensor withPart(const Tensor &flat, const Tensor &part, const Tensor &value);
// The elements of `flat` where `part` lies, in part's shape.
Tensor partOf(const Tensor &flat, const Tensor &part);

} // namespace weft
