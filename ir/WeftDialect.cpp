#include "ir/WeftDialect.h"

#include "ir/GraphIR.h"
#include "ir/OpAccess.h"

#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

// "0, 3 * s0 * s1": a symbol by its number, a product by its factors.
static ParseResult parseSize(AsmParser &parser, int64_t &size) {
  SMLoc location = parser.getCurrentLocation();
  int64_t number = 1;
  OptionalParseResult hasNumber = parser.parseOptionalInteger(number);
  if (hasNumber.has_value() && failed(*hasNumber))
    return failure();
  weft::Dims symbols;
  for (bool first = !hasNumber.has_value(); first || succeeded(parser.parseOptionalStar()); first = false) {
    StringRef name;
    int64_t index;
    if (parser.parseKeyword(&name))
      return failure();
    if (!name.consume_front("s") || name.getAsInteger(10, index) || symbols.size() == weft::kMostFactors)
      return parser.emitError(location, "expected a symbol such as s0, or a product of up to four");
    symbols.push_back(index);
  }
  if (symbols.empty()) {
    symbols.push_back(number);
    number = 1;
  }
  bool valid = number > 0 && llvm::all_of(symbols, [](int64_t index) { return index >= 0 && index <= INT32_MAX; });
  std::optional<int64_t> product = valid ? weft::sizeProduct(number, symbols) : std::nullopt;
  if (!product)
    return parser.emitError(location, "expected symbols from 0 on, and in a product numbers that are not too large");
  size = *product;
  return success();
}

static ParseResult parseSizes(AsmParser &parser, SmallVector<int64_t> &sizes) {
  return parser.parseCommaSeparatedList([&] { return parseSize(parser, sizes.emplace_back()); });
}

static void printSizes(AsmPrinter &printer, ArrayRef<int64_t> sizes) {
  llvm::interleaveComma(sizes, printer, [&](int64_t size) {
    if (weft::isPlainSymbol(size))
      printer << weft::symbolIndex(size);
    else
      for (char c : weft::sizeText(size))
        c == '*' ? printer << " * " : printer << c;
  });
}

#include "ir/WeftDialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "ir/WeftAttributes.cpp.inc"
#define GET_OP_CLASSES
#include "ir/WeftOps.cpp.inc"

namespace weft {

void WeftDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "ir/WeftAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "ir/WeftOps.cpp.inc"
      >();
  for (int i = 0; i < kOpCount; ++i) {
    const OpInfo &record = info(OpKind(i));
    opNames.emplace_back((Twine("weft.") + record.name).str(), getContext());
    kindByName[opNames.back()] = OpKind(i);
    attributeNames.emplace_back();
    for (int a = 0; a < record.attrCount; ++a)
      attributeNames.back().push_back(StringAttr::get(getContext(), record.attrs[a].name));
  }
}

// weft.donations = array<i64: ...>: one for each result but those of weft.checks. The argument's memory has the result
// after a run, so each is named once, and is of the result's type.
static LogicalResult verifyDonations(Operation *op, Attribute value) {
  auto func = dyn_cast<FunctionOpInterface>(op);
  auto donations = dyn_cast<DenseI64ArrayAttr>(value);
  if (!func || !donations)
    return op->emitOpError("has weft.donations, which is an array<i64: ...> of a function");
  auto checks = op->getAttrOfType<ArrayAttr>("weft.checks");
  int64_t results = int64_t(func.getNumResults()) - (checks ? int64_t(checks.size()) : 0);
  if (donations.size() != results)
    return op->emitOpError("has weft.donations of ") << donations.size() << " results, but it has " << results;
  llvm::SmallDenseSet<int64_t> given;
  for (auto [result, argument] : llvm::enumerate(donations.asArrayRef())) {
    if (argument == -1)
      continue;
    auto error = [op, result = result] { return op->emitOpError("has weft.donations that give result ") << result; };
    if (argument < 0 || argument >= int64_t(func.getNumArguments()))
      return error() << " to argument " << argument << " of " << func.getNumArguments();
    auto number = unsigned(argument);
    if (func.getArgumentTypes()[number] != func.getResultTypes()[result])
      return error() << " of type " << func.getResultTypes()[result] << " to argument " << argument << " of type "
                     << func.getArgumentTypes()[number];
    if (func.getArgAttr(number, "weft.weight") || func.getArgAttr(number, "weft.strides"))
      return error() << " to argument " << argument << ", which "
                     << (func.getArgAttr(number, "weft.weight") ? "is a weight" : "has strides");
    if (!given.insert(argument).second)
      return error() << " to argument " << argument << ", which has another";
  }
  return success();
}

LogicalResult WeftDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() == "weft.donations")
    return verifyDonations(op, attribute.getValue());
  return success();
}

