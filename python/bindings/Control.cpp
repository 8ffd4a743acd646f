// Bodies of loops and branches, as contexts: `with` traces one.
#include "frontend/trace/Control.h"
#include "python/bindings/PyTensor.h"

#include <optional>

namespace py = pybind11;

namespace weft::python {
namespace {

// Its examples and results are as Python has them; what it is traced and run with are pairs where they are complex.
struct Body {
  std::string name;
  std::vector<Tensor> examples;
  std::vector<bool> isComplexResult;
  std::optional<TracedBody> traced;

  std::vector<Tensor> tensors(py::handle sequence) const { return pairsOf(tensorsOf(name.c_str(), sequence)); }
  py::tuple give(std::vector<Tensor> made) const {
    for (size_t i = 0; i < made.size(); ++i)
      if (isComplexResult[i])
        made[i] = fromPairs(made[i]);
    return toTuple(made);
  }
};

} // namespace

void bindControl(py::module_ &module) {
  py::class_<Body>(module, "TracedBody", notMadeByHand())
      .def("__enter__",
           [](Body &body) {
             body.traced.emplace(body.name.c_str(), pairsOf(body.examples));
             std::vector<Tensor> examples = body.traced->examples();
             for (size_t i = 0; i < examples.size(); ++i)
               examples[i] = fromPairsLike(body.examples[i], examples[i]);
             return toTuple(examples);
           })
      .def("__exit__",
           [](Body &body, const py::handle &error, const py::args &) {
             if (!error.is_none())
               body.traced.reset();
           })
      .def("finish",
           [](Body &body, py::sequence outputs) {
             for (const Tensor &output : tensorsOf(body.name.c_str(), outputs))
               body.isComplexResult.push_back(isComplex(output.dtype()));
             body.traced->finish(body.tensors(outputs));
           })
      .def("scan",
           [](Body &body, py::sequence carries, py::sequence sequences, int64_t length, bool reverse) {
             return body.give(scan(*body.traced, body.tensors(carries), body.tensors(sequences), length, reverse));
           })
      .def("while_loop",
           [](Body &body, const Tensor &condition, py::sequence carries) {
             return body.give(whileLoop(*body.traced, condition, body.tensors(carries)));
           })
      .def("cond", [](Body &body, Body &otherwise, const Tensor &condition, py::sequence operands) {
        return body.give(cond(condition, *body.traced, *otherwise.traced, body.tensors(operands)));
      });
  // The sequences' entries are examples, too.
  module.def("traced_body", [](const std::string &name, py::sequence examples, py::sequence sequences) {
    auto body = std::make_unique<Body>();
    body->name = name;
    body->examples = tensorsOf(name.c_str(), examples);
    for (const Tensor &sequence : tensorsOf(name.c_str(), sequences))
      body->examples.push_back(entryOf(sequence));
    return body;
  });
}

} // namespace weft::python
