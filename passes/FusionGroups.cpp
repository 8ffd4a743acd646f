#include "passes/FusionGroups.h"

#include "llvm/ADT/DenseSet.h"

#include <algorithm>

namespace weft {

FusionGroups::FusionGroups(const FusionGraph &graph)
    : graph(graph), groups(graph.nodes.size()), owner(graph.nodes.size(), -1) {
  for (int i = 0; i < int(graph.nodes.size()); ++i) {
    const FusionNode &node = graph.nodes[i];
    if (node.role == Role::Float)
      continue;
    owner[i] = i;
    FusionGroup &group = groups[i];
    group.kind = node.kind;
    group.space = node.space;
    group.rowRank = node.rowRank;
    group.members = {i};
  }
}

void FusionGroups::visit(int node) {
  visited.push_back(node);
  FusionGroup &group = groups[node];
  group.dependencies.resize(groups.size());
  for (const Read &read : graph.nodes[node].reads)
    if (read.source >= 0) {
      int before = owner[read.source];
      group.dependencies.set(before);
      group.dependencies |= groups[before].dependencies;
    }
}

void FusionGroups::merge(int producer, int consumer, const FusionGroup &merged) {
  int kept = std::max(producer, consumer), gone = std::min(producer, consumer);
  FusionGroup &into = groups[kept], &from = groups[gone];
  into.kind = merged.kind;
  into.space = merged.space;
  into.rowRank = merged.rowRank;
  into.absorbed = merged.absorbed;
  std::vector<int> members;
  std::merge(into.members.begin(), into.members.end(), from.members.begin(), from.members.end(),
             std::back_inserter(members));
  for (int node : from.members)
    owner[node] = kept;
  into.members = std::move(members);
  from.members.clear();
  into.dependencies |= from.dependencies;
  into.dependencies.reset(producer);
  into.dependencies.reset(consumer);
  visited.erase(std::lower_bound(visited.begin(), visited.end(), gone));
  // Groups with lower numbers, too, may depend on the two, through one that has grown since.
  for (int number : visited) {
    FusionGroup &other = groups[number];
    bool onGone = other.dependencies.test(gone), onKept = other.dependencies.test(kept);
    if (onGone != onKept) // else it has the dependencies of both, or of neither
      other.dependencies |= into.dependencies;
    if (onGone) {
      other.dependencies.reset(gone);
      other.dependencies.set(kept);
    }
  }
}

bool FusionGroups::wouldCycle(int producer, int consumer) const {
  auto through = [&](int first, int last) {
    for (int member : groups[last].members)
      for (const Read &read : graph.nodes[member].reads) {
        if (read.source < 0)
          continue;
        int group = owner[read.source];
        if (group != first && group != last && precedes(first, group))
          return true;
      }
    return false;
  };
  return (precedes(producer, consumer) && through(producer, consumer)) ||
         (precedes(consumer, producer) && through(consumer, producer));
}

bool FusionGroups::leaves(int node, int otherGroup) const {
  if (graph.nodes[node].output)
    return true;
  for (int user : graph.nodes[node].users)
    if (owner[user] != owner[node] && owner[user] != otherGroup)
      return true;
  return false;
}

int FusionGroups::resultCount(int group) const {
  return int(std::count_if(groups[group].members.begin(), groups[group].members.end(),
                           [&](int member) { return leaves(member); }));
}

int FusionGroups::fullInputCount(int group) const {
  llvm::SmallDenseSet<int, 16> inputs;
  for (int member : groups[group].members)
    for (const Read &read : graph.nodes[member].reads)
      if (!read.view.repeats && (read.source < 0 || owner[read.source] != group))
        inputs.insert(read.source);
  return int(inputs.size());
}

} // namespace weft
