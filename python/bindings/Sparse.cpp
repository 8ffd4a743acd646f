// Sparse tensors, whose class and functions are weft/sparse's.
#include "frontend/tensor/Sparse.h"
#include "python/bindings/PyTensor.h"

namespace py = pybind11;

namespace weft::python {

void bindSparse(py::module_ &module) {
  module.def("set_sparse_type", [](py::type type) {
    sparseType = reinterpret_cast<PyTypeObject *>(type.release().ptr()); // for good
  });
  module.def("make_sparse", [](const Dims &shape, int layout, py::sequence parts, bool coalesced) {
    SparseParts made;
    made.layout = SparseParts::Layout(layout);
    made.coalesced = coalesced;
    made.parts = tensorsOf("sparse", parts);
    return makeSparse(shape, std::move(made));
  });
  // Other parts of the same layout, as an operation in place leaves them.
  module.def("assign_sparse", [](const Tensor &t, py::sequence parts, bool coalesced) {
    t.impl->sparse->parts = tensorsOf("sparse", parts);
    t.impl->sparse->coalesced = coalesced;
  });
  // (layout's number, coalesced, parts).
  module.def("sparse_parts", [](const Tensor &t) {
    if (!isSparse(t))
      fail(UserError::Kind::Type, "sparse_parts", "needs a sparse tensor; got a dense one");
    const SparseParts &sparse = *t.impl->sparse;
    return py::make_tuple(int(sparse.layout), sparse.coalesced, toTuple(sparse.parts));
  });
}

} // namespace weft::python
