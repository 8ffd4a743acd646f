#include "ir/GeneralGraph.h"

#include "ir/OpTable.h"
#include "ir/kernel/CanonicalOrder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <tuple>

namespace weft {

bool namesSizes(const AttrInfo &attr) {
  return attr.kind == Attr::Kind::Ints && (!std::strcmp(attr.name, "shape") || !std::strcmp(attr.name, "sizes"));
}

// ---------------------------------------------------------------- Taking apart

namespace {

// Where a value stands in a graph.
struct Site {
  // From Real on what may be anything.
  enum class Kind : uint8_t { InputSize, InputStride, NodeSize, AttrSize, Real, Integer, Offset, Start, Low, High };
  Kind kind;
  int index; // of the input or node
  int attr;
  int axis;
  int body = -1; // of its ops, in the order of the walk, in which it stands
};

bool isRandom(const OpInfo &op) {
  return op.family == OpFamily::Creation && op.operandCount > 0 && !std::strcmp(op.operandNames[0], "state");
}

// Around, not between the elements; named: positions outside are read as zeros, too (ir/ops/Indexing.td).
bool padsWithZeros(const Node &node) {
  if (node.op != OpKind::Pad || node.attrs[3].f != 0 || std::signbit(node.attrs[3].f))
    return false;
  const Dims &interior = node.attrs[2].ints;
  return std::all_of(interior.begin(), interior.end(), [](int64_t n) { return n == 0; });
}

// Goes over a graph in one order, each body of its ops where the op stands, whether it reads the values or says where
// they stand. Of a body the sizes are values, and its numbers are as they are.
class Walk {
public:
  Walk(const Graph &graph, bool sizes, std::vector<Site> *sites) : sizes(sizes), sites(sites) {
    parts.skeleton.reserve(64 + 24 * graph.nodes.size());
    parts.values.reserve(16 + 8 * graph.nodes.size());
    walk(graph, -1);
  }
  GraphParts parts;

private:
  void walk(const Graph &graph, int number) {
    body = number;
    word(int64_t(graph.inputs.size()));
    for (size_t i = 0; i < graph.inputs.size(); ++i)
      input(graph.inputs[i], int(i));
    word(int64_t(graph.nodes.size()));
    for (size_t i = 0; i < graph.nodes.size(); ++i)
      node(graph.nodes[i], int(i));
    list(graph.outputs);
    list(graph.donations);
    word(int64_t(graph.checks.size()));
    for (const GraphCheck &check : graph.checks) // not the messages, which tell sizes
      word(check.broken);
  }
  void byte(int v) { parts.skeleton.push_back(char(v)); }
  void word(int64_t v) {
    if (v >= 0 && v < 255)
      return byte(int(v));
    char raw[8];
    std::memcpy(raw, &v, 8);
    byte(255);
    parts.skeleton.append(raw, 8);
  }
  template <class List> void list(const List &values) {
    word(int64_t(values.size()));
    for (auto v : values)
      word(v);
  }
  void value(int64_t v, Site site) {
    parts.values.push_back(v);
    if (!sites)
      return;
    site.body = body;
    sites->push_back(site);
  }
  void size(int64_t v, Site site) {
    if (!sizes || v <= 1) // which are never symbols
      return word(v);
    byte(254);
    byte(254); // no word is so
    value(v, site);
  }
  void listOfSizes(const Dims &dims, Site site) {
    word(dims.size());
    for (site.axis = 0; site.axis < dims.size(); ++site.axis)
      size(dims[site.axis], site);
  }
  void input(const Input &in, int index) {
    byte(int(in.type.dtype) * 2 + in.weight);
    listOfSizes(in.type.shape, {Site::Kind::InputSize, index, -1, 0});
    listOfSizes(in.strides, {Site::Kind::InputStride, index, -1, 0});
  }
  void attribute(const OpInfo &op, const Node &n, int index, int i) {
    const Attr &a = n.attrs[size_t(i)];
    if (a.kind == Attr::Kind::Graph) {
      const int outside = body;
      walk(*a.body, bodies++);
      body = outside;
      return;
    }
    if (namesSizes(op.attrs[i]))
      return listOfSizes(a.ints, {Site::Kind::AttrSize, index, i, 0});
    const bool inBody = body >= 0;
    if (n.op == OpKind::Slice && i == 0 && !inBody) { // named: its starts are positions
      for (int axis = 0; axis < a.ints.size(); ++axis)
        value(a.ints[axis], {Site::Kind::Start, index, i, axis});
      return;
    }
    if (i < 2 && padsWithZeros(n) && !inBody) {
      for (int axis = 0; axis < a.ints.size(); ++axis)
        value(a.ints[axis], {i == 0 ? Site::Kind::Low : Site::Kind::High, index, i, axis});
      return;
    }
    bool number = n.op == OpKind::Full && !inBody; // named: its attributes but the shape are the number
    int64_t bits = a.i;
    if (a.kind == Attr::Kind::Float)
      std::memcpy(&bits, &a.f, 8);
    if (number && a.kind == Attr::Kind::Float)
      value(bits, {Site::Kind::Real, index, i, 0});
    else if (number && a.kind == Attr::Kind::Int)
      value(bits, {Site::Kind::Integer, index, i, 0});
    else if (!inBody && isRandom(op) && !std::strcmp(op.attrs[i].name, "offset"))
      value(bits, {Site::Kind::Offset, index, i, 0});
    else if (a.kind == Attr::Kind::Ints)
      list(a.ints);
    else
      word(bits);
  }
  void node(const Node &n, int index) {
    word(int64_t(n.op));
    byte(n.result);
    list(n.operands);
    const OpInfo &op = info(n.op);
    for (int i = 0; i < int(n.attrs.size()); ++i)
      attribute(op, n, index, i);
    byte(int(n.type.dtype));
    listOfSizes(n.type.shape, {Site::Kind::NodeSize, index, -1, 0});
  }

