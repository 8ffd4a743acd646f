// Positions that are data: gather, scatter, rows of tables.
#include "codegen/stablehlo/Printer.h"

using namespace mlir;

namespace weft::stablehlo {

Hlo Printer::gather(const Hlo &x, const Hlo &positions, const std::string &dimensions, const Sizes &slices,
                    const Sizes &shape) {
  std::string list = listOf(slices);
  return define("\"stablehlo.gather\"(" + x.name + ", " + positions.name +
                    ") <{dimension_numbers = #stablehlo.gather<" + dimensions +
                    ">, indices_are_sorted = false, slice_sizes = array<i64: " + list.substr(1, list.size() - 2) +
                    ">}> : (" + typeOf(x) + ", " + typeOf(positions) + ") -> " + typeOf(x.element, shape),
                x.element, shape);
}

// Elements whose position is outside go nowhere, as in weft.
Hlo Printer::scatterAt(const Hlo &x, const Hlo &positions, const Hlo &source, const std::string &dimensions,
                       const char *combine) {
  std::string name = fresh();
  open(name + " = \"stablehlo.scatter\"(" + x.name + ", " + positions.name + ", " + source.name +
       ") <{indices_are_sorted = false, scatter_dimension_numbers = #stablehlo.scatter<" + dimensions +
       ">, unique_indices = false}> ({");
  block({{"", x.element, {}}, {"", x.element, {}}},
        [&](const Hlos &p) { return Hlos{combine ? binary(combine, p[0], p[1]) : p[1]}; });
  close("}) : (" + typeOf(x) + ", " + typeOf(positions) + ", " + typeOf(source) + ") -> " + typeOf(x));
  return {name, x.element, x.shape};
}

// Of each element of the index where it points: [*index.shape, rank].
Hlo Printer::positionsAlong(const Hlo &index, int64_t dim) {
  Sizes column = index.shape;
  column.push_back(1);
  Hlos parts;
  for (size_t i = 0; i < index.shape.size(); ++i)
    parts.push_back(int64_t(i) == dim ? reshape(index, column) : iota(int64_t(i), index.element, column));
  return parts.size() == 1 ? parts[0] : concatenate(parts, int64_t(index.shape.size()));
}

Hlo Printer::scatter(Operation &op, const Hlos &x) {
  int64_t dim = intOf(&op, "dim");
  const Hlo &index = x[1];
  Sizes result = sizes(shapeOf(op.getResult(0))), all = ascending(x[0].shape.size());
  size_t rank = all.size();
  // What lies outside reads as 0, where StableHLO takes the nearest element.
  auto inside = [&](const Hlo &found, const Hlo &position) {
    Hlo zero = whole(0, position.element, position.shape);
    Hlo size = whole(x[0].shape[size_t(dim)], position.element, position.shape);
    Hlo fits = binary("and", compare("GE", position, zero), compare("LT", position, size));
    if (position.shape != found.shape)
      fits = broadcast(fits, {dim}, found.shape);
    return select(fits, found, number(0, found.element, found.shape));
  };
  switch (kindOf(&op)) {
  case OpKind::Gather: {
    if (product(result) == 0 || product(x[0].shape) == 0)
      return number(0, x[0].element, result);
    std::string dims = "collapsed_slice_dims = " + listOf(all) + ", start_index_map = " + listOf(all) +
                       ", index_vector_dim = " + std::to_string(rank);
    return inside(gather(x[0], positionsAlong(index, dim), dims, filled(rank, 1), result), index);
  }
  case OpKind::IndexSelect: {
    if (product(result) == 0 || product(x[0].shape) == 0)
      return number(0, x[0].element, result);
    Sizes others = all, slices = x[0].shape;
    others.erase(others.begin() + dim);
    slices[size_t(dim)] = 1;
    std::string dims = "offset_dims = " + listOf(others) + ", collapsed_slice_dims = " + listOf({dim}) +
                       ", start_index_map = " + listOf({dim}) + ", index_vector_dim = 1";
    return inside(gather(x[0], index, dims, slices, result), index);
  }
  default: {
    static const std::pair<OpKind, const char *> combinations[] = {{OpKind::Scatter, nullptr},
                                                                   {OpKind::ScatterAdd, "add"},
                                                                   {OpKind::ScatterProd, "multiply"},
                                                                   {OpKind::ScatterAmax, "maximum"},
                                                                   {OpKind::ScatterAmin, "minimum"}};
    for (auto [kind, combine] : combinations)
      if (kind == kindOf(&op)) {
        if (product(index.shape) == 0)
          return x[0];
        std::string dims = "inserted_window_dims = " + listOf(all) + ", scatter_dims_to_operand_dims = " + listOf(all) +
                           ", index_vector_dim = " + std::to_string(rank);
        return scatterAt(x[0], positionsAlong(index, dim), x[2], dims, combine);
      }
    refuse(op, "reads or writes at positions in a way without a counterpart in StableHLO");
  }
  }
}

// The rows that each bag names, added: to each of them the number of its bag.
Hlo Printer::embeddingBag(Operation &op, const Hlos &x) {
  const Hlo &weight = x[0], &index = x[1], &offsets = x[2];
  int64_t count = index.shape[0], bags = offsets.shape[0], width = weight.shape[1];
  Sizes result = {bags, width};
  if (count == 0 || bags == 0)
    return number(0, weight.element, result);
  Type i64 = integer(64);
  Hlo rows = gather(weight, index,
                    "offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1",
                    {1, width}, {count, width});
  if (isNarrow(rows.element))
    rows = convert(rows, float32());
  if (x.size() > 3)
    rows = binary("multiply", rows, broadcast(convert(x[3], rows.element), {0}, rows.shape));
  Sizes grid = {count, bags};
  Hlo begun = compare("LE", broadcast(offsets, {1}, grid), iota(0, i64, grid));
  Hlo bag = reduce(convert(begun, i64), whole(0, i64), "add", {1});
  bag = reshape(binary("subtract", bag, whole(1, i64, {count})), {count, 1});
  Hlo sums = scatterAt(
      number(0, rows.element, result), bag, rows,
      "update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1",
      "add");
  return convert(sums, weight.element);
}

} // namespace weft::stablehlo
