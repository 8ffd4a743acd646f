#include "frontend/dispatch/EagerKernel.h"

#include "frontend/dispatch/KnownCalls.h"
#include "frontend/executables/Executables.h"
#include "frontend/tensor/Snapshot.h"
#include "runtime/BlockingRegion.h"

#include <vector>

namespace weft {

KernelKey beginKey(const EagerCall &call) {
  KernelKey key;
  key.byte(int(call.op) & 255);
  key.byte(int(call.op) >> 8);
  key.byte(int(call.device.kind) * 64 + call.device.index);
  key.byte(call.count & 255);
  key.byte(call.donated + 1);
  for (const Attr &a : call.attrs)
    key.attr(a);
  return key;
}

Graph completed(const EagerCall &call, Graph graph) {
  std::vector<TensorType> types;
  std::vector<ValueId> operands;
  for (const Input &input : graph.inputs) {
    operands.push_back(ValueId(types.size()));
    types.push_back(input.type);
  }
  std::vector<TensorType> results;
  for (int i = 0; i < resultCount(call.op, call.attrs); ++i)
    results.push_back(inferType(call.op, types.data(), int(types.size()), call.attrs, i));
  ValueId first = graph.addNodes(call.op, std::move(operands), call.attrs, results);
  graph.outputs.clear();
  for (ValueId i = 0; i < ValueId(results.size()); ++i)
    graph.outputs.push_back(first + i);
  if (call.donated >= 0)
    graph.donations = {call.donated};
  return graph;
}

void run(const EagerCall &call, const KernelKey &key, const ExecutablePtr &executable, const SymbolTable &symbols) {
  if (key.overflowed())
    CallRecorder::noteOther();
  else
    CallRecorder::noteRun(executable, symbols.values(), call.operands, call.count, call.out);
  void *local[kInlineOperands];
  std::vector<void *> many;
  void **inputs = local;
  if (call.count > kInlineOperands) {
    many.resize(size_t(call.count));
    inputs = many.data();
  }
  int64_t bytes = 0;
  for (int i = 0; i < call.count; ++i) {
    inputs[i] = call.operands[i].data();
    bytes += call.operands[i].impl->storage->bytes;
  }
  void *localOuts[kMostResults];
  std::vector<void *> manyOuts;
  void **outs = localOuts;
  const int results = resultCount(call.op, call.attrs);
  if (results > kMostResults) {
    manyOuts.resize(size_t(results));
    outs = manyOuts.data();
  }
  outs[0] = call.out;
  for (int i = 1; i < results; ++i)
    outs[i] = call.others[i - 1];
  const bool isSmall = bytes + executable->outputBytes(0, symbols.values()) < Executable::kLongBytes;
  if ((isSmall && !executable->hasControl()) || !executable->takesLong(symbols.values()))
    return executable->run(inputs, outs, symbols.values());
  Pins pins(call.operands, call.count);
  ExecutablePtr kept = executable; // of the table, which may forget it
  BlockingRegion region;
  kept->run(inputs, outs, symbols.values());
}

void compileAndRun(const EagerCall &call, const KernelKey &key, Graph graph, const SymbolTable &symbols) {
  Snapshot now(call.operands, call.count);
  EagerCall same{call.op, now.data(), call.count, call.attrs, call.device, call.out, call.donated, call.others};
  run(same, key, addKernel(key, executableFor(completed(call, std::move(graph)), call.device)), symbols);
}

} // namespace weft