  const bool sizes;
  std::vector<Site> *sites;
  int body = -1, bodies = 0; // where the walk is, and how many there were
};

} // namespace

GraphParts partsOf(const Graph &graph, bool sizes) { return Walk(graph, sizes, nullptr).parts; }

// ---------------------------------------------------------------- Generalising

class GeneralGraph::Builder {
public:
  Builder(const Graph &graph, bool sizes, const std::vector<std::vector<int64_t>> &instances)
      : instances(instances), made(std::make_shared<GeneralGraph>()) {
    made->general = graph;
    for (GraphCheck &check : made->general.checks)
      check.message.clear(); // whoever runs it tells
    ownBodies(made->general);
    values = Walk(graph, sizes, &sites).parts.values;
    made->terms.resize(values.size());
  }

  std::shared_ptr<const GeneralGraph> build() {
    for (bool inputs : {true, false}) // which sizes are symbols, the inputs say
      for (size_t i = 0; i < sites.size(); ++i)
        if ((sites[i].kind == Site::Kind::InputSize && sites[i].body < 0) == inputs && !place(int(i)))
          return nullptr;
    addNumbers();
    nameSymbols(made->general);
    for (const std::shared_ptr<Graph> &body : bodies)
      nameSymbols(*body);
    return typesHold() ? made : nullptr;
  }

private:
  using Tuple = std::vector<int64_t>; // one value in each instance

  // In the order of the walk.
  void ownBodies(Graph &graph) {
    for (Node &node : graph.nodes)
      for (size_t i = 0; i < node.attrs.size(); ++i)
        if (Attr &attr = node.attrs[i]; attr.kind == Attr::Kind::Graph) {
          auto body = std::make_shared<Graph>(*attr.body);
          bodies.push_back(body);
          ownBodies(*body);
          attr.body = std::move(body);
        }
  }

  void nameSymbols(Graph &graph) const {
    graph.symbolCount = int(symbols.size());
    graph.typicalSizes.listed = typicalSizes();
  }

  Tuple tupleOf(int value) const {
    Tuple tuple;
    for (const std::vector<int64_t> &instance : instances)
      tuple.push_back(instance[size_t(value)]);
    return tuple;
  }

  bool place(int value) {
    Tuple tuple = tupleOf(value);
    Term &term = made->terms[size_t(value)];
    if (std::all_of(tuple.begin(), tuple.end(), [&](int64_t v) { return v == tuple[0]; })) {
      term.constant = tuple[0];
      return true;
    }
    const Site &site = sites[size_t(value)];
    if (site.kind >= Site::Kind::Real) {
      term.kind = Term::Kind::Anything;
      numbers.push_back(value);
      return true;
    }
    std::optional<int64_t> code = codeOf(tuple, term);
    if (code)
      sizeAt(site) = *code;
    return code.has_value();
  }

