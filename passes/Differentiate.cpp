// The graph to IR, autodiff, and back.
#include "passes/Differentiate.h"
#include "ir/GraphIR.h"
#include "passes/Autodiff.h"
#include "passes/Pipeline.h"

using namespace mlir;

namespace weft {

Graph differentiate(const Graph &graph, const std::vector<int> &wrt) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> module = importGraph(graph, context);
  runStep("autodiff", *module, debugAsksFor("ir"), [&] {
    runAutodiff(*module->getOps<func::FuncOp>().begin(), wrt);
    return true;
  });
  return exportGraph(*module);
}

} // namespace weft
