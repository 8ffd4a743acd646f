// Kernels that are one lane loop over all tasks. Where a task reduces, eight threads of a block do it, and all compute
// the rest; the first of them stores. Else a thread takes a few neighbouring ones at once, whose elements lie side by
// side, so that it loads and stores 16 bytes a time. At the end, and where memory is not aligned, it goes element by
// element: past the end it computes the last one again, and does not store it.
#include "codegen/cuda/KernelPrinter.h"

#include <algorithm>

using namespace mlir;

namespace weft::cuda {

static constexpr int kVectorBytes = 16;
// Operations of a body times its copies: a long body gains little by wide loads, and takes long to compile.
static constexpr int kMostOperations = 400;

static Type elementOf(Value buffer) { return cast<kernel::BufferType>(buffer.getType()).getElementType(); }
static int bytesOf(Type element) { return element.isInteger(1) ? 1 : int(element.getIntOrFloatBitWidth() / 8); }
static Value bufferOf(Operation *access) {
  if (auto load = dyn_cast<kernel::LoadOp>(access))
    return load.getBuffer();
  return cast<kernel::StoreOp>(access).getBuffer();
}

// Of the striding loop's own accesses those of the element that has the loop's number.
bool KernelPrinter::isVector(Operation *access) {
  if (vector == 1 || access->getParentOp() != stridingLoop)
    return false;
  if (auto load = dyn_cast<kernel::LoadOp>(access))
    return load.getIndex() == stridingLoop.index() && !load.getMask();
  auto store = cast<kernel::StoreOp>(access);
  return store.getIndex() == stridingLoop.index() && !store.getMask();
}

void KernelPrinter::findVectors() {
  int widest = 1, operations = 0;
  vector = kVectorBytes; // for isVector
  bool storesVectors = true;
  stridingLoop.walk([&](Operation *op) {
    ++operations;
    if (isa<kernel::StoreOp>(op))
      storesVectors &= isVector(op);
    if (isa<kernel::LoadOp, kernel::StoreOp>(op) && isVector(op))
      widest = std::max(widest, bytesOf(elementOf(bufferOf(op))));
  });
  vector = kVectorBytes / widest;
  while (vector > 1 && vector * operations > kMostOperations)
    vector /= 2;
  bool hasLoops = llvm::any_of(stridingLoop.getBody().front(), [](Operation &op) { return op.getNumRegions() > 0; });
  if (!storesVectors || hasLoops)
    vector = 1;
}

// Elements of a reduction from which on eight threads are better than one.
static constexpr int64_t kLongReduction = 64;

void KernelPrinter::findTogether() {
  bool reduces = false, isFlat = true;
  for (Operation &op : stridingLoop.getBody().front())
    if (auto reduce = dyn_cast<kernel::ReduceOp>(op)) {
      MaybeRange count = ranges.of(reduce.getUpper());
      reduces |= !count || count->most >= kLongReduction;
    } else {
      isFlat &= op.getNumRegions() == 0;
    }
  together = reduces && isFlat && vector == 1;
}

void KernelPrinter::togetherLoop() {
  std::string index = scalars.name(stridingLoop.index()), tasks = std::to_string(tasksOfBlock());
  std::string type = ranges.isNarrow(stridingLoop.getUpper()) ? "int" : "long long", end = "(" + type + ")n";
  line("for (" + type + " first = blockIdx.x * (" + type + ")" + tasks + "; first < " + end +
       "; first += gridDim.x * (" + type + ")" + tasks + ") {");
  indent += 2;
  line("const bool stores = threadIdx.x < " + tasks + " && first + threadIdx.x < " + end + ";");
  line("const " + type + " at = first + threadIdx.x % " + tasks + ", " + index + " = at < " + end + " ? at : " + end +
       " - 1;");
  bool stored = false;
  for (Operation &op : stridingLoop.getBody().front()) {
    if (isa<kernel::StoreOp>(op) && !stored) {
      line("__syncthreads();"); // what is read may be where this is stored
      stored = true;
    }
    operation(op, Context::Lane);
  }
  indent -= 2;
  line("}");
}

void KernelPrinter::vectorLoop() {
  std::string index = scalars.name(stridingLoop.index()), count = std::to_string(vector);
  std::string type = ranges.isNarrow(stridingLoop.getUpper()) ? "int" : "long long";
  // A buffer's elements, of the threads' tasks: in, and what is to be stored.
  llvm::DenseMap<Value, std::string> loaded, stored;
  std::vector<Value> in, out;
  std::string addresses;
  for (Operation &op : stridingLoop.getBody().front()) {
    if (!isa<kernel::LoadOp, kernel::StoreOp>(op) || !isVector(&op))
      continue;
    bool isLoad = isa<kernel::LoadOp>(op);
    Value buffer = bufferOf(&op);
    std::string &name = (isLoad ? loaded : stored)[buffer];
    if (name.empty()) {
      name = (isLoad ? "in" : "out") + std::to_string((isLoad ? in : out).size());
      (isLoad ? in : out).push_back(buffer);
      addresses += (addresses.empty() ? "" : " | ") + ("(unsigned long long)" + scalars.name(buffer));
    }
    vectors[&op] = name + ".at[e]";
  }
  auto declare = [&](Value buffer, const std::string &name) {
    Type element = elementOf(buffer);
    line("WeftVector<" + std::string(element.isInteger(1) ? "unsigned char" : cType(element)) + ", " + count + "> " +
         name + ";");
  };
  line("const bool aligned = ((" + addresses + ") & 15) == 0;");
  line("for (" + type + " first = (blockIdx.x * (" + type + ")blockDim.x + threadIdx.x) * " + count + "; first < (" +
       type + ")n; first += gridDim.x * (" + type + ")blockDim.x * " + count + ") {");
  indent += 2;
  line("const bool whole = aligned && first + " + count + " <= (" + type + ")n;");
  for (Value buffer : in) {
    declare(buffer, loaded[buffer]);
    line("weftLoad(" + loaded[buffer] + ", " + scalars.name(buffer) + ", first, (" + type + ")n, whole);");
  }
  for (Value buffer : out)
    declare(buffer, stored[buffer]);
  line("#pragma unroll");
  line("for (int e = 0; e < " + count + "; ++e) {");
  indent += 2;
  line("const " + type + " " + index + " = first + e < (" + type + ")n ? first + e : (" + type + ")n - 1;");
  block(stridingLoop.getBody().front(), Context::Lane);
  indent -= 2;
  line("}");
  for (Value buffer : out)
    line("weftStore(" + stored[buffer] + ", " + scalars.name(buffer) + ", first, (" + type + ")n, whole);");
  indent -= 2;
  line("}");
}

} // namespace weft::cuda