  int64_t &sizeAt(const Site &site) {
    Graph &graph = site.body < 0 ? made->general : *bodies[size_t(site.body)];
    switch (site.kind) {
    case Site::Kind::InputSize:
      return graph.inputs[size_t(site.index)].type.shape[site.axis];
    case Site::Kind::InputStride:
      return graph.inputs[size_t(site.index)].strides[site.axis];
    case Site::Kind::NodeSize:
      return graph.nodes[size_t(site.index)].type.shape[site.axis];
    default:
      return graph.nodes[size_t(site.index)].attrs[size_t(site.attr)].ints[site.axis];
    }
  }

  // A symbol where the sizes are those of one, else the product of a constant and few symbols, else a new symbol.
  std::optional<int64_t> codeOf(const Tuple &tuple, Term &term) {
    constexpr int kMostFactors = 3;
    Dims factors;
    for (int count = 1; count <= kMostFactors; ++count)
      if (std::optional<int64_t> constant = asProduct(tuple, count, 0, factors)) {
        if (std::optional<int64_t> code = sizeProduct(*constant, factors)) {
          term = {Term::Kind::Product, -1, *constant, factors};
          return code;
        }
      }
    constexpr size_t kMostSymbols = 32;
    if (symbols.size() == kMostSymbols)
      return {};
    symbols.push_back(tuple);
    term = {Term::Kind::Symbol, int(symbols.size()) - 1, 0, {}};
    return symbol(term.symbol);
  }

  // The constant with which `count` symbols from number `first` on give the tuple; `factors` are then theirs.
  std::optional<int64_t> asProduct(const Tuple &tuple, int count, int first, Dims &factors) const {
    if (count == 0) {
      bool same = std::all_of(tuple.begin(), tuple.end(), [&](int64_t v) { return v == tuple[0]; });
      return same ? std::optional<int64_t>(tuple[0]) : std::nullopt;
    }
    for (int s = first; s < int(symbols.size()); ++s) {
      Tuple rest = tuple;
      bool divides = true;
      for (size_t i = 0; divides && i < rest.size(); ++i) {
        divides = rest[i] % symbols[size_t(s)][i] == 0;
        rest[i] /= symbols[size_t(s)][i];
      }
      if (!divides)
        continue;
      factors.push_back(s);
      if (std::optional<int64_t> constant = asProduct(rest, count - 1, s, factors))
        return constant;
      factors.pop_back();
    }
    return {};
  }

  // Each number that differs becomes an input. The ops that it was an attribute of become others, which read it.
  void addNumbers() {
    Graph &graph = made->general;
    std::multimap<int, std::pair<const Site *, ValueId>> inputsOf; // by the node
    for (int value : numbers) {
      const Site &site = sites[size_t(value)];
      const Node &node = graph.nodes[size_t(site.index)];
      bool real = isFloat(node.type.dtype);
      if (node.op == OpKind::Full && real != (site.kind == Site::Kind::Real))
        continue; // the attribute that is not read
      NumberInput input{NumberInput::Kind::Integer, DType::Int64, value};
      if (site.kind == Site::Kind::Offset)
        input = {NumberInput::Kind::RandomState, DType::Int64, value, node.operands[0]};
      else if (node.op == OpKind::Full)
        input = {real ? NumberInput::Kind::Real : NumberInput::Kind::Integer, node.type.dtype, value};
      inputsOf.emplace(site.index, std::pair(&site, ValueId(graph.inputs.size() + made->further.size())));
      made->further.push_back(input);
    }
    std::vector<ValueId> ids; // of the values as they were
    for (size_t i = 0; i < graph.inputs.size(); ++i)
      ids.push_back(ValueId(i));
    for (const NumberInput &number : made->further) {
      bool state = number.kind == NumberInput::Kind::RandomState;
      graph.inputs.push_back({{number.dtype, state ? Dims{2} : Dims()}, {}, false});
    }
    std::vector<Node> before = std::move(graph.nodes);
    graph.nodes.clear();
    for (size_t i = 0; i < before.size(); ++i) {
      Node &node = before[i];
      for (ValueId &v : node.operands)
        v = ids[size_t(v)];
      auto [begin, end] = inputsOf.equal_range(int(i));
      for (auto it = begin; it != end; ++it)
        read(node, *it->second.first, it->second.second);
      if (node.type.shape.hasSymbol() && (padsWithZeros(node) || !hasRule(node)))
        placeBySelecting(node);
      graph.nodes.push_back(std::move(node));
      ids.push_back(ValueId(graph.valueCount()) - 1);
    }
    for (ValueId &v : graph.outputs)
      v = ids[size_t(v)];
    for (GraphCheck &check : graph.checks)
      check.broken = ids[size_t(check.broken)];
  }

