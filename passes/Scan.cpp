#include "passes/Scan.h"

#include "ir/GraphIR.h"
#include "ir/OpAccess.h"
#include "passes/GraphCopy.h"
#include "passes/Transform.h"

#include "mlir/IR/SymbolTable.h"

#include <map>
#include <optional>
#include <set>

using namespace mlir;

namespace weft {
namespace {

// A scan's attributes. Its operands, and its body's inputs: the carries, the sequences, the constants.
struct Scan {
  std::shared_ptr<const Graph> body;
  int carries, sequences;
  Dims sizes;
  bool reverse;

  explicit Scan(Operation *op) : Scan(attrsOf(op)) {}
  explicit Scan(const Attrs &attrs)
      : body(attrs[0].body), carries(int(attrs[1].i)), sequences(int(attrs[2].i)), sizes(attrs[3].ints),
        reverse(attrs[4].asBool()) {}

  int inputs() const { return int(body->inputs.size()); }
  int outputs() const { return int(body->outputs.size()); }
  bool isCarry(int i) const { return i < carries; }
  bool isConstant(int i) const { return i >= carries + sequences; }
  bool hasFloatOutput(int i) const { return isFloat(body->type(body->outputs[size_t(i)]).dtype); }
  Attrs attrs() const {
    return {Attr::graph(body), Attr::integer(carries), Attr::integer(sequences), Attr::list(sizes),
            Attr::boolean(reverse)};
  }
};

ValueId zeros(Graph &graph, const TensorType &type) {
  return graph.addNode(OpKind::Full, {},
                       {Attr::list(type.shape), Attr::real(0.0), Attr::integer(0), Attr::dtype(type.dtype)}, type);
}

ValueId cast(Graph &graph, ValueId v, DType dtype) {
  const TensorType &type = graph.type(v);
  return type.dtype == dtype ? v : graph.addNode(OpKind::Cast, {v}, {Attr::dtype(dtype)}, {dtype, type.shape});
}

TensorType wide(TensorType type) {
  if (itemSize(type.dtype) == 2)
    type.dtype = DType::Float32;
  return type;
}

// The derivative of a step, and what of the step it reads.
class Adjoint {
public:
  Adjoint(const Scan &scan, std::vector<int> wrt)
      : scan(scan), wrt(std::move(wrt)), steps(differentiate(step(), this->wrt)), base(ValueId(steps.inputs.size())),
        given(base + ValueId(scan.body->nodes.size())), isNeeded(size_t(steps.valueCount())) {
    findConstant();
    for (auto [i, output] : llvm::zip(this->wrt, steps.outputs)) {
      if (scan.isConstant(i))
        if (std::optional<Sum> sum = sumOf(output)) {
          for (ValueId operand : nodeOf(sum->of).operands)
            require(operand);
          sums[i] = std::move(*sum);
          continue;
        }
      require(output);
    }
    for (ValueId v = ValueId(steps.valueCount()); v-- > given;)
      if (isNeeded[size_t(v)])
        for (ValueId operand : nodeOf(v).operands)
          require(operand);
  }

  // A cotangent that is a sum over an axis of its operands, seen in another way: of all steps' operands, the steps are
  // an axis more of that sum.
  struct Sum {
    ValueId of;                 // the product without batches, or the reduction
    std::vector<ValueId> views; // of it, the last first
  };

  const Node &nodeOf(ValueId v) const { return steps.nodes[size_t(v - base)]; }
  // Whether all steps' values of it are there without the derivative.
  bool isKept(ValueId v) const { return residuals.count(v) || (v < scan.inputs() && !scan.isConstant(int(v))); }
  // A value of the step's as a value of the body's.
  ValueId inBody(ValueId v) const { return v < base ? v : v - base + scan.inputs(); }

  const Scan &scan;
  const std::vector<int> wrt;  // inputs of the body
  const Graph steps;           // the step, then its derivative
  const ValueId base, given;   // the step's first node, the derivative's first
  std::vector<char> isNeeded;  // by value of `steps`
  std::set<ValueId> residuals; // of the step, to be kept for each entry
  std::map<int, Sum> sums;     // by constant

private:
  // Named, as the kinds of sums are: other products have another order, and a view keeps all elements.
  std::optional<Sum> sumOf(ValueId v) const {
    for (Sum sum{v, {}}; sum.of >= given; sum.of = nodeOf(sum.of).operands[0]) {
      const Node &node = nodeOf(sum.of);
      if (node.op == OpKind::Sum || (node.op == OpKind::DotGeneral && node.attrs[0].ints.empty()))
        return sum;
      if (node.op != OpKind::Permute && node.op != OpKind::Reshape)
        break;
      sum.views.push_back(sum.of);
    }
    return {};
  }

