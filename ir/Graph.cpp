// The graph and its bytes. Integers are written as zigzag varints: graphs are hashed and compared often.
#include "ir/OpTable.h"

#include <cstring>
#include <stdexcept>

namespace weft {

std::string toString(const TensorType &type) { return name(type.dtype) + toString(type.shape); }

static uint64_t bitsOf(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

bool Attr::operator==(const Attr &o) const {
  if (kind != o.kind || i != o.i || bitsOf(f) != bitsOf(o.f) || ints != o.ints)
    return false;
  return body == o.body || (body && o.body && serialize(*body) == serialize(*o.body));
}

ValueId Graph::addInput(const TensorType &type, const Dims &strides) {
  assert(nodes.empty() && "inputs are numbered before nodes");
  inputs.push_back({type, strides, false});
  return ValueId(inputs.size() - 1);
}

ValueId Graph::addNode(OpKind op, std::vector<ValueId> operands, Attrs attrs, const TensorType &type,
                       int32_t location) {
  nodes.push_back({op, std::move(operands), std::move(attrs), type, location});
  return valueCount() - 1;
}

ValueId Graph::addNodes(OpKind op, std::vector<ValueId> operands, Attrs attrs, const std::vector<TensorType> &types,
                        int32_t location) {
  ValueId first = addNode(op, std::move(operands), std::move(attrs), types[0], location);
  for (size_t i = 1; i < types.size(); ++i)
    nodes.push_back({op, {first}, {}, types[i], location, int32_t(i)});
  return first;
}

const TensorType &Graph::type(ValueId v) const {
  return size_t(v) < inputs.size() ? inputs[v].type : nodes[v - inputs.size()].type;
}

namespace {

constexpr char kMagic[] = "weft5";

struct Writer {
  std::string bytes;

  void integer(int64_t v) {
    uint64_t u = (uint64_t(v) << 1) ^ uint64_t(v >> 63);
    for (; u >= 128; u >>= 7)
      bytes.push_back(char(u | 128));
    bytes.push_back(char(u));
  }
  template <class List> void list(const List &values) {
    integer(int64_t(values.size()));
    for (auto v : values)
      integer(v);
  }
  void text(const std::string &t) {
    integer(int64_t(t.size()));
    bytes += t;
  }
  void type(const TensorType &t) {
    integer(int64_t(t.dtype));
    list(t.shape);
  }
  void attr(const Attr &a) {
    integer(int64_t(a.kind));
    if (a.kind == Attr::Kind::Ints)
      return list(a.ints);
    if (a.kind == Attr::Kind::Graph)
      return text(serialize(*a.body));
    if (a.kind != Attr::Kind::Float)
      return integer(a.i);
    char raw[sizeof a.f];
    std::memcpy(raw, &a.f, sizeof raw);
    bytes.append(raw, sizeof raw);
  }
};

struct Reader {
  const std::string &bytes;
  size_t at;

  [[noreturn]] static void malformed() { throw std::runtime_error("deserialize: these are not the bytes of a graph"); }
  int64_t integer() {
    uint64_t u = 0;
    for (int shift = 0;; shift += 7) {
      if (at >= bytes.size() || shift > 63)
        malformed();
      uint64_t byte = uint8_t(bytes[at++]);
      u |= (byte & 127) << shift;
      if (byte < 128)
        break;
    }
    return int64_t(u >> 1) ^ -int64_t(u & 1);
  }
  int64_t integer(int64_t low, int64_t high) {
    int64_t v = integer();
    if (v < low || v >= high)
      malformed();
    return v;
  }
  // Every listed thing takes at least a byte.
  int64_t count() { return integer(0, int64_t(bytes.size() - at) + 1); }
  std::string text() {
    size_t size = size_t(count());
    at += size;
    return bytes.substr(at - size, size);
  }
  Dims dims() {
    Dims out;
    for (int64_t n = integer(0, kMaxRank + 1); n; --n)
      out.push_back(integer());
    return out;
  }
  TensorType type() {
    DType dtype = DType(integer(0, kDTypeCount));
    return {dtype, dims()};
  }
  Attr attr() {
    Attr a;
    a.kind = Attr::Kind(integer(0, int64_t(Attr::Kind::Graph) + 1));
    if (a.kind == Attr::Kind::Ints) {
      a.ints = dims();
    } else if (a.kind == Attr::Kind::Graph) {
      a.body = std::make_shared<const weft::Graph>(deserialize(text()));
    } else if (a.kind != Attr::Kind::Float) {
      a.i = integer();
    } else {
      if (bytes.size() - at < sizeof a.f)
        malformed();
      std::memcpy(&a.f, bytes.data() + at, sizeof a.f);
      at += sizeof a.f;
    }
    return a;
  }
};

} // namespace

std::string serialize(const Graph &graph) {
  Writer w;
  w.bytes.reserve(64 + 24 * graph.nodes.size());
  w.bytes = kMagic;
  w.integer(graph.symbolCount);
  w.integer(graph.typicalSizes.any);
  w.list(graph.typicalSizes.listed);
  w.integer(int64_t(graph.inputs.size()));
  for (const Input &input : graph.inputs) {
    w.type(input.type);
    // A scalar and an input without given strides are both contiguous.
    w.list(input.strides);
    w.integer(input.weight);
  }
  w.integer(int64_t(graph.nodes.size()));
  for (const Node &node : graph.nodes) {
    w.integer(int64_t(node.op));
    w.integer(node.result);
    w.list(node.operands);
    w.integer(int64_t(node.attrs.size()));
    for (const Attr &a : node.attrs)
      w.attr(a);
    w.type(node.type);
  }
  w.list(graph.outputs);
  w.list(graph.donations);
  w.integer(int64_t(graph.checks.size()));
  for (const GraphCheck &check : graph.checks) {
    w.integer(check.broken);
    w.text(check.message);
  }
  return std::move(w.bytes);
}

Graph deserialize(const std::string &bytes) {
  if (bytes.compare(0, sizeof kMagic - 1, kMagic) != 0)
    Reader::malformed();
  Reader r{bytes, sizeof kMagic - 1};
  Graph graph;
  graph.symbolCount = int(r.integer(0, INT32_MAX));
  graph.typicalSizes.any = r.integer(1, INT32_MAX);
  for (int64_t n = r.count(); n; --n)
    graph.typicalSizes.listed.push_back(r.integer(1, INT32_MAX));
  for (int64_t n = r.count(); n; --n) {
    TensorType type = r.type();
    Dims strides = r.dims();
    graph.inputs.push_back({type, strides, r.integer(0, 2) != 0});
  }
  int missing = 0; // of the last op's results
  for (int64_t n = r.count(); n; --n) {
    Node node;
    node.op = OpKind(r.integer(0, kOpCount));
    node.result = int32_t(r.integer(0, INT32_MAX));
    for (int64_t k = r.count(); k; --k)
      node.operands.push_back(ValueId(r.integer(0, graph.valueCount())));
    for (int64_t k = r.count(); k; --k)
      node.attrs.push_back(r.attr());
    node.type = r.type();
    // The results of an op follow one another.
    if (const Node *last = graph.nodes.empty() ? nullptr : &graph.nodes.back(); missing > 0) {
      ValueId first = graph.valueCount() - 1 - last->result;
      if (node.op != last->op || node.result != last->result + 1 || node.operands != std::vector<ValueId>{first})
        Reader::malformed();
      --missing;
    } else if (node.result > 0 || int(node.attrs.size()) != info(node.op).attrCount) {
      Reader::malformed();
    } else {
      missing = resultCount(node.op, node.attrs) - 1;
    }
    graph.nodes.push_back(std::move(node));
  }
  if (missing > 0)
    Reader::malformed();
  for (int64_t n = r.count(); n; --n)
    graph.outputs.push_back(ValueId(r.integer(0, graph.valueCount())));
  for (int64_t n = r.count(); n; --n)
    graph.donations.push_back(int32_t(r.integer(-1, int64_t(graph.inputs.size()))));
  for (int64_t n = r.count(); n; --n) {
    ValueId broken = ValueId(r.integer(0, graph.valueCount()));
    graph.checks.push_back({broken, r.text()});
  }
  if (r.at != bytes.size())
    Reader::malformed();
  return graph;
}

} // namespace weft
