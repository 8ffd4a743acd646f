#include "codegen/aot/EntryPoints.h"

#include "llvm/IR/IRBuilder.h"

using namespace weft;

namespace {

// The symbol that lld gives the beginning of a file linked with --format=binary.
std::string binarySymbol(const std::string &path) {
  std::string name = "_binary_" + path + "_start";
  for (char &c : name)
    if (!llvm::isAlnum(c))
      c = '_';
  return name;
}

// They gather pointers and call runtime/aot/Model.h. Any machine runs them: it is the run time that says what the
// processor lacks.
class EntryPoints {
public:
  EntryPoints(const AotModel &model, llvm::Module &module, const cpu::Architecture &architecture)
      : model(model), interface(model.interface), module(module), architecture(architecture),
        context(module.getContext()), ir(context) {
    pointer = ir.getPtrTy();
  }

  void write() {
    if (interface.externalWeights)
      weights = new llvm::GlobalVariable(module, pointer, false, llvm::GlobalValue::InternalLinkage, null(), "weights");
    else if (!model.weightsPath.empty())
      weights = new llvm::GlobalVariable(module, ir.getInt8Ty(), true, llvm::GlobalValue::ExternalLinkage, nullptr,
                                         binarySymbol(model.weightsPath));
    description = constantModel();
    writeRun();
    if (!model.states.empty()) {
      writeCreate();
      writeForward("destroy", "weft_destroy_model", ir.getVoidTy(), {pointer});
      writeForward("state", "weft_state_of_model", pointer, {pointer, pointer});
    }
    if (!interface.generator.empty())
      writeForward("seed", "weft_seed_model", ir.getVoidTy(), {pointer, ir.getInt64Ty()});
    if (interface.externalWeights)
      writeLoad();
    writeForward("error", "weft_error_of_model", pointer, {});
    new llvm::GlobalVariable(module, pointer, true, llvm::GlobalValue::ExternalLinkage,
                             string(interfaceText(interface)), "weft_model_interface");
  }

private:
  llvm::Function *define(const char *name, llvm::Type *result, llvm::ArrayRef<llvm::Type *> parameters) {
    auto *function = llvm::Function::Create(llvm::FunctionType::get(result, parameters, false),
                                            llvm::GlobalValue::ExternalLinkage, interface.name + "_" + name, module);
    function->addFnAttr("target-cpu", architecture.baseline);
    function->addFnAttr("target-features", "");
    ir.SetInsertPoint(llvm::BasicBlock::Create(context, "", function));
    return function;
  }
  llvm::Value *callRuntime(const char *name, llvm::Type *result, llvm::ArrayRef<llvm::Value *> arguments) {
    llvm::SmallVector<llvm::Type *> parameters;
    for (llvm::Value *argument : arguments)
      parameters.push_back(argument->getType());
    return ir.CreateCall(module.getOrInsertFunction(name, llvm::FunctionType::get(result, parameters, false)),
                         arguments);
  }
  llvm::Value *array(llvm::Type *type, size_t count) {
    return ir.CreateAlloca(llvm::ArrayType::get(type, std::max<size_t>(count, 1)));
  }
  void setElement(llvm::Value *array, size_t i, llvm::Value *value) {
    ir.CreateStore(value, ir.CreateConstGEP1_64(value->getType(), array, i));
  }

  llvm::Constant *null() { return llvm::ConstantPointerNull::get(pointer); }
  llvm::Constant *constant(llvm::Constant *value) {
    return new llvm::GlobalVariable(module, value->getType(), true, llvm::GlobalValue::PrivateLinkage, value);
  }
  llvm::Constant *string(llvm::StringRef text, bool addNull = true) {
    return constant(llvm::ConstantDataArray::getString(context, text, addNull));
  }
  // A WeftModel.
  llvm::Constant *constantModel() {
    auto *program = new llvm::GlobalVariable(module, ir.getInt8Ty(), true, llvm::GlobalValue::ExternalLinkage, nullptr,
                                             "weft_program");
    llvm::SmallVector<llvm::Constant *> states;
    for (const AotModel::State &state : model.states)
      states.push_back(
          llvm::ConstantStruct::getAnon({string(state.name), ir.getInt32(state.input), ir.getInt32(state.isGenerator),
                                         ir.getInt64(state.bytes), ir.getInt64(state.offset)}));
    llvm::Constant *table = null();
    if (!states.empty())
      table = constant(llvm::ConstantArray::get(llvm::ArrayType::get(states[0]->getType(), states.size()), states));
    llvm::Constant *donations = constant(llvm::ConstantDataArray::get(
        context,
        llvm::ArrayRef<uint32_t>(reinterpret_cast<const uint32_t *>(model.donations.data()), model.donations.size())));
    llvm::SmallVector<llvm::Constant *> names;
    for (auto [kind, value] : model.inputs)
      names.push_back(kind == AotModel::Input::Kind::Parameter ? string(interface.inputs[size_t(value)].name) : null());
    for (size_t i = 0, output = 0; i < model.donations.size(); ++i)
      names.push_back(model.donations[i] < 0 ? string(interface.outputs[output++].name) : null());
    llvm::Constant *nameTable = constant(llvm::ConstantArray::get(llvm::ArrayType::get(pointer, names.size()), names));
    return constant(llvm::ConstantStruct::getAnon({program, table, donations, nameTable, ir.getInt64(states.size())}));
  }

