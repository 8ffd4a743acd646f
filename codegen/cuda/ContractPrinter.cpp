// Products: kernel.contract as a call of weftContract (Prelude.h).
#include "codegen/cuda/KernelPrinter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <stdexcept>

using namespace mlir;

namespace weft::cuda {

static Type elementType(Value buffer) { return cast<kernel::BufferType>(buffer.getType()).getElementType(); }
static Type sumType(kernel::ContractOp op) { return op.getEpilogue().front().getArgument(2).getType(); }
static bool isOne(Value value) {
  auto constant = value.getDefiningOp<arith::ConstantOp>();
  return constant && cast<IntegerAttr>(constant.getValue()).getInt() == 1;
}

// "4, 4, float": a thread's results, rows and columns, and the type of sums.
static std::string tileArguments(kernel::ContractOp op) {
  int64_t rows = 4, columns = 4;
  if (auto tile = op.getThreadTile())
    rows = (*tile)[0], columns = (*tile)[1];
  return std::to_string(rows) + ", " + std::to_string(columns) + ", ";
}

// Shared memory for the tiles of all the kernel's products, one after the other.
void KernelPrinter::tiles() {
  std::string most;
  func.walk([&](kernel::ContractOp op) {
    std::string bytes = "weftTileBytes<" + tileArguments(op) + cType(sumType(op)) + ">";
    most = most.empty() || most == bytes ? bytes : "(" + bytes + " > " + most + " ? " + bytes + " : " + most + ")";
  });
  if (!most.empty())
    line("__shared__ __align__(32) unsigned char tiles[" + most + "];");
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
  return "[&](long long " + std::string(op.getOfA() ? "m" : "n") + ", long long k) -> " + cType(sum) +
         " {\n      const long long w[] = {" + numbers + "};\n      const long long at = weftWindow(" +
         (op.getOfA() ? "m, k" : "k, n") + ", w);\n      return at < 0 ? (" + cType(sum) + ")0 : (" + load +
         ")(at);\n    }";
}

std::string KernelPrinter::operandLoader(Value buffer, Value base, const std::string &offset, Type sum,
                                         const std::string &indices) {
  Type element = elementType(buffer);
  std::string value = scalars.name(buffer) + "[" + scalars.name(base) + " + " + offset + "]";
  if (element.isF16() || element.isBF16())
    value = std::string(element.isF16() ? "weftFromF16(" : "weftFromBF16(") + value + ")";
  return "[&](" + indices + ") -> " + cType(sum) + " { return " + value + "; }";
}

// Whether places in the operands, and numbers of rows and columns, are ints.
bool KernelPrinter::isNarrow(kernel::ContractOp op) {
  auto reaches = [&](Value base, Value count, Value stride, Value strideK) {
    MaybeRange first = ranges.of(base), counts = ranges.of(count), along = ranges.of(stride),
               depth = ranges.of(op.getK()), down = ranges.of(strideK);
    if (!first || !counts || !along || !depth || !down)
      return false;
    double most =
        double(first->most) + double(counts->most) * double(along->most) + double(depth->most) * double(down->most);
    return first->least >= 0 && most < double(IndexRange::kNarrow);
  };
  return !op.hasWindows() && reaches(op.getABase(), op.getRowEnd(), op.getAStrideM(), op.getAStrideK()) &&
         reaches(op.getBBase(), op.getColumnEnd(), op.getBStrideN(), op.getBStrideK());
}

void KernelPrinter::contract(kernel::ContractOp op) {
  if (op.getPackedB() || op.getInRows())
    throw std::runtime_error("[codegen] packed operands of kernel.contract are for CPUs");
  Block &body = op.getEpilogue().front();
  Type sum = sumType(op);
  std::string index = isNarrow(op) ? "int" : "long long";
  auto name = [&](Value value) { return "(" + index + ")" + scalars.name(value); };
  auto loader = [&](Value buffer, Value base, const char *along, Value stride, Value strideK) {
    return operandLoader(buffer, base, along + (" * " + name(stride)) + " + k * " + name(strideK), sum,
                         index + " " + along + ", " + index + " k");
  };
  std::string a = loader(op.getA(), op.getABase(), "m", op.getAStrideM(), op.getAStrideK());
  std::string b = loader(op.getB(), op.getBBase(), "n", op.getBStrideN(), op.getBStrideK());
  if (op.hasWindows())
    (op.getOfA() ? a : b) = windowsLoader(op, sum);
  // Neighbouring threads read along the depth where that is how the operand lies, else across.
  bool windowsOfA = op.hasWindows() && op.getOfA(), windowsOfB = op.hasWindows() && !op.getOfA();
  bool depthOfA = !windowsOfA && !isOne(op.getAStrideM()),
       depthOfB = !windowsOfB && isOne(op.getBStrideK()) && !isOne(op.getBStrideN());
  auto flag = [](bool value) { return value ? "true, " : "false, "; };
  line("weftContract<" + tileArguments(op) + flag(depthOfA) + flag(depthOfB) + flag(op.getUnbroken()) +
       (op.getPairs() ? "WeftInPairs, " : "WeftInOrder, ") + cType(sum) + ">(tiles, " + name(op.getK()) + ", " +
       name(op.getRowBegin()) + ", " + name(op.getRowEnd()) + ", " + name(op.getColumnBegin()) + ", " +
       name(op.getColumnEnd()) + ",");
  line("    " + a + ",");
  line("    " + b + ",");
  auto parameter = [&](unsigned i) {
    return scalars.variableType(body.getArgument(i)) + " " + scalars.name(body.getArgument(i));
  };
  line("    [&](" + parameter(0) + ", " + parameter(1) + ", " + parameter(2) + ") {");
  indent += 2;
  block(body, Context::Lane);
  indent -= 2;
  line("});");
}

} // namespace weft::cuda
