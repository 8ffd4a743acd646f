// Fusion, greedily:
// 1. Every op that is not a floating view or creation op is a group of one.
// 2. In topological order each op joins its producers' groups where the rules below allow; then rows between products
//    become attention; then each contraction takes its consumer as epilogue; then groups over one space that read the
//    same tensor merge.
// 3. The groups are written as weft.group in topological order, each with its own copies of the floating ops it reads.
#include "passes/Fusion.h"
#include "ir/GraphIR.h"
#include "ir/OpAccess.h"
#include "passes/FusionAttention.h"
#include "passes/Rematerialise.h"

#include <algorithm>
#include <map>
#include <optional>

using namespace mlir;

namespace weft {
namespace {

// The costs that the rules weigh. A kernel with many streams misses the L1 cache and the hardware prefetchers; a kernel
// with many ops spills registers and takes long to compile. The optimiser's update of a parameter (three tensors in and
// out) is kept out of the contraction that makes its gradient: there it would be compiled anew for every parameter.
constexpr int maxMembers = 160;
constexpr int maxStreams = 24;
constexpr int maxSiblingStreams = 14;
constexpr size_t siblingDistance = 32; // in readers of a tensor; all pairs of its readers would be too many
constexpr int maxEpilogueInputs = 3;   // the contraction's own value among them
constexpr int maxEpilogueResults = 3;
constexpr int maxEpilogueMembers = 40;
// A kernel that goes over rows reduces their columns as well where its tasks have enough rows each, the rows are long
// (many short ones are faster transposed), the reductions are few (each stores a sixteenth of a tensor, which is read
// again), and what they come to leaves the cache to the rows.
constexpr int64_t minRowsOfColumns = 512;
constexpr int64_t minLengthOfRows = 128;
constexpr int maxColumnReductions = 4;
constexpr int64_t maxTotals = 16384; // elements of a row, times reductions

using Merged = std::optional<FusionGroup>;

SmallVector<int64_t, 8> nonOnes(const Dims &shape, int count) {
  SmallVector<int64_t, 8> sizes;
  for (int i = 0; i < count; ++i)
    if (shape[i] != 1)
      sizes.push_back(shape[i]);
  return sizes;
}

// What a value is in a group's iteration space.
enum class Extent { Full, PerRow, Other };
Extent extentOf(const Dims &shape, const FusionGroup &group) {
  if (shape == group.space)
    return Extent::Full;
  if (group.kind == GroupKind::Row &&
      nonOnes(shape, shape.size()) == nonOnes(group.space, group.space.size() - group.rowRank))
    return Extent::PerRow;
  return Extent::Other;
}

class Rules {
public:
  Rules(const FusionGroups &groups, bool rowBlocks) : rowBlocks(rowBlocks), groups(groups), graph(groups.graph) {}

  const bool rowBlocks; // FusionOptions

  // The group that `producer` and `consumer` make, if they may merge at all. `producer` need not be read by `consumer`.
  Merged merged(int producer, int consumer) const {
    const FusionGroup &p = groups[producer], &c = groups[consumer];
    if (int(p.members.size() + c.members.size()) > maxMembers || computesAgain(producer, consumer) ||
        readsColumns(producer, consumer))
      return {};
    Merged result = mergedShape(producer, consumer);
    if (result && streams(producer) + streams(consumer) > maxStreams)
      return {};
    return result;
  }

  // The inputs and results of a group.
  int streams(int group) const { return groups.fullInputCount(group) + groups.resultCount(group); }

  // The loop that becomes the contraction's epilogue.
  Merged epilogue(int contraction, int loop) const {
    const FusionGroup &p = groups[contraction], &c = groups[loop];
    if (c.kind != GroupKind::Loop || c.absorbed || int(c.members.size()) > maxEpilogueMembers ||
        groups.fullInputCount(loop) > maxEpilogueInputs || groups.resultCount(loop) > maxEpilogueResults)
      return {};
    int dot = p.members.front();
    bool read = false;
    for (int member : c.members) {
      const FusionNode &node = graph.nodes[member];
      if (node.space != c.space)
        return {};
      for (const Read &r : node.reads) {
        if (r.data && r.source >= 0 && groups.groupOf(r.source) == contraction)
          return {};
        if (r.source != dot)
          continue;
        read = true;
        if (r.data || !r.view.reshape)
          return {};
      }
    }
    // The results have one shape; the contraction's own value may leave only in the same.
    if (!read || (groups.leaves(dot, loop) && graph.nodes[dot].shape != c.space))
      return {};
    FusionGroup result = c;
    result.kind = GroupKind::Contraction;
    return result;
  }

private:
  const FusionGroups &groups;
  const FusionGraph &graph;

