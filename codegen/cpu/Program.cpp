#include "codegen/cpu/Program.h"

#include "codegen/cpu/KernelWriter.h"
#include "codegen/cpu/Link.h"
#include "ir/Cancel.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringMap.h"

#include <array>
#include <future>
#include <mutex>
#include <set>

using namespace llvm;

namespace weft::cpu {

static void write(ArrayRef<kernel::FuncOp> kernels, const Target &target, Module &module, StringMap<int64_t> &scratch) {
  KernelWriter writer(module, target);
  for (kernel::FuncOp kernel : kernels) {
    checkCancelled();
    scratch[kernel.getSymName()] = writer.write(kernel);
  }
}

static void noteScratch(Plan &plan, const StringMap<int64_t> &scratch) {
  for (PlanStep &step : plan.steps)
    if (step.control)
      for (Plan &body : step.control->bodies)
        noteScratch(body, scratch);
    else
      step.scratchBytes = scratch.lookup(step.kernel);
}

std::unique_ptr<Module> writeKernels(mlir::ModuleOp kernels, const Target &target, LLVMContext &context, Plan *plan) {
  auto module = std::make_unique<Module>("weft", context);
  target.prepare(*module);
  StringMap<int64_t> scratch;
  write(SmallVector<kernel::FuncOp>(kernels.getOps<kernel::FuncOp>()), target, *module, scratch);
  if (plan)
    noteScratch(*plan, scratch);
  return module;
}

namespace {

// Builds constants that mirror the structs of runtime/Abi.h field by field.
class ProgramWriter {
public:
  ProgramWriter(Module &module, Externs externs) : module(module), context(module.getContext()), externs(externs) {
    pointer = PointerType::getUnqual(context);
    i32 = Type::getInt32Ty(context);
    i64 = Type::getInt64Ty(context);
    factorType = StructType::get(context, {i32, i32, i64});
    extentType = StructType::get(context, {i64, i32, i32, ArrayType::get(factorType, WEFT_MAX_FACTORS)});
  }

  // With a cubin the kernels are in there, and steps name them only.
  Constant *program(const Plan &plan, const std::string &target, uint64_t features, const std::string &cubin = {}) {
    targetName = target;
    neededFeatures = features;
    if (!cubin.empty())
      image = global(ConstantDataArray::getString(context, cubin, /*AddNull=*/false), 64);
    imageBytes = int64_t(cubin.size());
    return program(plan);
  }

private:
  Constant *program(const Plan &plan) {
    std::vector<Constant *> buffers, steps, checks;
    for (const PlanCheck &check : plan.checks)
      checks.push_back(fields({number32(check.buffer), number32(0), string(check.message)}));
    for (const PlanBuffer &buffer : plan.buffers)
      buffers.push_back(this->buffer(buffer));
    for (const PlanStep &step : plan.steps)
      steps.push_back(this->step(step));
    return fields({number32(WEFT_ABI_VERSION), number32(plan.symbolCount), number32(plan.inputCount),
                   number32(plan.outputCount), number32(plan.buffers.size()), number32(plan.steps.size()),
                   array(buffers), array(steps), number64(plan.arenaBytes), image ? image : null(),
                   number64(imageBytes), string(targetName), number64(plan.keptBytes), number32(plan.keptSteps),
                   number32(plan.checks.size()), number64(neededFeatures), array(checks), number32(plan.checkedSteps),
                   number32(0)});
  }

  Constant *number32(int64_t value) { return ConstantInt::get(i32, value, true); }
  Constant *number64(int64_t value) { return ConstantInt::get(i64, value, true); }
  Constant *null() { return ConstantPointerNull::get(pointer); }
  Constant *fields(ArrayRef<Constant *> values) { return ConstantStruct::getAnon(context, values); }

  Constant *global(Constant *value, uint64_t alignment) {
    auto *variable =
        new GlobalVariable(module, value->getType(), /*isConstant=*/true, GlobalValue::PrivateLinkage, value);
    variable->setAlignment(Align(alignment));
    return variable;
  }
  Constant *array(const std::vector<Constant *> &values) {
    return values.empty() ? null()
                          : global(ConstantArray::get(ArrayType::get(values[0]->getType(), values.size()), values), 8);
  }
  Constant *string(const std::string &text) { return global(ConstantDataArray::getString(context, text), 1); }

  Constant *extent(const Extent &extent) {
    std::vector<Constant *> factors;
    for (const WeftFactor &factor : extent.factors)
      factors.push_back(fields({number32(factor.symbol), number32(0), number64(factor.divide)}));
    while (factors.size() < WEFT_MAX_FACTORS)
      factors.push_back(fields({number32(-1), number32(0), number64(1)}));
    return fields({number64(extent.constant), number32(extent.factors.size()), number32(0),
                   ConstantArray::get(ArrayType::get(factorType, WEFT_MAX_FACTORS), factors)});
  }