  ValueId add(OpKind op, std::vector<ValueId> operands, Attrs attrs, const TensorType &type, int32_t location) {
    return made->general.addNode(op, std::move(operands), std::move(attrs), type, location);
  }

  // The node with the input in place of its attribute.
  void read(Node &node, const Site &site, ValueId input) {
    if (node.op == OpKind::Full) {
      node.op = OpKind::Expand;
      node.operands = {input};
      node.attrs = {Attr::list(node.type.shape)};
    } else if (site.kind == Site::Kind::Offset) {
      node.operands[0] = input;
      node.attrs[size_t(site.attr)].i = 0;
    } else if (site.kind == Site::Kind::Start) { // the elements along the axis are selected first
      select(node, site.axis, node.attrs[1].ints[site.axis], node.attrs[2].ints[site.axis], input, OpKind::Add);
      node.attrs[0].ints[site.axis] = 0;
      node.attrs[2].ints[site.axis] = 1;
    } else if (node.attrs[0].ints[site.axis] || node.attrs[1].ints[site.axis]) { // padding, of an axis not yet padded
      if (site.kind == Site::Kind::High)
        input = number(node, node.attrs[0].ints[site.axis], {});
      select(node, site.axis, node.type.shape[site.axis], 1, input, OpKind::Sub);
      node.attrs[0].ints[site.axis] = node.attrs[1].ints[site.axis] = 0;
    }
  }

  ValueId number(const Node &node, int64_t value, const Dims &shape) {
    Attrs attrs{Attr::list(shape), Attr::real(0), Attr::integer(value), Attr::dtype(DType::Int64)};
    return add(OpKind::Full, {}, std::move(attrs), {DType::Int64, shape}, node.location);
  }

  // The node's first operand becomes its elements along an axis at the positions `step` * 0, 1, 2 ..., each with `from`
  // added or subtracted.
  void select(Node &node, int axis, int64_t size, int64_t step, ValueId from, OpKind op) {
    TensorType type = made->general.type(node.operands[0]), positions{DType::Int64, {size}};
    ValueId index = add(OpKind::Iota, {}, {Attr::list(positions.shape), Attr::integer(0), Attr::dtype(DType::Int64)},
                        positions, node.location);
    if (step != 1)
      index = add(OpKind::Mul, {index, number(node, step, positions.shape)}, {}, positions, node.location);
    from = add(OpKind::Expand, {from}, {Attr::list(positions.shape)}, positions, node.location);
    index = add(op, {index, from}, {}, positions, node.location);
    type.shape[axis] = size;
    node.operands[0] = add(OpKind::IndexSelect, {node.operands[0], index}, {Attr::integer(axis)}, type, node.location);
  }

  // Whether the op has a rule for symbols that gives its type.
  bool hasRule(const Node &node) const {
    std::vector<TensorType> operands;
    for (ValueId v : node.operands)
      operands.push_back(made->general.type(v));
    try {
      return inferType(node.op, operands.data(), int(operands.size()), node.attrs, node.result) == node.type;
    } catch (const UserError &) {
      return false;
    }
  }

  // A sum of sizes is no product of symbols, so that rules do not give it: padding of zeros and tensors one after the
  // other become elements selected by their position.
  void placeBySelecting(Node &node) {
    constexpr size_t kMostParts = 4; // each element looks at all
    if (padsWithZeros(node)) {
      for (int axis = 0; axis < node.type.shape.size(); ++axis)
        if (int64_t &low = node.attrs[0].ints[axis], &high = node.attrs[1].ints[axis]; low || high) {
          select(node, axis, node.type.shape[axis], 1, number(node, low, {}), OpKind::Sub);
          low = high = 0;
        }
      node.op = OpKind::Expand; // of nothing
      node.attrs = {Attr::list(node.type.shape)};
    } else if (node.op == OpKind::Concatenate && node.operands.size() <= kMostParts) {
      concatenate(node);
    }
  }

