#include "Interpreter.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>

namespace weft::test {

ValueId add(Graph &graph, const char *op, std::vector<ValueId> operands, Attrs attrs) {
  std::vector<TensorType> types;
  for (ValueId operand : operands)
    types.push_back(graph.type(operand));
  OpKind kind = opByName(op);
  TensorType type = inferType(kind, types.data(), int(types.size()), attrs);
  return graph.addNode(kind, std::move(operands), std::move(attrs), type);
}

namespace {

using Index = std::vector<int64_t>;

int64_t position(const Dims &shape, const Index &index) {
  int64_t at = 0;
  for (int i = 0; i < shape.size(); ++i)
    at = at * shape[i] + index[i];
  return at;
}

// Calls `body` with every index of the shape in row-major order.
void forEach(const Dims &shape, const std::function<void(const Index &)> &body) {
  for (int64_t at = 0; at < shape.product(); ++at) {
    Index index(shape.size());
    int64_t rest = at;
    for (int i = shape.size() - 1; i >= 0; --i) {
      index[i] = rest % shape[i];
      rest /= shape[i];
    }
    body(index);
  }
}

double combine(const std::string &kind, double total, double value) {
  if (kind == "sum")
    return total + value;
  if (kind == "prod")
    return total * value;
  return kind == "max" ? std::max(total, value) : std::min(total, value);
}

Array reduce(const Node &node, const Array &x, const Dims &shape) {
  std::string kind = info(node.op).reduction;
  const Dims &dims = node.attrs[0].ints;
  bool keep = node.attrs[1].asBool(), isArg = kind.substr(0, 3) == "arg";
  double start = kind == "sum" ? 0 : kind == "prod" ? 1 : kind == "max" || kind == "argmax" ? -INFINITY : INFINITY;
  Array result{shape, std::vector<double>(shape.product(), start)}, best = result;
  forEach(x.shape, [&](const Index &index) {
    Index to;
    for (int i = 0; i < x.shape.size(); ++i) {
      if (!dims.contains(i))
        to.push_back(index[i]);
      else if (keep)
        to.push_back(0);
    }
    int64_t at = position(shape, to);
    double value = x.data[position(x.shape, index)];
    if (!isArg) {
      result.data[at] = combine(kind, result.data[at], value);
    } else if (kind == "argmax" ? value > best.data[at] : value < best.data[at]) {
      best.data[at] = value;
      result.data[at] = double(index[dims[0]]);
    }
  });
  return result;
}

Array dot(const Node &node, const Array &x, const Array &y, const Dims &shape) {
  const Dims &xBatch = node.attrs[0].ints, &yBatch = node.attrs[1].ints, &xSum = node.attrs[2].ints,
             &ySum = node.attrs[3].ints;
  Array result{shape, std::vector<double>(shape.product())};
  Dims depth;
  for (int64_t dim : xSum)
    depth.push_back(x.shape[int(dim)]);
  forEach(shape, [&](const Index &index) {
    double total = 0;
    forEach(depth, [&](const Index &k) {
      int next = xBatch.size();
      auto place = [&](const Array &array, const Dims &batch, const Dims &sum) {
        Index at(array.shape.size(), -1);
        for (int i = 0; i < batch.size(); ++i)
          at[batch[i]] = index[i];
        for (int i = 0; i < sum.size(); ++i)
          at[sum[i]] = k[i];
        for (int64_t &coordinate : at)
          if (coordinate < 0)
            coordinate = index[next++];
        return array.data[position(array.shape, at)];
      };
      double a = place(x, xBatch, xSum);
      total += a * place(y, yBatch, ySum);
    });
    result.data[position(shape, index)] = total;
  });
  return result;
}

double elementwise(const std::string &op, const std::vector<double> &x) {
  if (op == "add")
    return x[0] + x[1];
  if (op == "sub")
    return x[0] - x[1];
  if (op == "mul")
    return x[0] * x[1];
  if (op == "div")
    return x[0] / x[1];
  if (op == "maximum")
    return std::max(x[0], x[1]);
  if (op == "neg")
    return -x[0];
  if (op == "exp")
    return std::exp(x[0]);
  if (op == "relu")
    return std::max(x[0], 0.0);
  if (op == "cast")
    return x[0];
  throw std::runtime_error("not interpreted: " + op);
}

Array evaluate(const Node &node, const std::vector<const Array *> &operands) {
  const OpInfo &op = info(node.op);
  std::string name = op.name;
  const Dims &shape = node.type.shape;
  if (op.family == OpFamily::Reduction)
    return reduce(node, *operands[0], shape);
  if (op.family == OpFamily::Contraction)
    return dot(node, *operands[0], *operands[1], shape);
  Array result{shape, std::vector<double>(shape.product())};
  if (name == "reshape") {
    result.data = operands[0]->data;
    return result;
  }
  if (name == "scatter_add" || name == "scatter") {
    result.data = operands[0]->data;
    forEach(operands[1]->shape, [&](const Index &index) {
      int64_t from = position(operands[1]->shape, index);
      Index to = index;
      to[node.attrs[0].i] = int64_t(operands[1]->data[from]);
      if (to[node.attrs[0].i] >= 0 && to[node.attrs[0].i] < shape[int(node.attrs[0].i)])
        result.data[position(shape, to)] =
            operands[2]->data[from] + (name == "scatter_add" ? result.data[position(shape, to)] : 0);
    });
    return result;
  }
  forEach(shape, [&](const Index &index) {
    double &element = result.data[position(shape, index)];
    if (op.family == OpFamily::Elementwise) {
      std::vector<double> values;
      for (const Array *operand : operands)
        values.push_back(operand->data[position(shape, index)]);
      element = elementwise(name, values);
      return;
    }
    if (name == "iota" || name == "full") {
      element = name == "full" ? node.attrs[1].f : double(index[node.attrs[1].i]);
      return;
    }
    if (name == "concatenate") {
      int64_t dim = node.attrs[0].i, at = index[dim];
      for (const Array *operand : operands) {
        Index from = index;
        from[dim] = at;
        if (at >= 0 && at < operand->shape[int(dim)])
          element = operand->data[position(operand->shape, from)];
        at -= operand->shape[int(dim)];
      }
      return;
    }
    const Array &x = *operands[0];
    Index from = index;
    bool inside = true;
    if (name == "permute") {
      from.resize(x.shape.size());
      for (int i = 0; i < shape.size(); ++i)
        from[node.attrs[0].ints[i]] = index[i];
    } else if (name == "expand") {
      from.erase(from.begin(), from.begin() + (shape.size() - x.shape.size()));
      for (int i = 0; i < x.shape.size(); ++i)
        from[i] = x.shape[i] == 1 ? 0 : from[i];
    } else if (name == "slice") {
      for (int i = 0; i < shape.size(); ++i)
        from[i] = node.attrs[0].ints[i] + index[i] * node.attrs[2].ints[i];
    } else if (name == "flip") {
      for (int64_t dim : node.attrs[0].ints)
        from[dim] = shape[int(dim)] - 1 - index[dim];
    } else if (name == "pad") {
      for (int i = 0; i < shape.size(); ++i) {
        int64_t step = node.attrs[2].ints[i] + 1, at = index[i] - node.attrs[0].ints[i];
        inside &= at >= 0 && at % step == 0 && at / step < x.shape[i];
        from[i] = at / step;
      }
    } else if (name == "gather" || name == "index_select") {
      int64_t dim = node.attrs[0].i;
      const Array &positions = *operands[1];
      from[dim] = int64_t(positions.data[name == "gather" ? position(positions.shape, index) : index[dim]]);
      inside = from[dim] >= 0 && from[dim] < x.shape[int(dim)];
    } else {
      throw std::runtime_error("not interpreted: " + name);
    }
    element = inside ? x.data[position(x.shape, from)] : name == "pad" ? node.attrs[3].f : 0;
  });
  return result;
}

} // namespace

std::vector<Array> interpret(const Graph &graph, const std::vector<Array> &inputs) {
  std::vector<Array> values = inputs;
  values.reserve(graph.valueCount());
  for (const Node &node : graph.nodes) {
    std::vector<const Array *> operands;
    for (ValueId operand : node.operands)
      operands.push_back(&values[operand]);
    values.push_back(evaluate(node, operands));
  }
  std::vector<Array> outputs;
  for (ValueId output : graph.outputs)
    outputs.push_back(values[output]);
  return outputs;
}

} // namespace weft::test
