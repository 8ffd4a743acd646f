// The extension module weft._C: the front end for Python. The package around it is python/weft.
#include "frontend/executables/CompilerLibrary.h"
#include "frontend/trace/Trace.h"
#include "python/bindings/Function.h"
#include "python/bindings/PyTensor.h"
#include "runtime/BlockingRegion.h"
#include "runtime/cpu/ThreadPool.h"

namespace py = pybind11;

PYBIND11_MODULE(_C, module) {
  using namespace weft::python;
  module.doc() = "The C++ half of weft.";
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      std::rethrow_exception(pointer);
    } catch (const weft::UserError &) {
      translateException();
    } catch (const weft::OutOfMemory &) {
      translateException();
    }
  });
  bindFunctions(module);
  bindSize(module);
  bindDTypes(module);
  defineTensorType(module);
  bindOps(module);
  bindOverride(module);
  bindSparse(module);
  bindTensorMethods(module);
  bindIndexing(module);
  bindCreation(module);
  bindBuffers(module);
  bindDLPack(module);
  bindArrow(module);
  bindExchange(module);
  bindGradMode(module);
  bindAutograd(module);
  bindBatching(module);
  bindControl(module);
  bindCustomFunction(module);
  bindGradFunction(module);
  bindModuleBase(module);
  bindCompile(module);
  bindUserPlaces();
  bindExport(module);
  bindKernels(module);
  bindProfile(module);
  bindCuda(module);
  bindInterpreterLock();
  Definitions(module)
      .def(
          "set_num_threads",
          [](int threads) {
            if (threads < 1)
              weft::fail(weft::UserError::Kind::Runtime, "set_num_threads",
                         "expected a positive number of threads; got " + std::to_string(threads));
            if (weft::Trace *trace = weft::Trace::active())
              trace->notReplayable("it calls set_num_threads()");
            weft::BlockingRegion region; // it waits for the pool
            weft::ThreadPool::global().resize(threads);
          },
          py::arg("num"), "Sets how many threads kernels run on. No result depends on it.")
      .def(
          "get_num_threads",
          [] {
            if (weft::Trace *trace = weft::Trace::active())
              trace->notReplayable("it calls get_num_threads()");
            return weft::ThreadPool::global().threadCount();
          },
          "How many threads kernels run on: WEFT_NUM_THREADS, or as many as processors, until set_num_threads.");
  module.def("compiler_loaded", &weft::compilerLibraryLoaded);
}
