// Contractions and convolutions.
#include "codegen/stablehlo/Printer.h"

using namespace mlir;

namespace weft::stablehlo {

Hlo Printer::contraction(Operation &op, const Hlos &x) {
  Type element = elementOf(op.getResult(0));
  Hlo left = x[0], right = x[1];
  // Sums of 16-bit floats are float32.
  Type sum = isNarrow(element) ? float32() : element;
  if (left.element != right.element)
    left = convert(left, sum), right = convert(right, sum);
  std::string dims;
  auto axes = [&](const char *name) { return listOf(sizes(intsOf(&op, name))); };
  if (!intsOf(&op, "lhs_batch").empty())
    dims = "batching_dims = " + axes("lhs_batch") + " x " + axes("rhs_batch") + ", ";
  dims += "contracting_dims = " + axes("lhs_contract") + " x " + axes("rhs_contract");
  if (isa<FloatType>(element))
    dims += ", precision = [HIGHEST, HIGHEST]";
  Hlo found = typed("dot_general", {left, right}, dims, sum, sizes(shapeOf(op.getResult(0))));
  return convert(found, element);
}

Hlo Printer::convolution(Operation &op, const Hlos &x) {
  Type element = elementOf(op.getResult(0));
  Sizes stride = sizes(intsOf(&op, "stride")), low = sizes(intsOf(&op, "low")), high = sizes(intsOf(&op, "high"));
  Sizes dilation = sizes(intsOf(&op, "dilation")), shape = sizes(shapeOf(op.getResult(0)));
  std::string axes, groups = std::to_string(intOf(&op, "groups"));
  for (size_t i = 0; i < stride.size(); ++i)
    axes += ", " + std::to_string(i);
  Hlo left = x[0], right = x[1];
  if (isNarrow(element))
    left = convert(left, float32()), right = convert(right, float32());
  auto write = [&](const std::string &layout, const Sizes &steps, const Sizes &after, const Sizes &between,
                   const char *grouped) {
    bool features = llvm::StringRef(grouped) == "feature";
    std::string attributes =
        "dim_numbers = " + layout + ", window = {stride = " + listOf(steps) + ", pad = " + pairsOf(low, after) +
        ", rhs_dilate = " + listOf(between) + "} {batch_group_count = " + (features ? "1" : groups) +
        " : i64, feature_group_count = " + (features ? groups : "1") +
        " : i64, precision_config = [#stablehlo<precision HIGHEST>, #stablehlo<precision HIGHEST>]}";
    std::string words = "stablehlo.convolution(" + left.name + ", " + right.name + ") " + attributes + " : (" +
                        typeOf(left) + ", " + typeOf(right) + ") -> " + typeOf(left.element, shape);
    return convert(define(words, left.element, shape), element);
  };
  if (kindOf(&op) == OpKind::ConvGeneral)
    return write("[b, f" + axes + "]x[o, i" + axes + "]->[b, f" + axes + "]", stride, high, dilation, "feature");
  // The weight's gradient is a convolution whose channels are the batch; its kernel is the result's gradient.
  Sizes kernel = sizes(intsOf(&op, "kernel")), after;
  for (size_t i = 0; i < kernel.size(); ++i)
    after.push_back((kernel[i] - 1) * dilation[i] + 1 + stride[i] * (x[1].shape[i + 2] - 1) - x[0].shape[i + 2] -
                    low[i]);
  return write("[f, b" + axes + "]x[i, o" + axes + "]->[f, b" + axes + "]", dilation, after, stride, "batch");
}

} // namespace weft::stablehlo
