#include "passes/FusionGroups.h"

#include "llvm/ADT/DenseSet.h"

#include <algorithm>

namespace weft {

FusionGroups::FusionGroups(const FusionGraph &graph)
    : graph(graph), groups(graph.nodes.size()), owner(graph.nodes.size(), -1) {
  int count = int(graph.nodes.size());
  for (int i = 0; i < count; ++i) {
    const FusionNode &node = graph.nodes[i];
    if (node.role == Role::Float)
      continue;
    owner[i] = i;
    FusionGroup &group = groups[i];
    group.kind = node.kind;
    group.space = node.space;
    group.rowRank = node.rowRank;
    group.members = {i};
    group.dependencies.resize(count);
    for (const Read &read : node.reads)
      if (read.source >= 0) {
        group.dependencies.set(read.source);
        group.dependencies |= groups[read.source].dependencies;
      }
  }
}

void FusionGroups::merge(int producer, int consumer, const FusionGroup &merged) {
  FusionGroup &into = groups[consumer], &from = groups[producer];
  into.kind = merged.kind;
  into.space = merged.space;
  into.rowRank = merged.rowRank;
  into.absorbed = merged.absorbed;
  std::vector<int> members;
  std::merge(into.members.begin(), into.members.end(), from.members.begin(), from.members.end(),
             std::back_inserter(members));
  for (int node : from.members)
    owner[node] = consumer;
  into.members = std::move(members);
  from.members.clear();
  into.dependencies |= from.dependencies;
  into.dependencies.reset(producer);
  into.dependencies.reset(consumer);
  for (FusionGroup &other : groups) {
    if (other.members.empty() || (!other.dependencies.test(producer) && !other.dependencies.test(consumer)))
      continue;
    other.dependencies |= into.dependencies;
    other.dependencies.reset(producer);
    other.dependencies.set(consumer);
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