  // Whether the consumer is there so that the producer need not store what it makes of its tensor.
  bool computesAgain(int producer, int consumer) const {
    return !allReads(producer, consumer, [&](const FusionNode &node, const Read &read) {
      return !node.op->hasAttr(recomputedAttr) || graph.nodes[read.source].shape != node.shape;
    });
  }

  // Whether the consumer waits for what is known after the producer's last row only.
  bool readsColumns(int producer, int consumer) const {
    return !allReads(producer, consumer, [&](const FusionNode &, const Read &read) {
      return graph.nodes[read.source].kind != GroupKind::Column;
    });
  }

  int columnCount(const FusionGroup &group) const {
    return int(
        llvm::count_if(group.members, [&](int member) { return graph.nodes[member].kind == GroupKind::Column; }));
  }

  // Whether columns are reduced by a kernel that goes over the rows.
  bool areColumnsOf(const FusionGroup &columns, const FusionGroup &rows) const {
    if (!rowBlocks || columns.space != rows.space || columns.absorbed ||
        columns.rowRank + rows.rowRank != rows.space.size())
      return false;
    int64_t count = 1, length = 1, reductions = columnCount(columns) + columnCount(rows);
    for (int i = 0; i < rows.space.size(); ++i)
      (i < columns.rowRank ? count : length) *= graph.typicalSizes.of(rows.space[i]);
    return count >= minRowsOfColumns && length >= minLengthOfRows && reductions <= maxColumnReductions &&
           length * reductions <= maxTotals;
  }

  Merged mergedShape(int producer, int consumer) const {
    const FusionGroup &p = groups[producer], &c = groups[consumer];
    if (p.kind == GroupKind::Row && c.kind == GroupKind::Row)
      return p.space == c.space && p.rowRank == c.rowRank && !c.absorbed && readsAlign(producer, consumer, p)
                 ? shaped(p, p, c)
                 : Merged();
    if (p.kind == GroupKind::Row && c.kind == GroupKind::Column)
      return areColumnsOf(c, p) && readsAlign(producer, consumer, p) ? shaped(p, p, c) : Merged();
    if (p.kind == GroupKind::Column && c.kind == GroupKind::Column)
      return sameColumns(p, c) && !reads(producer, consumer) ? shaped(p, p, c) : Merged();
    if (p.kind == GroupKind::Row && c.kind == GroupKind::Loop)
      return extentOf(c.space, p) != Extent::Other && !c.absorbed && readsAlign(producer, consumer, p) ? shaped(p, p, c)
                                                                                                       : Merged();
    if (p.kind != GroupKind::Loop)
      return {};
    bool prologue = c.kind == GroupKind::Reduction || c.kind == GroupKind::Column;
    if (c.kind != GroupKind::Loop && c.kind != GroupKind::Row && !prologue)
      return {};
    // A reduction's results are its own: the prologue must be private.
    if (prologue && !isPrivate(producer, consumer))
      return {};
    Extent extent = extentOf(p.space, c);
    bool aligned = !c.absorbed || isPrivate(producer, consumer);
    if (aligned && (extent == Extent::Full || (extent == Extent::PerRow && !p.absorbed)) &&
        readsAlign(producer, consumer, c))
      return shaped(c, p, c);
    if (isPrivate(producer, consumer) && readsOnce(producer, consumer)) {
      FusionGroup result = shaped(c, p, c);
      result.absorbed = true;
      return result;
    }
    return {};
  }

  static FusionGroup shaped(const FusionGroup &shape, const FusionGroup &a, const FusionGroup &b) {
    FusionGroup result;
    result.kind = shape.kind;
    result.space = shape.space;
    result.rowRank = shape.rowRank;
    result.absorbed = a.absorbed || b.absorbed;
    return result;
  }

  bool sameColumns(const FusionGroup &a, const FusionGroup &b) const {
    return a.space == b.space && a.rowRank == b.rowRank;
  }

  template <class Fn> bool allReads(int producer, int consumer, Fn fn) const {
    for (int member : groups[consumer].members)
      for (const Read &read : graph.nodes[member].reads)
        if (read.source >= 0 && groups.groupOf(read.source) == producer && !fn(graph.nodes[member], read))
          return false;
    return true;
  }
  bool reads(int producer, int consumer) const {
    return !allReads(producer, consumer, [](const FusionNode &, const Read &) { return false; });
  }

  bool isPrivate(int producer, int consumer) const {
    for (int member : groups[producer].members)
      if (groups.leaves(member, consumer))
        return false;
    return true;
  }

