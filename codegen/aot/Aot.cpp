#include "codegen/aot/Aot.h"

#include "codegen/GraphToKernel.h"
#include "codegen/WriteFile.h"
#include "codegen/aot/Header.h"
#include "codegen/aot/SafeTensors.h"
#include "codegen/cpu/Link.h"
#include "codegen/cpu/Program.h"
#include "ir/GraphIR.h"
#include "passes/Pipeline.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <stdexcept>

using namespace weft;

namespace {

// Where an input of the program comes from: a parameter of NAME_run, or a place in the file of weights.
struct Source {
  bool isWeight;
  int64_t value; // the parameter's number, or the offset in the file
};

struct Model {
  ModelInterface interface;
  std::vector<Source> inputs;
  SafeTensors weights;
  std::string weightsPath;
};

std::string stringAttribute(mlir::func::FuncOp main, unsigned argument, llvm::StringRef name) {
  auto attribute = main.getArgAttrOfType<mlir::StringAttr>(argument, name);
  return attribute ? attribute.str() : "";
}

Source weightSource(const SafeTensors &weights, const AotOptions &options, const std::string &name,
                    const TensorType &type) {
  if (options.weightsPath.empty())
    throw std::runtime_error("the model has the weight " + name +
                             ", but no file of weights is given; name one with --weights-file");
  auto found = weights.tensors.find(name);
  if (found == weights.tensors.end())
    throw std::runtime_error("the weight " + name + " is not in " + options.weightsPath);
  if (found->second.type != type)
    throw std::runtime_error("the weight " + name + " is " + toString(found->second.type) + " in " +
                             options.weightsPath + ", but " + toString(type) + " in the model");
  return {true, found->second.offset};
}

Model readModel(mlir::ModuleOp module, const Graph &graph, const AotOptions &options) {
  auto main = module.lookupSymbol<mlir::func::FuncOp>("main");
  Model model;
  model.interface.name = options.name;
  model.interface.source = options.source;
  model.interface.symbolCount = graph.symbolCount;
  model.weightsPath = options.weightsPath;
  if (!options.weightsPath.empty())
    model.weights = SafeTensors::read(options.weightsPath);
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const Input &input = graph.inputs[i];
    if (!input.strides.empty())
      throw std::runtime_error("argument " + std::to_string(i) +
                               " of @main has strides; an ahead-of-time model takes contiguous arrays");
    std::string weight = stringAttribute(main, i, "weft.weight"), name = stringAttribute(main, i, "weft.name");
    if (!weight.empty()) {
      model.inputs.push_back(weightSource(model.weights, options, weight, input.type));
      continue;
    }
    model.inputs.push_back({false, int64_t(model.interface.inputs.size())});
    model.interface.inputs.push_back({name.empty() ? "input" + std::to_string(i) : cIdentifier(name), input.type});
  }
  bool hasWeights = model.interface.inputs.size() != graph.inputs.size();
  model.interface.externalWeights = options.externalWeights && hasWeights;
  if (!hasWeights)
    model.weightsPath.clear();
  for (size_t i = 0; i < graph.outputs.size(); ++i)
    model.interface.outputs.push_back({"output" + std::to_string(i), graph.type(graph.outputs[i])});
  return model;
}

// The symbol that lld gives the beginning of a file linked with --format=binary.
std::string binarySymbol(const std::string &path) {
  std::string name = "_binary_" + path + "_start";
  for (char &c : name)
    if (!llvm::isAlnum(c))
      c = '_';
  return name;
}

// The C functions, which gather pointers and call runtime/aot/Model.h. Any machine runs them: it is the run time that
// says what the processor lacks.
class EntryPoints {
public:
  EntryPoints(const Model &model, llvm::Module &module, const cpu::Architecture &architecture)
      : model(model), module(module), architecture(architecture), context(module.getContext()), ir(context) {
    pointer = ir.getPtrTy();
  }

