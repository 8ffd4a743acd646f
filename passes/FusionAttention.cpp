// 1. A group of rows (softmax, its gradient) is the middle.
// 2. Products whose result only the middle reads join it, and so does every product that reads values of the middle.
// 3. If a value of the middle is read by anything else, or the whole would wait for itself, nothing changes.
#include "passes/FusionAttention.h"
#include "ir/OpAccess.h"

using namespace mlir;

#include <algorithm>

namespace weft {

// The elements that a query and a key have: larger ones, of all keys, would not stay in a core's cache.
static constexpr int64_t kMostHeadSize = 512;
static constexpr int64_t kFewestRows = 4; // or columns: no more than these are no head

// A product over the rows has a head as its task: fewer heads would leave threads idle.
static constexpr int64_t kLeastHeads = 4;

// What a score is summed over: an element made again costs twice as many operations, one that is kept three accesses to
// memory. An estimate, between the heads of attention and a loss over a vocabulary: at 256 (cross entropy of 256 x
// 32000) a step takes 38 ms with the scores kept, and took 69 when they were made again, by one thread.
static constexpr int64_t kMostRecomputedDepth = 128;

namespace {

int64_t knownOrTypical(int64_t size) { return isSymbol(size) ? kTypicalSize : size; }

struct OperandAxes {
  Dims batch, contract, shape;
  OperandAxes(Operation *dot, int operand) : shape(shapeOf(dot->getOperand(operand))) {
    batch = intsOf(dot, operand ? "rhs_batch" : "lhs_batch");
    contract = intsOf(dot, operand ? "rhs_contract" : "lhs_contract");
  }
  int64_t heads() const {
    Dims sizes;
    for (int64_t axis : batch)
      sizes.push_back(knownOrTypical(shape[int(axis)]));
    return sizes.product();
  }
  int64_t depth() const { return knownOrTypical(shape[int(contract[0])]); }
  // Batches, one free and one contracted axis.
  bool isMatrix() const { return contract.size() == 1 && shape.size() == batch.size() + 2; }
  bool hasOrderedBatch() const {
    for (int i = 0; i < batch.size(); ++i)
      if (batch[i] != i)
        return false;
    return true;
  }
};

class Middle {
public:
  Middle(const FusionGroups &groups, int group) : groups(groups), graph(groups.graph), group(group) {}

  // The groups of the products that go with the middle, none if it is no attention.
  SmallVector<int, 8> products() const {
    const FusionGroup &middle = groups[group];
    if (middle.kind != GroupKind::Row || middle.rowRank != 1 || middle.absorbed)
      return {};
    SmallVector<int, 8> found;
    for (int member : middle.members)
      for (const Read &read : graph.nodes[member].reads)
        if (read.source >= 0 && isInto(read))
          insert(found, groups.groupOf(read.source));
    if (found.empty())
      return {};
    size_t into = found.size();
    for (int member : middle.members) {
      const FusionNode &node = graph.nodes[member];
      if (node.kind == GroupKind::Column)
        return {};
      if (node.shape != middle.space)
        continue;
      if (node.output)
        return {};
      for (int user : node.users) {
        if (groups.groupOf(user) == group)
          continue;
        if (!isOutOf(user))
          return {};
        insert(found, groups.groupOf(user));
      }
    }
    return found.size() > into && !waitsForItself(found) ? found : SmallVector<int, 8>();
  }

private:
  const FusionGroups &groups;
  const FusionGraph &graph;
  int group;

  static void insert(SmallVector<int, 8> &list, int value) {
    if (!llvm::is_contained(list, value))
      list.push_back(value);
  }

  bool isLoneProduct(int node) const {
    return groups[groups.groupOf(node)].members.size() == 1 && isHeadProduct(graph.nodes[node].op);
  }

  bool isInto(const Read &read) const {
    const FusionNode &node = graph.nodes[read.source];
    return isLoneProduct(read.source) && node.shape == groups[group].space && read.view.reshape && !read.data &&
           !groups.leaves(read.source, group);
  }

  // One operand is a value of the middle as it is, the other is none.
  bool isOutOf(int user) const {
    if (!isLoneProduct(user))
      return false;
    int scores = -1, others = 0;
    for (int operand = 0; operand < 2; ++operand) {
      Operation *op = graph.nodes[user].op->getOperand(operand).getDefiningOp();
      if (op && groups.groupOf(graph.index.lookup(op)) == group)
        scores = operand;
    }
    for (const Read &read : graph.nodes[user].reads)
      others += read.source < 0 || groups.groupOf(read.source) != group;
    if (scores < 0 || others != 1)
      return false;
    OperandAxes axes(graph.nodes[user].op, scores);
    bool isOverRows = axes.contract[0] == axes.batch.size();
    return axes.hasOrderedBatch() && (!isOverRows || axes.heads() >= kLeastHeads);
  }

  // Whether a product reads another's result, or a group outside stands on a path from one part to another.
  bool waitsForItself(SmallVector<int, 8> parts) const {
    parts.push_back(group);
    for (int part : parts)
      for (int member : groups[part].members)
        for (const Read &read : graph.nodes[member].reads) {
          int before = read.source < 0 ? -1 : groups.groupOf(read.source);
          if (before < 0 || before == group || before == part)
            continue;
          if (llvm::is_contained(parts, before) ? part != group : llvm::any_of(parts, [&](int other) {
                return groups.precedes(other, before);
              }))
            return true;
        }
    return false;
  }
};

} // namespace

bool isHeadProduct(Operation *op) {
  if (familyOf(op) != OpFamily::Contraction || !isFloat(dtypeOf(op->getResult(0))))
    return false;
  OperandAxes left(op, 0), right(op, 1);
  Dims shape = shapeOf(op->getResult(0));
  int rank = shape.size();
  if (!left.isMatrix() || !right.isMatrix())
    return false;
  int64_t rows = knownOrTypical(shape[rank - 2]), columns = knownOrTypical(shape[rank - 1]), depth = left.depth();
  return std::min(rows, columns) > kFewestRows && depth > 1 && std::min({rows, columns, depth}) <= kMostHeadSize;
}

bool isQuickerAgain(Operation *scores) {
  OperandAxes left(scores, 0);
  return left.heads() >= kLeastHeads && left.depth() <= kMostRecomputedDepth;
}

void formAttention(FusionGroups &groups) {
  for (int group = 0; group < groups.size(); ++group) {
    SmallVector<int, 8> products = Middle(groups, group).products();
    if (products.empty())
      continue;
    FusionGroup merged = groups[group];
    merged.kind = GroupKind::Attention;
    int whole = group;
    for (int product : products) {
      groups.merge(product, whole, merged);
      whole = std::max(product, whole);
    }
  }
}

} // namespace weft