  // Whether the consumer reads the producer element by element: full values at the same index, values of the row in
  // every element of their row.
  bool readsAlign(int producer, int consumer, const FusionGroup &shape) const {
    return allReads(producer, consumer, [&](const FusionNode &node, const Read &read) {
      if (read.data || !read.view.dimensions)
        return false;
      const Dims &source = graph.nodes[read.source].shape;
      Extent from = extentOf(source, shape), to = extentOf(node.space, shape);
      if (from == Extent::Other || to == Extent::Other || (from == Extent::Full && to == Extent::PerRow))
        return false;
      SmallVector<int, 8> expected;
      int rank = from == Extent::PerRow && to == Extent::Full ? shape.space.size() - shape.rowRank : node.space.size();
      for (int i = 0; i < rank; ++i)
        if (node.space[i] != 1)
          expected.push_back(i);
      SmallVector<int, 8> actual;
      for (int i = 0; i < source.size(); ++i)
        if (source[i] != 1)
          actual.push_back(int(read.view.map[i]));
      return expected == actual;
    });
  }

  // Whether every element of the producer is read at most once, by one operand, so that it may be computed at the
  // reader's index.
  bool readsOnce(int producer, int consumer) const {
    Value operand;
    return allReads(producer, consumer, [&](const FusionNode &, const Read &read) {
      if (read.data || read.view.repeats || (operand && operand != read.operand))
        return false;
      operand = read.operand;
      return true;
    });
  }
};

class Fuser {
public:
  Fuser(FusionGroups &groups, bool rowBlocks) : groups(groups), graph(groups.graph), rules(groups, rowBlocks) {}

  void run() {
    vertical();
    if (rules.rowBlocks)
      formAttention(groups);
    epilogues();
    siblings();
  }

private:
  FusionGroups &groups;
  const FusionGraph &graph;
  Rules rules;

  void vertical() {
    for (int node = 0; node < int(graph.nodes.size()); ++node) {
      if (groups.groupOf(node) < 0)
        continue;
      groups.visit(node);
      SmallVector<int, 8> producers;
      for (const Read &read : graph.nodes[node].reads)
        if (read.source >= 0)
          producers.push_back(groups.groupOf(read.source));
      std::sort(producers.begin(), producers.end(), std::greater<int>());
      for (int producer : producers) {
        int consumer = groups.groupOf(node);
        if (groups[producer].members.empty() || producer == consumer || groups.wouldCycle(producer, consumer))
          continue;
        if (Merged merged = rules.merged(producer, consumer))
          groups.merge(producer, consumer, *merged);
      }
    }
  }

  void epilogues() {
    for (int node = int(graph.nodes.size()) - 1; node >= 0; --node) {
      if (graph.nodes[node].role != Role::Contraction || groups[groups.groupOf(node)].kind != GroupKind::Contraction)
        continue;
      for (int user : graph.nodes[node].users) {
        int loop = groups.groupOf(user), contraction = groups.groupOf(node);
        if (loop == contraction || groups.wouldCycle(contraction, loop))
          continue;
        if (Merged merged = rules.epilogue(contraction, loop)) {
          groups.merge(contraction, loop, *merged);
          break;
        }
      }
    }
  }

  // Groups that read the same tensor, all of it.
  void siblings() {
    std::map<int, SmallVector<int, 4>> readers; // by source; nodes
    for (int node = 0; node < int(graph.nodes.size()); ++node)
      if (groups.groupOf(node) >= 0)
        for (const Read &read : graph.nodes[node].reads)
          if (!read.data && !read.view.repeats)
            readers[read.source].push_back(node);
    for (auto &[source, nodes] : readers)
      for (size_t i = 0; i + 1 < nodes.size(); ++i)
        for (size_t j = i + 1; j < std::min(nodes.size(), i + 1 + siblingDistance); ++j)
          mergeSiblings(groups.groupOf(nodes[i]), groups.groupOf(nodes[j]));
  }

  void mergeSiblings(int a, int b) {
    if (a == b || groups[a].absorbed || groups[b].absorbed || groups[a].space != groups[b].space)
      return;
    if (groups.precedes(a, b) || groups.precedes(b, a) || rules.streams(a) + rules.streams(b) > maxSiblingStreams)
      return;
    // A row or column group takes loops as producers; between independent groups the order does not matter.
    Merged merged = rules.merged(a, b);
    if (merged)
      groups.merge(a, b, *merged);
    else if ((merged = rules.merged(b, a)))
      groups.merge(b, a, *merged);
  }
};

} // namespace

bool runFusion(ModuleOp module, const FusionOptions &options) {
  bool changed = false;
  for (func::FuncOp func : graphsOf(module)) {
    if (options.fuse && options.rowBlocks)
      recomputeScores(func);
    FusionGraph graph = buildFusionGraph(func, options.fuse);
    if (graph.nodes.empty())
      continue;
    FusionGroups groups(graph);
    if (options.fuse)
      Fuser(groups, options.rowBlocks).run();
    emitGroups(func, groups);
    changed = true;
  }
  return changed;
}

} // namespace weft
