// Builders, assembly and verifiers of the kernel ops.
#include "ir/kernel/KernelDialect.h"

#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;
using namespace weft::kernel;

namespace {

// Gives `state` a region of one block with index arguments and, where it is not null, one of `extra` last.
Block *addBody(OpBuilder &builder, OperationState &state, unsigned indices, Type extra = {}) {
  Block *block = new Block;
  state.addRegion()->push_back(block);
  for (unsigned i = 0; i < indices; ++i)
    block->addArgument(builder.getIndexType(), state.location);
  if (extra)
    block->addArgument(extra, state.location);
  builder.setInsertionPointToEnd(block);
  return block;
}

ParseResult parseIndexOperand(OpAsmParser &parser, OperationState &result) {
  OpAsmParser::UnresolvedOperand operand;
  return failure(parser.parseOperand(operand) ||
                 parser.resolveOperand(operand, parser.getBuilder().getIndexType(), result.operands));
}

bool isReductionKind(StringRef kind) {
  return llvm::is_contained({"sum", "prod", "max", "min", "any", "all", "argmax", "argmin"}, kind);
}

LogicalResult verifyAccess(Operation *op, BufferType buffer, Type value) {
  if (buffer.getElementType() == value)
    return success();
  return op->emitOpError("moves a ") << value << " but the buffer holds " << buffer.getElementType();
}

} // namespace

void FuncOp::build(OpBuilder &builder, OperationState &state, StringRef name, TypeRange buffers, int64_t scalarCount) {
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Type> types(buffers.begin(), buffers.end());
  types.append(scalarCount + 2, builder.getIndexType());
  state.addAttribute(getSymNameAttrName(state.name), builder.getStringAttr(name));
  state.addAttribute(getFunctionTypeAttrName(state.name), TypeAttr::get(builder.getFunctionType(types, {})));
  Block *block = new Block;
  state.addRegion()->push_back(block);
  for (Type type : types)
    block->addArgument(type, state.location);
}

ParseResult FuncOp::parse(OpAsmParser &parser, OperationState &result) {
  auto type = [](Builder &b, ArrayRef<Type> inputs, ArrayRef<Type> results, function_interface_impl::VariadicFlag,
                 std::string &) -> Type { return b.getFunctionType(inputs, results); };
  return function_interface_impl::parseFunctionOp(parser, result, false, getFunctionTypeAttrName(result.name), type,
                                                  getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void FuncOp::print(OpAsmPrinter &p) {
  function_interface_impl::printFunctionOp(p, *this, false, getFunctionTypeAttrName(), getArgAttrsAttrName(),
                                           getResAttrsAttrName());
}

unsigned FuncOp::bufferCount() {
  return llvm::count_if(getArgumentTypes(), [](Type type) { return isa<BufferType>(type); });
}

LogicalResult FuncOp::verify() {
  unsigned buffers = bufferCount();
  ArrayRef<Type> types = getArgumentTypes();
  if (types.size() < buffers + 2)
    return emitOpError("needs the bounds of the tasks, two index arguments, last");
  for (auto [i, type] : llvm::enumerate(types))
    if (i < buffers ? !isa<BufferType>(type) : !type.isIndex())
      return emitOpError("takes buffers, then index scalars; argument ") << i << " is " << type;
  if (!getResultTypes().empty())
    return emitOpError("has no results");
  return success();
}

void ForOp::build(OpBuilder &builder, OperationState &state, Value lower, Value upper, bool lane,
                  function_ref<void(OpBuilder &, Location, Value)> body) {
  OpBuilder::InsertionGuard guard(builder);
  state.addOperands({lower, upper});
  if (lane)
    state.addAttribute(getLaneAttrName(state.name), builder.getUnitAttr());
  Block *block = addBody(builder, state, 1);
  body(builder, state.location, block->getArgument(0));
  ensureTerminator(*state.regions[0], builder, state.location);
}

ParseResult ForOp::parse(OpAsmParser &parser, OperationState &result) {
  OpAsmParser::Argument index;
  index.type = parser.getBuilder().getIndexType();
  if (succeeded(parser.parseOptionalKeyword("lane")))
    result.addAttribute(getLaneAttrName(result.name), parser.getBuilder().getUnitAttr());
  Region *body = result.addRegion();
  if (parser.parseArgument(index) || parser.parseEqual() || parseIndexOperand(parser, result) ||
      parser.parseKeyword("to") || parseIndexOperand(parser, result) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes) || parser.parseRegion(*body, index))
    return failure();
  ensureTerminator(*body, parser.getBuilder(), result.location);
  return success();
}

void ForOp::print(OpAsmPrinter &p) {
  p << (getLane() ? " lane " : " ") << index() << " = " << getLower() << " to " << getUpper();
  p.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {getLaneAttrName()});
  p << ' ';
  p.printRegion(getBody(), /*printEntryBlockArgs=*/false, /*printBlockTerminators=*/false);
}