  Constant *buffer(const PlanBuffer &buffer) {
    Constant *data = null();
    if (buffer.kind == WEFT_CONSTANT)
      data = global(ConstantDataArray::getString(context, buffer.data, /*AddNull=*/false), 64);
    return fields(
        {number32(buffer.kind), number32(buffer.alias), extent(buffer.bytes), number64(buffer.arenaOffset), data});
  }

  Constant *step(const PlanStep &step) {
    Constant *kernel = nullptr, *workspace = null();
    if (step.isExtern && externs == Externs::Linked) {
      kernel = externFunction(step.kernel);
      workspace = externFunction(step.kernel + "_workspace");
    } else {
      kernel = image || step.isExtern || step.control ? null() : module.getFunction(step.kernel);
    }
    if (!kernel)
      throw std::runtime_error("[codegen] the plan launches a kernel that does not exist: " + step.kernel);
    std::vector<Constant *> buffers, scalars, scratch, flops;
    for (int32_t buffer : step.buffers)
      buffers.push_back(number32(buffer));
    for (const Extent &scalar : step.scalars)
      scalars.push_back(extent(scalar));
    for (const Extent &bytes : step.scratch)
      scratch.push_back(extent(bytes));
    for (const Extent &term : step.flops)
      flops.push_back(extent(term));
    return fields({kernel, string(step.kernel), string(step.location), number32(buffers.size()),
                   number32(scalars.size()), array(buffers), array(scalars), extent(step.grid), number64(step.grain),
                   number64(step.scratchBytes), number32(step.batch), number32(step.blockThreads), workspace,
                   array(scratch), number32(scratch.size()), number32(flops.size()),
                   step.control ? control(*step.control) : null(), array(flops)});
  }

  Constant *control(const PlanControl &control) {
    auto body = [&](size_t i) -> Constant * {
      return i < control.bodies.size() ? global(program(control.bodies[i]), 8) : null();
    };
    return global(fields({number32(control.kind), number32(control.carries), number32(control.sequences),
                          number32(control.reverse), extent(control.trips), body(0), body(1)}),
                  8);
  }

  // By its address alone: the type does not matter.
  Constant *externFunction(const std::string &name) {
    auto *type = FunctionType::get(Type::getVoidTy(context), false);
    return cast<Constant>(module.getOrInsertFunction(name, type).getCallee());
  }

