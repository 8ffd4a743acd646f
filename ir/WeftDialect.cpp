#include "ir/WeftDialect.h"

#include "ir/OpAccess.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

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

LogicalResult verifyRecord(Operation *op) {
  auto *dialect = cast<WeftDialect>(op->getDialect());
  OpKind kind = dialect->kinds().lookup(op->getName());
  const OpInfo &record = info(kind);
  SmallVector<TensorType, 4> operands;
  for (Value operand : op->getOperands()) {
    std::optional<TensorType> type = tryFromMlir(operand.getType());
    if (!type)
      return op->emitOpError(
                 "takes tensors of at most 8 axes whose element type is a dtype of weft and whose dynamic sizes "
                 "are named by #weft.symbols, but got ")
             << operand.getType();
    operands.push_back(*type);
  }
  Attrs attrs;
  for (int i = 0; i < record.attrCount; ++i) {
    Attribute given = op->getAttr(dialect->attrNames(kind)[i]);
    if (!given)
      return op->emitOpError("needs the attribute '") << record.attrs[i].name << "'";
    std::optional<Attr> attr = tryFromMlir(given, record.attrs[i].kind);
    if (!attr)
      return op->emitOpError("has an attribute '") << record.attrs[i].name << "' of the wrong kind: " << given;
    attrs.push_back(*attr);
  }
  try {
    TensorType expected = inferType(kind, operands.data(), int(operands.size()), attrs);
    std::optional<TensorType> actual = tryFromMlir(op->getResult(0).getType());
    if (!actual || *actual != expected)
      return op->emitOpError("gives ") << toMlir(op->getContext(), expected) << ", not " << op->getResult(0).getType();
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
