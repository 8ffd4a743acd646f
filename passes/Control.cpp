#include "passes/Control.h"

#include "passes/GraphCopy.h"
#include "passes/Scan.h"
#include "passes/Transform.h"

using namespace mlir;

namespace weft {
namespace {

SmallVector<TensorType> typesOf(ValueRange values) {
  SmallVector<TensorType> types;
  for (Value value : values)
    types.push_back(typeOf(value));
  return types;
}

Value expanded(OpBuilder &builder, Value value, int64_t size) {
  Dims shape = shapeOf(value);
  shape.insert(0, size);
  return createOp(builder, value.getLoc(), OpKind::Expand, value, {Attr::list(shape)});
}

// ---------------------------------------------------------------- cond: both branches, each with its own

// Branches with more operands behind the others.
Operation *branches(OpBuilder &builder, Operation *op, ValueRange more, llvm::function_ref<Graph(const Graph &)> made) {
  Attrs attrs = attrsOf(op);
  for (Attr &attr : attrs)
    attr = Attr::graph(shared(made(*attr.body)));
  SmallVector<Value> operands(op->getOperands());
  operands.append(more.begin(), more.end());
  return createOpOfSeveral(builder, op->getLoc(), OpKind::Cond, operands, attrs);
}

SmallVector<Value> cotangentsOfCond(OpBuilder &builder, Operation *op, ArrayRef<Value> given, ArrayRef<bool> wanted) {
  SmallVector<Value> cotangents(op->getNumOperands()), all;
  for (auto [result, cotangent] : llvm::zip(op->getResults(), given))
    all.push_back(cotangent ? cotangent : zeros(builder, op->getLoc(), typeOf(result)));
  std::vector<int> wrt; // inputs of the branches
  for (unsigned i = 1; i < op->getNumOperands(); ++i)
    if (wanted[i] && isFloat(dtypeOf(op->getOperand(i))))
      wrt.push_back(int(i) - 1);
  if (wrt.empty())
    return cotangents;
  Operation *made = branches(builder, op, all,
                             [&](const Graph &branch) { return differentiate(withInputs(branch, typesOf(all)), wrt); });
  for (auto [i, cotangent] : llvm::zip(wrt, made->getResults()))
    cotangents[size_t(i) + 1] = cotangent;
  return cotangents;
}

SmallVector<Value> tangentsOfCond(OpBuilder &builder, Operation *op, ArrayRef<Value> given) {
  std::vector<int> wrt;
  SmallVector<Value> all;
  for (unsigned i = 1; i < op->getNumOperands(); ++i)
    if (given[i]) {
      wrt.push_back(int(i) - 1);
      all.push_back(given[i]);
    }
  Operation *made = branches(builder, op, all,
                             [&](const Graph &branch) { return pushForward(withInputs(branch, typesOf(all)), wrt); });
  return SmallVector<Value>(made->getResults());
}

// The graph's ops, on these operands.
SmallVector<Value> inlined(OpBuilder &builder, Location location, const Graph &graph, ValueRange operands) {
  SmallVector<Value> values(operands), outputs;
  for (const Node &node : graph.nodes) {
    if (node.result > 0)
      continue;
    SmallVector<Value> read;
    for (ValueId operand : node.operands)
      read.push_back(values[size_t(operand)]);
    llvm::append_range(values, createOpOfSeveral(builder, location, node.op, read, node.attrs)->getResults());
  }
  for (ValueId output : graph.outputs)
    outputs.push_back(values[size_t(output)]);
  return outputs;
}

// Each example's own choice: the condition with the axes of the values.
Value chosen(OpBuilder &builder, Value condition, Value yes, Value no) {
  Dims shape = shapeOf(yes), ones = shape;
  for (int i = 1; i < ones.size(); ++i)
    ones[i] = 1;
  Value fitted = createOp(builder, yes.getLoc(), OpKind::Reshape, condition, {Attr::list(ones)});
  fitted = createOp(builder, yes.getLoc(), OpKind::Expand, fitted, {Attr::list(shape)});
  return createOp(builder, yes.getLoc(), OpKind::Where, {fitted, yes, no}, {});
}

SmallVector<Value> batchOfCond(OpBuilder &builder, Operation *op, ArrayRef<Value> operands, ArrayRef<bool> batched,
                               int64_t size) {
  std::vector<bool> over(batched.begin() + 1, batched.end());
  Attrs attrs = attrsOf(op);
  for (Attr &attr : attrs)
    attr = Attr::graph(shared(batch(*attr.body, over, size)));
  if (!batched[0])
    return SmallVector<Value>(createOpOfSeveral(builder, op->getLoc(), OpKind::Cond, operands, attrs)->getResults());
  SmallVector<Value> results;
  SmallVector<Value> yes = inlined(builder, op->getLoc(), *attrs[0].body, operands.drop_front());
  SmallVector<Value> no = inlined(builder, op->getLoc(), *attrs[1].body, operands.drop_front());
  for (auto [a, b] : llvm::zip(yes, no))
    results.push_back(chosen(builder, operands[0], a, b));
  return results;
}

// ---------------------------------------------------------------- while_loop

SmallVector<Value> tangentsOfWhile(OpBuilder &builder, Operation *op, ArrayRef<Value> given) {
  Attrs attrs = attrsOf(op);
  const Graph &body = bodyOf(attrs);
  const int carries = int(attrs[1].i), inputs = int(body.inputs.size());
  std::vector<int> wrt;
  SmallVector<TensorType> types;
  for (int i = 0; i < inputs; ++i)
    if (isFloat(body.inputs[size_t(i)].type.dtype) && (i < carries || given[size_t(i) + 1])) {
      wrt.push_back(i);
      types.push_back(body.inputs[size_t(i)].type);
    }
  const Graph step = pushForward(withInputs(body, types), wrt);
  Copy copy(step);
  SmallVector<Value> operands{op->getOperand(0)};
  auto add = [&](int first, int end) {
    for (int i = first; i < end; ++i) {
      copy.input(i);
      operands.push_back(op->getOperand(unsigned(i) + 1));
    }
    for (auto [place, i] : llvm::enumerate(wrt))
      if (i >= first && i < end) {
        copy.input(ValueId(inputs + int(place)));
        copy.graph.inputs.back().weight = i >= carries;
        Value tangent = given[size_t(i) + 1];
        operands.push_back(tangent ? tangent : zeros(builder, op->getLoc(), types[place]));
      }
    return int64_t(operands.size()) - 1;
  };
  attrs[1] = Attr::integer(add(0, carries));
  add(carries, inputs);
  copy.allOps();
  auto primal = [&](int i) {
    ValueId v = body.outputs[size_t(i)];
    copy.output(v < inputs ? v : v + ValueId(wrt.size()));
  };
  SmallVector<int> place(size_t(carries) + 1, -1); // of the tangents
  for (int i = 0; i < carries; ++i)
    primal(i);
  for (int i : wrt)
    if (i < carries) {
      place[size_t(i)] = int(copy.graph.outputs.size());
      copy.output(step.outputs[size_t(i)]);
    }
  primal(carries);
  attrs[0] = Attr::graph(shared(std::move(copy.graph)));
  Operation *made = createOpOfSeveral(builder, op->getLoc(), OpKind::WhileLoop, operands, attrs);
  SmallVector<Value> tangents;
  for (int result : place)
    tangents.push_back(result < 0 ? Value() : made->getResult(unsigned(result)));
  return tangents;
}

// A graph's ops appended to another's.
std::vector<ValueId> append(Graph &to, const Graph &graph, std::vector<ValueId> values) {
  for (const Node &node : graph.nodes) {
    if (node.result > 0)
      continue;
    std::vector<ValueId> operands;
    for (ValueId operand : node.operands)
      operands.push_back(values[size_t(operand)]);
    std::vector<TensorType> types;
    for (int i = 0; i < resultCount(node.op, node.attrs); ++i)
      types.push_back((&node)[i].type);
    ValueId first = to.addNodes(node.op, std::move(operands), node.attrs, types);
    for (size_t i = 0; i < types.size(); ++i)
      values.push_back(first + ValueId(i));
  }
  std::vector<ValueId> outputs;
  for (ValueId output : graph.outputs)
    outputs.push_back(values[size_t(output)]);
  return outputs;
}

// Runs while the condition holds for any example; those for which it does not keep their carries.
SmallVector<Value> batchOfWhile(OpBuilder &builder, Operation *op, ArrayRef<Value> given, ArrayRef<bool> batched,
                                int64_t size) {
  Attrs attrs = attrsOf(op);
  const int carries = int(attrs[1].i), inputs = int(bodyOf(attrs).inputs.size());
  std::vector<bool> over;
  for (int i = 0; i < inputs; ++i)
    over.push_back(batched[size_t(i) + 1] || i < carries);
  const Graph step = batch(bodyOf(attrs), over, size);
  const TensorType conditions{DType::Bool, {size}}, one{DType::Bool, {}};
  Graph body;
  body.symbolCount = step.symbolCount;
  body.typicalSizes = step.typicalSizes;
  std::vector<ValueId> values;
  auto input = [&](int i) {
    values.push_back(body.addInput(step.inputs[size_t(i)].type));
    body.inputs.back().weight = i >= carries;
  };
  for (int i = 0; i < carries; ++i)
    input(i);
  const ValueId condition = body.addInput(conditions);
  for (int i = carries; i < inputs; ++i)
    input(i);
  std::vector<ValueId> next = append(body, step, values);
  for (int i = 0; i < carries; ++i) {
    const TensorType type = body.type(values[size_t(i)]);
    Dims ones = type.shape;
    for (int axis = 1; axis < ones.size(); ++axis)
      ones[axis] = 1;
    ValueId fitted = body.addNode(OpKind::Reshape, {condition}, {Attr::list(ones)}, {DType::Bool, ones});
    fitted = body.addNode(OpKind::Expand, {fitted}, {Attr::list(type.shape)}, {DType::Bool, type.shape});
    body.outputs.push_back(body.addNode(OpKind::Where, {fitted, next[size_t(i)], values[size_t(i)]}, {}, type));
  }
  body.outputs.push_back(body.addNode(OpKind::LogicalAnd, {condition, next[size_t(carries)]}, {}, conditions));
  body.outputs.push_back(
      body.addNode(OpKind::Any, {body.outputs.back()}, {Attr::list({0}), Attr::boolean(false)}, one));

  Location location = op->getLoc();
  Value first = batched[0] ? given[0] : expanded(builder, given[0], size);
  Value any = createOp(builder, location, OpKind::Any, first, {Attr::list({0}), Attr::boolean(false)});
  SmallVector<Value> operands{any};
  for (int i = 0; i < inputs; ++i) {
    if (i == carries)
      operands.push_back(first);
    Value operand = given[size_t(i) + 1];
    operands.push_back(i < carries && !batched[size_t(i) + 1] ? expanded(builder, operand, size) : operand);
  }
  if (inputs == carries)
    operands.push_back(first);
  attrs = {Attr::graph(shared(std::move(body))), Attr::integer(carries + 1)};
  Operation *made = createOpOfSeveral(builder, location, OpKind::WhileLoop, operands, attrs);
  return SmallVector<Value>(made->getResults().drop_back());
}

} // namespace

// Named: each kind has its own way.
SmallVector<Value> cotangentsOfControl(OpBuilder &builder, Operation *op, ArrayRef<Value> given,
                                       ArrayRef<bool> wanted) {
  if (kindOf(op) == OpKind::WhileLoop)
    fail(UserError::Kind::NotImplemented, infoOf(op).name,
         "has no gradient, as it is not known how many steps there were to keep values for; use weft.scan() with a "
         "length, or the forward mode (weft.func.jvp)");
  return kindOf(op) == OpKind::Scan ? cotangentsOfScan(builder, op, given, wanted)
                                    : cotangentsOfCond(builder, op, given, wanted);
}

SmallVector<Value> tangentsOfControl(OpBuilder &builder, Operation *op, ArrayRef<Value> given) {
  return kindOf(op) == OpKind::Scan   ? tangentsOfScan(builder, op, given)
         : kindOf(op) == OpKind::Cond ? tangentsOfCond(builder, op, given)
                                      : tangentsOfWhile(builder, op, given);
}

SmallVector<Value> batchOfControl(OpBuilder &builder, Operation *op, ArrayRef<Value> operands, ArrayRef<bool> batched,
                                  int64_t size) {
  return kindOf(op) == OpKind::Scan   ? batchOfScan(builder, op, operands, batched, size)
         : kindOf(op) == OpKind::Cond ? batchOfCond(builder, op, operands, batched, size)
                                      : batchOfWhile(builder, op, operands, batched, size);
}

} // namespace weft