  void concatenate(Node &node) {
    const std::vector<ValueId> parts = node.operands;
    const int axis = int(node.attrs[0].i);
    const TensorType place{DType::Int64, node.type.shape}, scalar{DType::Int64, {}};
    Attrs along{Attr::list(place.shape), Attr::integer(axis), Attr::dtype(DType::Int64)};
    const ValueId position = add(OpKind::Iota, {}, std::move(along), place, node.location);
    ValueId begin = number(node, 0, {}), joined = -1; // of the part in hand; the parts before it
    for (size_t i = 0; i < parts.size(); ++i) {
      node.operands = {parts[i]};
      select(node, axis, node.type.shape[axis], 1, begin, OpKind::Sub);
      if (i > 0) {
        ValueId from = add(OpKind::Expand, {begin}, {Attr::list(place.shape)}, place, node.location);
        ValueId before = add(OpKind::Lt, {position, from}, {}, {DType::Bool, place.shape}, node.location);
        node.operands = {before, joined, node.operands[0]};
      }
      if (i + 1 == parts.size())
        break;
      joined = i ? add(OpKind::Where, node.operands, {}, node.type, node.location) : node.operands[0];
      Attrs size{Attr::list({}), Attr::list({made->general.type(parts[i]).shape[axis]}), Attr::integer(0),
                 Attr::dtype(DType::Int64)};
      ValueId count = add(OpKind::Count, {}, std::move(size), scalar, node.location);
      begin = add(OpKind::Add, {begin, count}, {}, scalar, node.location);
    }
    node.op = OpKind::Where;
    node.attrs.clear();
  }

  // Of each symbol a power of two near its value in the last instance: calls that come one after the other are alike.
  std::vector<int64_t> typicalSizes() const {
    constexpr int64_t kLargest = int64_t(1) << 20;
    std::vector<int64_t> sizes;
    for (const Tuple &tuple : symbols) {
      int64_t size = 2 * order::kFewRows;
      while (size < tuple.back() && size < kLargest)
        size *= 2;
      sizes.push_back(size);
    }
    return sizes;
  }

  bool typesHold() const {
    return symbols.empty() || // no type has changed
           (typesHold(made->general) &&
            std::all_of(bodies.begin(), bodies.end(), [](const auto &body) { return typesHold(*body); }));
  }

  static bool typesHold(const Graph &graph) {
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      const Node &node = graph.nodes[i];
      const Node &op = graph.nodes[i - size_t(node.result)];
      std::vector<TensorType> operands;
      bool symbolic = node.type.shape.hasSymbol();
      for (ValueId v : op.operands) {
        operands.push_back(graph.type(v));
        symbolic |= operands.back().shape.hasSymbol();
      }
      if (!symbolic)
        continue;
      try {
        if (!info(node.op).symbolic ||
            inferType(node.op, operands.data(), int(operands.size()), op.attrs, node.result) != node.type)
          return false;
      } catch (const UserError &) {
        return false;
      }
    }
    return true;
  }

  const std::vector<std::vector<int64_t>> &instances;
  std::vector<int64_t> values; // of the graph
  std::vector<Site> sites;
  std::vector<Tuple> symbols;
  std::vector<int> numbers; // which values
  std::shared_ptr<GeneralGraph> made;
  std::vector<std::shared_ptr<Graph>> bodies; // of its ops
};

std::shared_ptr<const GeneralGraph> GeneralGraph::of(const Graph &graph, bool sizes,
                                                     const std::vector<std::vector<int64_t>> &instances) {
  return Builder(graph, sizes, instances).build();
}

bool GeneralGraph::matches(const std::vector<int64_t> &values, std::vector<int64_t> &symbols) const {
  symbols.assign(size_t(general.symbolCount), 0);
  for (size_t i = 0; i < values.size(); ++i)
    if (terms[i].kind == Term::Kind::Symbol)
      symbols[size_t(terms[i].symbol)] = values[i];
  for (size_t i = 0; i < values.size(); ++i) {
    const Term &term = terms[i];
    if (term.kind == Term::Kind::Anything || term.kind == Term::Kind::Symbol)
      continue;
    int64_t wanted = term.constant;
    for (int64_t factor : term.factors)
      wanted *= symbols[size_t(factor)];
    if (wanted != values[i])
      return false;
  }
  return true;
}

Graph instanceOf(const Graph &graph, const std::vector<int64_t> &symbols) {
  Graph made = graph;
  auto place = [&](Dims &sizes) {
    for (int64_t &size : sizes)
      size = isSizeCode(size) ? evaluateSize(size, symbols.data()) : size;
  };
  for (Input &input : made.inputs) {
    place(input.type.shape);
    place(input.strides);
  }
  for (Node &node : made.nodes) {
    place(node.type.shape);
    for (size_t i = 0; i < node.attrs.size(); ++i)
      if (Attr &attr = node.attrs[i]; attr.kind == Attr::Kind::Graph)
        attr.body = std::make_shared<const Graph>(instanceOf(*attr.body, symbols));
      else if (namesSizes(info(node.op).attrs[i]))
        place(attr.ints);
  }
  made.symbolCount = 0;
  made.typicalSizes = {};
  return made;
}

} // namespace weft
