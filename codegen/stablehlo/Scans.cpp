// Running sums, products and extrema.
#include "codegen/stablehlo/Printer.h"

using namespace mlir;

namespace weft::stablehlo {

// x moved by so many steps along an axis, with `before` in front.
Hlo Printer::delayed(const Hlo &x, int64_t dim, int64_t steps, const Hlo &before) {
  Sizes low = filled(x.shape.size(), 0), high = low;
  low[size_t(dim)] = steps;
  high[size_t(dim)] = -steps;
  return pad(x, before, low, high, filled(x.shape.size(), 0));
}

Hlos Printer::scan(Operation &op, const Hlos &x) {
  int64_t dim = intOf(&op, "dim"), length = x[0].shape[size_t(dim)];
  OpKind kind = kindOf(&op);
  if (length == 0)
    return op.getNumResults() == 1 ? Hlos{x.back()} : Hlos{x[0], iota(dim, integer(64), x[0].shape)};
  Hlos wide;
  for (const Hlo &each : x)
    wide.push_back(isNarrow(each.element) ? convert(each, float32()) : each);
  Type element = wide[0].element;
  if (kind == OpKind::Cumsum || kind == OpKind::Cumprod) {
    Hlo init = number(kind == OpKind::Cumsum ? 0 : 1, element);
    Sizes ones = filled(x[0].shape.size(), 1), zeros = filled(ones.size(), 0), window = ones, low = zeros;
    window[size_t(dim)] = length;
    low[size_t(dim)] = length - 1;
    auto array = [](const Sizes &values) {
      std::string list = listOf(values);
      return "array<i64: " + list.substr(1, list.size() - 2) + ">";
    };
    std::string name = fresh();
    open(name + " = \"stablehlo.reduce_window\"(" + wide[0].name + ", " + init.name + ") <{padding = dense<" +
         pairsOf(low, zeros) + "> : tensor<" + std::to_string(low.size()) +
         "x2xi64>, window_dimensions = " + array(window) + ", window_strides = " + array(ones) + "}> ({");
    block({{"", element, {}}, {"", element, {}}},
          [&](const Hlos &p) { return Hlos{binary(kind == OpKind::Cumsum ? "add" : "multiply", p[0], p[1])}; });
    close("}) : (" + typeOf(wide[0]) + ", " + typeOf(init) + ") -> " + typeOf(wide[0]));
    return {convert({name, element, wide[0].shape}, x[0].element)};
  }
  // By doubling: after each step an element stands for twice as many.
  if (kind == OpKind::LinearScan) {
    Hlo factor = wide[0], sum = wide[1], zero = number(0, element), one = number(1, element);
    for (int64_t step = 1; step < length; step *= 2) {
      sum = binary("add", sum, binary("multiply", factor, delayed(sum, dim, step, zero)));
      if (2 * step < length)
        factor = binary("multiply", factor, delayed(factor, dim, step, one));
    }
    return {convert(sum, x[1].element)};
  }
  if (kind != OpKind::Cummax && kind != OpKind::Cummin)
    refuse(op, "is a scan without a counterpart in StableHLO");
  Hlo value = x[0], position = iota(dim, integer(64), x[0].shape);
  Hlo worst = kind == OpKind::Cummax ? smallest(value.element) : greatest(value.element);
  for (int64_t step = 1; step < length; step *= 2) {
    Hlo before = delayed(value, dim, step, worst), place = delayed(position, dim, step, whole(0, integer(64)));
    Hlo stays = compare(kind == OpKind::Cummax ? "GE" : "LE", value, before);
    if (isa<FloatType>(value.element))
      stays = binary("or", stays, isNan(value));
    Hlo inside = compare("LT", iota(dim, integer(64), x[0].shape), whole(step, integer(64), x[0].shape));
    stays = binary("or", stays, inside);
    value = select(stays, value, before);
    position = select(stays, position, place);
  }
  return {value, position};
}

} // namespace weft::stablehlo
