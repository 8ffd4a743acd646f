// Convolutions: products one operand of which is the matrix of windows of the input (ir/kernel/Windows.h), whose parts
// tasks copy when they need them.
// - conv_general: the weight's rows, one an output channel, times the windows: columns are the results' positions.
//   Where the input or the result lies channels last, windows are rows instead, which tiles read where they are, times
//   the weight in panels (ChannelsLast.cpp), and so for the gradient of the weight.
// - conv_general_weight: the windows, their rows in rows, times the gradient, whose columns are output channels and
//   which is packed before.
#include "codegen/schedule/ConvolutionSchedule.h"
#include "ir/kernel/CanonicalOrder.h"

using namespace mlir;

namespace weft {

static constexpr int64_t kPanelColumns = kernel::PackOp::kColumns, kPanelRows = kernel::PackOp::kRows;

using kernel::Windows;

ConvolutionSchedule::ConvolutionSchedule(Lowering &lowering, const Group &group, Operation *op)
    : lowering(lowering), group(group), op(op), inputs(lowering.inputs(group)), groups(intAttr(op, "groups")) {
  Value input = op->getOperand(0);
  Sizes shape = sizesOf(input);
  axes = int(shape.size()) - 2;
  bool ofWeight = op->hasAttr("kernel");
  Sizes out = sizesOf(ofWeight ? op->getOperand(1) : op->getResult(0));
  Sizes weight = sizesOf(ofWeight ? op->getResult(0) : op->getOperand(1));
  results_.assign(out.begin() + 2, out.end());
  kernel_.assign(weight.begin() + 2, weight.end());
  images = shape[0], positions = product(results_), channels = weight[1];
  outputs = *divideExactly(weight[0], Size(groups));
}

Storage ConvolutionSchedule::inMemory(int operand) {
  Value value = op->getOperand(operand);
  if (auto found = stridedView(value, inputs))
    return *found;
  std::vector<int> order;
  for (int axis = 0; axis < axes + 2; ++axis)
    order.push_back(axis);
  return copied(value, order, elementType(value));
}

// The value in memory, its axes in another order.
Storage ConvolutionSchedule::copied(Value value, const std::vector<int> &order, Type type) {
  Sizes shape = sizesOf(value), ordered;
  int rank = int(shape.size());
  for (int axis : order)
    ordered.push_back(shape[axis]);
  Storage storage = lowering.temporary(ordered, type);
  Kernel kernel(lowering, group);
  kernel.suffix = "_operand";
  KernelBuilder &k = kernel.k;
  auto copy = [&](Point at) {
    Point from(rank);
    for (int dim = 0; dim < rank; ++dim)
      from[order[dim]] = {order[dim], 1, at[dim].index};
    kernel.store(kernel.e.evaluate(value, from), storage, at);
  };
  // Lanes along one axis are a stride apart; where it is short they are all elements.
  bool isLong = rank > 1 && estimate(ordered[rank - 1]) >= lowering.model.shortLane;
  Size lines = product(ordered, 0, rank - 1), count = isLong ? lines : product(shape);
  if (isLong)
    k.loop(k.begin, k.end, false, [&](Value line) {
      Sizes outer(ordered.begin(), ordered.end() - 1);
      Point at = weft::cut(k, {{0, rank - 1, line}}, outer, allBoundaries(rank - 1));
      k.loop(k.index(0), k.size(ordered[rank - 1]), true, [&](Value i) {
        Point whole = at;
        whole.push_back({rank - 1, 1, i});
        copy(whole);
      });
    });
  else
    k.loop(k.begin, k.end, true, [&](Value i) { copy(weft::cut(k, {{0, rank, i}}, ordered, allBoundaries(rank))); });
  lowering.finish(kernel, group, count, lowering.model.grain(isLong ? estimate(ordered[rank - 1]) : 1, 8));
  return storage;
}

// A matrix of rows whose elements are not contiguous, by transposed parts.
Storage ConvolutionSchedule::packedRows(const Storage &from, Type type) {
  int64_t rows = from.shape[0].constant, columns = from.shape[1].constant, part = lowering.model.packColumns;
  // Rows an odd multiple of half a panel apart are in different sets of a cache.
  Size stride(llvm::alignTo(columns, kPanelColumns) + kPanelColumns / 2);
  Storage to = lowering.temporary({Size(llvm::alignTo(rows, kPanelRows)), stride}, type);
  Kernel kernel(lowering, group);
  kernel.suffix = "_rows";
  KernelBuilder &k = kernel.k;
  k.loop(k.begin, k.end, false, [&](Value task) {
    Value first = k.mul(task, k.index(part)), count = k.min(k.index(part), k.sub(k.index(rows), first));
    Value place = k.mul(first, k.size(stride)), start = k.mul(first, k.size(from.strides[0]));
    kernel.e.reads.push_back({from.planBuffer, Value()});
    kernel.writes.push_back({to.planBuffer, place});
    kernel::PackOp::create(k.builder, k.location, k.buffer(from.planBuffer, storageType(from.type)),
                           k.add(k.offset(from.offset), start), k.size(from.strides[0]), k.size(from.strides[1]), count,
                           k.index(columns), k.buffer(to.planBuffer, type), place, k.size(stride));
  });
  lowering.finish(kernel, group, Size(llvm::divideCeil(rows, part)), lowering.model.grain(part * columns, 1));
  return to;
}

// The weight as a row for each output, with positions before channels.
Storage ConvolutionSchedule::weightRows() {
  Value weight = op->getOperand(1);
  Type type = elementType(weight), sums = kernel::ContractOp::sumType(storageType(type), storageType(type));
  if (product(kernel_).is(1))
    if (auto found = stridedView(weight, inputs)) {
      if (storageType(type) == sums && (found->strides[1].is(1) || channels.is(1)))
        return *found;
      bool isMatrix = found->shape[0].isStatic() && found->shape[1].isStatic();
      if (isMatrix && found->strides[0].is(1) && !lowering.target.gpu)
        return packedRows(*found, sums);
    }
  std::vector<int> order{0};
  for (int axis = 0; axis < axes; ++axis)
    order.push_back(2 + axis);
  order.push_back(1);
  Storage rows = copied(weight, order, sums);
  rows.strides[1] = Size(1); // of K
  return rows;
}

SmallVector<Value> ConvolutionSchedule::windows(KernelBuilder &k) const {
  SmallVector<Value> numbers(Windows::kCount, k.index(1));
  numbers[Windows::Channels] = k.size(channels);
  numbers[Windows::ChannelStride] = k.size(x.strides[1]);
  numbers[Windows::ImageStride] = k.size(x.strides[0]);
  numbers[Windows::Positions] = k.size(positions);
  std::vector<int64_t> stride = intsAttr(op, "stride"), dilation = intsAttr(op, "dilation"), low = intsAttr(op, "low");
  for (int axis = 0; axis < axes; ++axis) {
    auto set = [&](Windows::OfAxis what, Value value) {
      numbers[Windows::at(Windows::kAxes - axes + axis, what)] = value;
    };
    set(Windows::Results, k.size(results_[axis]));
    set(Windows::Kernel, k.size(kernel_[axis]));
    set(Windows::Size, k.size(x.shape[2 + axis]));
    set(Windows::Stride, k.size(x.strides[2 + axis]));
    set(Windows::Step, k.index(stride[axis]));
    set(Windows::Dilation, k.index(dilation[axis]));
    set(Windows::Low, k.index(low[axis]));
  }
  for (int axis = 0; axis < Windows::kAxes - axes; ++axis)
    numbers[Windows::at(axis, Windows::Low)] = numbers[Windows::at(axis, Windows::Stride)] = k.index(0);
  return numbers;
}

int64_t ConvolutionSchedule::grain(int64_t rows, int64_t columns, int64_t depth) const {
  return lowering.model.grain(rows * llvm::alignTo(columns, lowering.model.tileColumns) * depth / 16, 1);
}

ConvolutionSchedule::Blocks ConvolutionSchedule::cut(const Size &size, int64_t parts, int64_t multiple) const {
  int64_t length = std::max<int64_t>(1, estimate(size));
  int64_t block = llvm::alignTo(llvm::divideCeil(length, std::max<int64_t>(1, parts)), multiple);
  return {*ceilDivide(size, block), block};
}

// Stores the group's results at a point of the convolution's.
void ConvolutionSchedule::finish(Kernel &kernel, const Point &at, Value sumOfProducts) {
  Value value = op->getResult(0);
  Sizes shape = sizesOf(value);
  Type element = elementType(value);
  Scalar sum = kernel.e.rounded(kernel.e.scalar(sumOfProducts, element), element);
  kernel.e.override(value, [sum](const Point &) { return sum.value; });
  SmallVector<Scalar> values;
  for (Value result : group.results)
    values.push_back(kernel.e.evaluate(result, reshaped(kernel.k, at, shape, sizesOf(result))));
  for (auto [i, result] : llvm::enumerate(values)) {
    const Storage &to = lowering.result(group, i);
    kernel.store(result, to, reshaped(kernel.k, at, shape, to.shape));
  }
}

// Tasks take whole columns where the weight is small, so that each part of the windows is copied once; with few columns
// they share the weight out instead, which is read from far then.
void ConvolutionSchedule::results() {
  x = inMemory(0);
  const CostModel &model = lowering.model;
  Storage rowsOfWeight = weightRows();
  Size columns = images * positions, depth = product(kernel_) * channels;
  // Blocks of images whose number is not known are none that threads could share equally.
  bool byImage = !columns.isStatic();
  if (byImage)
    columns = positions;
  int64_t m = estimate(outputs), n = estimate(columns), outer = groups * (byImage ? estimate(images) : 1);
  int64_t columnParts = llvm::divideCeil(n, model.productColumns),
          rowParts = llvm::divideCeil(m, model.convolutionRows);
  while (outer * columnParts * rowParts < model.fewProducts &&
         grain(m / rowParts, n / columnParts, estimate(depth)) == 1) {
    if (n / columnParts > kPanelColumns && n >= m)
      ++columnParts;
    else if (m / rowParts > 2 * model.tileRows)
      ++rowParts;
    else
      break;
  }
  if (lowering.target.gpu)
    columnParts = llvm::divideCeil(n, kPanelColumns), rowParts = llvm::divideCeil(m, kPanelColumns);
  Blocks rowBlocks = cut(outputs, rowParts, rowParts > 1 ? model.tileRows : 1),
         columnBlocks = cut(columns, columnParts, kPanelColumns);

  Kernel kernel(lowering, group);
  KernelBuilder &k = kernel.k;
  k.loop(k.begin, k.end, false, [&](Value task) {
    Value outer = k.index(0), image = k.index(0), block = task, row = k.index(0), column;
    if (byImage || groups > 1)
      std::tie(outer, block) = k.split(task, rowBlocks.count * columnBlocks.count);
    if (byImage)
      std::tie(image, outer) = k.split(outer, Size(groups));
    std::tie(column, row) = k.split(block, rowBlocks.count);
    kernel.e.reads.push_back({rowsOfWeight.planBuffer, Value()});
    kernel.e.reads.push_back({x.planBuffer, Value()});
    Value firstOutput = k.mul(outer, outputs);
    Value inWeight = k.add(k.offset(rowsOfWeight.offset), k.mul(firstOutput, rowsOfWeight.strides[0]));
    Value inInput = k.add(k.offset(x.offset), k.mul(k.mul(outer, channels), x.strides[1]));
    if (byImage)
      inInput = k.add(inInput, k.mul(image, x.strides[0]));
    Value rowBegin = k.mul(row, k.index(rowBlocks.size)), columnBegin = k.mul(column, k.index(columnBlocks.size));
    SmallVector<Value> operands{k.buffer(rowsOfWeight.planBuffer, storageType(rowsOfWeight.type)),
                                inWeight,
                                k.size(rowsOfWeight.strides[0]),
                                k.index(1),
                                k.buffer(x.planBuffer, storageType(x.type)),
                                inInput,
                                k.index(0),
                                k.index(0),
                                k.size(depth),
                                rowBegin,
                                k.min(k.add(rowBegin, k.index(rowBlocks.size)), k.size(outputs)),
                                columnBegin,
                                k.min(k.add(columnBegin, k.index(columnBlocks.size)), k.size(columns))};
    operands.append(windows(k));
    k.contract(operands, false, false, [&](Value m, Value n, Value sum) {
      Value at = n, of = image;
      if (!byImage && !images.is(1))
        std::tie(of, at) = k.split(n, positions);
      finish(kernel, {{0, 1, of}, {1, 1, k.add(firstOutput, m)}, {2, axes, at}}, sum);
    });
  });
  lowering.finish(kernel, group, (byImage ? images : Size(1)) * Size(groups) * rowBlocks.count * columnBlocks.count,
                  grain(std::min(m, rowBlocks.size), std::min(n, columnBlocks.size), estimate(depth)));
}

// With a channel or two in a group and few products a result, copies of windows would take longer than the products.
bool ConvolutionSchedule::isDirect() const {
  Size products = product(kernel_) * channels;
  return groups > 1 && channels.constant <= lowering.model.directChannels &&
         outputs.constant <= lowering.model.directChannels && products.constant <= lowering.model.directProducts;
}

// The sum and the product at one place of the kernel, where the indices of the image and channel are given. Zeros are
// around the input.
Scalar ConvolutionSchedule::addTap(Kernel &kernel, Point inInput, const Storage &weight, Point inWeight,
                                   ArrayRef<Value> result, int64_t place, const std::optional<Scalar> &sum) const {
  KernelBuilder &k = kernel.k;
  std::vector<int64_t> stride = intsAttr(op, "stride"), dilation = intsAttr(op, "dilation"), low = intsAttr(op, "low");
  SmallVector<Value, 3> input(axes), position(axes);
  Value inside;
  for (int axis = axes - 1; axis >= 0; --axis) {
    int64_t along = place % kernel_[axis].constant, offset = along * dilation[axis] - low[axis];
    place /= kernel_[axis].constant;
    position[axis] = k.index(along);
    // Before the first element the sum wraps to a large number.
    input[axis] = k.add(k.mul(result[axis], k.index(stride[axis])), k.index(offset));
    int64_t most = (results_[axis].constant - 1) * stride[axis] + offset;
    if (offset < 0 || most >= x.shape[2 + axis].constant)
      inside = k.both(inside, k.less(input[axis], k.size(x.shape[2 + axis])));
  }
  for (int axis = 0; axis < axes; ++axis) {
    inInput.push_back({2 + axis, 1, input[axis]});
    inWeight.push_back({2 + axis, 1, position[axis]});
  }
  Scalar factor = kernel.e.load(weight, inWeight), element = kernel.e.load(x, inInput, inside);
  return fma(factor, element, sum ? *sum : element.constant(0));
}

// Vectors along the last axis of the results, whose products are one chain.
void ConvolutionSchedule::direct() {
  x = inMemory(0);
  Storage weight = inMemory(1);
  Kernel kernel(lowering, group);
  KernelBuilder &k = kernel.k;
  Size lines = product(results_, 0, axes - 1);
  k.loop(k.begin, k.end, false, [&](Value task) {
    auto [image, output] = k.split(task, Size(groups) * outputs);
    auto [outer, ignored] = k.split(output, outputs);
    (void)ignored;
    Value firstChannel = k.mul(outer, channels);
    k.loop(k.index(0), k.size(lines), false, [&, image = image, output = output](Value line) {
      Point lineAt;
      if (axes > 1)
        lineAt =
            weft::cut(k, {{0, axes - 1, line}}, Sizes(results_.begin(), results_.end() - 1), allBoundaries(axes - 1));
      k.loop(k.index(0), k.size(results_[axes - 1]), true, [&](Value last) {
        std::vector<Value> result;
        for (const Segment &segment : lineAt)
          result.push_back(segment.index);
        result.push_back(last);
        std::optional<Scalar> sum;
        int64_t count = product(kernel_).constant * channels.constant;
        for (int64_t number = 0; number < count; ++number) {
          Value channel = k.index(number % channels.constant);
          sum = addTap(kernel, {{0, 1, image}, {1, 1, k.add(firstChannel, channel)}}, weight,
                       {{0, 1, output}, {1, 1, channel}}, result, number / channels.constant, sum);
        }
        Point point{{0, 1, image}, {1, 1, output}};
        for (int axis = 0; axis < axes; ++axis)
          point.push_back({2 + axis, 1, result[axis]});
        finish(kernel, point, sum->value);
      });
    });
  });
  int64_t work = positions.constant * product(kernel_).constant * channels.constant;
  lowering.finish(kernel, group, images * Size(groups) * outputs, lowering.model.grain(work / 4, 1));
}

// The gradient's columns are output channels; as panels, one after the other for each group, or as rows of images and
// positions.
Storage ConvolutionSchedule::gradientRows(bool &isPacked) {
  Value gradient = op->getOperand(1);
  Type type = elementType(gradient), sums = kernel::ContractOp::sumType(storageType(type), storageType(type));
  std::vector<int> order{1, 0};
  for (int axis = 0; axis < axes; ++axis)
    order.push_back(2 + axis);
  isPacked = !lowering.target.gpu;
  if (!isPacked)
    return copied(gradient, order, sums);
  auto found = stridedView(gradient, inputs);
  if (found && stridedBoundaries({found->shape.begin() + 2, found->shape.end()},
                                 {found->strides.begin() + 2, found->strides.end()}))
    found.reset();
  std::vector<int> same;
  for (int axis = 0; axis < axes + 2; ++axis)
    same.push_back(axis);
  Storage from = found ? *found : copied(gradient, same, type);
  Size stride = mergedStride(from.shape, from.strides, 2, 2 + axes);
  // A copy of an image's rows may write zeros behind them, where the next image's are then written.
  bool inOrder = positions.constant % kPanelRows != 0;
  int64_t depth = llvm::alignTo(images.constant * positions.constant + kPanelRows - 1, kPanelRows);
  Size panels = *ceilDivide(outputs, kPanelColumns);
  Storage to = lowering.temporary({Size(groups), panels, Size(depth), Size(kPanelColumns)}, sums);
  Kernel kernel(lowering, group);
  kernel.suffix = "_panels";
  KernelBuilder &k = kernel.k;
  Size parts = Size(groups) * panels;
  k.loop(k.begin, k.end, false, [&](Value task) {
    Value part = task, image = k.index(0);
    if (!inOrder)
      std::tie(part, image) = k.split(task, images);
    auto [outer, panel] = k.split(part, panels);
    Value first = k.mul(panel, k.index(kPanelColumns));
    Value output = k.add(k.mul(outer, outputs), first);
    Value start = k.add(k.offset(from.offset), k.mul(output, from.strides[1]));
    Value source = k.buffer(from.planBuffer, storageType(from.type)), target = k.buffer(to.planBuffer, sums);
    Value place = linear(k, {{0, 2, part}}, to.shape);
    kernel.e.reads.push_back({from.planBuffer, Value()});
    kernel.writes.push_back({to.planBuffer, place});
    Value count = k.min(k.index(kPanelColumns), k.sub(k.size(outputs), first));
    auto pack = [&](Value image) {
      Value row = k.add(k.mul(place, Size(depth)), k.mul(image, positions));
      kernel::PackOp::create(k.builder, k.location, source, k.add(start, k.mul(image, from.strides[0])), k.size(stride),
                             k.size(from.strides[1]), k.size(positions), count, target,
                             k.mul(row, k.index(kPanelColumns)), Value());
    };
    if (inOrder)
      k.loop(k.index(0), k.size(images), false, pack);
    else
      pack(image);
  });
  int64_t work = kPanelColumns * positions.constant * (inOrder ? images.constant : 1);
  lowering.finish(kernel, group, inOrder ? parts : parts * images, lowering.model.grain(work, 1));
  return to;
}

void ConvolutionSchedule::weight() {
  x = inMemory(0);
  const CostModel &model = lowering.model;
  bool isPacked;
  Storage gradient = gradientRows(isPacked);
  Size rows = product(kernel_) * channels, depth = images * positions;
  int64_t m = rows.constant, n = outputs.constant;
  int64_t rowParts = llvm::divideCeil(m, model.copiedRows), columnParts = llvm::divideCeil(n, model.wideColumns);
  while (groups * rowParts * columnParts < model.fewProducts && m / rowParts > 2 * model.tileRows &&
         grain(m / rowParts, n / columnParts, depth.constant) == 1)
    ++rowParts;
  if (lowering.target.gpu)
    columnParts = llvm::divideCeil(n, kPanelColumns), rowParts = llvm::divideCeil(m, kPanelColumns);
  Blocks rowBlocks = cut(rows, rowParts, rowParts > 1 ? model.tileRows : 1),
         columnBlocks = cut(outputs, columnParts, kPanelColumns);

  Kernel kernel(lowering, group);
  KernelBuilder &k = kernel.k;
  k.loop(k.begin, k.end, false, [&](Value task) {
    Value outer = k.index(0), block = task;
    if (groups > 1)
      std::tie(outer, block) = k.split(task, rowBlocks.count * columnBlocks.count);
    auto [row, column] = k.split(block, columnBlocks.count);
    kernel.e.reads.push_back({gradient.planBuffer, Value()});
    kernel.e.reads.push_back({x.planBuffer, Value()});
    Value inInput = k.add(k.offset(x.offset), k.mul(k.mul(outer, channels), x.strides[1]));
    Value rowBegin = k.mul(row, k.index(rowBlocks.size)), columnBegin = k.mul(column, k.index(columnBlocks.size));
    Value firstOutput = k.mul(outer, outputs);
    Value inGradient = isPacked ? k.mul(outer, gradient.strides[0]) : k.mul(firstOutput, gradient.strides[0]);
    SmallVector<Value> operands{k.buffer(x.planBuffer, storageType(x.type)),
                                inInput,
                                k.index(0),
                                k.index(0),
                                k.buffer(gradient.planBuffer, storageType(gradient.type)),
                                inGradient,
                                k.index(isPacked ? kPanelColumns : 1),
                                isPacked ? k.size(gradient.shape[2]) : k.size(depth),
                                k.size(depth),
                                rowBegin,
                                k.min(k.add(rowBegin, k.index(rowBlocks.size)), k.size(rows)),
                                columnBegin,
                                k.min(k.add(columnBegin, k.index(columnBlocks.size)), k.size(outputs))};
    operands.append(windows(k));
    auto contract = k.contract(operands, isPacked, false, [&](Value m, Value n, Value sum) {
      auto [position, channel] = k.split(m, channels);
      finish(kernel, {{0, 1, k.add(firstOutput, n)}, {1, 1, channel}, {2, axes, position}}, sum);
    });
    contract.setOfA(true);
  });
  lowering.finish(kernel, group, Size(groups) * rowBlocks.count * columnBlocks.count,
                  grain(std::min(m, rowBlocks.size), std::min(n, columnBlocks.size), depth.constant));
}

void scheduleConvolution(Lowering &lowering, const Group &group, Operation *op) {
  if (product(sizesOf(op->getResult(0))).is(0))
    return;
  ConvolutionSchedule schedule(lowering, group, op);
  if (schedule.isChannelsLast())
    schedule.channelsLast();
  else if (op->hasAttr("kernel"))
    schedule.weight();
  else if (schedule.isDirect())
    schedule.direct();
  else
    schedule.results();
}

} // namespace weft
