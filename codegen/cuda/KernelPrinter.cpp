#include "codegen/cuda/KernelPrinter.h"

#include <stdexcept>

using namespace mlir;

namespace weft::cuda {

static constexpr int kReductionThreads = 64, kContractionThreads = 256, kStridingThreads = 256;

// In memory an i1 takes a byte.
static std::string memoryType(Type element) { return element.isInteger(1) ? "unsigned char" : cType(element); }
static Type elementType(Value buffer) { return cast<kernel::BufferType>(buffer.getType()).getElementType(); }

KernelPrinter::KernelPrinter(kernel::FuncOp func, int64_t mostShared) : mostShared(mostShared), func(func) {
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
  if (strides)
    threads = kStridingThreads;
  func.walk([&](Operation *op) {
    if (isa<kernel::ContractOp>(op))
      threads = kContractionThreads;
    else if (isa<kernel::ReduceOp>(op) && !strides && threads != kContractionThreads)
      threads = kReductionThreads;
  });
  signature();
  scratch();
  if (strides) {
    block(body, Context::Lane);
  } else {
    line("for (long long task = blockIdx.x; task < " + std::string(scratchIsGlobal ? "n" : "tasks") +
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
  std::string value = element(op.getBuffer(), op.getIndex());
  if (type.isInteger(1))
    value += " != 0";
  if (op.getMask())
    value = scalars.name(op.getMask()) + " ? " + value + " : " + scalars.name(op.getOtherwise());
  line("const " + cType(type) + " " + scalars.name(op.getValue()) + " = " + value + ";");
}

void KernelPrinter::store(kernel::StoreOp op, Context context) {
  std::string statement = element(op.getBuffer(), op.getIndex()) + " = " + scalars.name(op.getValue()) + ";";
  std::string condition = op.getMask() ? scalars.name(op.getMask()) : "";
  if (context == Context::Lane) {
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
  std::string step = "++" + index;
  bool entersLanes = context == Context::Uniform && op.getLane();
  if (op == stridingLoop) {
    from = "blockIdx.x * (long long)blockDim.x + threadIdx.x";
    to = "n";
    step = index + " += gridDim.x * (long long)blockDim.x";
  } else if (entersLanes) {
    from += " + threadIdx.x";
    step = index + " += blockDim.x";
  }
  line("for (long long " + index + " = " + from + "; " + index + " < " + to + "; " + step + ") {");
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
  std::string function = context == Context::Uniform ? "weftReduce<" : "weftReduceSerially<";
  std::string value =
      function + operation + ">(" + count + ", [&](long long " + index + ") -> " + operation + "::Value {";
  line((isArg ? "const long long " : "const " + type + " ") + result +
       (kind == "sum" ? " = !" + count + " ? (" + type + ")0 : " : " = ") + value);
  indent += 2;
  block(op.getBody().front(), Context::Lane);
  std::string yielded = scalars.name(op.yielded());
  line(isArg ? "return {" + yielded + ", " + index + "};" : "return " + yielded + ";");
  indent -= 2;
  line(isArg ? "}).index;" : "});");
}

std::string KernelPrinter::windowsLoader(kernel::ContractOp op, Type sum) {
  using kernel::Windows;
  static_assert(Windows::Channels == 0 && Windows::ChannelStride == 1 && Windows::ImageStride == 2 &&
                    Windows::Positions == 3 && Windows::OfAxes == 4 && Windows::Results == 0 && Windows::Kernel == 1 &&
                    Windows::Size == 2 && Windows::Stride == 3 && Windows::Step == 4 && Windows::Dilation == 5 &&
                    Windows::Low == 6 && Windows::kPerAxis == 7 && Windows::kAxes == 3,
                "as weftWindow in Prelude.cpp reads them");
  std::string numbers;
  for (Value number : op.getWindows())
    numbers += (numbers.empty() ? "" : ", ") + scalars.name(number);
  std::string load = operandLoader(op.getOfA() ? op.getA() : op.getB(), op.getOfA() ? op.getABase() : op.getBBase(),
                                   "at", sum, "long long at");
  std::string indices = op.getOfA() ? "long long m, long long k" : "long long k, long long n";
  return "[&](" + indices + ") -> " + cType(sum) + " {\n      const long long w[] = {" + numbers +
         "};\n      const long long at = weftWindow(" + (op.getOfA() ? "m, k" : "k, n") +
         ", w);\n      return at < 0 ? (" + cType(sum) + ")0 : (" + load + ")(at);\n    }";
}

std::string KernelPrinter::operandLoader(Value buffer, Value base, const std::string &offset, Type sum,
                                         const std::string &indices) {
  Type element = elementType(buffer);
  std::string value = scalars.name(buffer) + "[" + scalars.name(base) + " + " + offset + "]";
  if (element.isF16() || element.isBF16())
    value = std::string(element.isF16() ? "weftFromF16(" : "weftFromBF16(") + value + ")";
  return "[&](" + indices + ") -> " + cType(sum) + " { return " + value + "; }";
}

void KernelPrinter::contract(kernel::ContractOp op) {
  Block &body = op.getEpilogue().front();
  Type sum = body.getArgument(2).getType();
  auto name = [&](Value value) { return scalars.name(value); };
  std::string a =
      operandLoader(op.getA(), op.getABase(), "m * " + name(op.getAStrideM()) + " + k * " + name(op.getAStrideK()), sum,
                    "long long m, long long k");
  if (op.getPackedB() || op.getInRows())
    throw std::runtime_error("[codegen] packed operands of kernel.contract are for CPUs");
  std::string b =
      operandLoader(op.getB(), op.getBBase(), "k * " + name(op.getBStrideK()) + " + n * " + name(op.getBStrideN()), sum,
                    "long long k, long long n");
  if (op.hasWindows())
    (op.getOfA() ? a : b) = windowsLoader(op, sum);
  std::string order = op.getPairs() ? "WeftInPairs, " : "WeftInOrder, ";
  std::string function = (op.getUnbroken() ? "weftContract<true, " : "weftContract<false, ") + order;
  line(function + cType(sum) + ">(" + name(op.getK()) + ", " + name(op.getRowBegin()) + ", " + name(op.getRowEnd()) +
       ", " + name(op.getColumnBegin()) + ", " + name(op.getColumnEnd()) + ",");
  line("    " + a + ",");
  line("    " + b + ",");
  line("    [&](long long " + name(body.getArgument(0)) + ", long long " + name(body.getArgument(1)) + ", " +
       cType(sum) + " " + name(body.getArgument(2)) + ") {");
  indent += 2;
  block(body, Context::Lane);
  indent -= 2;
  line("});");
}

} // namespace weft::cuda
