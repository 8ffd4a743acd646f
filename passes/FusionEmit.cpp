// Writes the groups as weft.group ops: in topological order, lowest first member first; floating ops are cloned into
// each group that reads them; the old ops go.
#include "passes/FusionGroups.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"

#include <algorithm>
#include <set>

using namespace mlir;

namespace weft {
namespace {

std::vector<int> scheduleGroups(const FusionGroups &groups) {
  const FusionGraph &graph = groups.graph;
  std::vector<int> waiting(groups.size(), 0), order;
  std::vector<SmallVector<int, 4>> followers(groups.size());
  std::set<std::pair<int, int>> ready; // (first member, group)
  for (int group = 0; group < groups.size(); ++group) {
    if (groups[group].members.empty())
      continue;
    std::set<int> before;
    for (int member : groups[group].members)
      for (const Read &read : graph.nodes[member].reads)
        if (read.source >= 0 && groups.groupOf(read.source) != group)
          before.insert(groups.groupOf(read.source));
    waiting[group] = int(before.size());
    for (int other : before)
      followers[other].push_back(group);
    if (before.empty())
      ready.insert({groups[group].members.front(), group});
  }
  while (!ready.empty()) {
    int group = ready.begin()->second;
    ready.erase(ready.begin());
    order.push_back(group);
    for (int follower : followers[group])
      if (--waiting[follower] == 0)
        ready.insert({groups[follower].members.front(), follower});
  }
  return order;
}

class GroupEmitter {
public:
  GroupEmitter(func::FuncOp func, const FusionGroups &groups)
      : groups(groups), graph(groups.graph), builder(func.getContext()) {
    builder.setInsertionPoint(func.front().getTerminator());
  }

  void emit(int group) {
    const FusionGroup &info = groups[group];
    body = new Block;
    inside.clear();
    inputs.clear();
    SmallVector<Location, 8> locations;
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(body);
    SmallVector<Value, 4> results, outsideResults;
    SmallVector<Type, 4> types;
    for (int member : info.members) {
      Operation *op = graph.nodes[member].op;
      clone(op);
      locations.push_back(op->getLoc());
      if (groups.leaves(member)) {
        for (Value result : op->getResults()) {
          outsideResults.push_back(result);
          results.push_back(inside.lookup(result));
          types.push_back(result.getType());
        }
      }
    }
    Location location = builder.getFusedLoc(locations);
    OperationState yield(location, "weft.yield");
    yield.addOperands(results);
    builder.create(yield);

    builder.restoreInsertionPoint(guardPoint);
    OperationState state(location, "weft.group");
    state.addOperands(inputs);
    state.addTypes(types);
    state.addAttribute("kind", builder.getStringAttr(name(info.kind)));
    if (info.kind == GroupKind::Row || info.kind == GroupKind::Attention) {
      state.addAttribute("row", builder.getI64IntegerAttr(info.rowRank));
      state.addAttribute("space",
                         builder.getDenseI64ArrayAttr(llvm::ArrayRef<int64_t>(info.space.begin(), info.space.end())));
    }
    state.addRegion()->push_back(body);
    Operation *made = builder.create(state);
    for (auto [old, result] : llvm::zip(outsideResults, made->getResults()))
      outside.map(old, result);
  }

  void start() { guardPoint = builder.saveInsertionPoint(); }
  void finish(func::FuncOp func) {
    Operation *terminator = func.front().getTerminator();
    for (OpOperand &operand : terminator->getOpOperands())
      operand.set(outside.lookupOrDefault(operand.get()));
    for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
      node->op->dropAllUses();
      node->op->erase();
    }
  }

private:
  const FusionGroups &groups;
  const FusionGraph &graph;
  OpBuilder builder;
  OpBuilder::InsertPoint guardPoint;
  IRMapping outside; // values of the old ops -> results of groups
  IRMapping inside;  // values of the old ops, arguments -> values of the body
  SmallVector<Value, 8> inputs;
  Block *body = nullptr;

  // Members of the group are cloned before the ops that read them; a floating op when it is first read.
  Value read(Value value) {
    if (Value known = inside.lookupOrNull(value))
      return known;
    Operation *op = value.getDefiningOp();
    if (op && graph.nodes[graph.index.lookup(op)].role == Role::Float)
      return clone(op);
    Value outer = outside.lookupOrDefault(value);
    inputs.push_back(outer);
    Value argument = body->addArgument(outer.getType(), outer.getLoc());
    inside.map(value, argument);
    return argument;
  }

  Value clone(Operation *op) {
    SmallVector<Value, 4> operands;
    for (Value operand : op->getOperands())
      operands.push_back(read(operand));
    Operation *copy = builder.clone(*op, inside);
    copy->setOperands(operands);
    inside.map(op->getResults(), copy->getResults());
    return copy->getResult(0);
  }
};

} // namespace

const char *name(GroupKind kind) {
  static const char *const names[] = {"loop",      "row",    "column", "reduction", "contraction", "scatter",
                                      "attention", "extern", "scan",   "segments",  "control"};
  return names[int(kind)];
}

void emitGroups(func::FuncOp func, const FusionGroups &groups) {
  GroupEmitter emitter(func, groups);
  emitter.start();
  for (int group : scheduleGroups(groups))
    emitter.emit(group);
  emitter.finish(func);
}

} // namespace weft
