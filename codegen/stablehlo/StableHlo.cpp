// Decompose and simplify, then a line or a few an op. Elementwise ops, whatever they are, are the bodies of their
// records; other ops have a function here.
#include "codegen/stablehlo/StableHlo.h"
#include "codegen/stablehlo/HloWriter.h"

#include "ir/GraphIR.h"
#include "ir/OpAccess.h"
#include "passes/Decompose.h"
#include "passes/Simplify.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/raw_ostream.h"

#include <numeric>

using namespace mlir;

namespace weft {
namespace {

using namespace stablehlo;
using Hlos = std::vector<Hlo>;

Sizes sizes(const Dims &dims) { return Sizes(dims.begin(), dims.end()); }
Sizes filled(size_t count, int64_t value) { return Sizes(count, value); }
Sizes ascending(size_t count) {
  Sizes values(count);
  std::iota(values.begin(), values.end(), 0);
  return values;
}
int64_t product(const Sizes &values) {
  return std::accumulate(values.begin(), values.end(), int64_t(1), std::multiplies<>());
}

bool isNarrow(Type element) { return element.isF16() || element.isBF16(); }

std::string pairsOf(const Sizes &low, const Sizes &high) {
  std::string words = "[";
  for (size_t i = 0; i < low.size(); ++i)
    words += (i ? ", " : "") + listOf({low[i], high[i]});
  return words + "]";
}

class Printer : HloWriter {
public:
  explicit Printer(MLIRContext *context) : HloWriter(context) {}
  std::string print(func::FuncOp main, const std::vector<const void *> &data);

private:
  llvm::DenseMap<Value, Hlo> values;

  Hlos run(func::FuncOp graph, const Hlos &operands);
  Hlos results(Operation &op, const Hlos &x);
  Hlo shape(Operation &op, const Hlos &x);
  Hlo reduction(Operation &op, const Hlo &x);
  Hlo scatter(Operation &op, const Hlos &x);
  Hlos scan(Operation &op, const Hlos &x);
  Hlo contraction(Operation &op, const Hlos &x);
  Hlo convolution(Operation &op, const Hlos &x);
  Hlo creation(Operation &op, const Hlos &x);
  Hlos control(Operation &op, const Hlos &x);
  Hlos loopOverSequences(Operation &op, const Hlos &x);
  Hlos sorted(Operation &op, const Hlo &x);
  Hlo embeddingBag(Operation &op, const Hlos &x);
  Hlo fourier(Operation &op, const Hlo &x);
  [[noreturn]] void refuse(Operation &op, const std::string &why);

  using Body = std::function<Hlos(const Hlos &)>;
  Hlo reduce(const Hlo &x, const Hlo &init, const char *op, const Sizes &dims);
  Hlos argReduce(const Hlos &x, const Hlos &inits, int64_t dim, const Body &body);
  Hlo gather(const Hlo &x, const Hlo &positions, const std::string &dimensions, const Sizes &slices,
             const Sizes &shape);
  Hlo scatterAt(const Hlo &x, const Hlo &positions, const Hlo &source, const std::string &dimensions,
                const char *combine);
  Hlo positionsAlong(const Hlo &index, int64_t dim);
  Hlos loop(const Hlos &carried, const std::function<Hlo(const Hlos &)> &condition, const Body &body);
  Hlo at(const Hlo &x, int64_t i); // element of a vector, rank 0
  Hlo delayed(const Hlo &x, int64_t dim, int64_t steps, const Hlo &before);