// What an argument is to weft-aot. A compiled call's weights have no names.
LogicalResult WeftDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned argument,
                                                    NamedAttribute attribute) {
  auto func = dyn_cast<FunctionOpInterface>(op);
  StringRef name = attribute.getName();
  auto error = [&] { return op->emitOpError("has ") << name << " on argument " << argument << ", which "; };
  bool isText = isa<StringAttr>(attribute.getValue()), isUnit = isa<UnitAttr>(attribute.getValue());
  constexpr StringRef roles[] = {"weft.name", "weft.weight", "weft.state", "weft.generator"};
  if (func && name == "weft.value" && !isText)
    return error() << "takes hexadecimal digits in quotes";
  if (!func || !llvm::is_contained(roles, name))
    return success();
  if (name == "weft.generator" ? !isUnit : !(isText || (isUnit && name == "weft.weight")))
    return error() << "takes " << (name == "weft.generator" ? "no value" : "a name in quotes");
  for (StringRef role : roles)
    if (role != name && func.getArgAttr(argument, role))
      return error() << "has " << role << " too; it is one of them";
  std::optional<TensorType> type = tryFromMlir(func.getArgumentTypes()[argument]);
  if (name == "weft.generator" && type != TensorType{DType::Int64, {2}})
    return error() << "must be tensor<2xi64>, the seed and the position";
  if (name == "weft.state" && type && type->shape.hasSymbol())
    return error() << "must have sizes that are known";
  return success();
}

// What a rule asks of a body, the types of its inputs and results, whatever it is made of: the results are inputs, too.
static std::optional<Attr> signatureOf(Operation *op, Attribute given) {
  func::FuncOp func = bodyFunction(op, given);
  if (!func)
    return std::nullopt;
  Graph signature;
  for (Type type : func.getArgumentTypes())
    if (std::optional<TensorType> known = tryFromMlir(type))
      signature.addInput(*known);
  for (Type type : func.getResultTypes())
    if (std::optional<TensorType> known = tryFromMlir(type))
      signature.outputs.push_back(signature.addInput(*known));
  if (signature.inputs.size() != func.getNumArguments() + func.getNumResults())
    return std::nullopt;
  return Attr::graph(std::make_shared<const Graph>(std::move(signature)));
}

LogicalResult verifyRecord(Operation *op) {
  auto *dialect = cast<WeftDialect>(op->getDialect());
  OpKind kind = dialect->kinds().lookup(op->getName());
  const OpInfo &record = info(kind);
  SmallVector<TensorType, 4> operands;
  for (Value operand : op->getOperands()) {
    std::optional<TensorType> type = tryFromMlir(operand.getType());
    if (!type)
      return op->emitOpError(
                 "takes tensors of at most 64 axes whose element type is a dtype of weft and whose dynamic sizes "
                 "are named by #weft.symbols, but got ")
             << operand.getType();
    operands.push_back(*type);
  }
  Attrs attrs;
  for (int i = 0; i < record.attrCount; ++i) {
    Attribute given = op->getAttr(dialect->attrNames(kind)[i]);
    if (!given)
      return op->emitOpError("needs the attribute '") << record.attrs[i].name << "'";
    std::optional<Attr> attr =
        record.attrs[i].kind == Attr::Kind::Graph ? signatureOf(op, given) : tryFromMlir(given, record.attrs[i].kind);
    if (!attr)
      return op->emitOpError("has an attribute '")
             << record.attrs[i].name << "' "
             << (record.attrs[i].kind == Attr::Kind::Graph ? "that names no function of tensors: "
                                                           : "of the wrong kind: ")
             << given;
    attrs.push_back(*attr);
  }
  try {
    if (int count = resultCount(kind, attrs); int(op->getNumResults()) != count)
      return op->emitOpError("has ") << count << " results, not " << op->getNumResults();
    for (OpResult result : op->getResults()) {
      TensorType expected =
          inferType(kind, operands.data(), int(operands.size()), attrs, int(result.getResultNumber()));
      std::optional<TensorType> actual = tryFromMlir(result.getType());
      if (!actual || *actual != expected)
        return op->emitOpError("gives ") << toMlir(op->getContext(), expected) << ", not " << result.getType();
    }
  } catch (const UserError &error) {
    return op->emitOpError() << error.what();
  }
  return success();
}

// %r = weft.group (%a = %x : tensor<2xf32>) -> (tensor<2xf32>) attributes {kind = "loop"} { ... }
ParseResult GroupOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  auto parseOperand = [&]() -> ParseResult {
    return failure(parser.parseArgument(arguments.emplace_back()) || parser.parseEqual() ||
                   parser.parseOperand(operands.emplace_back()) || parser.parseColonType(arguments.back().type));
  };
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, parseOperand) || parser.parseArrow() ||
      parser.parseLParen())
    return failure();
  if (failed(parser.parseOptionalRParen()))
    if (parser.parseTypeList(result.types) || parser.parseRParen())
      return failure();
  SmallVector<Type> types;
  for (const OpAsmParser::Argument &argument : arguments)
    types.push_back(argument.type);
  return failure(parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
                 parser.resolveOperands(operands, types, parser.getCurrentLocation(), result.operands) ||
                 parser.parseRegion(*result.addRegion(), arguments));
}

void GroupOp::print(OpAsmPrinter &printer) {
  printer << " (";
  llvm::interleaveComma(llvm::zip(block()->getArguments(), getInputs()), printer, [&](auto pair) {
    printer << std::get<0>(pair) << " = " << std::get<1>(pair) << " : " << std::get<1>(pair).getType();
  });
  printer << ") -> (";
  llvm::interleaveComma(getResultTypes(), printer);
  printer << ")";
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs());
  printer << " ";
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

LogicalResult GroupOp::verify() {
  if (block()->getArgumentTypes() != getInputs().getTypes())
    return emitOpError("needs one block argument an operand, of its type");
  auto yield = dyn_cast<YieldOp>(block()->getTerminator());
  if (!yield || yield.getValues().getTypes() != getResultTypes())
    return emitOpError("must yield values of its results' types");
  return success();
}

} // namespace weft
