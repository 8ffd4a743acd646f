#include "passes/FusionGraph.h"
#include "ir/GraphIR.h"
#include "ir/OpAccess.h"

#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace weft {
namespace {

// A single row longer than this is reduced by several threads (kind Reduction), not as a row.
constexpr int64_t maxSingleRow = 8192;

// The product of the sizes from `begin` to `end`, -1 where there is a symbol.
int64_t elements(const Dims &shape, int begin, int end) {
  int64_t count = 1;
  for (int i = begin; i < end; ++i) {
    if (isSymbol(shape[i]))
      return -1;
    count *= shape[i];
  }
  return count;
}

bool isArgReduction(Operation *op) { return llvm::StringRef(infoOf(op).reduction).starts_with("arg"); }
// Of the ops of family Indexing: those that add at positions have a source to take from.

void classifyReduction(FusionNode &node) {
  Dims dims = intsOf(node.op, "dims");
  node.role = Role::Reduction;
  node.kind = GroupKind::Reduction;
  node.space = shapeOf(node.op->getOperand(0));
  int rank = node.space.size(), count = dims.size();
  if (count == 0)
    return;
  // Sorted axes are trailing if the first is, and leading if the last is.
  if (dims[0] == rank - count) {
    int64_t rows = elements(node.space, 0, rank - count), length = elements(node.space, rank - count, rank);
    if (rows == 1 && (length < 0 || length > maxSingleRow))
      return;
    node.kind = GroupKind::Row;
    node.rowRank = count;
  } else if (dims[count - 1] == count - 1 && elements(node.space, count, rank) != 1 && !isArgReduction(node.op)) {
    node.kind = GroupKind::Column;
    node.rowRank = count;
  }
}

// Conversions and comparisons.
bool isCheap(Operation *op) {
  return familyOf(op) == OpFamily::Elementwise && (op->hasAttr("dtype") || dtypeOf(op->getResult(0)) == DType::Bool);
}

bool floatsByNature(Operation *op) {
  OpFamily family = familyOf(op);
  if (family == OpFamily::Creation)
    return op->getNumOperands() == 0;
  if (family != OpFamily::Shape)
    return false;
  // An element of a concatenation costs a read of every input: computed once unless one reader alone takes it, and that
  // is none that reads as many.
  return op->getNumOperands() == 1 ||
         (op->getResult(0).hasOneUse() && kindOf(*op->user_begin()) != OpKind::Concatenate);
}

class Builder {
public:
  Builder(func::FuncOp func, bool fuse) : block(func.front()), fuse(fuse) { graph.typicalSizes = typicalSizes(func); }

  FusionGraph build() {
    for (Operation &op : block.without_terminator()) {
      graph.index[&op] = int(graph.nodes.size());
      graph.nodes.emplace_back();
      classify(graph.nodes.back(), &op);
    }
    floatCheapOps();
    materialiseOperands();
    for (int i = 0; i < int(graph.nodes.size()); ++i) {
      FusionNode &node = graph.nodes[i];
      if (node.role == Role::Float)
        continue;
      for (unsigned k = 0; k < node.op->getNumOperands(); ++k)
        addReads(i, node.op->getOperand(k), operandView(node, k), node.op->getOperand(k), readsData(node.op, k));
      for (const Read &read : node.reads)
        if (read.source >= 0)
          graph.nodes[read.source].users.push_back(i);
    }
    return std::move(graph);
  }

private:
  Block &block;
  bool fuse;
  FusionGraph graph;

  void classify(FusionNode &node, Operation *op) {
    node.op = op;
    node.shape = node.space = shapeOf(op->getResult(0));
    for (Operation *user : op->getUsers())
      node.output |= user == block.getTerminator();
    switch (familyOf(op)) {
    case OpFamily::Reduction:
      classifyReduction(node);
      break;
    case OpFamily::Contraction:
    case OpFamily::Convolution:
      node.role = Role::Contraction;
      node.kind = GroupKind::Contraction;
      break;
    case OpFamily::Extern:
      node.role = Role::Alone;
      node.kind = GroupKind::Extern;
      break;
    case OpFamily::Control:
      node.role = Role::Alone;
      node.kind = GroupKind::Control;
      break;
    case OpFamily::Scan:
      node.role = Role::Alone;
      node.kind = GroupKind::Scan;
      break;
    case OpFamily::Segments:
      node.role = Role::Alone;
      node.kind = GroupKind::Segments;
      break;
    case OpFamily::Indexing:
      if (infoOf(op).traits.scatters) {
        node.role = Role::Scatter;
        node.kind = GroupKind::Scatter;
      }
      break;
    default:
      if (fuse && !node.output && floatsByNature(op))
        node.role = Role::Float;
    }
  }