  void write() {
    const std::string &name = model.interface.name;
    if (model.weightsPath.empty())
      weights = nullptr;
    else if (model.interface.externalWeights)
      weights = new llvm::GlobalVariable(module, pointer, false, llvm::GlobalValue::InternalLinkage,
                                         llvm::ConstantPointerNull::get(pointer), "weights");
    else
      weights = new llvm::GlobalVariable(module, ir.getInt8Ty(), true, llvm::GlobalValue::ExternalLinkage, nullptr,
                                         binarySymbol(model.weightsPath));
    writeRun(name + "_run");
    if (model.interface.externalWeights)
      writeLoad(name + "_load");
    llvm::Function *error = define(name + "_error", pointer, {});
    ir.CreateRet(ir.CreateCall(runtime("weft_model_error", pointer, {}), {}));
    (void)error;
  }

private:
  llvm::Function *define(const std::string &name, llvm::Type *result, llvm::ArrayRef<llvm::Type *> parameters) {
    auto *function = llvm::Function::Create(llvm::FunctionType::get(result, parameters, false),
                                            llvm::GlobalValue::ExternalLinkage, name, module);
    function->addFnAttr("target-cpu", architecture.baseline);
    function->addFnAttr("target-features", "");
    ir.SetInsertPoint(llvm::BasicBlock::Create(context, "", function));
    return function;
  }
  llvm::FunctionCallee runtime(const char *name, llvm::Type *result, llvm::ArrayRef<llvm::Type *> parameters) {
    return module.getOrInsertFunction(name, llvm::FunctionType::get(result, parameters, false));
  }
  llvm::Value *pointerArray(size_t count) {
    return ir.CreateAlloca(llvm::ArrayType::get(pointer, std::max<size_t>(count, 1)));
  }
  void setElement(llvm::Type *type, llvm::Value *array, size_t i, llvm::Value *value) {
    ir.CreateStore(value, ir.CreateConstGEP1_64(type, array, i));
  }

  void writeRun(const std::string &name) {
    const ModelInterface &interface = model.interface;
    size_t given = interface.inputs.size(), results = interface.outputs.size();
    std::vector<llvm::Type *> parameters(given + results, pointer);
    parameters.insert(parameters.end(), interface.symbolCount, ir.getInt64Ty());
    llvm::Function *function = define(name, ir.getInt32Ty(), parameters);
    llvm::Value *base = weights;
    if (interface.externalWeights) {
      base = ir.CreateLoad(pointer, weights);
      auto *missing = llvm::BasicBlock::Create(context, "missing", function),
           *loaded = llvm::BasicBlock::Create(context, "loaded", function);
      ir.CreateCondBr(ir.CreateIsNull(base), missing, loaded);
      ir.SetInsertPoint(missing);
      ir.CreateRet(ir.CreateCall(runtime("weft_model_no_weights", ir.getInt32Ty(), {pointer}),
                                 {ir.CreateGlobalString(interface.name + "_load")}));
      ir.SetInsertPoint(loaded);
    }
    llvm::Value *inputs = pointerArray(model.inputs.size()), *outputs = pointerArray(results);
    llvm::Value *symbols = ir.CreateAlloca(llvm::ArrayType::get(ir.getInt64Ty(), std::max(interface.symbolCount, 1)));
    for (size_t i = 0; i < model.inputs.size(); ++i) {
      const Source &source = model.inputs[i];
      setElement(pointer, inputs, i,
                 source.isWeight ? ir.CreateConstGEP1_64(ir.getInt8Ty(), base, source.value)
                                 : function->getArg(source.value));
    }
    for (size_t i = 0; i < results; ++i)
      setElement(pointer, outputs, i, function->getArg(given + i));
    for (int k = 0; k < interface.symbolCount; ++k)
      setElement(ir.getInt64Ty(), symbols, k, function->getArg(given + results + k));
    auto *program = new llvm::GlobalVariable(module, ir.getInt8Ty(), true, llvm::GlobalValue::ExternalLinkage, nullptr,
                                             "weft_program");
    ir.CreateRet(ir.CreateCall(runtime("weft_model_run", ir.getInt32Ty(), {pointer, pointer, pointer, pointer}),
                               {program, inputs, outputs, symbols}));
  }