LogicalResult ForOp::verify() {
  if (getBody().getNumArguments() != 1 || !index().getType().isIndex())
    return emitOpError("has one index as its body's argument");
  if (getLane())
    for (Operation *parent = (*this)->getParentOp(); parent; parent = parent->getParentOp())
      if (auto loop = dyn_cast<ForOp>(parent); (loop && loop.getLane()) || isa<ReduceOp, ContractOp>(parent))
        return emitOpError("with lanes cannot stand in another lane loop, a reduction or an epilogue");
  return success();
}

void ReduceOp::build(OpBuilder &builder, OperationState &state, StringRef kind, Value upper, Type type,
                     function_ref<Value(OpBuilder &, Location, Value)> body) {
  OpBuilder::InsertionGuard guard(builder);
  state.addOperands(upper);
  state.addTypes(type);
  state.addAttribute(getKindAttrName(state.name), builder.getStringAttr(kind));
  Block *block = addBody(builder, state, 1);
  YieldOp::create(builder, state.location, body(builder, state.location, block->getArgument(0)));
}

ParseResult ReduceOp::parse(OpAsmParser &parser, OperationState &result) {
  OpAsmParser::Argument index;
  index.type = parser.getBuilder().getIndexType();
  StringRef kind;
  Type type;
  Region *body = result.addRegion();
  if (parser.parseKeyword(&kind) || parser.parseArgument(index) || parser.parseKeyword("to") ||
      parseIndexOperand(parser, result) || parser.parseColonType(type) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes) || parser.parseRegion(*body, index))
    return failure();
  result.addAttribute(getKindAttrName(result.name), parser.getBuilder().getStringAttr(kind));
  result.addTypes(type);
  return success();
}

void ReduceOp::print(OpAsmPrinter &p) {
  p << ' ' << getKind() << ' ' << index() << " to " << getUpper() << " : " << getType();
  p.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {getKindAttrName()});
  p << ' ';
  p.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

LogicalResult ReduceOp::verify() {
  if (!isReductionKind(getKind()))
    return emitOpError("knows sum, prod, max, min, any, all, argmax and argmin, not ") << getKind();
  if (getBody().getNumArguments() != 1 || !index().getType().isIndex())
    return emitOpError("has one index as its body's argument");
  auto yield = dyn_cast<YieldOp>(getBody().front().getTerminator());
  if (!yield || yield.getNumOperands() != 1)
    return emitOpError("yields one value");
  Type value = yield.getOperand(0).getType(), type = getType();
  bool index = getKind().starts_with("arg"), logical = getKind() == "any" || getKind() == "all";
  if (index ? !type.isInteger(64) : type != value)
    return emitOpError("of ") << value << " by " << getKind() << " does not give " << type;
  if (logical != value.isInteger(1))
    return emitOpError("by ") << getKind() << " does not take " << value;
  if (!isa<FloatType, IntegerType>(value))
    return emitOpError("takes floats and integers, not ") << value;
  return success();
}

void LoadOp::build(OpBuilder &builder, OperationState &state, Value buffer, Value index) {
  state.addOperands({buffer, index});
  llvm::copy(ArrayRef<int32_t>{1, 1, 0, 0}, state.getOrAddProperties<Properties>().operandSegmentSizes.begin());
  state.addTypes(cast<BufferType>(buffer.getType()).getElementType());
}

LogicalResult LoadOp::verify() {
  if (bool(getMask()) != bool(getOtherwise()))
    return emitOpError("has a mask and a value for where it is false, or neither");
  if (getOtherwise() && getOtherwise().getType() != getType())
    return emitOpError("gives ") << getType() << " or else " << getOtherwise().getType();
  return verifyAccess(*this, getBuffer().getType(), getType());
}

