// Groups of nodes while they grow: a partition of the graph that stays acyclic.
#pragma once
#include "passes/FusionGraph.h"

#include "llvm/ADT/BitVector.h"

namespace weft {

struct FusionGroup {
  GroupKind kind = GroupKind::Loop;
  Dims space;
  int rowRank = 0;
  bool absorbed = false;        // some members are evaluated at other indices than the space's
  std::vector<int> members;     // ascending
  llvm::BitVector dependencies; // groups that must run before, transitively
};

class FusionGroups {
public:
  explicit FusionGroups(const FusionGraph &graph);
  // Takes the next node, in order, into account; groups of nodes to come must not be asked about yet.
  void visit(int node);

  const FusionGraph &graph;
  int groupOf(int node) const { return owner[node]; } // -1: floats
  const FusionGroup &operator[](int group) const { return groups[group]; }
  // A group's number is its last member's. A group that was merged into another has no members.
  int size() const { return int(groups.size()); }
  bool precedes(int a, int b) const { return groups[b].dependencies.test(a); }

  // Merges the two into the one with the higher number; the rules (Fusion.cpp) gave the merged group's space in
  // `merged`.
  void merge(int producer, int consumer, const FusionGroup &merged);
  // Whether a third group stands on a path from one to the other.
  bool wouldCycle(int producer, int consumer) const;
  // Nodes whose values leave the group: graph outputs and values that another group reads.
  bool leaves(int node, int otherGroup = -1) const;
  int resultCount(int group) const;
  // Distinct values of the space's shape that the group reads from outside.
  int fullInputCount(int group) const;

private:
  std::vector<FusionGroup> groups;
  std::vector<int> owner;
  std::vector<int> visited; // groups, ascending, but for those that were merged into others
};

// passes/FusionEmit.cpp: replaces the function's body by weft.group ops.
void emitGroups(mlir::func::FuncOp func, const FusionGroups &groups);

} // namespace weft
