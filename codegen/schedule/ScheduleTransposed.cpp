// Loops that read a tensor across its rows: where the loop's lanes go along one axis and the tensor is contiguous along
// another, as in x.t() + y. A task is a block of that other axis, and goes along the lanes a panel of 64 at a time: the
// tensor's part is copied by kernel.pack, which transposes in registers, and read from the copy.
#include "codegen/schedule/Schedule.h"

using namespace mlir;

namespace weft {

static constexpr int64_t kPanel = kernel::PackOp::kColumns;
static constexpr int64_t kFewLanes = 16; // not worth a copy

namespace {

// Adjacent axes that act as one.
struct Run {
  int first, end;
};

class TransposedLoop {
public:
  TransposedLoop(Lowering &lowering, const Group &group, Sizes shape, Boundaries wanted)
      : lowering(lowering), group(group), shape(std::move(shape)), kernel(lowering, group), k(kernel.k) {
    int rank = int(this->shape.size());
    for (int first = 0, end = 1; end <= rank; ++end)
      if (end == rank || (wanted & boundary(end))) {
        runs.push_back({first, end});
        first = end;
      }
    inputs = lowering.inputs(group);
  }
  bool find();
  void run(llvm::function_ref<void(Kernel &, const Point &)> body);

private:
  Size size(const Run &run) { return product(shape, run.first, run.end); }
  Size stride(const Storage &view, const Run &run) { return mergedStride(shape, view.strides, run.first, run.end); }
  void consider(Value value);
  Value packed(const Storage &view);

  Lowering &lowering;
  const Group &group;
  Sizes shape;
  Kernel kernel;
  KernelBuilder &k;
  std::vector<Run> runs; // the last one is the lanes'
  size_t across = 0;     // the run that the tensors are contiguous along
  llvm::DenseMap<Value, Storage> inputs;
  std::vector<std::pair<Value, Storage>> views;
  // Of the loops: a run's index each, but for the first row and lane of a panel's copy and the place in it.
  std::vector<Value> indices;
  Value panel, firstRow, rows, row, firstLane, lanes, lane;
};

} // namespace

void TransposedLoop::consider(Value value) {
  if (sizesOf(value) != shape || !isa<FloatType>(elementType(value)))
    return;
  std::optional<Storage> view = stridedView(value, inputs);
  if (!view)
    return;
  Size along = stride(*view, runs.back());
  if (along.is(0) || along.is(1))
    return;
  for (size_t i = 0; i + 1 < runs.size(); ++i)
    if (stride(*view, runs[i]).is(1) && !size(runs[i]).is(1) && (views.empty() || i == across)) {
      across = i;
      views.push_back({value, *view});
      return;
    }
}

bool TransposedLoop::find() {
  if (runs.size() < 2 || lowering.estimate(size(runs.back())) < kFewLanes)
    return false;
  for (auto &[inside, outside] : group.inputs)
    consider(inside);
  for (Operation *op : group.ops) {
    if (familyOf(op) == OpFamily::Reduction)
      return false;
    if (familyOf(op) == OpFamily::Shape)
      consider(op->getResult(0));
  }
  return !views.empty() && ceilDivide(size(runs[across]), lowering.model.transposedRows);
}

// Of the panel's copy, which is made before the loop over its rows.
Value TransposedLoop::packed(const Storage &view) {
  Type memory = storageType(view.type), type = computeType(view.type);
  Value copy;
  {
    OpBuilder::InsertionGuard guard(k.builder);
    k.hoist({panel});
    Value start = k.size(view.offset);
    for (size_t i = 0; i < runs.size(); ++i) {
      Value index = i + 1 == runs.size() ? firstLane : i == across ? firstRow : indices[i];
      start = k.add(start, k.mul(index, stride(view, runs[i])));
    }
    copy = k.scratch(lowering.model.transposedRows * kPanel, type);
    kernel.e.reads.push_back({view.planBuffer, Value()});
    kernel::PackOp::create(k.builder, k.location, k.buffer(view.planBuffer, memory), start, k.index(1),
                           k.size(stride(view, runs.back())), rows, lanes, copy, k.index(0), k.index(kPanel));
  }
  Value index = k.add(k.mul(row, k.index(kPanel)), lane);
  return kernel::LoadOp::create(k.builder, k.location, copy, index);
}

void TransposedLoop::run(llvm::function_ref<void(Kernel &, const Point &)> body) {
  const CostModel &model = lowering.model;
  Boundaries between = 0;
  for (const Run &run : runs)
    between |= boundary(run.first);
  between &= allBoundaries(int(shape.size()));
  for (auto &[value, view] : views)
    kernel.e.override(
        value,
        [this, between, &view = view](const Point &point) -> Value {
          Point parts = cut(k, point, shape, between);
          for (auto [part, index] : llvm::zip(parts, indices))
            if (part.index != index)
              return {};
          return packed(view);
        },
        /*isMoved=*/true);

  Size along = size(runs.back()), blocks = *ceilDivide(size(runs[across]), model.transposedRows);
  auto parts = ceilDivide(along, model.transposedLanes);
  std::vector<Size> counts; // of tasks along each run
  for (size_t i = 0; i < runs.size(); ++i)
    counts.push_back(i == across ? blocks : i + 1 < runs.size() ? size(runs[i]) : parts.value_or(Size(1)));
  k.loop(k.begin, k.end, false, [&](Value task) {
    indices.assign(runs.size(), Value());
    for (size_t i = runs.size(); i-- > 1;)
      std::tie(task, indices[i]) = k.split(task, counts[i]);
    indices[0] = task;
    firstRow = k.mul(indices[across], k.index(model.transposedRows));
    rows = k.min(k.index(model.transposedRows), k.sub(k.size(size(runs[across])), firstRow));
    Value begin = k.index(0), end = k.size(along);
    if (parts) {
      begin = k.mul(indices.back(), k.index(model.transposedLanes));
      end = k.min(k.add(begin, k.index(model.transposedLanes)), end);
    }
    Value panels = k.div(k.add(k.sub(end, begin), k.index(kPanel - 1)), k.index(kPanel));
    k.loop(k.index(0), panels, false, [&](Value index) {
      panel = index;
      firstLane = k.add(begin, k.mul(panel, k.index(kPanel)));
      lanes = k.min(k.index(kPanel), k.sub(end, firstLane));
      k.loop(k.index(0), rows, false, [&](Value index) {
        row = index;
        indices[across] = k.add(firstRow, row);
        k.loop(k.index(0), lanes, true, [&](Value index) {
          lane = index;
          indices.back() = k.add(firstLane, lane);
          Point point;
          for (auto [run, index] : llvm::zip(runs, indices))
            point.push_back({run.first, run.end - run.first, index});
          body(kernel, point);
        });
      });
    });
  });
  Size grid;
  for (const Size &count : counts)
    grid = grid * count;
  int64_t elements = model.transposedRows *
                     std::min(lowering.estimate(along), parts ? model.transposedLanes : lowering.estimate(along));
  lowering.finish(kernel, group, grid, model.grain(elements, groupCost(lowering, group)));
}

bool scheduleTransposed(Lowering &lowering, const Group &group, const Sizes &shape, Boundaries wanted,
                        llvm::function_ref<void(Kernel &, const Point &)> body) {
  if (lowering.target.gpu)
    return false;
  TransposedLoop loop(lowering, group, shape, wanted);
  if (!loop.find())
    return false;
  loop.run(body);
  return true;
}

} // namespace weft
