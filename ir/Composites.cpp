#include "ir/Composites.h"

#include <cmath>
#include <limits>

namespace weft::build {

Val padLikeSlice(Val ct, const Dims &shape, const Dims &starts, const Dims &steps) {
  Dims low = starts, high = starts, interior = steps, sizes = ct.shape();
  for (int i = 0; i < shape.size(); ++i) {
    if (sizes[i] == shape[i]) {
      low[i] = high[i] = interior[i] = 0;
      continue;
    }
    interior[i] = steps[i] - 1;
    int64_t end = sizes[i] == 0 ? starts[i] : starts[i] + (sizes[i] - 1) * steps[i] + 1;
    high[i] = shape[i] - end;
  }
  return pad(ct, low, high, interior, 0.0);
}

int64_t sizeAlong(mlir::Value value, int64_t dim) {
  return mlir::cast<mlir::RankedTensorType>(value.getType()).getDimSize(unsigned(dim));
}

Val partOfConcatenated(Val whole, Val part, int64_t start, int64_t dim) {
  Dims starts(whole.rank(), 0);
  starts[int(dim)] = start;
  return slice(whole, starts, part.shape(), Dims(whole.rank(), 1));
}

Val sliceOfConcatenated(Val ct, llvm::ArrayRef<Val> inputs, int i, int64_t dim) {
  int64_t start = 0;
  for (int k = 0; k < i; ++k)
    start += sizeAlong(inputs[k].value, dim);
  return partOfConcatenated(ct, inputs[i], start, dim);
}

static Dims freeAxes(int rank, const Dims &batch, const Dims &contract) {
  Dims axes;
  for (int i = 0; i < rank; ++i)
    if (!batch.contains(i) && !contract.contains(i))
      axes.push_back(i);
  return axes;
}

Val dotGeneralGradient(Val ct, Val self, Val other, const Dims &selfBatch, const Dims &otherBatch,
                       const Dims &selfContract, const Dims &otherContract, bool selfIsLeft) {
  // The cotangent's axes are batch, left's free, right's free. Contract it with other's free axes: what remains is
  // batch, self's free axes and other's contracted axes in the order in which they stand in other.
  int batch = selfBatch.size();
  Dims selfFree = freeAxes(self.rank(), selfBatch, selfContract),
       otherFree = freeAxes(other.rank(), otherBatch, otherContract);
  Dims paired;
  for (int i = 0; i < otherFree.size(); ++i)
    paired.push_back(batch + (selfIsLeft ? selfFree.size() : 0) + i);
  Dims sorted = otherContract;
  std::sort(sorted.begin(), sorted.end());
  Dims contractedInSelf;
  for (int64_t axis : sorted)
    contractedInSelf.push_back(
        selfContract[int(std::find(otherContract.begin(), otherContract.end(), axis) - otherContract.begin())]);
  Dims made = selfBatch; // made[i]: the axis of self that axis i of the product is
  auto append = [&](const Dims &axes) {
    for (int64_t axis : axes)
      made.push_back(axis);
  };
  auto multiply = ct.dtype() == other.dtype() ? dot_general : wideProduct;
  Val product;
  if (selfIsLeft) {
    append(selfFree);
    append(contractedInSelf);
    product = multiply(ct, other, firstAxes(batch), otherBatch, paired, otherFree);
  } else {
    append(contractedInSelf);
    append(selfFree);
    product = multiply(other, ct, otherBatch, firstAxes(batch), otherFree, paired);
  }
  return permute(product, inversePermutation(made));
}

// The shape of the batches that the leading axes of two stacks of matrices broadcast to.
static Dims batchShape(const Dims &x, const Dims &y) {
  int rank = std::max(x.size(), y.size());
  Dims shape;
  for (int i = 0; i < rank - 2; ++i) {
    int ix = i - (rank - x.size()), iy = i - (rank - y.size());
    int64_t nx = ix < 0 ? 1 : x[ix], ny = iy < 0 ? 1 : y[iy];
    shape.push_back(nx == 1 ? ny : nx);
  }
  return shape;
}

static Val batched(Val x, const Dims &batch) {
  Dims shape = batch, from = x.shape();
  shape.push_back(from[from.size() - 2]);
  shape.push_back(from.back());
  return expand(x, shape);
}

static bool isNarrow(Val x) { return x.dtype() == DType::Float16 || x.dtype() == DType::BFloat16; }

Val widened(Val x) { return x && isNarrow(x) ? cast(x, DType::Float32) : x; }

Val wideProduct(Val lhs, Val rhs, const Dims &lhsBatch, const Dims &rhsBatch, const Dims &lhsContract,
                const Dims &rhsContract) {
  auto multiply = isNarrow(lhs) || isNarrow(rhs) ? wide_dot_general : dot_general;
  return multiply(lhs, rhs, lhsBatch, rhsBatch, lhsContract, rhsContract);
}

Val matrixProduct(Val x, Val y, bool isWide) {
  auto multiply = isWide ? wideProduct : dot_general;
  int rx = x.rank(), ry = y.rank();
  if (ry <= 2)
    return multiply(x, y, {}, {}, {rx - 1}, {ry == 1 ? 0 : ry - 2});
  if (rx == 1)
    return multiply(y, x, {}, {}, {ry - 2}, {0});
  Dims batch = batchShape(x.shape(), y.shape()), axes = firstAxes(batch.size());
  return multiply(batched(x, batch), batched(y, batch), axes, axes, {batch.size() + 1}, {batch.size()});
}

Val matmulGradient(Val ct, Val x, Val y, bool ofLeft, bool isWide) {
  auto multiply = isWide ? wideProduct : dot_general;
  Dims shapeOfX = x.shape(), shapeOfY = y.shape(), shape = ct.shape();
  // As matrices: a vector is a row on the left and a column on the right.
  Dims rows = shapeOfX, columns = shapeOfY;
  if (rows.size() == 1)
    rows.insert(0, 1), shape.insert(shape.size() - (columns.size() > 1), 1);
  if (columns.size() == 1)
    columns.push_back(1), shape.push_back(1);
  ct = reshape(ct, shape), x = reshape(x, rows), y = reshape(y, columns);
  int rank = ct.rank();
  if (y.rank() == 2) {
    Dims leading = firstAxes(rank - 1);
    Val gradient = ofLeft ? multiply(ct, y, {}, {}, {rank - 1}, {1}) : multiply(x, ct, {}, {}, leading, leading);
    return reshape(gradient, ofLeft ? shapeOfX : shapeOfY);
  }
  Dims batch = batchShape(rows, columns), axes = firstAxes(batch.size());
  Val gradient = ofLeft ? multiply(ct, batched(y, batch), axes, axes, {rank - 1}, {rank - 1})
                        : multiply(batched(x, batch), ct, axes, axes, {rank - 2}, {rank - 2});
  return reshape(sumTo(gradient, ofLeft ? rows : columns), ofLeft ? shapeOfX : shapeOfY);
}

namespace {
// What the loss and its gradient share. Rows are the input's positions without the axis of classes.
struct ClassTargets {
  Val input, target, weight;
  double smoothing;
  int64_t axis;
  Val logp;      // log softmax
  Val hot;       // bool, of the input's shape: whether the class is the row's target
  Val kept;      // bool, a row: whether the target is not ignored
  Val rowWeight; // a row: the weight of its target, 0 where ignored

