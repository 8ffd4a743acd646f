// Sorts and Fourier transforms, which are C functions in weft (runtime/extern).
#include "codegen/stablehlo/Printer.h"

using namespace mlir;

namespace weft::stablehlo {

// NaN counts as the greatest; stable. Of topk_last the first of them.
Hlos Printer::sorted(Operation &op, const Hlo &x) {
  bool isWhole = kindOf(&op) == OpKind::SortLast;
  bool descending = boolOf(&op, isWhole ? "descending" : "largest"), isFloat = isa<FloatType>(x.element);
  int64_t dim = int64_t(x.shape.size()) - 1;
  Type i64 = integer(64);
  Hlo positions = iota(dim, i64, x.shape);
  std::string name = fresh(), types = typeOf(x) + ", " + typeOf(positions);
  open(name + ":2 = \"stablehlo.sort\"(" + x.name + ", " + positions.name + ") <{dimension = " + std::to_string(dim) +
       " : i64, is_stable = true}> ({");
  block({{"", x.element, {}}, {"", x.element, {}}, {"", i64, {}}, {"", i64, {}}}, [&](const Hlos &p) {
    const Hlo &a = descending ? p[1] : p[0], &b = descending ? p[0] : p[1];
    Hlo less = compare("LT", a, b);
    if (isFloat)
      less = binary("or", less, binary("and", unary("not", isNan(a)), isNan(b)));
    return Hlos{less};
  });
  close("}) : (" + types + ") -> (" + types + ")");
  Hlos results{{name + "#0", x.element, x.shape}, {name + "#1", i64, x.shape}};
  Sizes shape = sizes(shapeOf(op.getResult(0)));
  for (Hlo &result : results)
    if (!isWhole)
      result = slice(result, filled(shape.size(), 0), shape, filled(shape.size(), 1));
  return results;
}

// StableHLO's transforms are of complex numbers, along the last axis; the inverse ones divide by the length.
Hlo Printer::fourier(Operation &op, const Hlo &x) {
  OpKind kind = kindOf(&op);
  Sizes shape = sizes(shapeOf(op.getResult(0)));
  Type complex = ComplexType::get(x.element);
  auto part = [&](const Hlo &pairs, int64_t which) {
    Sizes starts = filled(pairs.shape.size(), 0), cut = pairs.shape, left = pairs.shape;
    starts.back() = which;
    cut.back() = 1;
    left.pop_back();
    return reshape(slice(pairs, starts, cut, filled(cut.size(), 1)), left);
  };
  auto turned = [&](const Hlo &value) { // the last two axes
    Sizes axes = ascending(value.shape.size()), result = value.shape;
    std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
    std::swap(result[result.size() - 1], result[result.size() - 2]);
    return kind == OpKind::FftColumns ? typed("transpose", {value}, "dims = " + listOf(axes), value.element, result)
                                      : value;
  };
  Hlo given = x;
  if (kind != OpKind::FftRealRows) {
    Hlo re = turned(part(x, 0)), im = turned(part(x, 1));
    given =
        define("stablehlo.complex " + re.name + ", " + im.name + " : " + typeOf(complex, re.shape), complex, re.shape);
  }
  double scale = floatOf(&op, "scale");
  if (kind == OpKind::FftToRealRows) {
    Hlo found = typed("fft", {given}, "type = IRFFT, length = " + listOf({shape.back()}), x.element, shape);
    return binary("multiply", found, number(scale * double(shape.back()), x.element, shape));
  }
  bool isReal = kind == OpKind::FftRealRows, inverse = !isReal && boolOf(&op, "inverse");
  int64_t length = given.shape.back();
  Sizes result = given.shape;
  if (isReal)
    result.back() = length / 2 + 1;
  Hlo found = typed("fft", {given},
                    std::string("type = ") +
                        (isReal    ? "RFFT"
                         : inverse ? "IFFT"
                                   : "FFT") +
                        ", length = " + listOf({length}),
                    complex, result);
  Hlos parts;
  for (const char *name : {"real", "imag"}) {
    Hlo half = turned(typed(name, {found}, "", x.element, result));
    Sizes column = half.shape;
    column.push_back(1);
    parts.push_back(reshape(half, column));
  }
  Hlo pairs = concatenate(parts, int64_t(shape.size()) - 1);
  return binary("multiply", pairs, number(inverse ? scale * double(length) : scale, x.element, shape));
}

} // namespace weft::stablehlo
