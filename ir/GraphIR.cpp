#include "ir/GraphIR.h"

#include "ir/OpAccess.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/MD5.h"

#include <stdexcept>

using namespace mlir;

namespace weft {

Location toMlirLocation(MLIRContext &context, const std::string &location) {
  size_t colon = location.rfind(':');
  unsigned line = 0;
  if (colon == std::string::npos || StringRef(location).substr(colon + 1).getAsInteger(10, line) || line == 0)
    return location.empty() ? Location(UnknownLoc::get(&context)) : NameLoc::get(StringAttr::get(&context, location));
  return FileLineColLoc::get(&context, location.substr(0, colon), line, 0);
}

std::string locationText(Location location) {
  if (auto file = dyn_cast<FileLineColLoc>(location))
    return file.getFilename().str() + ":" + std::to_string(file.getLine());
  if (auto name = dyn_cast<NameLoc>(location))
    return name.getName().str();
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      if (std::string text = locationText(part); !text.empty())
        return text;
  return "";
}

static constexpr char kChecksName[] = "weft.checks", kTypicalSizeName[] = "weft.typical_size",
                      kTypicalSizesName[] = "weft.typical_sizes";

TypicalSizes typicalSizes(Operation *func) {
  TypicalSizes sizes;
  if (auto given = func->getAttrOfType<IntegerAttr>(kTypicalSizeName))
    sizes.any = std::clamp<int64_t>(given.getInt(), 1, INT32_MAX);
  if (auto given = func->getAttrOfType<DenseI64ArrayAttr>(kTypicalSizesName))
    for (int64_t size : given.asArrayRef())
      sizes.listed.push_back(std::clamp<int64_t>(size, 1, INT32_MAX));
  return sizes;
}

std::vector<std::string> checkMessages(Operation *func) {
  std::vector<std::string> messages;
  if (auto given = func->getAttrOfType<ArrayAttr>(kChecksName))
    for (auto message : given.getAsRange<StringAttr>())
      messages.push_back(message.str());
  return messages;
}

static func::FuncOp importFunction(ModuleOp module, StringRef name, const Graph &graph) {
  MLIRContext &context = *module.getContext();
  auto *dialect = context.getLoadedDialect<WeftDialect>();
  OpBuilder builder(&context);
  Location unknown = builder.getUnknownLoc();
  std::vector<Location> locations;
  for (const std::string &location : graph.locations)
    locations.push_back(toMlirLocation(context, location));

  SmallVector<Type> inputTypes, outputTypes;
  for (const Input &input : graph.inputs)
    inputTypes.push_back(toMlir(&context, input.type));
  for (ValueId output : graph.outputs)
    outputTypes.push_back(toMlir(&context, graph.type(output)));
  SmallVector<Attribute> messages; // of the checks, whose values are the last results
  for (const GraphCheck &check : graph.checks) {
    outputTypes.push_back(toMlir(&context, graph.type(check.broken)));
    messages.push_back(builder.getStringAttr(check.message));
  }
  builder.setInsertionPointToEnd(module.getBody());
  auto func = func::FuncOp::create(builder, unknown, name, builder.getFunctionType(inputTypes, outputTypes));
  for (auto [i, input] : llvm::enumerate(graph.inputs)) {
    if (!input.strides.empty())
      func.setArgAttr(i, "weft.strides", toMlir(&context, Attr::list(input.strides)));
    if (input.weight)
      func.setArgAttr(i, "weft.weight", builder.getUnitAttr());
  }
  if (!graph.donations.empty())
    func->setAttr("weft.donations",
                  builder.getDenseI64ArrayAttr(SmallVector<int64_t>(graph.donations.begin(), graph.donations.end())));
  if (!messages.empty())
    func->setAttr(kChecksName, builder.getArrayAttr(messages));
  if (graph.symbolCount)
    func->setAttr("weft.symbol_count", builder.getI64IntegerAttr(graph.symbolCount));
  if (graph.typicalSizes.any != kTypicalSize)
    func->setAttr(kTypicalSizeName, builder.getI64IntegerAttr(graph.typicalSizes.any));
  if (!graph.typicalSizes.listed.empty())
    func->setAttr(kTypicalSizesName, builder.getDenseI64ArrayAttr(graph.typicalSizes.listed));

  Block *block = func.addEntryBlock();
  builder.setInsertionPointToEnd(block);
  std::vector<Value> values(block->args_begin(), block->args_end());
  for (const Node &node : graph.nodes) {
    if (node.result > 0) {
      values.push_back(values[node.operands[0]].getDefiningOp()->getResult(node.result));
      continue;
    }
    Location location = node.location < 0 ? unknown : locations[node.location];
    OperationState state(location, dialect->opName(node.op));
    for (ValueId operand : node.operands)
      state.operands.push_back(values[operand]);
    for (auto [name, attr] : llvm::zip(dialect->attrNames(node.op), node.attrs))
      state.addAttribute(name, attributeIn(module, attr));
    for (int i = 0; i < resultCount(node.op, node.attrs); ++i)
      state.addTypes(toMlir(&context, (&node)[i].type));
    values.push_back(builder.create(state)->getResult(0));
  }
  SmallVector<Value> outputs;
  for (ValueId output : graph.outputs)
    outputs.push_back(values[output]);
  for (const GraphCheck &check : graph.checks)
    outputs.push_back(values[check.broken]);
  func::ReturnOp::create(builder, unknown, outputs);
  return func;
}

OwningOpRef<ModuleOp> importGraph(const Graph &graph, MLIRContext &context) {
  context.loadDialect<func::FuncDialect, WeftDialect>();
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  importFunction(*module, "main", graph);
  return module;
}

// Named after its contents, so that equal bodies are one.
static FlatSymbolRefAttr importBody(ModuleOp module, const Graph &body) {
  llvm::MD5 hash;
  hash.update(serialize(body));
  llvm::MD5::MD5Result digest = hash.final();
  std::string name = "body_" + std::string(digest.digest());
  if (!module.lookupSymbol<func::FuncOp>(name))
    importFunction(module, name, body).setPrivate();
  return FlatSymbolRefAttr::get(module.getContext(), name);
}

Attribute attributeIn(ModuleOp module, const Attr &attr) {
  return attr.kind == Attr::Kind::Graph ? Attribute(importBody(module, *attr.body)) : toMlir(module.getContext(), attr);
}

func::FuncOp bodyFunction(Operation *op, Attribute attr) {
  auto name = dyn_cast_or_null<FlatSymbolRefAttr>(attr);
  return name ? op->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(name.getAttr()) : func::FuncOp();
}

[[noreturn]] static void malformed(const std::string &what) { throw std::runtime_error("[graph] " + what); }

SmallVector<func::FuncOp> graphsOf(ModuleOp module, bool mayHaveGroups) {
  auto isTensor = [](Type type) { return tryFromMlir(type).has_value(); };
  SmallVector<func::FuncOp> graphs;
  for (func::FuncOp func : module.getOps<func::FuncOp>())
    if (!func.isExternal() && func.getBody().hasOneBlock() && llvm::all_of(func.getArgumentTypes(), isTensor) &&
        llvm::all_of(func.front().without_terminator(),
                     [&](Operation &op) { return hasRecord(&op) || (mayHaveGroups && isa<GroupOp>(op)); }))
      graphs.push_back(func);
  return graphs;
}

Graph exportGraph(ModuleOp module) {
  auto func = module.lookupSymbol<func::FuncOp>("main");
  if (!func)
    malformed("the module has no function @main; name the function main");
  return exportGraph(func);
}

Graph exportGraph(func::FuncOp func) {
  if (func.isExternal() || !func.getBody().hasOneBlock())
    malformed("the function @" + func.getSymName().str() + " has not one block");
  Graph graph;
  llvm::DenseMap<Value, ValueId> ids;
  Block &block = func.front();
  for (BlockArgument argument : block.getArguments()) {
    std::optional<TensorType> type = tryFromMlir(argument.getType());
    if (!type)
      malformed("argument " + std::to_string(argument.getArgNumber()) + " of @" + func.getSymName().str() +
                " is not a tensor of weft");
    Dims strides;
    if (auto given = func.getArgAttrOfType<DenseI64ArrayAttr>(argument.getArgNumber(), "weft.strides"))
      strides = Dims(given.asArrayRef().begin(), given.asArrayRef().end());
    ids[argument] = graph.addInput(*type, strides);
    graph.inputs.back().weight = func.getArgAttr(argument.getArgNumber(), "weft.weight") != nullptr;
  }
  llvm::StringMap<int32_t> locations;
  for (Operation &op : block.without_terminator()) {
    OpKind kind = kindOf(&op);
    if (kind == kNoRecord)
      malformed("'" + op.getName().getStringRef().str() + "' is not an op of a graph");
    std::vector<ValueId> operands;
    for (Value operand : op.getOperands())
      operands.push_back(ids.at(operand));
    int32_t location = -1;
    if (std::string text = locationText(op.getLoc()); !text.empty()) {
      location = locations.try_emplace(text, int32_t(graph.locations.size())).first->second;
      if (location == int32_t(graph.locations.size()))
        graph.locations.push_back(text);
    }
    std::vector<TensorType> types;
    for (Value result : op.getResults())
      types.push_back(typeOf(result));
    ValueId first = graph.addNodes(kind, std::move(operands), attrsOf(&op), types, location);
    for (OpResult result : op.getResults())
      ids[result] = first + ValueId(result.getResultNumber());
  }
  for (Value output : block.getTerminator()->getOperands())
    graph.outputs.push_back(ids.at(output));
  std::vector<std::string> messages = checkMessages(func);
  size_t outputs = graph.outputs.size() - messages.size();
  for (size_t i = 0; i < messages.size(); ++i)
    graph.checks.push_back({graph.outputs[outputs + i], messages[i]});
  graph.outputs.resize(outputs);
  if (auto donations = func->getAttrOfType<DenseI64ArrayAttr>("weft.donations"))
    graph.donations.assign(donations.asArrayRef().begin(), donations.asArrayRef().end());
  if (auto count = func->getAttrOfType<IntegerAttr>("weft.symbol_count"))
    graph.symbolCount = int(count.getInt());
  graph.typicalSizes = typicalSizes(func);
  return graph;
}

} // namespace weft