  ClassTargets(Val input, Val target, Val weight, int64_t ignoreIndex, double smoothing)
      : input(input), target(target), weight(weight), smoothing(smoothing), axis(input.rank() > 1 ? 1 : 0) {
    Dims shape = input.shape();
    logp = log_softmax(input, axis);
    hot = iota(input, shape, axis, DType::Int64) == perElement(target);
    kept = target != full(target, target.shape(), 0.0, ignoreIndex, DType::Int64);
    rowWeight = weight ? where(kept, pick(classWeights()), 0.0) : cast(kept, input.dtype());
  }
  Val classes() const { return countOf(input, {axis}); }
  Val perElement(Val row) const { return expandReduced(row, input, {axis}, false); }
  Val classWeights() const { return alongAxis(weight, input.shape(), axis); }
  // The element of each row's target. Exact: the others add zeros.
  Val pick(Val x) const { return sum(where(hot, x, 0.0), {axis}, false); }
};
} // namespace

Val crossEntropy(Val input, Val target, Val weight, int64_t reduction, int64_t ignoreIndex, double smoothing) {
  ClassTargets t(input, target, weight, ignoreIndex, smoothing);
  Val loss = -t.pick(t.logp) * t.rowWeight;
  if (smoothing != 0) {
    Val all = sum(weight ? t.logp * t.classWeights() : t.logp, {t.axis}, false);
    loss = loss * (1 - smoothing) - all * smoothing / t.classes();
  }
  loss = where(t.kept, loss, 0.0);
  Dims rows = firstAxes(loss.rank());
  if (reduction == 0)
    return loss;
  return reduction == 2 ? sum(loss, rows, false) : sum(loss, rows, false) / sum(t.rowWeight, rows, false);
}

Val crossEntropyGradient(Val ct, Val input, Val target, Val weight, int64_t reduction, int64_t ignoreIndex,
                         double smoothing) {
  ClassTargets t(input, target, weight, ignoreIndex, smoothing);
  Val probability = exp(t.logp), one = where(t.hot, filled(input, input.shape(), input.dtype(), 1.0), 0.0);
  Val slope = (probability - one) * t.perElement(t.rowWeight);
  if (smoothing != 0) {
    Val w = weight ? t.classWeights() : filled(input, input.shape(), input.dtype(), 1.0);
    Val smooth = probability * t.perElement(sum(w, {t.axis}, false)) - w;
    slope = slope * (1 - smoothing) + smooth * smoothing / t.classes();
  }
  if (reduction == 1)
    ct = ct / sum(t.rowWeight, firstAxes(t.rowWeight.rank()), false);
  Val scale = where(t.kept, expandTo(ct, target.shape()), 0.0);
  return slope * t.perElement(scale);
}

Val dropoutScaled(Val scaled, Val x, Val state, double p, int64_t offset) {
  if (p >= 1)
    return zerosLike(scaled);
  Val random = uniform(state, x.shape(), DType::Float32, offset);
  return where(random >= p, scaled * (1 / (1 - p)), 0.0);
}

Dims without(const Dims &shape, const Dims &dims) {
  Dims kept;
  for (int i = 0; i < shape.size(); ++i)
    if (!dims.contains(i))
      kept.push_back(shape[i]);
  return kept;
}

Moments moments(Val x, const Dims &dims) {
  Val count = countOf(x, dims), first = sum(x, dims, true) / count, distance = x - first;
  // The other sum is of the distances' negatives, so that each has its own: what both read would be kept in memory.
  Val squares = sum(distance * distance, dims, true), rest = -sum(first - x, dims, true), shift = rest / count;
  // Where the squares are too large for a number, so may be what is taken off.
  Val excess = minimum(rest * shift, filled(rest, rest.shape(), rest.dtype(), -lowest(rest.dtype())));
  return {x - (first + shift), atLeast(squares - excess, 0.0)};
}

double lowest(DType dtype) {
  return dtype == DType::Float64 ? -std::numeric_limits<double>::max() : -std::numeric_limits<float>::max();
}

Val atLeast(Val x, double bound) { return maximum(x, filled(x, x.shape(), x.dtype(), bound)); }

Val bounded(Val x) {
  constexpr double kMost = 1e4;
  auto number = [&](double value) { return filled(x, x.shape(), x.dtype(), value); };
  return clamp(x, number(-kMost), number(kMost));
}

Val normOf(Val x, const Dims &dims, double p) {
  auto power = [](Val v, double exponent) { return pow(v, filled(v, v.shape(), v.dtype(), exponent)); };
  if (std::isinf(p))
    return amax(abs(x), dims, true);
  Val total = sum(p == 2 ? x * x : power(abs(x), p), dims, true), none = total == 0.0; // where there is no derivative
  total = where(none, 1.0, total);
  return where(none, 0.0, p == 2 ? sqrt(total) : power(total, 1 / p));
}

Val normGradient(Val x, Val norm, const Dims &dims, double p) {
  if (std::isinf(p)) {
    Val chosen = cast(abs(x) == expandTo(norm, x.shape()), x.dtype());
    return sign(x) * chosen / sum(chosen, dims, true);
  }
  Val ratio = x / where(norm == 0.0, 1.0, norm);
  return p == 2 ? ratio : sign(ratio) * pow(abs(ratio), filled(x, x.shape(), x.dtype(), p - 1));
}

Val productOfOthers(Val x, const Dims &dims) {
  auto along = [&](Val reduced) { return expandReduced(reduced, x, dims, true); };
  Val zero = x == 0.0, safe = where(zero, 1.0, x);
  Val zeros = along(sum(cast(zero, x.dtype()), dims, true)), theirs = along(sum(where(zero, x, 0.0), dims, true));
  Val others = along(prod(safe, dims, true)) / safe;
  Val one = where(zero, others, theirs * others), two = where(zero, (theirs - x) * others, 0.0);
  return where(zeros == 0.0, others, where(zeros == 1.0, one, where(zeros == 2.0, two, 0.0)));
}

Val angleGradient(Val component, Val x, Val y) {
  Val most = maximum(abs(x), abs(y)), atOrigin = most == 0.0, unit = where(atOrigin, 1.0, most);
  x = x / unit, y = y / unit;
  return where(most == INFINITY, 0.0, component / unit / where(atOrigin, 1.0, x * x + y * y) / unit);
}

static Val flat(Val index) { return reshape(index, {index.shape().product()}); }

Val movedToLast(Val x, int64_t dim) {
  Dims order;
  for (int i = 0; i < x.rank(); ++i)
    if (i != dim)
      order.push_back(i);
  order.push_back(dim);
  return permute(x, order);
}

Val movedFromLast(Val x, int64_t dim) {
  Dims order;
  for (int i = 0; i + 1 < x.rank(); ++i)
    order.push_back(i);
  order.insert(int(dim), x.rank() - 1);
  return permute(x, order);
}

Val transposed(Val x) {
  Dims order = firstAxes(x.rank() - 2);
  order.push_back(x.rank() - 1);
  order.push_back(x.rank() - 2);
  return permute(x, order);
}

Val staysAt(Val index, const Dims &shape, int64_t dim) {
  Val order = iota(index, index.shape(), dim, DType::Int64), none = filled(index, shape, DType::Int64, 0);
  return gather(scatter(none, index, order, dim), index, dim) == order;
}

Val delayed(Val x, int64_t dim, double fill) {
  int64_t size = x.shape()[int(dim)];
  Val position = iota(x, {size}, 0, DType::Int64);
  Val before = where(position == 0.0, 0.0, position - 1.0);
  Val isFirst = alongAxis(position == 0.0, x.shape(), dim);
  return where(isFirst, fill, index_select(x, before, dim));
}

Val reversedRecurrence(Val factors, Val ct, int64_t dim) {
  Dims axis{dim};
  return flip(linear_scan(delayed(flip(factors, axis), dim, 0.0), flip(ct, axis), dim), axis);
}

// The finite number next to it; a NaN stays.
static Val finite(Val x) {
  double least = lowest(x.dtype());
  return minimum(maximum(x, filled(x, x.shape(), x.dtype(), least)), filled(x, x.shape(), x.dtype(), -least));
}

// Sums of exp(x - m) with the maximum m up to each element: what was added to a smaller m is scaled where it grows.
Val logCumulativeSum(Val x, int64_t dim) {
  Val most = finite(cummax(x, dim)[0]);
  Val scale = exp(delayed(most, dim, lowest(x.dtype())) - most);
  return most + log(linear_scan(scale, exp(x - most), dim));
}

// The gradient is the sum of ct[i] exp(x - y[i]) over i from the element on, in steps of y, which only grows.
Val logCumulativeSumGradient(Val ct, Val x, Val result, int64_t dim) {
  Val y = finite(result), reversed = flip(y, {dim});
  Val scale = exp(reversed - delayed(reversed, dim, -lowest(x.dtype())));
  return flip(linear_scan(scale, flip(ct, {dim}), dim), {dim}) * exp(x - y);
}

Val logCumulativeSumTangent(Val tangent, Val x, Val result, int64_t dim) {
  Val y = finite(result);
  return linear_scan(exp(delayed(y, dim, lowest(x.dtype())) - y), exp(x - y) * tangent, dim);
}

// Where one factor is zero the others' product stays for it; more zeros leave none.
ScatterSlopes productSlopes(Val x, Val index, Val source, Val result, int64_t dim) {
  Val isZero = source == 0.0, ownZero = x == 0.0;
  Val zeros = scatter_add(zerosLike(x), index, cast(isZero, x.dtype()), dim);
  Val isOnly = logical_and(isZero, gather(zeros + cast(ownZero, x.dtype()), index, dim) == 1.0);
  Val withoutOnly = scatter_prod(x, index, where(isOnly, 1.0, source), dim);
  Val withoutOwn = scatter_prod(where(ownZero, 1.0, x), index, source, dim);
  Val ofSource =
      where(isOnly, gather(withoutOnly, index, dim), gather(result, index, dim) / where(isZero, 1.0, source));
  return {withoutOwn / where(ownZero, 1.0, x), ofSource};
}

// Equal elements share evenly.
ScatterSlopes extremumSlopes(Val x, Val index, Val source, Val result, int64_t dim) {
  Val own = cast(x == result, x.dtype()), others = cast(source == gather(result, index, dim), x.dtype());
  Val count = scatter_add(own, index, others, dim);
  return {own / count, others / gather(count, index, dim)};
}

Val scatterTangent(const ScatterSlopes &slopes, Val ofInput, Val ofSource, Val index, int64_t dim) {
  return scatter_add(slopes.ofInput * ofInput, index, slopes.ofSource * ofSource, dim);
}

Val searchSorted(Val sequence, Val values, int64_t steps, bool right) {
  int64_t last = values.rank() - 1;
  Val count = build::count(values, {}, {sequence.shape().back()}, 0, DType::Int64);
  Val found = filled(values, values.shape(), DType::Int64, 0);
  auto isBefore = [](Val a, Val b) { // NaN last
    return isFloat(a.dtype()) ? logical_or(a < b, logical_and(isnan(b), logical_not(isnan(a)))) : a < b;
  };
  for (int64_t step = steps; step-- > 0;) {
    Val next = found + std::ldexp(1.0, int(step)), inside = next <= count;
    Val element = gather(sequence, where(inside, next - 1.0, 0.0), last);
    Val passes = right ? logical_not(isBefore(values, element)) : isBefore(element, values);
    found = where(logical_and(inside, passes), next, found);
  }
  return found;
}

Val bagsOf(Val offsets, Val index) {
  constexpr int64_t kMostSteps = 40;
  int64_t steps = 0, bags = offsets.shape()[0];
  while (!isSymbol(bags) && bags >> steps)
    ++steps;
  Val place = iota(index, index.shape(), 0, DType::Int64);
  return searchSorted(offsets, place, isSymbol(bags) ? kMostSteps : steps, /*right=*/true) - 1.0;
}

Val rowsAt(Val weight, Val index) {
  Dims shape = index.shape();
  shape.push_back(weight.shape()[1]);
  return reshape(index_select(weight, flat(index), 0), shape);
}

Val embeddingGradient(Val ct, Val index, Val weight, int64_t paddingIndex) {
  Val rows = flat(index);
  Val source = reshape(ct, {rows.shape()[0], weight.shape()[1]});
  Val positions = alongAxis(rows, source.shape(), 0);
  if (paddingIndex >= 0)
    source = where(positions != double(paddingIndex), source, 0.0);
  return scatter_add(zerosLike(weight), positions, source, 0);
}

Val sumOfFractions(Val x, int64_t dim) {
  auto rounded = [](Val x, double unit) { return x + 0x1.8p52 * unit - 0x1.8p52 * unit; };
  if (x.dtype() == DType::Float32)
    return cast(sum(rounded(cast(x, DType::Float64), 0x1p-34), {dim}, true), DType::Float32);
  Val high = rounded(x, 0x1p-31), low = rounded(x - high, 0x1p-63);
  return sum(high, {dim}, true) + sum(low, {dim}, true);
}

Val attention(Val query, Val key, Val value, Val mask, bool isCausal, double scale) {
  constexpr double kHidden = -std::numeric_limits<double>::infinity();
  int batch = query.rank() - 2;
  Dims axes = firstAxes(batch);
  auto rounded = [&](Val result) { return cast(result, query.dtype()); };
  Val scores = wideProduct(query, key, axes, axes, {batch + 1}, {batch + 1}) * scale;
  Dims shape = scores.shape();
  auto mix = [&](Val probabilities) {
    return rounded(dot_chain(probabilities, widened(value), axes, axes, {batch + 1}, {batch}));
  };
  if (shape.back() == 0) // no key
    return mix(scores);
  if (mask)
    scores = mask.dtype() == DType::Bool ? where(expandTo(mask, shape), scores, kHidden) : scores + widened(mask);
  if (!isCausal)
    return mix(masked_softmax(scores, batch + 1));
  Val visible = iota(scores, shape, batch + 1, DType::Int64) <= iota(scores, shape, batch, DType::Int64);
  // Zero at hidden columns also where a row is NaN, and so are the gradients there: kernels need not compute them.
  return mix(where(visible, masked_softmax(where(visible, scores, kHidden), batch + 1), 0.0));
}

} // namespace weft::build