LogicalResult StoreOp::verify() { return verifyAccess(*this, getBuffer().getType(), getValue().getType()); }

Type ContractOp::sumType(Type a, Type b) {
  auto narrow = [](Type t) { return t.isF32() || t.isF16() || t.isBF16(); };
  if (narrow(a) && narrow(b))
    return Float32Type::get(a.getContext());
  bool wide = a.isF64() || (isa<IntegerType>(a) && !a.isInteger(1));
  return a == b && wide ? a : Type();
}

void ContractOp::build(OpBuilder &builder, OperationState &state, ValueRange a, ValueRange b, Value k, ValueRange rows,
                       ValueRange columns, bool packedB,
                       function_ref<void(OpBuilder &, Location, Value, Value, Value)> body) {
  OpBuilder::InsertionGuard guard(builder);
  assert(a.size() == 4 && b.size() == 4 && rows.size() == 2 && columns.size() == 2);
  for (ValueRange operands : {a, b, ValueRange(k), rows, columns})
    state.addOperands(operands);
  if (packedB)
    state.addAttribute(getPackedBAttrName(state.name), builder.getUnitAttr());
  auto element = [](Value buffer) { return cast<BufferType>(buffer.getType()).getElementType(); };
  Block *block = addBody(builder, state, 2, sumType(element(a[0]), element(b[0])));
  body(builder, state.location, block->getArgument(0), block->getArgument(1), block->getArgument(2));
  ensureTerminator(*state.regions[0], builder, state.location);
}

ParseResult ContractOp::parse(OpAsmParser &parser, OperationState &result) {
  OpAsmParser::UnresolvedOperand buffers[2], strides[2][3], bounds[5];
  Type types[2];
  for (int i = 0; i < 2; ++i) {
    if ((i && parser.parseComma()) || parser.parseOperand(buffers[i]) || parser.parseLSquare() ||
        parser.parseOperand(strides[i][0]) || parser.parseComma() || parser.parseOperand(strides[i][1]) ||
        parser.parseComma() || parser.parseOperand(strides[i][2]) || parser.parseRSquare())
      return failure();
  }
  if (parser.parseKeyword("depth") || parser.parseOperand(bounds[0]) || parser.parseKeyword("rows") ||
      parser.parseOperand(bounds[1]) || parser.parseKeyword("to") || parser.parseOperand(bounds[2]) ||
      parser.parseKeyword("columns") || parser.parseOperand(bounds[3]) || parser.parseKeyword("to") ||
      parser.parseOperand(bounds[4]))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("packed")))
    result.addAttribute(getPackedBAttrName(result.name), parser.getBuilder().getUnitAttr());
  if (succeeded(parser.parseOptionalKeyword("unbroken")))
    result.addAttribute(getUnbrokenAttrName(result.name), parser.getBuilder().getUnitAttr());
  if (succeeded(parser.parseOptionalKeyword("pairs")))
    result.addAttribute(getPairsAttrName(result.name), parser.getBuilder().getUnitAttr());
  SmallVector<OpAsmParser::UnresolvedOperand, Windows::kCount> windows;
  if (succeeded(parser.parseOptionalKeyword("windows"))) {
    StringRef of;
    if (parser.parseKeyword("of") || parser.parseKeyword(&of))
      return failure();
    if (succeeded(parser.parseOptionalKeyword("in"))) {
      if (parser.parseKeyword("rows"))
        return failure();
      result.addAttribute(getInRowsAttrName(result.name), parser.getBuilder().getUnitAttr());
    }
    if (parser.parseOperandList(windows, OpAsmParser::Delimiter::Square))
      return failure();
    if (of == "a")
      result.addAttribute(getOfAAttrName(result.name), parser.getBuilder().getUnitAttr());
  }
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes) || parser.parseColonType(types[0]) ||
      parser.parseComma() || parser.parseType(types[1]))
    return failure();
  Type index = parser.getBuilder().getIndexType();
  for (int i = 0; i < 2; ++i)
    if (parser.resolveOperand(buffers[i], types[i], result.operands) ||
        parser.resolveOperands(strides[i], index, result.operands))
      return failure();
  if (parser.resolveOperands(bounds, index, result.operands) || parser.resolveOperands(windows, index, result.operands))
    return failure();
  OpAsmParser::Argument arguments[3];
  if (parser.parseLParen() || parser.parseArgument(arguments[0]) || parser.parseComma() ||
      parser.parseArgument(arguments[1]) || parser.parseComma() || parser.parseArgument(arguments[2]) ||
      parser.parseColonType(arguments[2].type) || parser.parseRParen())
    return failure();
  arguments[0].type = arguments[1].type = index;
  Region *body = result.addRegion();
  if (parser.parseRegion(*body, arguments))
    return failure();
  ensureTerminator(*body, parser.getBuilder(), result.location);
  return success();
}