  bool floats(Operation *op) const { return graph.nodes[graph.index.lookup(op)].role == Role::Float; }

  // Conversions and comparisons of tensors that are in memory anyway cost each reader no more than reading their result
  // would.
  void floatCheapOps() {
    if (!fuse)
      return;
    llvm::DenseSet<Operation *> stored;
    for (FusionNode &node : graph.nodes) {
      if (node.output)
        stored.insert(node.op);
      if (node.role != Role::Contraction && node.role != Role::Scatter && node.role != Role::Alone)
        continue;
      for (Value operand : node.op->getOperands()) {
        Operation *op = operand.getDefiningOp();
        while (op && floats(op) && op->getNumOperands() == 1)
          op = op->getOperand(0).getDefiningOp();
        if (op)
          stored.insert(op);
      }
    }
    for (FusionNode &node : graph.nodes)
      if (node.role == Role::Point && !stored.contains(node.op) && isCheap(node.op) &&
          llvm::all_of(node.op->getOperands(), [&](Value operand) {
            Operation *op = operand.getDefiningOp();
            return !op || floats(op) || stored.contains(op);
          }))
        node.role = Role::Float;
  }

  // A product reads memory with strides, a library's function, a scan and a body memory as it is: what is not that
  // becomes a tensor of its own. (A convolution has copies of what it cannot read by itself.)
  void materialiseOperands() {
    for (FusionNode &node : graph.nodes)
      if (familyOf(node.op) == OpFamily::Contraction || node.role == Role::Alone)
        for (Value operand : node.op->getOperands())
          if (Operation *op = operand.getDefiningOp())
            if (floats(op) &&
                (node.role == Role::Alone || !isStridedView(operand, [&](Operation *op) { return floats(op); })))
              graph.nodes[graph.index.lookup(op)].role = Role::Point;
  }

  // How a node reads its operand before any floating op: a view that is a node reads through its own map.
  static View operandView(const FusionNode &node, unsigned operand) {
    if (familyOf(node.op) == OpFamily::Shape)
      return throughView(identityView(node.shape), node.op, operand);
    return identityView(shapeOf(node.op->getOperand(operand)));
  }

  static bool readsData(Operation *op, unsigned operand) {
    switch (familyOf(op)) {
    case OpFamily::Creation:
      return true; // the state of the random generator
    case OpFamily::Contraction:
    case OpFamily::Convolution:
      return true;
    case OpFamily::Indexing:
      // The positions of a gather are read element by element.
      return operand == 0 || shapeOf(op->getOperand(operand)) != shapeOf(op->getResult(0));
    default:
      return false;
    }
  }

  void addReads(int reader, Value value, const View &view, Value operand, bool data) {
    FusionNode &node = graph.nodes[reader];
    Operation *op = value.getDefiningOp();
    if (!op) {
      node.reads.push_back({~int(cast<BlockArgument>(value).getArgNumber()), view, operand, data});
      return;
    }
    int index = graph.index.lookup(op);
    if (graph.nodes[index].role != Role::Float) {
      node.reads.push_back({index, view, operand, data});
      return;
    }
    bool shape = familyOf(op) == OpFamily::Shape;
    for (unsigned k = 0; k < op->getNumOperands(); ++k)
      addReads(reader, op->getOperand(k), shape ? throughView(view, op, k) : view, operand, data);
  }
};

} // namespace

FusionGraph buildFusionGraph(func::FuncOp func, bool fuse) { return Builder(func, fuse).build(); }

} // namespace weft
