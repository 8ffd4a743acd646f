// vmap's function of one example, as a context: `with` traces it.
#include "frontend/trace/BatchedFunction.h"
#include "python/bindings/PyTensor.h"

#include <optional>

namespace py = pybind11;

namespace weft::python {
namespace {

struct Batching {
  Batching(std::vector<Tensor> batches, int64_t size, Trace::Randomness randomness)
      : batches(std::move(batches)), size(size), randomness(randomness) {}
  Batching(const Batching &) = delete;

  std::vector<Tensor> batches;
  int64_t size;
  Trace::Randomness randomness;
  std::optional<BatchedFunction> function;
};

Trace::Randomness randomnessOf(const std::string &text) {
  return text == "same"        ? Trace::Randomness::Same
         : text == "different" ? Trace::Randomness::Different
                               : Trace::Randomness::Error;
}

} // namespace

void bindBatching(py::module_ &module) {
  py::class_<Batching>(module, "Batching", notMadeByHand())
      .def("__enter__",
           [](Batching &b) {
             b.function.emplace(pairsOf(b.batches), b.size, b.randomness);
             std::vector<Tensor> examples = b.function->examples();
             for (size_t i = 0; i < examples.size(); ++i)
               examples[i] = fromPairsLike(b.batches[i], examples[i]);
             return toTuple(examples);
           })
      .def("__exit__", [](Batching &b, const py::args &) { b.function.reset(); })
      .def("finish", [](Batching &b, py::sequence outputs) {
        py::list list;
        std::vector<Tensor> given = tensorsOf("vmap", outputs);
        std::vector<BatchedFunction::Output> made = b.function->finish(pairsOf(given));
        for (size_t i = 0; i < made.size(); ++i)
          list.append(py::make_tuple(py::cast(fromPairsLike(given[i], made[i].batch)), made[i].differs));
        return list;
      });
  module.def("batching", [](py::sequence batches, int64_t size, const std::string &randomness) {
    return std::make_unique<Batching>(tensorsOf("vmap", batches), size, randomnessOf(randomness));
  });
}

} // namespace weft::python
