#include "ir/OpAccess.h"

#include "ir/GraphIR.h"

using namespace mlir;

namespace weft {

OpKind kindOf(Operation *op) {
  auto *dialect = dyn_cast_or_null<WeftDialect>(op->getDialect());
  if (!dialect)
    return kNoRecord;
  auto found = dialect->kinds().find(op->getName());
  return found == dialect->kinds().end() ? kNoRecord : found->second;
}

const OpInfo &infoOf(Operation *op) {
  OpKind kind = kindOf(op);
  assert(kind != kNoRecord && "an op of ir/ops");
  return info(kind);
}

OpFamily familyOf(Operation *op) { return infoOf(op).family; }

Attrs attrsOf(Operation *op) {
  OpKind kind = kindOf(op);
  const OpInfo &record = info(kind);
  ArrayRef<StringAttr> names = cast<WeftDialect>(op->getDialect())->attrNames(kind);
  Attrs attrs;
  for (int i = 0; i < record.attrCount; ++i) {
    Attribute attr = op->getAttr(names[i]);
    attrs.push_back(record.attrs[i].kind == Attr::Kind::Graph
                        ? Attr::graph(std::make_shared<const Graph>(exportGraph(bodyFunction(op, attr))))
                        : *tryFromMlir(attr, record.attrs[i].kind));
  }
  return attrs;
}

int64_t intOf(Operation *op, StringRef attr) { return op->getAttrOfType<IntegerAttr>(attr).getInt(); }
double floatOf(Operation *op, StringRef attr) { return op->getAttrOfType<FloatAttr>(attr).getValueAsDouble(); }
bool boolOf(Operation *op, StringRef attr) { return op->getAttrOfType<BoolAttr>(attr).getValue(); }
Dims intsOf(Operation *op, StringRef attr) {
  ArrayRef<int64_t> values = op->getAttrOfType<DenseI64ArrayAttr>(attr).asArrayRef();
  return Dims(values.begin(), values.end());
}

static ModuleOp moduleOf(OpBuilder &builder) {
  return builder.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
}

Operation *createOpOfSeveral(OpBuilder &builder, Location location, OpKind op, ValueRange operands,
                             const Attrs &attrs) {
  MLIRContext *context = builder.getContext();
  auto *dialect = context->getOrLoadDialect<WeftDialect>();
  SmallVector<TensorType, 4> types;
  for (Value operand : operands)
    types.push_back(fromMlir(operand.getType()));
  OperationState state(location, dialect->opName(op));
  state.addOperands(operands);
  for (int i = 0; i < resultCount(op, attrs); ++i)
    state.addTypes(toMlir(context, inferType(op, types.data(), int(types.size()), attrs, i)));
  for (auto [name, attr] : llvm::zip(dialect->attrNames(op), attrs))
    state.addAttribute(name,
                       attr.kind == Attr::Kind::Graph ? attributeIn(moduleOf(builder), attr) : toMlir(context, attr));
  return builder.create(state);
}

Value createOp(OpBuilder &builder, Location location, OpKind op, ValueRange operands, const Attrs &attrs) {
  return createOpOfSeveral(builder, location, op, operands, attrs)->getResult(0);
}

bool eraseDeadOps(Block &block, Operation *first) {
  bool changed = false;
  Operation *last = block.getTerminator()->getPrevNode();
  Operation *stop = first ? first->getPrevNode() : nullptr;
  for (Operation *op = last; op != stop;) {
    Operation *before = op->getPrevNode();
    if (op->use_empty()) {
      op->erase();
      changed = true;
    }
    op = before;
  }
  return changed;
}

} // namespace weft
