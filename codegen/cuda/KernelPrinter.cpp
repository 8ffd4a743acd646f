#include "codegen/cuda/KernelPrinter.h"
#include "ir/kernel/CanonicalOrder.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

#include <stdexcept>

using namespace mlir;

namespace weft::cuda {

static constexpr int kContractionThreads = 256, kStridingThreads = 256;
// A warp reduces a block of elements; so many warps a row, where the row's length is not known, and at most.
static constexpr int kWarp = 32, kTypicalWarps = 4, kMostWarps = 8;

// In memory an i1 takes a byte.
static std::string memoryType(Type element) { return element.isInteger(1) ? "unsigned char" : cType(element); }
static Type elementType(Value buffer) { return cast<kernel::BufferType>(buffer.getType()).getElementType(); }

KernelPrinter::KernelPrinter(kernel::FuncOp func, int64_t mostShared, const IndexRanges::Launches &launches)
    : mostShared(mostShared), func(func), ranges(func, launches), scalars(ranges) {
  Block &body = func.getBody().front();
  kernel::ForOp only;
  int loops = 0;
  for (Operation &op : body)
    if (op.getNumRegions()) {
      ++loops;
      only = dyn_cast<kernel::ForOp>(op);
    }
  if (loops == 1 && only && only.getLane() && only.getLower() == func.begin() && only.getUpper() == func.end())
    stridingLoop = only;
  strides = bool(stridingLoop);
  chooseThreads();
  if (strides) {
    findVectors();
    findTogether();
  }
  signature();
  scratch();
  tiles();
  lanes();
  if (strides) {
    block(body, Context::Lane);
  } else {
    std::string type = scalars.variableType(func.begin());
    line("for (" + type + " task = blockIdx.x; task < (" + type + ")" + (scratchIsGlobal ? "n" : "tasks") +
         "; task += gridDim.x) {");
    indent += 2;
    scalars.setName(func.begin(), "task");
    scalars.setName(func.end(), "(task + 1)");
    block(body, Context::Uniform);
    line("__syncthreads();");
    indent -= 2;
    line("}");
  }
  text += "}\n";
}

// Whether a reduction is all threads' together.
static bool isUniform(kernel::ReduceOp reduce) {
  for (Operation *op = reduce->getParentOp(); !isa<kernel::FuncOp>(op); op = op->getParentOp())
    if (auto loop = dyn_cast<kernel::ForOp>(op); !loop || loop.getLane())
      return false;
  return true;
}

void KernelPrinter::chooseThreads() {
  bool hasProducts = false;
  int warps = 0;
  func.walk([&](Operation *op) {
    hasProducts |= isa<kernel::ContractOp>(op);
    if (auto reduce = dyn_cast<kernel::ReduceOp>(op); reduce && isUniform(reduce)) {
      MaybeRange count = ranges.of(reduce.getUpper());
      int64_t blocks = count ? llvm::divideCeil(count->most, order::kBlock) : kTypicalWarps;
      warps = std::max<int>(warps, int(std::clamp<int64_t>(blocks, 1, kMostWarps)));
    }
  });
  if (hasProducts)
    threads = kContractionThreads;
  else if (strides)
    threads = kStridingThreads;
  else if (warps)
    threads = kWarp * warps;
}

// Shared memory for the values of a reduction's lanes.
void KernelPrinter::lanes() {
  int most = 0;
  func.walk([&](kernel::ReduceOp reduce) {
    bool isTogether = together && reduce->getParentOp() == stridingLoop;
    if (!isTogether && !isUniform(reduce))
      return;
    int bytes = reduce.getKind().starts_with("arg")
                    ? 16
                    : int(llvm::divideCeil(reduce.yielded().getType().getIntOrFloatBitWidth(), 8));
    most = std::max(most, bytes * (isTogether ? threads : 64));
  });
  if (most)
    line("__shared__ __align__(16) unsigned char lanes[" + std::to_string(most) + "];");
}

void KernelPrinter::signature() {
  int64_t bytes = 0;
  for (auto op : func.getBody().front().getOps<kernel::ScratchOp>())
    bytes = llvm::alignTo(bytes, 16) +
            int64_t(op.getElements()) * llvm::divideCeil(elementType(op).getIntOrFloatBitWidth(), 8);
  scratchBytes = llvm::alignTo(bytes, 16);
  scratchIsGlobal = scratchBytes > mostShared;
  text = "extern \"C\" __global__ void __launch_bounds__(" + std::to_string(threads) + ") " + func.getSymName().str() +
         "(";
  unsigned buffers = func.bufferCount(), count = func.getNumArguments() - 2;
  auto parameter = [&](unsigned i) {
    Value argument = func.getArgument(i);
    bool isBuffer = i < buffers;
    std::string name = (isBuffer ? "b" : "s") + std::to_string(isBuffer ? i : i - buffers);
    scalars.setName(argument, name);
    text += isBuffer ? memoryType(elementType(argument)) + " *" + name + ", " : "long long " + name + ", ";
  };
  for (unsigned i = 0; i < buffers; ++i)
    parameter(i);
  if (scratchIsGlobal)
    text += "unsigned char *memory, ";
  for (unsigned i = buffers; i < count; ++i)
    parameter(i);
  text += strides || scratchIsGlobal ? "long long n, long long tasks) {\n" : "long long tasks) {\n";
  for (unsigned i = buffers; i < count; ++i)
    if (Value size = func.getArgument(i); ranges.isNarrow(size)) {
      line("const int i" + std::to_string(i - buffers) + " = (int)s" + std::to_string(i - buffers) + ";");
      scalars.setName(size, "i" + std::to_string(i - buffers));
    }
}

void KernelPrinter::scratch() {
  if (!scratchBytes)
    return;
  if (scratchIsGlobal)
    line("unsigned char *scratch = memory + blockIdx.x * " + std::to_string(scratchBytes) + "ll;");
  else
    line("extern __shared__ __align__(16) unsigned char scratch[];");
  int64_t offset = 0;
  int number = 0;
  for (auto op : func.getBody().front().getOps<kernel::ScratchOp>()) {
    std::string name = "m" + std::to_string(number++), type = memoryType(elementType(op));
    offset = llvm::alignTo(offset, 16);
    line(type + " *" + name + " = (" + type + " *)(scratch + " + std::to_string(offset) + ");");
    scalars.setName(op, name);
    offset += int64_t(op.getElements()) * llvm::divideCeil(elementType(op).getIntOrFloatBitWidth(), 8);
  }
}

void KernelPrinter::block(Block &block, Context context) {
  for (Operation &op : block)
    operation(op, context);
}

void KernelPrinter::operation(Operation &op, Context context) {
  if (isa<kernel::ScratchOp, kernel::ReturnOp, kernel::YieldOp>(op))
    return;
  if (auto load = dyn_cast<kernel::LoadOp>(op))
    return this->load(load);
  if (auto store = dyn_cast<kernel::StoreOp>(op))
    return this->store(store, context);
  if (auto loop = dyn_cast<kernel::ForOp>(op))
    return forLoop(loop, context);
  if (auto reduce = dyn_cast<kernel::ReduceOp>(op))
    return this->reduce(reduce, context);
  if (auto contract = dyn_cast<kernel::ContractOp>(op)) {
    if (context == Context::Lane)
      throw std::runtime_error("[cuda] a product cannot stand in a lane loop");
    return this->contract(contract);
  }
  std::string statement = scalars.statement(op);
  if (!statement.empty())
    line(statement);
}

std::string KernelPrinter::element(Value buffer, Value index) {
  return scalars.name(buffer) + "[" + scalars.name(index) + "]";
}

void KernelPrinter::load(kernel::LoadOp op) {
  Type type = op.getValue().getType();
  std::string value = isVector(op) ? vectors[op] : element(op.getBuffer(), op.getIndex());
  if (type.isInteger(1))
    value += " != 0";
  if (op.getMask())
    value = scalars.name(op.getMask()) + " ? " + value + " : " + scalars.name(op.getOtherwise());
  line("const " + cType(type) + " " + scalars.name(op.getValue()) + " = " + value + ";");
}

void KernelPrinter::store(kernel::StoreOp op, Context context) {
  std::string place = isVector(op) ? vectors[op] : element(op.getBuffer(), op.getIndex());
  std::string statement = place + " = " + scalars.name(op.getValue()) + ";";
  std::string condition = op.getMask() ? scalars.name(op.getMask()) : "";
  if (context == Context::Lane) {
    if (together && op->getParentOp() == stridingLoop)
      condition = condition.empty() ? "stores" : "stores && " + condition;
    line(condition.empty() ? statement : "if (" + condition + ") " + statement);
    return;
  }
  // All threads have read what they read before, and see the new value after.
  line("__syncthreads();");
  line("if (threadIdx.x == 0" + (condition.empty() ? "" : " && " + condition) + ") " + statement);
  line("__syncthreads();");
}

void KernelPrinter::forLoop(kernel::ForOp op, Context context) {
  std::string index = scalars.name(op.index()), from = scalars.name(op.getLower()), to = scalars.name(op.getUpper());
  std::string step = "++" + index,
              type = ranges.isNarrow(op.getUpper()) ? scalars.variableType(op.index()) : "long long";
  bool entersLanes = context == Context::Uniform && op.getLane();
  if (op == stridingLoop) {
    if (together)
      return togetherLoop();
    if (vector > 1)
      return vectorLoop();
    from = "blockIdx.x * (" + type + ")blockDim.x + threadIdx.x";
    to = "(" + type + ")n";
    step = index + " += gridDim.x * (" + type + ")blockDim.x";
  } else if (entersLanes) {
    from += " + threadIdx.x";
    step = index + " += " + std::to_string(threads);
  }
  line("for (" + type + " " + index + " = " + from + "; " + index + " < " + to + "; " + step + ") {");
  indent += 2;
  block(op.getBody().front(), entersLanes ? Context::Lane : context);
  indent -= 2;
  line("}");
  if (entersLanes)
    line("__syncthreads();");
}

void KernelPrinter::reduce(kernel::ReduceOp op, Context context) {
  StringRef kind = op.getKind();
  std::string type = cType(op.yielded().getType()), operation;
  bool isArg = kind == "argmax" || kind == "argmin";
  if (isArg) {
    operation = "WeftArg<" + type + ", " + (kind == "argmax" ? "true" : "false") + ">";
  } else {
    std::string name = kind.str();
    name[0] = char(std::toupper(name[0]));
    operation = "Weft" + name + "<" + type + ">";
  }
  std::string result = scalars.name(op.getResult()), count = scalars.name(op.getUpper()),
              index = scalars.name(op.index());
  bool isTogether = together && op->getParentOp() == stridingLoop;
  std::string function = context == Context::Uniform ? "weftReduce<"
                         : isTogether                ? "weftReduceTogether<"
                                                     : "weftReduceSerially<";
  std::string value = function + operation + ">(" + (context == Context::Uniform || isTogether ? "lanes, " : "") +
                      count + ", [&](long long " + index + ") -> " + operation + "::Value {";
  line((isArg ? "const long long " : "const " + type + " ") + result +
       (kind == "sum" ? " = !" + count + " ? (" + type + ")0 : " : " = ") + value);
  indent += 2;
  block(op.getBody().front(), Context::Lane);
  std::string yielded = scalars.name(op.yielded());
  line(isArg ? "return {" + yielded + ", " + index + "};" : "return " + yielded + ";");
  indent -= 2;
  line(isArg ? "}).index;" : "});");
}

} // namespace weft::cuda
