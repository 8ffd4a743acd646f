// Convolutions whose input or result lies channels last: a window is a row, as its channels are neighbours in memory,
// and lanes are output channels. The weight is packed in panels, once if it seldom changes, and nothing else is copied
// but an input that lies otherwise. Depthwise, lanes are the channels, too, and a result's products are one chain.
#include "codegen/schedule/ConvolutionSchedule.h"
#include "ir/kernel/CanonicalOrder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace weft {

using kernel::Windows;

static constexpr int64_t kMostParts = 8; // more than these are none but for their size
static constexpr int64_t kRowsOfTask = 98;
// What else a task does takes as long as products: to read the weight, and to find a position's channels.
static constexpr int64_t kRowsToReadWeight = 14, kColumnsToFindChannels = 64;
static constexpr int64_t kElementsToFindPlace = 128; // of a product's step, for the windows' address at one position
static constexpr int64_t kElementsToReadOne = 25;    // of a product's step, where all that is read comes from memory
// Of a gradient of a weight whose groups of K are tasks: most groups, and elements of all their sums.
static constexpr int64_t kMostGroups = 64, kMostGroupSums = 1 << 20;

static bool isDepthwise(Operation *conv) {
  Sizes weight = sizesOf(conv->getOperand(1));
  return weight[1].is(1) && weight[0].is(intAttr(conv, "groups"));
}

static int64_t lanesOf(Type type, const Target &target) { return target.lanes(int(type.getIntOrFloatBitWidth() / 8)); }

bool takesChannelsLast(Operation *conv, const Target &target) {
  // Measured with vectors of 32 and 64 bytes alone.
  if (target.gpu || target.vectorBytes < 32)
    return false;
  Type type = elementType(conv->getOperand(0));
  if (!type.isF32() && !type.isF64())
    return false;
  for (Value value : {conv->getOperand(0), conv->getOperand(1), Value(conv->getResult(0))})
    for (const Size &size : sizesOf(value))
      if (!size.isStatic() || size.is(0))
        return false;
  if (!conv->hasAttr("kernel"))
    return intAttr(conv, "groups") == 1 || isDepthwise(conv);
  // Channels of a window are a tile's columns; images of a few never lie channels last (lower/Layout.cpp).
  int64_t channels = sizesOf(conv->getOperand(0))[1].constant, lanes = lanesOf(type, target);
  return intAttr(conv, "groups") == 1 && (channels < CostModel().shortLane || channels % lanes == 0);
}

bool ConvolutionSchedule::isChannelsLast() const {
  if (!takesChannelsLast(op, lowering.target))
    return false;
  auto found = stridedView(op->getOperand(0), inputs);
  if (op->hasAttr("kernel"))
    return channels.constant >= lowering.model.shortLane && found && found->isChannelsLast();
  if (found && found->isChannelsLast())
    return true;
  // A copy of windows takes as long for a short line as for a long one; these need none, but the image the other way.
  if (groups == 1 && !product(kernel_).is(1) && results_.back().constant < lowering.model.shortLane)
    return true;
  for (size_t i = 0; i < group.results.size(); ++i)
    if (lowering.result(group, i).isChannelsLast())
      return true;
  return false;
}

void ConvolutionSchedule::channelsLast() {
  if (op->hasAttr("kernel"))
    weightOfRows();
  else if (groups > 1)
    depthwise();
  else
    windowRows();
}

Storage ConvolutionSchedule::inOrder(int operand, const std::vector<int> &order) {
  Value value = op->getOperand(operand);
  Storage ordered = copied(value, order, elementType(value)), result = ordered;
  for (auto [at, axis] : llvm::enumerate(order))
    result.shape[axis] = ordered.shape[at], result.strides[axis] = ordered.strides[at];
  return result;
}