  Module &module;
  LLVMContext &context;
  const Externs externs;
  Constant *image = nullptr; // the cubin, of all programs
  int64_t imageBytes = 0;
  std::string targetName;
  uint64_t neededFeatures = 0;
  PointerType *pointer;
  Type *i32, *i64;
  StructType *factorType, *extentType;
};

} // namespace

static void exportProgram(Module &module, Constant *value) {
  new GlobalVariable(module, value->getType(), /*isConstant=*/true, GlobalValue::ExternalLinkage, value,
                     "weft_program");
}

void writeProgram(Module &module, const Plan &plan, const Target &target, Externs externs) {
  exportProgram(module, ProgramWriter(module, externs).program(plan, target.name(), target.neededFeatures()));
}

std::string wrapProgram(const Plan &plan, const std::string &cubin, const std::string &arch, const Target &host) {
  LLVMContext context;
  Module module("weft", context);
  host.prepare(module);
  exportProgram(module, ProgramWriter(module, Externs::Named).program(plan, arch, /*features=*/0, cubin));
  return linkShared({emitObject(module, host)});
}

std::string programObject(mlir::ModuleOp kernels, Plan &plan, const Target &target, Externs externs) {
  LLVMContext context;
  std::unique_ptr<Module> module = writeKernels(kernels, target, context, &plan);
  writeProgram(*module, plan, target, externs);
  optimize(*module, target);
  return emitObject(*module, target);
}

namespace {

int cost(kernel::FuncOp kernel) {
  int operations = 10;
  kernel.walk(
      [&](mlir::Operation *op) { operations += mlir::isa<kernel::ContractOp, kernel::ReduceOp>(op) ? 100 : 1; });
  return operations;
}

// Kernels in two parts of about the same cost.
std::array<std::vector<kernel::FuncOp>, 2> inHalves(mlir::ModuleOp kernels) {
  SmallVector<std::pair<int, kernel::FuncOp>> all;
  for (auto kernel : kernels.getOps<kernel::FuncOp>())
    all.push_back({cost(kernel), kernel});
  // A program's bytes must not depend on where its kernels are in memory, so ties go by name.
  sort(all, [](auto &x, auto &y) {
    return std::make_pair(-x.first, x.second.getSymName()) < std::make_pair(-y.first, y.second.getSymName());
  });
  std::array<std::vector<kernel::FuncOp>, 2> parts;
  int costs[2] = {0, 0};
  for (auto &[cost, kernel] : all) {
    int part = costs[1] < costs[0];
    parts[part].push_back(kernel);
    costs[part] += cost;
  }
  return parts;
}

// Machines of targets that are not in use.
class SpareTargets {
public:
  Target take(const Target &like) {
    std::lock_guard<std::mutex> lock(mutex);
    for (size_t i = 0; i < spare.size(); ++i)
      if (spare[i].cpu == like.cpu && spare[i].features == like.features) {
        Target found = std::move(spare[i]);
        spare.erase(spare.begin() + i);
        return found;
      }
    return like.clone();
  }
  void give(Target target) {
    std::lock_guard<std::mutex> lock(mutex);
    spare.push_back(std::move(target));
  }

private:
  std::mutex mutex;
  std::vector<Target> spare;
};

SpareTargets &spareTargets() {
  static auto *targets = new SpareTargets; // outlives whatever still compiles while the process ends
  return *targets;
}

// What the two parts of a program tell each other.
class Parts {
public:
  // Gives the names of this part, waits for those of the other one and returns them.
  std::set<std::string> exchange(int part, const std::set<std::string> &names) {
    give(part, names);
    return promises[1 - part].get_future().get();
  }
  // The other part must not wait for one that has failed.
  void leave(int part) {
    if (!given[part])
      give(part, {});
  }

private:
  void give(int part, const std::set<std::string> &names) {
    given[part] = true;
    promises[part].set_value(names);
  }
  std::promise<std::set<std::string>> promises[2];
  bool given[2] = {false, false};
};

void share(Function &function) {
  function.setLinkage(GlobalValue::ExternalLinkage);
  function.setVisibility(GlobalValue::HiddenVisibility);
}

// Functions that kernels of both parts call, those of products, are compiled in one of them, in turns.
void shareHelpers(Module &module, int part, Parts &parts) {
  std::set<std::string> own;
  for (Function &function : module)
    if (function.hasInternalLinkage() && !function.isDeclaration())
      own.insert(function.getName().str());
  std::set<std::string> others = parts.exchange(part, own);
  int turn = 0;
  for (const std::string &name : own) {
    if (!others.count(name))
      continue;
    Function *function = module.getFunction(name);
    if (turn++ % 2 != part)
      function->deleteBody();
    share(*function);
  }
}

std::string kernelsObject(ArrayRef<kernel::FuncOp> kernels, const Target &target, StringMap<int64_t> &scratch, int part,
                          Parts &parts) {
  LLVMContext context;
  Module module("weft", context);
  target.prepare(module);
  write(kernels, target, module, scratch);
  for (kernel::FuncOp kernel : kernels)
    share(*module.getFunction(kernel.getSymName()));
  shareHelpers(module, part, parts);
  optimize(module, target);
  return emitObject(module, target);
}

// The kernels as functions of other objects.
void declareKernels(mlir::ModuleOp kernels, Module &module) {
  Type *pointer = PointerType::getUnqual(module.getContext()), *i64 = Type::getInt64Ty(module.getContext());
  auto *signature =
      FunctionType::get(Type::getVoidTy(module.getContext()), {pointer, pointer, i64, i64, pointer}, false);
  for (auto kernel : kernels.getOps<kernel::FuncOp>())
    Function::Create(signature, GlobalValue::ExternalLinkage, kernel.getSymName(), module)
        ->setVisibility(GlobalValue::HiddenVisibility);
}

} // namespace

// Code generation is most of the time of a compilation, so two threads share the kernels of larger programs.
std::string compileProgram(mlir::ModuleOp kernels, Plan &plan, const Target &target) {
  auto halves = inHalves(kernels);
  if (halves[1].empty())
    return linkShared({programObject(kernels, plan, target, Externs::Named)});
  StringMap<int64_t> scratch, otherScratch;
  Parts parts;
  auto other = std::async(std::launch::async, [&] {
    scope_exit atExit([&] { parts.leave(1); });
    Target machine = spareTargets().take(target);
    std::string object = kernelsObject(halves[1], machine, otherScratch, 1, parts);
    spareTargets().give(std::move(machine));
    return object;
  });
  scope_exit atExit([&] { parts.leave(0); });
  std::vector<std::string> objects{kernelsObject(halves[0], target, scratch, 0, parts), other.get()};
  for (auto &entry : otherScratch)
    scratch[entry.getKey()] = entry.getValue();
  noteScratch(plan, scratch);

  LLVMContext context;
  Module program("weft", context);
  target.prepare(program);
  declareKernels(kernels, program);
  writeProgram(program, plan, target, Externs::Named);
  objects.push_back(emitObject(program, target));
  return linkShared(objects);
}

weft::Target scheduleTarget(const Target &target) {
  weft::Target result;
  result.name = "cpu";
  result.vectorBytes = target.vectorBytes;
  result.vectorRegisters = target.vectorRegisters;
  result.dotsPairs = target.dotsPairs;
  result.multipliesTiles = target.multipliesTiles;
  return result;
}

} // namespace weft::cpu