  Graph step() const {
    SmallVector<TensorType> cotangents;
    for (ValueId output : scan.body->outputs)
      cotangents.push_back(scan.body->type(output));
    return withInputs(*scan.body, cotangents);
  }

  // The same in all steps.
  void findConstant() {
    for (int i = 0; i < scan.inputs(); ++i)
      isConstant.push_back(scan.isConstant(i));
    isConstant.resize(size_t(base));
    for (ValueId v = base; v < given; ++v)
      isConstant.push_back(llvm::all_of(nodeOf(v).operands, [&](ValueId x) { return isConstant[size_t(x)]; }));
  }

  // A view of what is there costs nothing, and what is the same in all steps is computed once.
  bool isMadeAgain(ValueId v) const {
    const Node &node = nodeOf(v);
    return isConstant[size_t(v)] || (info(node.op).family == OpFamily::Shape && node.operands.size() == 1);
  }

  void require(ValueId v) {
    if (v >= base && v < given && !isMadeAgain(v)) {
      residuals.insert(v);
      return;
    }
    if (isNeeded[size_t(v)]++)
      return;
    if (v < base && v < scan.carries)
      residuals.insert(v);
    else if (v >= base && v < given)
      for (ValueId operand : nodeOf(v).operands)
        require(operand);
  }