  void writeLoad(const std::string &name) {
    llvm::Function *function = define(name, ir.getInt32Ty(), {pointer});
    llvm::Constant *text = llvm::ConstantDataArray::getString(context, model.weights.header, /*AddNull=*/false);
    auto *header = new llvm::GlobalVariable(module, text->getType(), true, llvm::GlobalValue::PrivateLinkage, text);
    llvm::Value *base = ir.CreateCall(
        runtime("weft_model_map_weights", pointer, {pointer, pointer, ir.getInt64Ty(), ir.getInt64Ty()}),
        {function->getArg(0), header, ir.getInt64(model.weights.header.size()), ir.getInt64(model.weights.fileBytes)});
    auto *failed = llvm::BasicBlock::Create(context, "failed", function),
         *mapped = llvm::BasicBlock::Create(context, "mapped", function);
    ir.CreateCondBr(ir.CreateIsNull(base), failed, mapped);
    ir.SetInsertPoint(failed);
    ir.CreateRet(ir.getInt32(1));
    ir.SetInsertPoint(mapped);
    ir.CreateStore(base, weights);
    ir.CreateRet(ir.getInt32(0));
  }

  const Model &model;
  llvm::Module &module;
  const cpu::Architecture &architecture;
  llvm::LLVMContext &context;
  llvm::IRBuilder<> ir;
  llvm::PointerType *pointer;
  llvm::GlobalVariable *weights = nullptr;
};

std::string entryObject(const Model &model, const cpu::Target &target) {
  llvm::LLVMContext context;
  llvm::Module module("weft-aot", context);
  target.prepare(module);
  EntryPoints(model, module, *target.architecture).write();
  return cpu::emitObject(module, target);
}

// The run time for the target's architecture.
std::string runtimeArchive(const std::string &folder, const cpu::Architecture &architecture) {
  if (&architecture == &cpu::Architecture::host())
    return folder + "/libweft_runtime.a";
  std::string library = std::string("weft_runtime_") + architecture.name, path = folder + "/lib" + library + ".a";
  if (!llvm::sys::fs::exists(path))
    throw std::runtime_error("there is no run time for " + std::string(architecture.name) + " at " + path +
                             "; install Debian's libstdc++-12-dev-" + architecture.debianName +
                             "-cross and build it: tools/dev build " + library);
  return path;
}

} // namespace

std::string weft::buildModel(mlir::ModuleOp module, const AotOptions &options, const std::string &path) {
  Graph graph = exportGraph(module);
  Model model = readModel(module, graph, options);
  cpu::Target target = cpu::Target::find(options.cpu);
  model.interface.target = target.name();
  runPipeline(module);
  Lowered lowered = lowerToKernels(module, cpu::scheduleTarget(target));
  std::vector<std::string> objects{cpu::programObject(*lowered.kernels, lowered.plan, target),
                                   entryObject(model, target)};

  const std::string &name = options.name, libraries = target.architecture->libraries;
  std::string exports("{ global: " + name + "_run; " + name + "_load; " + name + "_error; local: *; };\n");
  std::vector<std::string> arguments{"-z",
                                     "undefs",
                                     "-z",
                                     "nodelete",
                                     "--gc-sections",
                                     "--eh-frame-hdr", // without it no exception of the run time is ever caught
                                     "--undefined-version",
                                     runtimeArchive(options.runtimeFolder, *target.architecture),
                                     "-L/usr/lib/" + libraries,
                                     "-L/lib/" + libraries,
                                     "-L/usr/" + libraries + "/lib", // of a cross compiler
                                     "-L/usr/lib64",
                                     "-l:libstdc++.so.6",
                                     "-l:libc.so.6",
                                     "-l:libm.so.6",
                                     "-l:libgcc_s.so.1"};
  if (target.architecture->triple.isAArch64()) // whose libc.so.6 lacks pthread_atfork
    arguments.push_back("-l:libc_nonshared.a");
  if (!model.weightsPath.empty() && !model.interface.externalWeights)
    arguments.insert(arguments.end(), {"--format=binary", model.weightsPath, "--format=default"});
  writeFile(path, cpu::linkShared(objects, arguments, exports));
  return headerText(model.interface);
}