// The input channels last, each line along the last axis with what lies around it, so many elements wide.
Storage ConvolutionSchedule::lines(int64_t width) {
  Value value = op->getOperand(0);
  Sizes shape = sizesOf(value);
  int last = axes + 1;
  int64_t low = intsAttr(op, "low").back();
  Sizes ordered{shape[0]};
  ordered.insert(ordered.end(), shape.begin() + 2, shape.end());
  ordered.back() = Size(width);
  ordered.push_back(channels);
  Storage to = lowering.temporary(ordered, elementType(value));
  Kernel kernel(lowering, group);
  kernel.suffix = "_lines";
  KernelBuilder &k = kernel.k;
  Sizes outer(ordered.begin(), ordered.end() - 2);
  k.loop(k.begin, k.end, false, [&](Value line) {
    Point at = weft::cut(k, {{0, axes, line}}, outer, allBoundaries(axes)), from;
    from.push_back(at[0]);
    from.push_back({1, 1, k.index(0)});
    for (int axis = 1; axis < axes; ++axis)
      from.push_back({axis + 1, 1, at[axis].index});
    from.push_back({last, 1, k.index(0)});
    k.loop(k.index(0), k.index(width * channels.constant), true, [&](Value element) {
      auto [column, channel] = k.split(element, channels);
      Value inside;
      Value input = k.add(column, k.index(-low));
      if (low > 0 || width > shape[last].constant)
        inside = k.less(input, k.size(shape[last])); // before the first one it wraps to a large number
      from[1].index = channel, from[last].index = input;
      Scalar zero = kernel.e.scalar(kernel.e.constantZero(computeType(to.type)), to.type);
      Scalar found = kernel.e.evaluate(value, from, inside);
      if (inside)
        found = kernel.e.choose(kernel.e.scalar(inside, IntegerType::get(op->getContext(), 1)), found, zero);
      kernel.store(found, to, {{0, axes, line}, {axes, 2, element}});
    });
  });
  lowering.finish(kernel, group, product(outer), lowering.model.grain(width * channels.constant, 8));
  return to;
}

// Panels of columns, which are output channels: [panel, K, column], filled with zeros.
Storage ConvolutionSchedule::weightPanels(int64_t panelColumns) {
  Value weight = op->getOperand(1);
  Size panels = *ceilDivide(outputs, panelColumns), places = product(kernel_), depth = places * channels;
  Storage to = lowering.temporary({panels, depth, Size(panelColumns)}, elementType(weight));
  Kernel kernel(lowering, group);
  kernel.suffix = "_panels";
  KernelBuilder &k = kernel.k;
  k.loop(k.begin, k.end, false, [&](Value task) {
    auto [panel, place] = k.split(task, places);
    Value first = k.mul(panel, k.index(panelColumns));
    k.loop(k.index(0), k.size(channels), false, [&, panel = panel, place = place](Value channel) {
      k.loop(k.index(0), k.index(panelColumns), true, [&](Value column) {
        Value output = k.add(first, column), inside;
        if (outputs.constant % panelColumns)
          inside = k.less(output, k.size(outputs));
        Scalar found = kernel.e.evaluate(weight, {{0, 1, output}, {1, 1, channel}, {2, axes, place}}, inside);
        Scalar zero = kernel.e.scalar(kernel.e.constantZero(computeType(to.type)), to.type);
        if (inside)
          found = kernel.e.choose(kernel.e.scalar(inside, IntegerType::get(op->getContext(), 1)), found, zero);
        kernel.store(found, to, {{0, 1, panel}, {1, 1, k.join(place, channel, channels)}, {2, 1, column}});
      });
    });
  });
  lowering.finish(kernel, group, panels * places, lowering.model.grain(channels.constant * panelColumns, 8));
  return to;
}

// Tasks of rows and columns, as equal shares for two, four and eight threads as there are: those that cost the least in
// all, the time that threads wait for the last one included, where there are `times` as many.
ConvolutionSchedule::Tasks
ConvolutionSchedule::equalShares(const Size &rows, const Size &columns, int64_t multipleOfRows,
                                 int64_t multipleOfColumns, int64_t leastRowParts, int64_t depth, int64_t times,
                                 llvm::function_ref<int64_t(int64_t, int64_t)> costOf) const {
  int64_t most = std::min<int64_t>(kMostParts, llvm::divideCeil(columns.constant, multipleOfColumns));
  int64_t least = INT64_MAX;
  Tasks found;
  for (int64_t rowParts = leastRowParts; rowParts < leastRowParts + kMostParts; ++rowParts)
    for (int64_t columnParts = 1; columnParts <= most; ++columnParts) {
      Tasks tasks{cut(rows, rowParts, multipleOfRows), cut(columns, columnParts, multipleOfColumns)};
      int64_t count = times * tasks.count().constant, height = tasks.rows.size, width = tasks.columns.size, cost = 0;
      if (rowParts + columnParts > leastRowParts + 1 && grain(height, width, depth) > 1)
        continue;
      for (int64_t threads : {2, 4, 8})
        cost += threads * llvm::divideCeil(count, threads) * costOf(height, width);
      if (cost < least)
        least = cost, found = tasks;
    }
  return found;
}