  // Where the weights are; the function returns `failure` where they are not loaded.
  llvm::Value *weightsOrReturn(llvm::Function *function, llvm::Value *failure) {
    if (!interface.externalWeights)
      return weights;
    llvm::Value *base = ir.CreateLoad(pointer, weights);
    auto *missing = llvm::BasicBlock::Create(context, "missing", function),
         *loaded = llvm::BasicBlock::Create(context, "loaded", function);
    ir.CreateCondBr(ir.CreateIsNull(base), missing, loaded);
    ir.SetInsertPoint(missing);
    callRuntime("weft_miss_weights", ir.getVoidTy(), {string(interface.name + "_load")});
    ir.CreateRet(failure);
    ir.SetInsertPoint(loaded);
    return base;
  }

  // [instance,] inputs, outputs, sizes.
  void writeRun() {
    size_t first = model.states.empty() ? 0 : 1, given = interface.inputs.size(), results = interface.outputs.size();
    std::vector<llvm::Type *> parameters(first + given + results, pointer);
    parameters.insert(parameters.end(), size_t(interface.symbolCount), ir.getInt64Ty());
    llvm::Function *function = define("run", ir.getInt32Ty(), parameters);
    llvm::Value *base = weightsOrReturn(function, ir.getInt32(1));
    llvm::Value *none = null(), *inputs = array(pointer, model.inputs.size()),
                *outputs = array(pointer, model.donations.size()),
                *symbols = array(ir.getInt64Ty(), size_t(interface.symbolCount));
    for (size_t i = 0; i < model.inputs.size(); ++i) {
      auto [kind, value] = model.inputs[i];
      setElement(inputs, i,
                 kind == AotModel::Input::Kind::Weight      ? ir.CreateConstGEP1_64(ir.getInt8Ty(), base, value)
                 : kind == AotModel::Input::Kind::Parameter ? function->getArg(unsigned(first + size_t(value)))
                                                            : none);
    }
    auto next = unsigned(first + given);
    for (size_t i = 0; i < model.donations.size(); ++i)
      setElement(outputs, i, model.donations[i] >= 0 ? none : function->getArg(next++));
    for (int k = 0; k < interface.symbolCount; ++k)
      setElement(symbols, size_t(k), function->getArg(next++));
    ir.CreateRet(callRuntime("weft_run_model", ir.getInt32Ty(),
                             {description, first ? function->getArg(0) : none, inputs, outputs, symbols}));
  }

  void writeCreate() {
    llvm::Function *function = define("create", pointer, {});
    llvm::Value *base = weights ? weightsOrReturn(function, null()) : null();
    ir.CreateRet(callRuntime("weft_create_model", pointer, {description, base}));
  }

  // A function that does what one of the run time does.
  void writeForward(const char *name, const char *target, llvm::Type *result, llvm::ArrayRef<llvm::Type *> parameters) {
    llvm::Function *function = define(name, result, parameters);
    llvm::SmallVector<llvm::Value *> arguments;
    for (llvm::Argument &argument : function->args())
      arguments.push_back(&argument);
    llvm::Value *value = callRuntime(target, result, arguments);
    result->isVoidTy() ? ir.CreateRetVoid() : ir.CreateRet(value);
  }

  void writeLoad() {
    llvm::Function *function = define("load", ir.getInt32Ty(), {pointer});
    const std::string &header = model.weights.header;
    llvm::Value *base = callRuntime("weft_map_weights", pointer,
                                    {function->getArg(0), string(header, /*addNull=*/false), ir.getInt64(header.size()),
                                     ir.getInt64(uint64_t(model.weights.fileBytes))});
    auto *failed = llvm::BasicBlock::Create(context, "failed", function),
         *mapped = llvm::BasicBlock::Create(context, "mapped", function);
    ir.CreateCondBr(ir.CreateIsNull(base), failed, mapped);
    ir.SetInsertPoint(failed);
    ir.CreateRet(ir.getInt32(1));
    ir.SetInsertPoint(mapped);
    ir.CreateStore(base, weights);
    ir.CreateRet(ir.getInt32(0));
  }

  const AotModel &model;
  const ModelInterface &interface;
  llvm::Module &module;
  const cpu::Architecture &architecture;
  llvm::LLVMContext &context;
  llvm::IRBuilder<> ir;
  llvm::PointerType *pointer;
  llvm::Constant *description = nullptr;
  llvm::GlobalVariable *weights = nullptr; // their place: itself, or its value once they are loaded
};

} // namespace

std::string weft::entryObject(const AotModel &model, const cpu::Target &target) {
  llvm::LLVMContext context;
  llvm::Module module("weft-aot", context);
  target.prepare(module);
  EntryPoints(model, module, *target.architecture).write();
  return cpu::emitObject(module, target);
}
