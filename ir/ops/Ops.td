#ifndef WEFT_OPS
#define WEFT_OPS
include "ir/ops/Elementwise.td"
include "ir/ops/Math.td"
include "ir/ops/Reduction.td"
include "ir/ops/Shape.td"
include "ir/ops/Contraction.td"
include "ir/ops/Convolution.td"
include "ir/ops/Indexing.td"
include "ir/ops/Creation.td"
include "ir/ops/Composite.td"
include "ir/ops/Extern.td"
include "ir/ops/Pooling.td"
include "ir/ops/Scan.td"
include "ir/ops/Segments.td"
include "ir/ops/Group.td"
include "ir/ops/Symbols.td"
#endif
