// The graph to IR, a pass, and back.
#include "passes/Transform.h"
#include "ir/GraphIR.h"
#include "passes/Autodiff.h"
#include "passes/Batch.h"
#include "passes/Forward.h"
#include "passes/Pipeline.h"

using namespace mlir;

namespace weft {

static Graph transformed(const Graph &graph, const char *step, const std::function<void(func::FuncOp)> &pass) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> module = importGraph(graph, context);
  runStep(step, *module, debugAsksFor("ir"), [&] {
    pass(*module->getOps<func::FuncOp>().begin());
    return true;
  });
  return exportGraph(*module);
}

Graph differentiate(const Graph &graph, const std::vector<int> &wrt) {
  return transformed(graph, "autodiff", [&](func::FuncOp func) { runAutodiff(func, wrt); });
}

Graph pushForward(const Graph &graph, const std::vector<int> &wrt) {
  return transformed(graph, "forward", [&](func::FuncOp func) { runForward(func, wrt); });
}

Graph batch(const Graph &graph, const std::vector<bool> &batched, int64_t size) {
  return transformed(graph, "batch", [&](func::FuncOp func) { runBatch(func, batched, size); });
}

} // namespace weft