void ConvolutionSchedule::windowRows() {
  std::vector<int64_t> stride = intsAttr(op, "stride"), dilation = intsAttr(op, "dilation"), low = intsAttr(op, "low");
  std::vector<int> order{0};
  for (int axis = 0; axis < axes; ++axis)
    order.push_back(axis + 2);
  order.push_back(1);
  // With few channels all that a line of the kernel meets is a row's neighbours, once lines hold what is around them.
  int lastAxis = axes - 1;
  bool wholeLines = channels.constant < lowering.model.shortLane && kernel_[lastAxis].constant > 1 &&
                    dilation[lastAxis] == 1 && low[lastAxis] >= 0;
  int64_t width = 0;
  if (wholeLines) {
    width = (results_[lastAxis].constant - 1) * stride[lastAxis] + kernel_[lastAxis].constant;
    x = lines(width);
  } else {
    auto found = stridedView(op->getOperand(0), inputs);
    x = found && (found->strides[1].is(1) || channels.is(1)) ? *found : inOrder(0, order);
  }
  int64_t lanes = lanesOf(elementType(op->getResult(0)), lowering.target);
  int64_t vectors = outputs.constant > lanes ? 2 : 1, panelColumns = vectors * lanes;
  Storage panels = weightPanels(panelColumns);

  Size rows = images * positions, depth = product(kernel_) * channels;
  int64_t m = rows.constant, n = outputs.constant;
  Tasks tasks =
      equalShares(rows, outputs, lowering.target.windowTileRows(vectors), panelColumns,
                  llvm::divideCeil(m, kRowsOfTask), depth.constant, 1, [&](int64_t height, int64_t width) {
                    return (height + kRowsToReadWeight) * (width + kColumnsToFindChannels / channels.constant);
                  });

  Kernel kernel(lowering, group);
  KernelBuilder &k = kernel.k;
  k.loop(k.begin, k.end, false, [&](Value task) {
    auto [row, column] = k.split(task, tasks.columns.count);
    kernel.e.reads.push_back({panels.planBuffer, Value()});
    kernel.e.reads.push_back({x.planBuffer, Value()});
    Value rowBegin = k.mul(row, k.index(tasks.rows.size)), columnBegin = k.mul(column, k.index(tasks.columns.size));
    SmallVector<Value> numbers = windows(k);
    if (wholeLines) {
      auto set = [&](int axis, Windows::OfAxis what, int64_t value) {
        numbers[Windows::at(Windows::kAxes - axes + axis, what)] = k.index(value);
      };
      int64_t line = width * channels.constant;
      numbers[Windows::Channels] = k.index(kernel_[lastAxis].constant * channels.constant);
      numbers[Windows::ChannelStride] = k.index(1);
      set(lastAxis, Windows::Kernel, 1);
      set(lastAxis, Windows::Size, width);
      set(lastAxis, Windows::Stride, channels.constant);
      set(lastAxis, Windows::Low, 0);
      for (int axis = lastAxis - 1; axis >= 0; --axis) {
        set(axis, Windows::Size, sizesOf(op->getOperand(0))[2 + axis].constant);
        set(axis, Windows::Stride, line);
        line *= sizesOf(op->getOperand(0))[2 + axis].constant;
      }
      numbers[Windows::ImageStride] = k.index(line);
    }
    SmallVector<Value> operands{k.buffer(x.planBuffer, storageType(x.type)),
                                k.offset(x.offset),
                                k.index(0),
                                k.index(0),
                                k.buffer(panels.planBuffer, storageType(panels.type)),
                                k.index(0),
                                k.index(panelColumns),
                                k.size(panels.strides[0]),
                                k.size(depth),
                                rowBegin,
                                k.min(k.add(rowBegin, k.index(tasks.rows.size)), k.size(rows)),
                                columnBegin,
                                k.min(k.add(columnBegin, k.index(tasks.columns.size)), k.size(outputs))};
    operands.append(numbers);
    auto contract = k.contract(operands, false, false, [&](Value m, Value n, Value sum) {
      Value image = k.index(0), position = m;
      if (!images.is(1))
        std::tie(image, position) = k.split(m, positions);
      finish(kernel, {{0, 1, image}, {1, 1, n}, {2, axes, position}}, sum);
    });
    contract.setOfA(true);
    contract.setInRows(true);
  });
  lowering.finish(kernel, group, tasks.count(),
                  grain(std::min(m, tasks.rows.size), std::min(n, tasks.columns.size), depth.constant));
}

