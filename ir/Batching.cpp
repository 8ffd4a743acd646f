#include "ir/Batching.h"

#include "ir/Composites.h"
#include "ir/OpAccess.h"

namespace weft {

bool BatchedOp::onlyFirstIsBatched() const {
  for (size_t i = 0; i < batched.size(); ++i)
    if (batched[i] != (i == 0))
      return false;
  return true;
}

namespace build {
namespace batch {

using Operands = llvm::SmallVector<Val, 4>;

// ---------------------------------------------------------------- What rules are made of

static Dims prepended(int64_t first, const Dims &dims) {
  Dims result = dims;
  result.insert(0, first);
  return result;
}

static Dims shifted(const Dims &dims) { return plusOne(dims); }

// The operand with the axis of the examples in front, repeated along it where it is not batched.
static Val led(const BatchedOp &b, int i) {
  const Val &x = b.operands[size_t(i)];
  return b.batched[size_t(i)] ? x : expand(x, prepended(b.size, x.shape()));
}

static Operands allLed(const BatchedOp &b) {
  Operands result;
  for (size_t i = 0; i < b.operands.size(); ++i)
    result.push_back(led(b, int(i)));
  return result;
}

// The same op. Not by create(), which leaves out what changes nothing: a reshape may stand for detach().
static Results remade(const BatchedOp &b, llvm::ArrayRef<Val> operands, const Attrs &attrs) {
  llvm::SmallVector<mlir::Value, 4> values;
  for (const Val &operand : operands)
    values.push_back(operand.value);
  Results results;
  mlir::Operation *op = createOpOfSeveral(*b.at.builder, b.at.location, b.op, values, attrs);
  for (mlir::Value result : op->getResults())
    results.push_back(Val(*b.at.builder, b.at.location, result));
  return results;
}
static Results remade(const BatchedOp &b, llvm::ArrayRef<Val> operands) { return remade(b, operands, b.attrs); }

static Val movedAxis(Val x, int from, int to) {
  Dims order = firstAxes(x.rank());
  order.erase(from);
  order.insert(to, from);
  return permute(x, order);
}

// Axis 0 becomes the outer part of axis `to - 1`... of the rest, and back: [B, .., n, ..] and [.., B * n, ..].
static Val folded(Val x, int axis) {
  Val moved = movedAxis(x, 0, axis);
  Dims shape = moved.shape();
  int64_t size = shape[axis];
  shape.erase(axis);
  shape[axis] *= size;
  return reshape(moved, shape);
}
static Val unfolded(Val x, int axis, int64_t size) {
  Dims shape = x.shape();
  shape[axis] /= size;
  shape.insert(axis, size);
  return movedAxis(reshape(x, shape), axis, 0);
}
// The same inside of each of `groups` parts of the axis: [.., groups * n, ..] and [.., groups * B * n, ..].
static Val foldedInGroups(Val x, int axis, int64_t groups) {
  Dims shape = x.shape();
  shape[axis + 1] /= groups;
  shape.insert(axis + 1, groups);
  Val split = movedAxis(reshape(x, shape), 0, axis + 1); // [.., groups, B, n, ..]
  Dims joined = split.shape();
  joined[axis] *= joined[axis + 1] * joined[axis + 2];
  joined.erase(axis + 1);
  joined.erase(axis + 1);
  return reshape(split, joined);
}
static Val unfoldedInGroups(Val x, int axis, int64_t groups, int64_t size) {
  Dims shape = x.shape(), joined;
  int64_t inner = shape[axis] / groups / size;
  shape[axis] = groups;
  shape.insert(axis + 1, size);
  shape.insert(axis + 2, inner);
  Val split = movedAxis(reshape(x, shape), axis + 1, 0); // [B, .., groups, n, ..]
  joined = split.shape();
  joined[axis + 1] *= joined[axis + 2];
  joined.erase(axis + 2);
  return reshape(split, joined);
}

// ---------------------------------------------------------------- Families

// All axes that the op knows are counted from the end, or it takes all alike.
static Results leading(const BatchedOp &b) { return remade(b, allLed(b)); }

// The axes are the attributes dim and dims.
static Results shiftedAxes(const BatchedOp &b) {
  Attrs attrs = b.attrs;
  for (size_t i = 0; i < attrs.size(); ++i) {
    llvm::StringRef name = info(b.op).attrs[i].name;
    if (name == "dim")
      ++attrs[i].i;
    else if (name == "dims")
      attrs[i].ints = shifted(attrs[i].ints);
  }
  return remade(b, allLed(b), attrs);
}

// The first operand's leading axes are independent, and the others have none.
static Results firstLeads(const BatchedOp &b) { return b.onlyFirstIsBatched() ? remade(b, b.operands) : Results(); }

// ---------------------------------------------------------------- Shapes

[[maybe_unused]] static Results reshape(const BatchedOp &b) {
  return remade(b, b.operands, {Attr::list(prepended(b.size, b.attrs[0].ints))});
}

[[maybe_unused]] static Results permute(const BatchedOp &b) {
  return remade(b, b.operands, {Attr::list(prepended(0, shifted(b.attrs[0].ints)))});
}

static Results expand(const BatchedOp &b) {
  const Dims &shape = b.attrs[0].ints;
  Dims from = b.operands[0].shape();
  while (from.size() <= shape.size())
    from.insert(1, 1);
  return remade(b, {build::reshape(b.operands[0], from)}, {Attr::list(prepended(b.size, shape))});
}

static Results slice(const BatchedOp &b) {
  return remade(b, b.operands,
                {Attr::list(prepended(0, b.attrs[0].ints)), Attr::list(prepended(b.size, b.attrs[1].ints)),
                 Attr::list(prepended(1, b.attrs[2].ints))});
}

static Results pad(const BatchedOp &b) {
  Attrs attrs = b.attrs;
  for (int i = 0; i < 3; ++i)
    attrs[size_t(i)].ints.insert(0, 0);
  return remade(b, b.operands, attrs);
}

// ---------------------------------------------------------------- Indexing

// Positions that differ from example to example make it a gather.
static Results indexSelect(const BatchedOp &b) {
  int64_t dim = b.attrs[0].i;
  if (!b.batched[1])
    return remade(b, b.operands, {Attr::integer(dim + 1)});
  Val x = led(b, 0), index = b.operands[1];
  Dims single(x.rank(), 1), shape = x.shape();
  single[0] = b.size;
  single[int(dim) + 1] = shape[int(dim) + 1] = index.shape()[1];
  return {gather(x, build::expand(build::reshape(index, single), shape), dim + 1)};
}

// Tables of examples are more columns. Else bags of examples are more bags, and tables one below the other.
static Results embeddingBag(const BatchedOp &b) {
  Operands operands = b.operands;
  if (b.onlyFirstIsBatched()) {
    operands[0] = folded(operands[0], 1);
    return {unfolded(remade(b, operands)[0], 1, b.size)};
  }
  Val index = led(b, 1), offsets = led(b, 2);
  Dims bags = offsets.shape();
  Val example = iota(index, {b.size}, 0, DType::Int64);
  // An example's positions behind those of the examples before, of which each has `step`.
  auto behindOthers = [&](Val x, int64_t step) {
    Val by = example * build::expand(build::count(x, {}, {step}, 0, DType::Int64), {b.size});
    return x + alongAxis(by, x.shape(), 0);
  };
  if (b.batched[0]) {
    index = behindOthers(index, operands[0].shape()[1]);
    operands[0] = folded(operands[0], 0);
  }
  operands[2] = folded(behindOthers(offsets, index.shape()[1]), 0);
  operands[1] = folded(index, 0);
  if (operands.size() > 3)
    operands[3] = folded(led(b, 3), 0);
  Dims shape{bags[0], bags[1], operands[0].shape()[1]};
  return {build::reshape(remade(b, operands)[0], shape)};
}

// ---------------------------------------------------------------- Products

// Examples on both sides are a batch axis; on one side, a free axis, which comes first of that side's in the result.
static Results dotGeneral(const BatchedOp &b) {
  Dims lists[4];
  for (int i = 0; i < 4; ++i)
    lists[i] = b.batched[size_t(i % 2)] ? shifted(b.attrs[size_t(i)].ints) : b.attrs[size_t(i)].ints;
  bool both = b.batched[0] && b.batched[1];
  if (both) {
    lists[0].insert(0, 0);
    lists[1].insert(0, 0);
  }
  Attrs attrs;
  for (const Dims &list : lists)
    attrs.push_back(Attr::list(list));
  Results product = remade(b, b.operands, attrs);
  int batches = lists[0].size(), at = b.batched[0] ? batches : b.rank(0) - lists[2].size();
  return both ? product : Results(movedAxis(product[0], at, 0));
}

// Leading axes broadcast. A vector's axes are another matter, which the expansion knows.
static Results matmul(const BatchedOp &b) {
  int rank = std::max(b.rank(0), b.rank(1));
  if (std::min(b.rank(0), b.rank(1)) < 2)
    return {};
  Operands operands = b.operands;
  for (size_t i = 0; i < 2; ++i)
    if (b.batched[i]) {
      Dims shape = operands[i].shape();
      while (shape.size() <= rank)
        shape.insert(1, 1);
      operands[i] = build::reshape(operands[i], shape);
    }
  return remade(b, operands);
}

static Results attention(const BatchedOp &b) {
  Operands operands;
  for (int i = 0; i < 3; ++i)
    operands.push_back(led(b, i));
  if (b.operands.size() > 3) {
    Val mask = b.operands[3];
    Dims shape = mask.shape();
    while (b.batched[3] && shape.size() < operands[0].rank())
      shape.insert(1, 1);
    operands.push_back(build::reshape(mask, shape));
  }
  return remade(b, operands);
}

// ---------------------------------------------------------------- Convolutions and channels

// Examples are more of the axis N in front of [N, C, ...].
static Results foldedExamples(const BatchedOp &b) {
  if (!b.onlyFirstIsBatched())
    return {};
  Operands operands = b.operands;
  operands[0] = folded(operands[0], 0);
  Results results = remade(b, operands);
  for (Val &result : results)
    result = unfolded(result, 0, b.size);
  return results;
}

// Examples of x are more of N, those of the weight more results of each group; on both sides, more groups.
static Results convolution(const BatchedOp &b) {
  if (!b.batched[1])
    return foldedExamples(b);
  int64_t groups = b.attrs.back().i;
  Attrs attrs = b.attrs;
  if (b.batched[0]) {
    attrs.back().i *= b.size;
    Results y = remade(b, {folded(b.operands[0], 1), folded(b.operands[1], 0)}, attrs);
    return {unfolded(y[0], 1, b.size)};
  }
  Results y = remade(b, {b.operands[0], foldedInGroups(b.operands[1], 0, groups)});
  return {unfoldedInGroups(y[0], 1, groups, b.size)};
}

// It adds up over N, so that the examples are more groups.
static Results convolutionWeight(const BatchedOp &b) {
  Attrs attrs = b.attrs;
  attrs.back().i *= b.size;
  Results weight = remade(b, {folded(led(b, 0), 1), folded(led(b, 1), 1)}, attrs);
  return {unfolded(weight[0], 0, b.size)};
}

// Examples are more channels.
static Results channelReduction(const BatchedOp &b) {
  return {unfolded(remade(b, {folded(b.operands[0], 1)})[0], 0, b.size)};
}

static Results normalizeChannels(const BatchedOp &b) {
  if (b.onlyFirstIsBatched())
    return foldedExamples(b);
  Operands operands;
  for (size_t i = 0; i < b.operands.size(); ++i)
    operands.push_back(folded(led(b, int(i)), i == 0 ? 1 : 0));
  return {unfolded(remade(b, operands)[0], 1, b.size)};
}

// ---------------------------------------------------------------- Losses

static Results unreduced(const BatchedOp &b) { return b.attrs[0].i == 0 ? leading(b) : Results(); }

static Results crossEntropy(const BatchedOp &b) {
  if (b.attrs[0].i != 0 || (b.operands.size() > 2 && b.batched[2]))
    return {};
  Operands operands = b.operands;
  operands[0] = led(b, 0);
  operands[1] = led(b, 1);
  if (b.rank(0) == 1) // one example of [N, C]
    return remade(b, operands);
  operands[0] = folded(operands[0], 0);
  operands[1] = folded(operands[1], 0);
  return {unfolded(remade(b, operands)[0], 0, b.size)};
}

// ---------------------------------------------------------------- Random numbers

// A batched state stands for states that draw one behind the other, an example each: together they are one draw of all
// from the first. Where the state is not batched all examples see the same numbers.
static Results random(const BatchedOp &b) {
  size_t state = info(b.op).family == OpFamily::Creation ? 0 : 1;
  if (!b.batched[state])
    return {};
  Operands operands = b.operands;
  operands[state] = build::reshape(build::slice(operands[state], {0, 0}, {1, 2}, {1, 1}), {2});
  Attrs attrs = b.attrs;
  if (state == 1)
    operands[0] = led(b, 0);
  else if (operands.size() > 1 && b.batched[1])
    return {};
  else
    attrs[0].ints.insert(0, b.size);
  return remade(b, operands, attrs);
}

} // namespace batch

#include "ir/Batching.inc"

} // namespace build

BatchingRule batchingRule(OpKind op) { return build::rules[int(op)]; }

} // namespace weft