void ContractOp::print(OpAsmPrinter &p) {
  p << ' ' << getA() << '[' << getABase() << ", " << getAStrideM() << ", " << getAStrideK() << "], ";
  p << getB() << '[' << getBBase() << ", " << getBStrideK() << ", " << getBStrideN() << "] depth " << getK();
  p << " rows " << getRowBegin() << " to " << getRowEnd() << " columns " << getColumnBegin() << " to "
    << getColumnEnd();
  p << (getPackedB() ? " packed" : "") << (getUnbroken() ? " unbroken" : "") << (getPairs() ? " pairs" : "");
  if (hasWindows())
    p << " windows of " << (getOfA() ? "a" : "b") << (getInRows() ? " in rows" : "") << " [" << getWindows() << "]";
  p.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {getPackedBAttrName(), getUnbrokenAttrName(),
                                                           getPairsAttrName(), getOfAAttrName(), getInRowsAttrName()});
  p << " : " << getA().getType() << ", " << getB().getType();
  Block &block = getEpilogue().front();
  p << " (" << block.getArgument(0) << ", " << block.getArgument(1) << ", " << block.getArgument(2) << " : "
    << block.getArgument(2).getType() << ") ";
  p.printRegion(getEpilogue(), /*printEntryBlockArgs=*/false, /*printBlockTerminators=*/false);
}

LogicalResult ContractOp::verify() {
  Type a = getA().getType().getElementType(), b = getB().getType().getElementType(), sum = sumType(a, b);
  if (!sum)
    return emitOpError("does not multiply ") << a << " by " << b;
  auto holdsBF16 = [](Type type) { return type.isBF16() || type.isF32(); };
  if (getPairs() && (getUnbroken() || !holdsBF16(a) || !holdsBF16(b)))
    return emitOpError("in pairs is of bf16, or what was widened to f32");
  if (hasWindows() && (getWindows().size() != Windows::kCount || (getPackedB() && !getOfA())))
    return emitOpError("has windows by ") << Windows::kCount << " numbers, of an operand that is not packed";
  if (getInRows() && (!hasWindows() || getPackedB() || getUnbroken() || getPairs() || a != sum || b != sum))
    return emitOpError("has windows in rows of the type of the sums, and panels of it");
  Block &block = getEpilogue().front();
  if (block.getNumArguments() != 3 || !block.getArgument(0).getType().isIndex() ||
      !block.getArgument(1).getType().isIndex() || block.getArgument(2).getType() != sum)
    return emitOpError("has an epilogue of (index, index, ") << sum << ")";
  return success();
}

LogicalResult PackOp::verify() {
  Type from = getB().getType().getElementType(), to = getPanels().getType().getElementType();
  bool keeps = from.isBF16() && to.isBF16();
  if (ContractOp::sumType(from, from) != to && !keeps)
    return emitOpError("of ") << from << " makes panels of the type of its products' sums, not of " << to;
  return success();
}

Type TransposeOp::laneType(Type row) {
  if (row.isF16() || row.isBF16())
    return Float32Type::get(row.getContext());
  return row.isIntOrFloat() && row.getIntOrFloatBitWidth() >= 32 ? row : Type();
}

LogicalResult TransposeOp::verify() {
  Type row = getRows().getType().getElementType(), lane = getLanes().getType().getElementType();
  if (laneType(row) != lane)
    return emitOpError("has rows of ") << row << " and lanes of " << lane;
  return success();
}

LogicalResult CompactOp::verify() {
  Type flag = getFlags().getType().getElementType(), number = getNumbers().getType().getElementType();
  if (!flag.isInteger(1) || !number.isInteger(32))
    return emitOpError("makes numbers of i32 of flags of i1; got ") << number << " and " << flag;
  return success();
}

#define GET_OP_CLASSES
#include "ir/kernel/KernelOps.cpp.inc"