  std::vector<char> isConstant; // by value of the step
};

// The body of the scan that runs the derivative, and what it reads besides cotangents and sums.
struct ReverseBody {
  Graph graph;
  std::vector<int> sequences, constants; // inputs of the scan
  std::vector<int> cotangents;           // of outputs of the scan that are no carries
  std::map<ValueId, size_t> summed;      // operands of sums: which output
};

ReverseBody reverseBody(const Adjoint &adjoint, ArrayRef<Value> given) {
  const Scan &scan = adjoint.scan;
  ReverseBody made;
  Copy copy(adjoint.steps);
  auto needed = [&](int i) { return adjoint.isNeeded[size_t(i)] != 0; };
  std::vector<ValueId> sums;
  for (int i : adjoint.wrt)
    if (scan.isCarry(i))
      copy.number(scan.inputs() + i, copy.input(adjoint.steps.inputs[size_t(i)].type));
  for (int i : adjoint.wrt)
    if (scan.isConstant(i) && !adjoint.sums.count(i))
      sums.push_back(copy.input(wide(adjoint.steps.inputs[size_t(i)].type)));
  for (int i = scan.carries; !scan.isConstant(i) && i < scan.inputs(); ++i)
    if (needed(i)) {
      copy.input(i);
      made.sequences.push_back(i);
    }
  for (ValueId v : adjoint.residuals)
    copy.number(v, copy.input(adjoint.steps.type(v)));
  for (int i = scan.carries; i < scan.outputs(); ++i)
    if (given[size_t(i)] && needed(scan.inputs() + i)) {
      copy.input(scan.inputs() + i);
      made.cotangents.push_back(i);
    }
  for (int i = scan.carries + scan.sequences; i < scan.inputs(); ++i)
    if (needed(i)) {
      copy.input(i);
      copy.graph.inputs.back().weight = true;
      made.constants.push_back(i);
    }
  for (int i = 0; i < scan.outputs(); ++i)
    if (ValueId v = scan.inputs() + i; needed(v) && (i < scan.carries ? !scan.hasFloatOutput(i) : !given[size_t(i)]))
      copy.number(v, zeros(copy.graph, adjoint.steps.type(v)));
  for (ValueId v = adjoint.base; v < adjoint.steps.valueCount(); ++v) {
    const Node &node = copy.nodeOf(v);
    bool any = false; // of its results
    for (int i = 0; node.result == 0 && i < resultCount(node.op, node.attrs); ++i)
      any |= adjoint.isNeeded[size_t(v + i)] != 0;
    if (any)
      copy.op(v);
  }
  auto sum = sums.begin();
  std::vector<ValueId> entries;
  for (auto [i, output] : llvm::zip(adjoint.wrt, adjoint.steps.outputs)) {
    if (adjoint.sums.count(i))
      continue;
    ValueId cotangent = copy.at(output);
    if (scan.isCarry(i)) {
      copy.graph.outputs.push_back(cotangent);
    } else if (scan.isConstant(i)) {
      const TensorType type = copy.graph.type(*sum);
      ValueId wider = cast(copy.graph, cotangent, type.dtype);
      copy.graph.outputs.push_back(copy.graph.addNode(OpKind::Add, {*sum++, wider}, {}, type));
    } else {
      entries.push_back(cotangent);
    }
  }
  const size_t carries = copy.graph.outputs.size();
  copy.graph.outputs.insert(copy.graph.outputs.end(), entries.begin(), entries.end());
  for (auto &[i, sum] : adjoint.sums)
    for (ValueId v : adjoint.nodeOf(sum.of).operands)
      if (!adjoint.isKept(v) && !made.summed.count(v)) {
        std::vector<ValueId> &outputs = copy.graph.outputs;
        auto known = std::find(outputs.begin() + int64_t(carries), outputs.end(), copy.at(v));
        made.summed[v] = size_t(known - outputs.begin());
        if (known == outputs.end())
          copy.output(v);
      }
  made.graph = std::move(copy.graph);
  return made;
}

// By residual, all steps' values: results of the scan, or of one that gives more.
std::map<ValueId, Value> residualsOf(OpBuilder &builder, Operation *op, const Adjoint &adjoint) {
  const Scan &scan = adjoint.scan;
  Graph more = *scan.body;
  std::map<ValueId, size_t> place;
  for (ValueId v : adjoint.residuals) {
    auto from = more.outputs.begin() + scan.carries;
    auto found = std::find(from, more.outputs.end(), adjoint.inBody(v));
    place[v] = size_t(found - more.outputs.begin());
    if (found == more.outputs.end())
      more.outputs.push_back(adjoint.inBody(v));
  }
  if (more.outputs.size() > scan.body->outputs.size()) {
    Scan longer = scan;
    longer.body = shared(std::move(more));
    op = createOpOfSeveral(builder, op->getLoc(), OpKind::Scan, op->getOperands(), longer.attrs());
  }
  std::map<ValueId, Value> values;
  for (auto [v, result] : place)
    values[v] = op->getResult(unsigned(result));
  return values;
}

// The sum with the steps as an axis more of what is summed.
Value sumOfAll(OpBuilder &builder, Location location, const Adjoint &adjoint, const Adjoint::Sum &sum,
               ArrayRef<Value> operands) {
  const Node &node = adjoint.nodeOf(sum.of);
  auto withSteps = [](Dims dims) {
    for (int64_t &dim : dims)
      ++dim;
    dims.insert(0, 0);
    return Attr::list(dims);
  };
  Value total;
  if (node.op == OpKind::Sum) { // named: see Adjoint::sumOf
    total = createOp(builder, location, node.op, operands, {withSteps(node.attrs[0].ints), Attr::boolean(false)});
    total = createOp(builder, location, OpKind::Reshape, total, {Attr::list(node.type.shape)});
  } else {
    total = createOp(builder, location, node.op, operands,
                     {node.attrs[0], node.attrs[1], withSteps(node.attrs[2].ints), withSteps(node.attrs[3].ints)});
  }
  for (ValueId view : llvm::reverse(sum.views))
    total = createOp(builder, location, adjoint.nodeOf(view).op, total, adjoint.nodeOf(view).attrs);
  return total;
}

} // namespace

SmallVector<Value> cotangentsOfScan(OpBuilder &builder, Operation *op, ArrayRef<Value> given, ArrayRef<bool> wanted) {
  const Scan scan(op);
  std::vector<int> wrt;
  for (int i = 0; i < scan.inputs(); ++i)
    if (isFloat(scan.body->inputs[size_t(i)].type.dtype) && (scan.isCarry(i) || wanted[size_t(i)]))
      wrt.push_back(i);
  const Adjoint adjoint(scan, wrt);
  ReverseBody reverse = reverseBody(adjoint, given);
  std::map<ValueId, Value> residuals = residualsOf(builder, op, adjoint);

  SmallVector<Value> operands;
  for (int i : wrt)
    if (scan.isCarry(i))
      operands.push_back(given[size_t(i)] ? given[size_t(i)]
                                          : zeros(builder, op->getLoc(), typeOf(op->getOperand(unsigned(i)))));
  for (int i : wrt)
    if (scan.isConstant(i) && !adjoint.sums.count(i))
      operands.push_back(zeros(builder, op->getLoc(), wide(typeOf(op->getOperand(unsigned(i))))));
  const int carries = int(operands.size());
  for (int i : reverse.sequences)
    operands.push_back(op->getOperand(unsigned(i)));
  for (auto &[v, values] : residuals)
    operands.push_back(values);
  for (int i : reverse.cotangents)
    operands.push_back(given[size_t(i)]);
  const int sequences = int(operands.size()) - carries;
  for (int i : reverse.constants)
    operands.push_back(op->getOperand(unsigned(i)));
  Scan backwards = scan;
  backwards.body = shared(std::move(reverse.graph));
  backwards.carries = carries;
  backwards.sequences = sequences;
  backwards.reverse = !scan.reverse;

  SmallVector<Value> cotangents(size_t(scan.inputs()));
  if (backwards.body->outputs.empty())
    return cotangents;
  Operation *made = createOpOfSeveral(builder, op->getLoc(), OpKind::Scan, operands, backwards.attrs());
  unsigned next = 0;
  auto take = [&](auto is) {
    for (int i : wrt)
      if (is(i))
        cotangents[size_t(i)] = made->getResult(next++);
  };
  take([&](int i) { return scan.isCarry(i); });
  take([&](int i) { return scan.isConstant(i) && !adjoint.sums.count(i); });
  take([&](int i) { return !scan.isCarry(i) && !scan.isConstant(i); });
  for (auto &[i, sum] : adjoint.sums) {
    SmallVector<Value> all;
    for (ValueId v : adjoint.nodeOf(sum.of).operands) {
      auto inLoop = reverse.summed.find(v);
      all.push_back(inLoop != reverse.summed.end() ? Value(made->getResult(unsigned(inLoop->second)))
                    : residuals.count(v)           ? residuals.at(v)
                                                   : op->getOperand(unsigned(v)));
    }
    cotangents[size_t(i)] = sumOfAll(builder, op->getLoc(), adjoint, sum, all);
  }
  for (auto [i, cotangent] : llvm::enumerate(cotangents)) {
    DType dtype = scan.body->inputs[i].type.dtype;
    if (cotangent && !wanted[i])
      cotangent = Value();
    else if (cotangent && dtypeOf(cotangent) != dtype)
      cotangent = createOp(builder, op->getLoc(), OpKind::Cast, cotangent, {Attr::dtype(dtype)});
  }
  return cotangents;
}

SmallVector<Value> tangentsOfScan(OpBuilder &builder, Operation *op, ArrayRef<Value> given) {
  const Scan scan(op);
  std::vector<int> wrt;
  SmallVector<TensorType> types;
  for (int i = 0; i < scan.inputs(); ++i)
    if (isFloat(scan.body->inputs[size_t(i)].type.dtype) && (scan.isCarry(i) || given[size_t(i)])) {
      wrt.push_back(i);
      types.push_back(scan.body->inputs[size_t(i)].type);
    }
  const Graph step = pushForward(withInputs(*scan.body, types), wrt);

  Copy copy(step);
  SmallVector<Value> operands;
  Scan both = scan;
  auto add = [&](int first, int end) {
    for (int i = first; i < end; ++i) {
      copy.input(i);
      operands.push_back(op->getOperand(unsigned(i)));
    }
    for (auto [place, i] : llvm::enumerate(wrt))
      if (i >= first && i < end) {
        copy.input(ValueId(scan.inputs() + place));
        copy.graph.inputs.back().weight = scan.isConstant(i);
        Value tangent = given[size_t(i)];
        operands.push_back(tangent ? tangent : zeros(builder, op->getLoc(), typeOf(op->getOperand(unsigned(i)))));
      }
    return int(operands.size());
  };
  both.carries = add(0, scan.carries);
  both.sequences = add(scan.carries, scan.carries + scan.sequences) - both.carries;
  add(scan.carries + scan.sequences, scan.inputs());
  copy.allOps();
  SmallVector<int> place(size_t(scan.outputs()), -1); // of the tangents
  auto give = [&](int first, int end) {
    for (int i = first; i < end; ++i) {
      ValueId v = scan.body->outputs[size_t(i)];
      copy.output(v < scan.inputs() ? v : v + ValueId(wrt.size()));
    }
    for (int i = first; i < end; ++i)
      if (scan.hasFloatOutput(i)) {
        place[size_t(i)] = int(copy.graph.outputs.size());
        copy.output(step.outputs[size_t(i)]);
      }
  };
  give(0, scan.carries);
  give(scan.carries, scan.outputs());
  both.body = shared(std::move(copy.graph));
  Operation *made = createOpOfSeveral(builder, op->getLoc(), OpKind::Scan, operands, both.attrs());
  SmallVector<Value> tangents;
  for (int result : place)
    tangents.push_back(result < 0 ? Value() : made->getResult(unsigned(result)));
  return tangents;
}

static Value withFirstTwoSwapped(OpBuilder &builder, Value value) {
  Dims order;
  for (int i = 0; i < shapeOf(value).size(); ++i)
    order.push_back(i < 2 ? 1 - i : i);
  return createOp(builder, value.getLoc(), OpKind::Permute, value, {Attr::list(order)});
}

SmallVector<Value> batchOfScan(OpBuilder &builder, Operation *op, ArrayRef<Value> given, ArrayRef<bool> batched,
                               int64_t size) {
  Scan scan(op);
  std::vector<bool> over;
  SmallVector<Value> operands;
  for (int i = 0; i < scan.inputs(); ++i) {
    Value operand = given[size_t(i)];
    over.push_back(batched[size_t(i)] || scan.isCarry(i)); // which may come to depend on the example
    if (scan.isCarry(i) && !batched[size_t(i)]) {
      Dims shape = shapeOf(operand);
      shape.insert(0, size);
      operand = createOp(builder, op->getLoc(), OpKind::Expand, operand, {Attr::list(shape)});
    } else if (batched[size_t(i)] && !scan.isCarry(i) && !scan.isConstant(i)) {
      operand = withFirstTwoSwapped(builder, operand);
    }
    operands.push_back(operand);
  }
  scan.body = shared(batch(*scan.body, over, size));
  Operation *made = createOpOfSeveral(builder, op->getLoc(), OpKind::Scan, operands, scan.attrs());
  SmallVector<Value> results;
  for (OpResult result : made->getResults())
    results.push_back(int(result.getResultNumber()) < scan.carries ? Value(result)
                                                                   : withFirstTwoSwapped(builder, result));
  return results;
}

// ---------------------------------------------------------------- Simplification

// Whether `more` does all that `less` does: its body gives the same results first.
static bool givesMore(Operation *more, Operation *less) {
  if (more->getOperands() != less->getOperands() || more->getNumResults() < less->getNumResults())
    return false;
  Attrs a = attrsOf(more), b = attrsOf(less);
  Graph body = bodyOf(a);
  body.outputs.resize(less->getNumResults());
  a[0] = b[0];
  return a == b && serialize(body) == serialize(bodyOf(b));
}

static void replaceByFirst(Operation *less, Operation *more) {
  less->replaceAllUsesWith(more->getResults().take_front(less->getNumResults()));
  less->erase();
}

static bool mergeScans(ArrayRef<Operation *> scans) {
  std::vector<Operation *> kept;
  bool changed = false;
  for (Operation *op : scans) {
    Operation *merged = nullptr;
    for (Operation *&before : kept) {
      if (givesMore(before, op)) {
        replaceByFirst(op, before);
      } else if (givesMore(op, before)) {
        op->moveBefore(before);
        replaceByFirst(before, op);
        before = op;
      } else {
        continue;
      }
      merged = before;
      break;
    }
    changed |= merged != nullptr;
    if (!merged)
      kept.push_back(op);
  }
  return changed;
}

static bool dropUnused(Operation *op) {
  Scan scan(op);
  Graph body = *scan.body;
  std::vector<ValueId> outputs;
  SmallVector<OpResult> used;
  for (OpResult result : op->getResults()) {
    int i = int(result.getResultNumber());
    if (scan.isCarry(i) || !result.use_empty()) {
      outputs.push_back(body.outputs[size_t(i)]);
      used.push_back(result);
    }
  }
  if (outputs.size() == body.outputs.size())
    return false;
  body.outputs = outputs;
  scan.body = shared(std::move(body));
  OpBuilder builder(op);
  Operation *made = createOpOfSeveral(builder, op->getLoc(), OpKind::Scan, op->getOperands(), scan.attrs());
  for (auto [before, now] : llvm::zip(used, made->getResults()))
    before.replaceAllUsesWith(now);
  op->erase();
  return true;
}

bool runSimplifyScans(ModuleOp module) {
  bool changed = false;
  auto scansOf = [](func::FuncOp func) {
    std::vector<Operation *> scans;
    for (Operation &op : func.front())
      if (kindOf(&op) == OpKind::Scan) // named: loops of other kinds end otherwise
        scans.push_back(&op);
    return scans;
  };
  for (size_t i = 0; i < graphsOf(module).size(); ++i) { // a new body is another one
    func::FuncOp func = graphsOf(module)[i];
    std::vector<Operation *> scans = scansOf(func);
    changed |= scans.size() > 1 && mergeScans(scans);
    if (!scans.empty())
      eraseDeadOps(func.front());
    for (Operation *op : scansOf(func))
      changed |= dropUnused(op);
  }
  if (changed)
    for (bool more = true; more;) {
      more = false;
      for (func::FuncOp func : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
        if (func.isPrivate() && SymbolTable::symbolKnownUseEmpty(func, module)) {
          func.erase();
          more = true;
        }
    }
  return changed;
}

} // namespace weft
