// Sums, products, extrema and their positions, along axes.
#include "codegen/stablehlo/Printer.h"

using namespace mlir;

namespace weft::stablehlo {

Hlo Printer::reduce(const Hlo &x, const Hlo &init, const char *op, const Sizes &dims) {
  Sizes left;
  for (size_t i = 0; i < x.shape.size(); ++i)
    if (!llvm::is_contained(dims, int64_t(i)))
      left.push_back(x.shape[i]);
  return define("stablehlo.reduce(" + x.name + " init: " + init.name + ") applies stablehlo." + op +
                    " across dimensions = " + listOf(dims) + " : (" + typeOf(x) + ", " + typeOf(init) + ") -> " +
                    typeOf(x.element, left),
                x.element, left);
}

// Two values an element, of which `body` chooses a pair from two.
Hlos Printer::argReduce(const Hlos &x, const Hlos &inits, int64_t dim, const Body &body) {
  Sizes left = x[0].shape;
  left.erase(left.begin() + dim);
  Hlos scalars = {{"", x[0].element, {}}, {"", x[1].element, {}}, {"", x[0].element, {}}, {"", x[1].element, {}}};
  std::string name = fresh(), types;
  for (const Hlo &each : {x[0], x[1], inits[0], inits[1]})
    types += (types.empty() ? "" : ", ") + typeOf(each);
  open(name + ":2 = \"stablehlo.reduce\"(" + x[0].name + ", " + x[1].name + ", " + inits[0].name + ", " +
       inits[1].name + ") <{dimensions = array<i64: " + std::to_string(dim) + ">}> ({");
  block(scalars, body);
  close("}) : (" + types + ") -> (" + typeOf(x[0].element, left) + ", " + typeOf(x[1].element, left) + ")");
  return {{name + "#0", x[0].element, left}, {name + "#1", x[1].element, left}};
}

Hlo Printer::reduction(Operation &op, const Hlo &x) {
  Sizes dims = sizes(intsOf(&op, "dims")), whole = sizes(shapeOf(op.getResult(0)));
  switch (kindOf(&op)) {
  case OpKind::Sum:
  case OpKind::Prod: {
    bool isSum = kindOf(&op) == OpKind::Sum;
    Hlo wide = isNarrow(x.element) ? convert(x, float32()) : x;
    Hlo found = reduce(wide, number(isSum ? 0 : 1, wide.element), isSum ? "add" : "multiply", dims);
    return reshape(convert(found, x.element), whole);
  }
  case OpKind::Amax:
    return reshape(reduce(x, smallest(x.element), "maximum", dims), whole);
  case OpKind::Amin:
    return reshape(reduce(x, greatest(x.element), "minimum", dims), whole);
  case OpKind::Any:
    return reshape(reduce(x, this->whole(0, x.element), "or", dims), whole);
  case OpKind::All:
    return reshape(reduce(x, this->whole(1, x.element), "and", dims), whole);
  case OpKind::Argmax:
  case OpKind::Argmin: {
    bool isMax = kindOf(&op) == OpKind::Argmax, isFloat = isa<FloatType>(x.element);
    Type i64 = integer(64);
    Hlo positions = iota(dims[0], i64, x.shape);
    // Of the start's position, which is beyond all others, nothing but an empty axis is left.
    Hlos inits = {isMax ? smallest(x.element) : greatest(x.element), greatest(i64)};
    Hlos found = argReduce({x, positions}, inits, dims[0], [&](const Hlos &p) {
      const Hlo &a = p[0], &i = p[1], &b = p[2], &j = p[3];
      Hlo better = compare(isMax ? "GT" : "LT", a, b), same = compare("EQ", a, b);
      if (isFloat) { // a NaN wins
        Hlo first = isNan(a), second = isNan(b);
        better = binary("or", better, binary("and", first, unary("not", second)));
        same = binary("or", same, binary("and", first, second));
      }
      Hlo chosen = binary("or", better, binary("and", same, compare("LT", i, j)));
      return Hlos{select(chosen, a, b), select(chosen, i, j)};
    });
    return reshape(found[1], whole);
  }
  default:
    refuse(op, "is a reduction without a counterpart in StableHLO");
  }
}

} // namespace weft::stablehlo
