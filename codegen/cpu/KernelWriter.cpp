// The walk: functions, loops and the dispatch on operations.
#include "codegen/cpu/KernelWriter.h"

using namespace llvm;

namespace weft::cpu {

KernelWriter::KernelWriter(Module &module, const Target &target)
    : module(module), target(target), b(module.getContext()) {}

int64_t KernelWriter::write(kernel::FuncOp func) {
  Type *pointer = b.getPtrTy(), *i64 = b.getInt64Ty();
  auto *signature = FunctionType::get(b.getVoidTy(), {pointer, pointer, i64, i64, pointer}, false);
  function = Function::Create(signature, GlobalValue::InternalLinkage, func.getSymName(), module);
  function->addFnAttr(Attribute::NoUnwind);
  b.SetInsertPoint(BasicBlock::Create(module.getContext(), "entry", function));
  Value *buffers = function->getArg(0), *scalars = function->getArg(1);
  scratch = function->getArg(4);
  scratchBytes = mostScratchBytes = roundedBytes = 0;
  values.clear();
  rowsAhead.clear();
  nextRows.clear();

  unsigned bufferCount = func.bufferCount(), count = func.getNumArguments();
  for (unsigned i = 0; i < count; ++i) {
    bool isBuffer = i < bufferCount;
    Value *value;
    if (isBuffer)
      value = b.CreateLoad(pointer, b.CreateConstGEP1_64(pointer, buffers, i));
    else if (i < count - 2)
      value = b.CreateLoad(i64, b.CreateConstGEP1_64(i64, scalars, i - bufferCount));
    else
      value = function->getArg(i == count - 2 ? 2 : 3);
    values[func.getArgument(i)] = Lanes::uniform(value);
  }
  block(func.getBody().front());
  return std::max(mostScratchBytes, scratchBytes) + roundedBytes;
}

void KernelWriter::block(mlir::Block &block) {
  for (mlir::Operation *op : inOrder(block))
    operation(op);
}

void KernelWriter::operation(mlir::Operation *op) {
  if (arithmetic(op))
    return;
  if (auto load = mlir::dyn_cast<kernel::LoadOp>(op))
    return this->load(load);
  if (auto store = mlir::dyn_cast<kernel::StoreOp>(op))
    return this->store(store);
  if (auto loop = mlir::dyn_cast<kernel::ForOp>(op))
    return forLoop(loop);
  if (auto reduce = mlir::dyn_cast<kernel::ReduceOp>(op))
    return this->reduce(reduce);
  if (auto contract = mlir::dyn_cast<kernel::ContractOp>(op))
    return this->contract(contract);
  if (auto pack = mlir::dyn_cast<kernel::PackOp>(op))
    return this->pack(pack);
  if (auto transpose = mlir::dyn_cast<kernel::TransposeOp>(op))
    return this->transpose(transpose);
  if (auto compact = mlir::dyn_cast<kernel::CompactOp>(op))
    return this->compact(compact);
  if (auto memory = mlir::dyn_cast<kernel::ScratchOp>(op)) {
    Type *element = memoryType(memory.getType().getElementType());
    int64_t elements = int64_t(memory.getElements());
    values[memory] = Lanes::uniform(memory.getTimes() ? reserveScratch(element, elements, scalar(memory.getTimes()))
                                                      : reserveScratch(element, elements));
    return;
  }
  if (mlir::isa<kernel::ReturnOp>(op)) {
    b.CreateRetVoid();
    return;
  }
  if (!mlir::isa<kernel::YieldOp>(op))
    unsupported(op, "the CPU code generator does not know this operation");
}

int64_t KernelWriter::reserveScratch(int64_t bytes) {
  int64_t offset = scratchBytes;
  scratchBytes = alignTo(offset + bytes, 64);
  return offset;
}

Value *KernelWriter::reserveScratch(Type *element, int64_t count) {
  int64_t bytes = count * int64_t(module.getDataLayout().getTypeStoreSize(element));
  return b.CreateConstGEP1_64(b.getInt8Ty(), scratch, reserveScratch(bytes));
}

// What is reserved later stands behind it: the step's scratch memory is larger by the bytes, which the plan knows, and
// by what rounding them up may add.
Value *KernelWriter::reserveScratch(Type *element, int64_t count, Value *times) {
  constexpr int64_t kAlignment = 64;
  int64_t bytes = count * int64_t(module.getDataLayout().getTypeStoreSize(element));
  Value *memory = b.CreateConstGEP1_64(b.getInt8Ty(), scratch, scratchBytes);
  Value *all = b.CreateAdd(b.CreateMul(times, b.getInt64(bytes)), b.getInt64(kAlignment - 1));
  scratch = b.CreateGEP(b.getInt8Ty(), scratch, b.CreateAnd(all, b.getInt64(-kAlignment)));
  roundedBytes += kAlignment;
  return memory;
}

AllocaInst *KernelWriter::stackArray(Type *element, int64_t count) {
  IRBuilder<> entry(&function->getEntryBlock(), function->getEntryBlock().begin());
  AllocaInst *array = entry.CreateAlloca(ArrayType::get(element, count));
  array->setAlignment(Align(64));
  return array;
}

void KernelWriter::forLoop(kernel::ForOp op) {
  Value *lower = scalar(op.getLower()), *upper = scalar(op.getUpper());
  if (op.getLane() && !inLanes())
    return laneLoop(lower, upper, op.getBody().front(), [&](Lanes index) {
      values[op.index()] = index;
      prefetchRows(op, index);
      block(op.getBody().front());
    });
  findPrefetches(op);
  loop(lower, upper, 1, [&](Value *index) {
    findNextRows(op, index);
    values[op.index()] = Lanes::uniform(index);
    block(op.getBody().front());
  });
}

// Whole vectors, then one under a mask: two copies of the body. A long body is written once, under a mask all the way,
// where masks cost next to nothing: compiling it takes longer than what is lost.
void KernelWriter::laneLoop(Value *lower, Value *upper, mlir::Block &body, function_ref<void(Lanes)> run) {
  Value *count = maximum(b.CreateSub(upper, lower), constant(0));
  lanes = lanesFor(body, count);
  auto *first = dyn_cast<ConstantInt>(lower);
  bool aligned = first && first->getSExtValue() % lanes == 0;
  Value *rest = b.CreateAnd(count, constant(lanes - 1));
  auto *known = dyn_cast<ConstantInt>(rest);
  if (!(known && known->isZero()) && isLong(body)) {
    loop(lower, upper, lanes, [&](Value *index) {
      laneMask = firstLanes(b.CreateSub(upper, index));
      run(Lanes::linear(index, constant(1), aligned));
      laneMask = nullptr;
    });
    lanes = 1;
    return;
  }
  Value *whole = b.CreateAdd(lower, b.CreateAnd(count, constant(-lanes)));
  loop(lower, whole, lanes, [&](Value *index) { run(Lanes::linear(index, constant(1), aligned)); });
  branch(b.CreateICmpNE(rest, constant(0)), [&] {
    laneMask = firstLanes(rest);
    run(Lanes::linear(whole, constant(1), aligned));
    laneMask = nullptr;
  });
  lanes = 1;
}

KernelWriter::Carried KernelWriter::loop(Value *lower, Value *upper, int64_t step, const Carried &initial,
                                         function_ref<Carried(Value *, const Carried &)> body, bool atLeastOnce) {
  auto *first = dyn_cast<ConstantInt>(lower), *last = dyn_cast<ConstantInt>(upper);
  bool known = first && last;
  bool runs = atLeastOnce || (known && first->getSExtValue() < last->getSExtValue());
  if (known && !runs)
    return initial;
  if (known && first->getSExtValue() + step >= last->getSExtValue())
    return body(lower, initial);

  LLVMContext &context = module.getContext();
  BasicBlock *before = b.GetInsertBlock(), *enter = BasicBlock::Create(context, "loop", function), *exit;
  exit = BasicBlock::Create(context, "end", function);
  if (runs)
    b.CreateBr(enter);
  else
    b.CreateCondBr(b.CreateICmpSLT(lower, upper), enter, exit);
  b.SetInsertPoint(enter);
  PHINode *index = b.CreatePHI(b.getInt64Ty(), 2, "i");
  index->addIncoming(lower, before);
  Carried carried;
  for (Value *value : initial) {
    PHINode *phi = b.CreatePHI(value->getType(), 2);
    phi->addIncoming(value, before);
    carried.push_back(phi);
  }
  Carried next = body(index, carried);
  Value *following = b.CreateAdd(index, constant(step), "", /*HasNUW=*/false, /*HasNSW=*/true);
  BasicBlock *latch = b.GetInsertBlock();
  b.CreateCondBr(b.CreateICmpSLT(following, upper), enter, exit);
  index->addIncoming(following, latch);
  exit->moveAfter(latch);
  b.SetInsertPoint(exit);
  Carried results;
  for (auto [i, value] : enumerate(next)) {
    cast<PHINode>(carried[i])->addIncoming(value, latch);
    if (runs) {
      results.push_back(value);
      continue;
    }
    PHINode *phi = b.CreatePHI(value->getType(), 2);
    phi->addIncoming(initial[i], before);
    phi->addIncoming(value, latch);
    results.push_back(phi);
  }
  return results;
}

void KernelWriter::loop(Value *lower, Value *upper, int64_t step, function_ref<void(Value *)> body) {
  loop(lower, upper, step, {}, [&](Value *index, const Carried &) {
    body(index);
    return Carried{};
  });
}

KernelWriter::Carried KernelWriter::branch(Value *condition, const Carried &carried,
                                           function_ref<Carried(const Carried &)> then) {
  if (auto *known = dyn_cast<ConstantInt>(condition))
    return known->isOne() ? then(carried) : carried;
  BasicBlock *before = b.GetInsertBlock();
  BasicBlock *yes = BasicBlock::Create(module.getContext(), "then", function);
  BasicBlock *join = BasicBlock::Create(module.getContext(), "join", function);
  b.CreateCondBr(condition, yes, join);
  b.SetInsertPoint(yes);
  Carried results, next = then(carried);
  BasicBlock *after = b.GetInsertBlock();
  b.CreateBr(join);
  join->moveAfter(after);
  b.SetInsertPoint(join);
  for (auto [i, value] : enumerate(next)) {
    PHINode *phi = b.CreatePHI(value->getType(), 2);
    phi->addIncoming(carried[i], before);
    phi->addIncoming(value, after);
    results.push_back(phi);
  }
  return results;
}

void KernelWriter::branch(Value *condition, function_ref<void()> then) {
  branch(condition, {}, [&](const Carried &) {
    then();
    return Carried{};
  });
}

} // namespace weft::cpu