// The gradient of the weight: rows are output channels, columns the kernel's positions and channels, and a step of the
// sum is a pixel of the gradient with its window. Groups of K are tasks of their own where their sums are few, so that
// the images are read once, and added in order then.
void ConvolutionSchedule::weightOfRows() {
  std::vector<int> order{0};
  for (int axis = 0; axis < axes; ++axis)
    order.push_back(axis + 2);
  order.push_back(1);
  x = *stridedView(op->getOperand(0), inputs);
  auto found = stridedView(op->getOperand(1), inputs);
  auto isPixels = [&](const Storage &storage) {
    return storage.strides[1].is(1) &&
           !(stridedBoundaries(storage.shape, storage.strides) & ~(boundary(1) | boundary(2))) &&
           (images.is(1) || storage.strides[0] == positions * storage.strides.back());
  };
  Storage gradient = found && isPixels(*found) ? *found : inOrder(1, order);
  int64_t lanes = lanesOf(elementType(op->getResult(0)), lowering.target);
  int64_t tileColumns = channels.constant % (2 * lanes) ? lanes : 2 * lanes; // of one position
  Size columns = product(kernel_) * channels, depth = images * positions;
  Size groupsOfK(llvm::divideCeil(depth.constant, order::kProductGroup));
  bool apart = groupsOfK.constant > 1 && groupsOfK.constant <= kMostGroups &&
               (groupsOfK * outputs * columns).constant <= kMostGroupSums;
  Type sums = computeType(elementType(op->getResult(0)));
  Storage groupSums = apart ? lowering.temporary({groupsOfK, outputs, columns}, sums) : Storage();
  int64_t steps = apart ? order::kProductGroup : depth.constant;
  Tasks tasks = equalShares(
      outputs, columns, 1, tileColumns, 1, steps, apart ? groupsOfK.constant : 1, [&](int64_t height, int64_t width) {
        return height * width + kElementsToReadOne * (height + std::min(width, channels.constant)) +
               kElementsToFindPlace * product(kernel_).constant;
      });
  Kernel kernel(lowering, group);
  KernelBuilder &k = kernel.k;
  k.loop(k.begin, k.end, false, [&](Value task) {
    kernel.e.reads.push_back({gradient.planBuffer, Value()});
    kernel.e.reads.push_back({x.planBuffer, Value()});
    Value number = k.index(0), first = k.index(0), count = k.size(depth);
    if (apart) {
      std::tie(number, task) = k.split(task, tasks.count());
      first = k.mul(number, k.index(order::kProductGroup));
      count = k.min(k.index(order::kProductGroup), k.sub(count, first));
    }
    auto [row, column] = k.split(task, tasks.columns.count);
    Value rowBegin = k.mul(row, k.index(tasks.rows.size)), columnBegin = k.mul(column, k.index(tasks.columns.size));
    SmallVector<Value> operands{k.buffer(gradient.planBuffer, storageType(gradient.type)),
                                k.add(k.offset(gradient.offset), k.mul(first, gradient.strides.back())),
                                k.index(1),
                                k.size(gradient.strides.back()),
                                k.buffer(x.planBuffer, storageType(x.type)),
                                k.offset(x.offset),
                                k.index(tileColumns),
                                first,
                                count,
                                rowBegin,
                                k.min(k.add(rowBegin, k.index(tasks.rows.size)), k.size(outputs)),
                                columnBegin,
                                k.min(k.add(columnBegin, k.index(tasks.columns.size)), k.size(columns))};
    operands.append(windows(k));
    auto contract = k.contract(operands, false, false, [&](Value m, Value n, Value sum) {
      if (apart)
        return kernel.store(kernel.e.scalar(sum, sums), groupSums, {{0, 1, number}, {1, 1, m}, {2, 1, n}});
      auto [position, channel] = k.split(n, channels);
      finish(kernel, {{0, 1, m}, {1, 1, channel}, {2, axes, position}}, sum);
    });
    contract.setInRows(true);
  });
  if (apart)
    kernel.suffix = "_groups";
  lowering.finish(
      kernel, group, (apart ? groupsOfK : Size(1)) * tasks.count(),
      grain(std::min(outputs.constant, tasks.rows.size), std::min(columns.constant, tasks.columns.size), steps));
  if (apart)
    sumOfGroups(groupSums);
}

