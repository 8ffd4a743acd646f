// What moves elements, and what reads no data.
#include "codegen/stablehlo/Printer.h"

using namespace mlir;

namespace weft::stablehlo {

Hlo Printer::shape(Operation &op, const Hlos &x) {
  Sizes result = sizes(shapeOf(op.getResult(0)));
  size_t rank = x[0].shape.size();
  switch (kindOf(&op)) {
  case OpKind::Reshape:
    return reshape(x[0], result);
  case OpKind::Permute:
    return typed("transpose", {x[0]}, "dims = " + listOf(sizes(intsOf(&op, "dims"))), x[0].element, result);
  case OpKind::Expand: {
    Sizes axes;
    for (size_t i = 0; i < rank; ++i)
      axes.push_back(int64_t(result.size() - rank + i));
    return broadcast(x[0], axes, result);
  }
  case OpKind::Slice:
    return slice(x[0], sizes(intsOf(&op, "starts")), sizes(intsOf(&op, "sizes")), sizes(intsOf(&op, "steps")));
  case OpKind::Pad:
    return pad(x[0], number(floatOf(&op, "value"), x[0].element), sizes(intsOf(&op, "low")), sizes(intsOf(&op, "high")),
               sizes(intsOf(&op, "interior")));
  case OpKind::Concatenate:
    return concatenate(x, intOf(&op, "dim"));
  case OpKind::Flip:
    return typed("reverse", {x[0]}, "dims = " + listOf(sizes(intsOf(&op, "dims"))), x[0].element, result);
  default:
    refuse(op, "is a move without a counterpart in StableHLO");
  }
}

Hlo Printer::at(const Hlo &x, int64_t i) { return reshape(slice(x, {i}, {1}, {1}), {}); }

Hlo Printer::creation(Operation &op, const Hlos &x) {
  Sizes result = sizes(shapeOf(op.getResult(0)));
  Type element = elementOf(op.getResult(0)), i64 = integer(64);
  auto body = [&](const Hlos &operands) { return scalarBody(kindOf(&op), operands, attrsOf(&op), element, result); };
  auto spread = [&](const Hlo &number) { return broadcast(number, {}, result); };
  switch (kindOf(&op)) {
  case OpKind::Full:
    return body({});
  case OpKind::Iota:
    return iota(intOf(&op, "dim"), element, result);
  case OpKind::Count: {
    int64_t count = product(sizes(intsOf(&op, "sizes"))) - intOf(&op, "less");
    return body({whole(std::max<int64_t>(count, 0), i64, result)});
  }
  default: { // random numbers, by the op's own algorithm
    Hlo seed = at(x[0], 0), first = at(x[0], 1);
    first = binary("add", first, whole(intOf(&op, "offset"), i64));
    Hlo index = reshape(iota(0, i64, {product(result)}), result);
    Hlos operands = {spread(seed), binary("add", index, spread(first))};
    if (x.size() > 1) {
      operands.push_back(spread(at(x[1], 0)));
      operands.push_back(spread(at(x[1], 1)));
    }
    return body(operands);
  }
  }
}

} // namespace weft::stablehlo
