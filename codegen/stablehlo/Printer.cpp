// The module, and which function an op has.
#include "codegen/stablehlo/Printer.h"

#include "ir/GraphIR.h"

#include "llvm/Support/raw_ostream.h"

#include <numeric>

using namespace mlir;

namespace weft::stablehlo {

Sizes sizes(const Dims &dims) { return Sizes(dims.begin(), dims.end()); }
Sizes filled(size_t count, int64_t value) { return Sizes(count, value); }
Sizes ascending(size_t count) {
  Sizes values(count);
  std::iota(values.begin(), values.end(), 0);
  return values;
}
int64_t product(const Sizes &values) {
  return std::accumulate(values.begin(), values.end(), int64_t(1), std::multiplies<>());
}

bool isNarrow(Type element) { return element.isF16() || element.isBF16(); }

std::string pairsOf(const Sizes &low, const Sizes &high) {
  std::string words = "[";
  for (size_t i = 0; i < low.size(); ++i)
    words += (i ? ", " : "") + listOf({low[i], high[i]});
  return words + "]";
}

Type Printer::elementOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }

Hlo Printer::named(const std::string &name, Value value) { return {name, elementOf(value), sizes(shapeOf(value))}; }

void Printer::refuse(Operation &op, const std::string &why) {
  std::string line = locationText(op.getLoc()), types;
  for (Value operand : op.getOperands())
    types += (types.empty() ? "" : ", ") + toString(fromMlir(operand.getType()));
  fail(UserError::Kind::NotImplemented, "export",
       (line.empty() ? "" : line + ": ") + "the op " + infoOf(&op).name + " of (" + types + ") " + why);
}

std::string Printer::print(func::FuncOp main, const std::vector<const void *> &data) {
  static const llvm::StringRef roles[] = {"weft.name", "weft.weight", "weft.state", "weft.generator"};
  auto attributeOf = [&](unsigned i) {
    for (llvm::StringRef role : roles)
      if (Attribute attr = main.getArgAttr(i, role)) {
        std::string words = " {" + role.str();
        llvm::raw_string_ostream out(words);
        if (!isa<UnitAttr>(attr))
          out << " = " << attr;
        out << '}';
        return words;
      }
    return std::string();
  };
  Hlos arguments;
  std::vector<unsigned> constants;
  std::string parameters;
  for (auto [i, argument] : llvm::enumerate(main.getArguments())) {
    arguments.push_back(named("%arg" + std::to_string(i), argument));
    if (i < data.size() && data[i]) {
      constants.push_back(unsigned(i));
      continue;
    }
    parameters += (parameters.empty() ? "" : ", ") + arguments.back().name + ": " + typeOf(arguments.back()) +
                  attributeOf(unsigned(i));
  }
  auto donations = main->getAttrOfType<DenseI64ArrayAttr>("weft.donations");
  std::string outputs;
  for (auto [i, type] : llvm::enumerate(main.getResultTypes())) {
    int64_t into = donations && int64_t(i) < donations.size() ? donations[int64_t(i)] : -1;
    outputs += (outputs.empty() ? "" : ", ") +
               typeOf(cast<RankedTensorType>(type).getElementType(), sizes(fromMlir(type).shape)) +
               (into >= 0 ? attributeOf(unsigned(into)) : "");
  }
  open("module {");
  open("func.func public @main(" + parameters + ") -> (" + outputs + ") {");
  for (unsigned i : constants)
    arguments[i] = this->data(data[i], arguments[i].element, arguments[i].shape);
  Hlos found = run(main, arguments);
  std::string names, types;
  for (const Hlo &result : found) {
    names += (names.empty() ? " " : ", ") + result.name;
    types += (types.empty() ? " : " : ", ") + typeOf(result);
  }
  line("func.return" + names + types);
  close();
  close();
  return std::move(text);
}

Hlos Printer::run(func::FuncOp graph, const Hlos &operands) {
  for (auto [argument, operand] : llvm::zip(graph.getArguments(), operands))
    values[argument] = operand;
  Hlos given;
  auto read = [&](Operation &op) {
    given.clear();
    for (Value operand : op.getOperands())
      given.push_back(values.at(operand));
    return given;
  };
  for (Operation &op : graph.front()) {
    if (op.hasTrait<OpTrait::IsTerminator>())
      return read(op);
    Hlos x = read(op);
    Hlos found;
    try {
      found = results(op, x);
    } catch (const UserError &error) {
      std::string words = error.what();
      if (words.find("the op ") != std::string::npos)
        throw;
      refuse(op, "cannot be written: " + words);
    }
    for (auto [result, hlo] : llvm::zip(op.getResults(), found))
      values[result] = hlo;
  }
  llvm_unreachable("a graph ends in a return");
}

Hlos Printer::results(Operation &op, const Hlos &x) {
  Type element = elementOf(op.getResult(0));
  switch (familyOf(&op)) {
  case OpFamily::Elementwise:
    return {scalarBody(kindOf(&op), x, attrsOf(&op), element, sizes(shapeOf(op.getResult(0))))};
  case OpFamily::Reduction:
    return {reduction(op, x[0])};
  case OpFamily::Shape:
    return {shape(op, x)};
  case OpFamily::Contraction:
    return {contraction(op, x)};
  case OpFamily::Convolution:
    return {convolution(op, x)};
  case OpFamily::Indexing:
    return {scatter(op, x)};
  case OpFamily::Creation:
    return {creation(op, x)};
  case OpFamily::Control:
    return control(op, x);
  case OpFamily::Scan:
    return scan(op, x);
  case OpFamily::Segments:
    return {embeddingBag(op, x)};
  case OpFamily::Extern:
    switch (kindOf(&op)) {
    case OpKind::SortLast:
    case OpKind::TopkLast:
      return sorted(op, x[0]);
    case OpKind::FftRows:
    case OpKind::FftColumns:
    case OpKind::FftRealRows:
    case OpKind::FftToRealRows:
      return {fourier(op, x[0])};
    default:
      break;
    }
    break;
  case OpFamily::Composite:
    break;
  }
  refuse(op, "has no counterpart in StableHLO; do it outside the exported function");
}

} // namespace weft::stablehlo
