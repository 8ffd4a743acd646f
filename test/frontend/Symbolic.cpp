#include "Symbolic.h"

#include "frontend/executables/Executables.h"
#include "frontend/trace/Trace.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace weft::test {

Recorded record(const Function &function, const List &arguments) {
  ExportedProgram program;
  {
    Trace trace({}, Trace::Purpose::Export);
    List placeholders;
    for (const Tensor &argument : arguments)
      placeholders.push_back(trace.placeholder(argument));
    program = trace.exported(function(placeholders), {});
  }
  Recorded recorded{std::move(program.graph), {}};
  for (size_t i = 0; i < program.inputs.size(); ++i) {
    recorded.inputs.push_back(i < arguments.size() ? arguments[i] : program.inputs[i].tensor);
    if (!recorded.inputs[i].isContiguous())
      recorded.graph.inputs[i].strides = recorded.inputs[i].strides();
  }
  return recorded;
}

namespace {
class Unifier {
public:
  Unifier(const Sizes &ofA, const Sizes &ofB) : ofA(ofA), ofB(ofB) {}

  // A product of the fewest symbols that has these values.
  int64_t size(int64_t a, int64_t b) const {
    if (a == b)
      return a;
    Dims factors;
    for (int most = 1; most <= kMostFactors; ++most)
      if (find(a, b, most, 0, factors))
        return *sizeProduct(a / valueOf(factors, ofA), factors);
    throw std::runtime_error("the sizes " + std::to_string(a) + " and " + std::to_string(b) + " are no product");
  }
  Dims dims(const Dims &a, const Dims &b) const {
    if (a.size() != b.size())
      throw std::runtime_error("lists of sizes differ in length");
    Dims result;
    for (int i = 0; i < a.size(); ++i)
      result.push_back(size(a[i], b[i]));
    return result;
  }
  Attr attr(const Attr &a, const Attr &b) const {
    if (a.kind == Attr::Kind::Ints)
      return Attr::list(dims(a.ints, b.ints));
    if (a.kind == Attr::Kind::Int)
      return Attr::integer(size(a.i, b.i));
    if (!(a == b))
      throw std::runtime_error("attributes differ");
    return a;
  }

private:
  const Sizes &ofA, &ofB;

  static int64_t valueOf(const Dims &factors, const Sizes &values) {
    int64_t value = 1;
    for (int64_t symbol : factors)
      value *= values[size_t(symbol)];
    return value;
  }
  bool find(int64_t a, int64_t b, int count, int64_t first, Dims &factors) const {
    if (factors.size() == count) {
      int64_t ofFactorsA = valueOf(factors, ofA), ofFactorsB = valueOf(factors, ofB);
      return a % ofFactorsA == 0 && b % ofFactorsB == 0 && a / ofFactorsA == b / ofFactorsB;
    }
    for (int64_t symbol = first; symbol < int64_t(ofA.size()); ++symbol) {
      factors.push_back(symbol);
      if (find(a, b, count, symbol, factors))
        return true;
      factors.pop_back();
    }
    return false;
  }
};
} // namespace

Graph unify(const Graph &a, const Graph &b, const Sizes &ofA, const Sizes &ofB) {
  Unifier unifier(ofA, ofB);
  if (a.inputs.size() != b.inputs.size() || a.nodes.size() != b.nodes.size() || a.outputs != b.outputs ||
      a.donations != b.donations || a.checks.size() != b.checks.size())
    throw std::runtime_error("the graphs have other ops");
  Graph graph = a;
  graph.symbolCount = int(ofA.size());
  graph.typicalSizes.listed = ofA;
  for (size_t i = 0; i < a.inputs.size(); ++i) {
    graph.inputs[i].type.shape = unifier.dims(a.inputs[i].type.shape, b.inputs[i].type.shape);
    graph.inputs[i].strides = unifier.dims(a.inputs[i].strides, b.inputs[i].strides);
  }
  for (size_t i = 0; i < a.nodes.size(); ++i) {
    Node &node = graph.nodes[i];
    const Node &other = b.nodes[i];
    if (node.op != other.op || node.operands != other.operands || node.result != other.result)
      throw std::runtime_error("the graphs have other ops");
    node.type.shape = unifier.dims(node.type.shape, other.type.shape);
    // A number of elements, by which a mean is divided, or a size.
    if (node.op == OpKind::Full && (!(node.attrs[1] == other.attrs[1]) || !(node.attrs[2] == other.attrs[2]))) {
      bool isReal = isFloat(node.type.dtype);
      int64_t count = isReal ? unifier.size(int64_t(node.attrs[1].f), int64_t(other.attrs[1].f))
                             : unifier.size(node.attrs[2].i, other.attrs[2].i);
      node.op = OpKind::Count;
      node.attrs = {Attr::list(node.type.shape), Attr::list({count}), Attr::integer(0), node.attrs[3]};
      continue;
    }
    for (size_t k = 0; k < node.attrs.size(); ++k)
      node.attrs[k] = unifier.attr(node.attrs[k], other.attrs[k]);
  }
  return graph;
}

// The elements from the first on, in the layout that the tensor has.
static Bytes memoryOf(const Tensor &t) {
  int64_t last = 0;
  for (int i = 0; i < t.dim(); ++i)
    last += (t.shape()[i] - 1) * t.strides()[i];
  Bytes bytes(t.numel() ? size_t((last + 1) * itemSize(t.dtype())) : 0);
  if (!bytes.empty())
    std::memcpy(bytes.data(), t.data(), bytes.size());
  return bytes;
}

std::vector<Bytes> run(const Graph &graph, const List &inputs, const Sizes &symbols) {
  constexpr size_t kPadding = 256; // behind every output, that must not be written
  ExecutablePtr executable = executableFor(graph, {});
  std::vector<Bytes> given, results;
  std::vector<void *> from, to;
  for (const Tensor &input : inputs)
    given.push_back(memoryOf(input));
  for (Bytes &bytes : given)
    from.push_back(bytes.data());
  for (int i = 0; i < executable->outputCount(); ++i)
    results.emplace_back(size_t(executable->outputBytes(i, symbols.data())) + kPadding, char(0xab));
  for (int i = 0; i < executable->outputCount(); ++i)
    to.push_back(executable->outputAlias(i) >= 0 ? from[size_t(executable->outputAlias(i))]
                                                 : results[size_t(i)].data());
  executable->run(from.data(), to.data(), symbols.data());
  for (size_t i = 0; i < results.size(); ++i) {
    size_t bytes = results[i].size() - kPadding;
    if (to[i] != results[i].data())
      std::memcpy(results[i].data(), to[i], bytes);
    EXPECT_EQ(std::count(results[i].begin() + long(bytes), results[i].end(), char(0xab)), long(kPadding))
        << "output " << i << " is written behind its end";
    results[i].resize(bytes);
  }
  return results;
}

} // namespace weft::test
