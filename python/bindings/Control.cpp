// Bodies of loops and branches, as contexts: `with` traces one.
#include "frontend/trace/Control.h"
#include "python/bindings/PyTensor.h"

#include <optional>

namespace py = pybind11;

namespace weft::python {
namespace {

struct Body {
  std::string name;
  std::vector<Tensor> examples;
  std::optional<TracedBody> traced;

  std::vector<Tensor> tensors(py::handle sequence) const { return tensorsOf(name.c_str(), sequence); }
};

} // namespace

void bindControl(py::module_ &module) {
  py::class_<Body>(module, "TracedBody", notMadeByHand())
      .def("__enter__",
           [](Body &body) {
             body.traced.emplace(body.name.c_str(), body.examples);
             return toTuple(body.traced->examples());
           })
      .def("__exit__",
           [](Body &body, const py::handle &error, const py::args &) {
             if (!error.is_none())
               body.traced.reset();
           })
      .def("finish", [](Body &body, py::sequence outputs) { body.traced->finish(body.tensors(outputs)); })
      .def("scan",
           [](Body &body, py::sequence carries, py::sequence sequences, int64_t length, bool reverse) {
             return toTuple(scan(*body.traced, body.tensors(carries), body.tensors(sequences), length, reverse));
           })
      .def("while_loop",
           [](Body &body, const Tensor &condition, py::sequence carries) {
             return toTuple(whileLoop(*body.traced, condition, body.tensors(carries)));
           })
      .def("cond", [](Body &body, Body &otherwise, const Tensor &condition, py::sequence operands) {
        return toTuple(cond(condition, *body.traced, *otherwise.traced, body.tensors(operands)));
      });
  // The sequences' entries are examples, too.
  module.def("traced_body", [](const std::string &name, py::sequence examples, py::sequence sequences) {
    auto body = std::make_unique<Body>();
    body->name = name;
    body->examples = body->tensors(examples);
    for (const Tensor &sequence : body->tensors(sequences))
      body->examples.push_back(entryOf(sequence));
    return body;
  });
}

} // namespace weft::python