  Hlo named(const std::string &name, Value value) { return {name, elementOf(value), sizes(shapeOf(value))}; }
  static Type elementOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }
};

void Printer::refuse(Operation &op, const std::string &why) {
  std::string line = locationText(op.getLoc()), types;
  for (Value operand : op.getOperands())
    types += (types.empty() ? "" : ", ") + toString(fromMlir(operand.getType()));
  fail(UserError::Kind::NotImplemented, "export",
       (line.empty() ? "" : line + ": ") + "the op " + infoOf(&op).name + " of (" + types + ") " + why);
}

// ---------------------------------------------------------------- The module

std::string Printer::print(func::FuncOp main, const std::vector<const void *> &data) {
  static const llvm::StringRef roles[] = {"weft.name", "weft.weight", "weft.state", "weft.generator"};
  auto attributeOf = [&](unsigned i) {
    for (llvm::StringRef role : roles)
      if (Attribute attr = main.getArgAttr(i, role)) {
        std::string words = " {" + role.str();
        llvm::raw_string_ostream out(words);
        if (!isa<UnitAttr>(attr))
          out << " = " << attr;
        out << '}';
        return words;
      }
    return std::string();
  };
  Hlos arguments;
  std::vector<unsigned> constants;
  std::string parameters;
  for (auto [i, argument] : llvm::enumerate(main.getArguments())) {
    arguments.push_back(named("%arg" + std::to_string(i), argument));
    if (i < data.size() && data[i]) {
      constants.push_back(unsigned(i));
      continue;
    }
    parameters += (parameters.empty() ? "" : ", ") + arguments.back().name + ": " + typeOf(arguments.back()) +
                  attributeOf(unsigned(i));
  }
  auto donations = main->getAttrOfType<DenseI64ArrayAttr>("weft.donations");
  std::string outputs;
  for (auto [i, type] : llvm::enumerate(main.getResultTypes())) {
    int64_t into = donations && int64_t(i) < donations.size() ? donations[int64_t(i)] : -1;
    outputs += (outputs.empty() ? "" : ", ") +
               typeOf(cast<RankedTensorType>(type).getElementType(), sizes(fromMlir(type).shape)) +
               (into >= 0 ? attributeOf(unsigned(into)) : "");
  }
  open("module {");
  open("func.func public @main(" + parameters + ") -> (" + outputs + ") {");
  for (unsigned i : constants)
    arguments[i] = this->data(data[i], arguments[i].element, arguments[i].shape);
  Hlos found = run(main, arguments);
  std::string names, types;
  for (const Hlo &result : found) {
    names += (names.empty() ? " " : ", ") + result.name;
    types += (types.empty() ? " : " : ", ") + typeOf(result);
  }
  line("func.return" + names + types);
  close();
  close();
  return std::move(text);
}

Hlos Printer::run(func::FuncOp graph, const Hlos &operands) {
  for (auto [argument, operand] : llvm::zip(graph.getArguments(), operands))
    values[argument] = operand;
  Hlos given;
  auto read = [&](Operation &op) {
    given.clear();
    for (Value operand : op.getOperands())
      given.push_back(values.at(operand));
    return given;
  };
  for (Operation &op : graph.front()) {
    if (op.hasTrait<OpTrait::IsTerminator>())
      return read(op);
    Hlos x = read(op);
    Hlos found;
    try {
      found = results(op, x);
    } catch (const UserError &error) {
      std::string words = error.what(), line = locationText(op.getLoc());
      if (words.find("the op ") != std::string::npos)
        throw;
      refuse(op, "cannot be written: " + words);
    }
    for (auto [result, hlo] : llvm::zip(op.getResults(), found))
      values[result] = hlo;
  }
  llvm_unreachable("a graph ends in a return");
}

Hlos Printer::results(Operation &op, const Hlos &x) {
  Type element = elementOf(op.getResult(0));
  switch (familyOf(&op)) {
  case OpFamily::Elementwise:
    return {scalarBody(kindOf(&op), x, attrsOf(&op), element, sizes(shapeOf(op.getResult(0))))};
  case OpFamily::Reduction:
    return {reduction(op, x[0])};
  case OpFamily::Shape:
    return {shape(op, x)};
  case OpFamily::Contraction:
    return {contraction(op, x)};
  case OpFamily::Convolution:
    return {convolution(op, x)};
  case OpFamily::Indexing:
    return {scatter(op, x)};
  case OpFamily::Creation:
    return {creation(op, x)};
  case OpFamily::Control:
    return control(op, x);
  case OpFamily::Scan:
    return scan(op, x);
  case OpFamily::Segments:
    return {embeddingBag(op, x)};
  case OpFamily::Extern:
    switch (kindOf(&op)) {
    case OpKind::SortLast:
      return sorted(op, x[0]);
    case OpKind::FftRows:
    case OpKind::FftColumns:
    case OpKind::FftRealRows:
    case OpKind::FftToRealRows:
      return {fourier(op, x[0])};
    default:
      break;
    }
    break;
  case OpFamily::Composite:
    break;
  }
  refuse(op, "has no counterpart in StableHLO; do it outside the exported function");
}

// ---------------------------------------------------------------- Reductions

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
  std::string name = fresh(), types, outputs;
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

// ---------------------------------------------------------------- Running sums

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
    Sizes flat;
    for (size_t i = 0; i < low.size(); ++i)
      flat.insert(flat.end(), {low[i], 0});
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

// ---------------------------------------------------------------- Products

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

// ---------------------------------------------------------------- Moves

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

// ---------------------------------------------------------------- Positions that are data

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

// NaN counts as the greatest; stable.
Hlos Printer::sorted(Operation &op, const Hlo &x) {
  bool descending = boolOf(&op, "descending"), isFloat = isa<FloatType>(x.element);
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
  return {{name + "#0", x.element, x.shape}, {name + "#1", i64, x.shape}};
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

// ---------------------------------------------------------------- What reads no data

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

// ---------------------------------------------------------------- Loops and branches

Hlos Printer::loop(const Hlos &carried, const std::function<Hlo(const Hlos &)> &condition, const Body &body) {
  std::string name = fresh(), pairs, types;
  Hlos arguments, found;
  for (size_t i = 0; i < carried.size(); ++i) {
    arguments.push_back({fresh(), carried[i].element, carried[i].shape});
    pairs += (i ? ", " : "") + arguments[i].name + " = " + carried[i].name;
    types += (i ? ", " : "") + typeOf(carried[i]);
    found.push_back(
        {carried.size() == 1 ? name : name + "#" + std::to_string(i), carried[i].element, carried[i].shape});
  }
  line(name + (carried.size() == 1 ? "" : ":" + std::to_string(carried.size())) + " = stablehlo.while(" + pairs +
       ") : " + types);
  open("cond {");
  yield({condition(arguments)});
  between("} do {");
  yield(body(arguments));
  close();
  return found;
}

Hlos Printer::control(Operation &op, const Hlos &x) {
  auto bodyOf = [&](const char *name) { return bodyFunction(&op, op.getAttr(name)); };
  switch (kindOf(&op)) {
  case OpKind::Cond: {
    Hlos given(x.begin() + 1, x.end()), found;
    std::string name = fresh(), types;
    size_t count = op.getNumResults();
    for (size_t i = 0; i < count; ++i) {
      found.push_back(named(count == 1 ? name : name + "#" + std::to_string(i), op.getResult(unsigned(i))));
      types += (i ? ", " : "") + typeOf(found.back());
    }
    open(name + (count == 1 ? "" : ":" + std::to_string(count)) + " = \"stablehlo.if\"(" + x[0].name + ") ({");
    yield(run(bodyOf("body"), given));
    between("}, {");
    yield(run(bodyOf("otherwise"), given));
    close("}) : (" + typeOf(x[0]) + ") -> (" + types + ")");
    return found;
  }
  case OpKind::WhileLoop: {
    auto carries = size_t(intOf(&op, "carries"));
    Hlos carried(x.begin() + 1, x.begin() + 1 + long(carries));
    carried.push_back(x[0]);
    return loop(
        carried, [](const Hlos &p) { return p.back(); },
        [&](const Hlos &p) {
          Hlos operands(p.begin(), p.end() - 1);
          operands.insert(operands.end(), x.begin() + 1 + long(carries), x.end());
          return run(bodyOf("body"), operands);
        });
  }
  case OpKind::Scan:
    return loopOverSequences(op, x);
  default:
    refuse(op, "runs a graph in a way without a counterpart in StableHLO");
  }
}

Hlos Printer::loopOverSequences(Operation &op, const Hlos &x) {
  auto carries = size_t(intOf(&op, "carries")), sequences = size_t(intOf(&op, "sequences"));
  int64_t length = intsOf(&op, "sizes")[0];
  bool reverse = boolOf(&op, "reverse");
  func::FuncOp body = bodyFunction(&op, op.getAttr("body"));
  Type i64 = integer(64);
  Hlos carried = {whole(0, i64)};
  carried.insert(carried.end(), x.begin(), x.begin() + long(carries));
  for (unsigned i = unsigned(carries); i < op.getNumResults(); ++i) // what the steps give, entry after entry
    carried.push_back(number(0, elementOf(op.getResult(i)), sizes(shapeOf(op.getResult(i)))));
  auto starts = [&](const Hlo &place, size_t rank) {
    std::string names = place.name, types = typeOf(place);
    if (rank > 1) {
      Hlo zero = whole(0, i64);
      for (size_t i = 1; i < rank; ++i) {
        names += ", " + zero.name;
        types += ", " + typeOf(zero);
      }
    }
    return std::pair(names, types);
  };
  Hlos found = loop(
      carried, [&](const Hlos &p) { return compare("LT", p[0], whole(length, i64)); },
      [&](const Hlos &p) {
        Hlo place = reverse ? binary("subtract", whole(length - 1, i64), p[0]) : p[0];
        Hlos operands(p.begin() + 1, p.begin() + 1 + long(carries));
        for (size_t i = carries; i < carries + sequences; ++i) {
          Sizes entry = x[i].shape;
          entry[0] = 1;
          auto [names, types] = starts(place, entry.size());
          Hlo part = define("stablehlo.dynamic_slice " + x[i].name + ", " + names + ", sizes = " + listOf(entry) +
                                " : (" + typeOf(x[i]) + ", " + types + ") -> " + typeOf(x[i].element, entry),
                            x[i].element, entry);
          operands.push_back(reshape(part, Sizes(entry.begin() + 1, entry.end())));
        }
        operands.insert(operands.end(), x.begin() + long(carries + sequences), x.end());
        Hlos given = run(body, operands), next = {binary("add", p[0], whole(1, i64))};
        for (size_t i = 0; i < given.size(); ++i) {
          if (i < carries) {
            next.push_back(given[i]);
            continue;
          }
          const Hlo &rows = p[i + 1];
          Sizes entry = rows.shape;
          entry[0] = 1;
          Hlo row = reshape(given[i], entry);
          auto [names, types] = starts(place, entry.size());
          next.push_back(define("stablehlo.dynamic_update_slice " + rows.name + ", " + row.name + ", " + names +
                                    " : (" + typeOf(rows) + ", " + typeOf(row) + ", " + types + ") -> " + typeOf(rows),
                                rows.element, rows.shape));
        }
        return next;
      });
  return Hlos(found.begin() + 1, found.end());
}

// ---------------------------------------------------------------- Before

// Sizes must be numbers; what is checked is the caller's.
void prepare(func::FuncOp main) {
  for (Type type : llvm::concat<const Type>(main.getArgumentTypes(), main.getResultTypes()))
    for (int64_t size : fromMlir(type).shape)
      if (isSymbol(size))
        fail(UserError::Kind::NotImplemented, "export",
             "StableHLO text has fixed sizes, and " + toString(fromMlir(type)) +
                 " has symbols; export for the sizes that are wanted");
  size_t checks = checkMessages(main).size();
  if (!checks)
    return;
  Operation *end = main.front().getTerminator();
  size_t left = end->getNumOperands() - checks;
  end->eraseOperands(unsigned(left), unsigned(checks));
  main.setFunctionType(FunctionType::get(main.getContext(), main.getArgumentTypes(),
                                         llvm::ArrayRef<Type>(main.getResultTypes()).take_front(left)));
  main->removeAttr("weft.checks");
}

} // namespace

std::string printStableHlo(ModuleOp module, const std::vector<const void *> &data) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isDeclaration())
    fail(UserError::Kind::Value, "export", "the module has no function @main");
  prepare(main);
  runSimplify(module);
  runDecompose(module);
  runSimplify(module);
  return Printer(module.getContext()).print(main, data);
}

} // namespace weft