// The sums of groups of K, in order.
void ConvolutionSchedule::sumOfGroups(const Storage &groupSums) {
  Kernel kernel(lowering, group);
  kernel.suffix = "_of_groups";
  KernelBuilder &k = kernel.k;
  Size places = product(kernel_);
  k.loop(k.begin, k.end, false, [&](Value task) {
    auto [output, place] = k.split(task, places);
    k.loop(k.index(0), k.size(channels), true, [&, output = output, place = place](Value channel) {
      std::optional<Scalar> total;
      for (int64_t number = 0; number < groupSums.shape[0].constant; ++number) {
        Scalar sum = kernel.e.load(groupSums,
                                   {{0, 1, k.index(number)}, {1, 1, output}, {2, 1, k.join(place, channel, channels)}});
        total = total ? *total + sum : sum;
      }
      finish(kernel, {{0, 1, output}, {1, 1, channel}, {2, axes, place}}, total->value);
    });
  });
  lowering.finish(kernel, group, outputs * places,
                  lowering.model.grain(channels.constant, 8 * groupSums.shape[0].constant));
}

void ConvolutionSchedule::depthwise() {
  std::vector<int> order{0}, last;
  for (int axis = 0; axis < axes; ++axis)
    order.push_back(axis + 2), last.push_back(axis + 2);
  order.push_back(1);
  last.push_back(1);
  last.push_back(0);
  auto found = stridedView(op->getOperand(0), inputs);
  x = found && found->strides[1].is(1) ? *found : inOrder(0, order);
  Storage weight = inOrder(1, last);
  Kernel kernel(lowering, group);
  KernelBuilder &k = kernel.k;
  Size lines = images * product(results_, 0, axes - 1), length = results_[axes - 1];
  k.loop(k.begin, k.end, false, [&](Value task) {
    Sizes outer{images};
    outer.insert(outer.end(), results_.begin(), results_.end() - 1);
    Point line = weft::cut(k, {{0, axes, task}}, outer, allBoundaries(axes));
    k.loop(k.index(0), k.size(length), false, [&](Value end) {
      std::vector<Value> result;
      for (int axis = 1; axis < axes; ++axis)
        result.push_back(line[axis].index);
      result.push_back(end);
      k.loop(k.index(0), k.index(groups), true, [&](Value channel) {
        std::optional<Scalar> sum;
        int64_t places = product(kernel_).constant;
        for (int64_t place = 0; place < places; ++place)
          sum = addTap(kernel, {{0, 1, line[0].index}, {1, 1, channel}}, weight, {{0, 1, channel}, {1, 1, k.index(0)}},
                       result, place, sum);
        Point point{{0, 1, line[0].index}, {1, 1, channel}};
        for (int axis = 0; axis < axes; ++axis)
          point.push_back({2 + axis, 1, result[axis]});
        finish(kernel, point, sum->value);
      });
    });
  });
  int64_t work = length.constant * groups * product(kernel_).constant;
  lowering.finish(kernel, group, lines, lowering.model.grain(work / 8, 1));
}

} // namespace weft
