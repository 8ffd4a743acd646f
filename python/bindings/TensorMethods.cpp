// Properties and methods of weft.Tensor that are not ops of the table, attached to the type.
#include "frontend/Autograd.h"
#include "frontend/Trace.h"
#include "python/bindings/PyTensor.h"

#include <pybind11/stl.h>

namespace py = pybind11;

namespace weft::python {
namespace {

// Adds a C++ function to the type as a method; the first argument is the tensor.
struct Methods {
  py::handle type;
  template <class F, class... Extra> Methods &def(const char *name, F &&function, const Extra &...extra) {
    type.attr(name) = py::cpp_function(std::forward<F>(function), py::name(name), py::is_method(type), extra...);
    return *this;
  }
};

// Properties as descriptors of the C API: reading one is a single C call.
template <auto get> PyObject *getter(PyObject *self, void *) {
  return guarded([&] { return get(unbox(self)); });
}

PyObject *intTuple(const Dims &dims) {
  PyObject *tuple = PyTuple_New(dims.size());
  for (int i = 0; i < dims.size(); ++i)
    PyTuple_SET_ITEM(tuple, i, PyLong_FromLongLong(dims[i]));
  return tuple;
}
PyObject *newReference(PyObject *object) {
  Py_INCREF(object);
  return object;
}

PythonHook pythonHook(const char *op, py::object function, bool mayReplace) {
  if (!PyCallable_Check(function.ptr()))
    fail(UserError::Kind::Type, op, std::string("a hook must be callable; got ") + Py_TYPE(function.ptr())->tp_name);
  if (Trace *trace = Trace::active())
    trace->notReplayable("it registers a hook");
  return {op, sharedFunction(std::move(function)), mayReplace};
}

PyObject *getShape(const Tensor &t) { return intTuple(t.shape()); }
PyObject *getDType(const Tensor &t) { return newReference(boxDType(t.dtype())); }
PyObject *getDevice(const Tensor &t) { return boxDevice(t.device()); }
PyObject *getNdim(const Tensor &t) { return PyLong_FromLong(t.dim()); }
PyObject *getRequiresGrad(const Tensor &t) { return PyBool_FromLong(t.requiresGrad()); }
PyObject *getIsLeaf(const Tensor &t) { return PyBool_FromLong(t.isLeaf()); }
PyObject *getGrad(const Tensor &t) {
  Tensor grad = t.grad();
  return grad.defined() ? box(grad) : newReference(Py_None);
}
PyObject *getVersion(const Tensor &t) {
  if (Trace *trace = Trace::active())
    trace->notReplayable("it reads how often a tensor was written to");
  return PyLong_FromLong(t.version());
}
PyObject *getData(const Tensor &t) { return box(t.detach()); }
PyObject *getGradFnName(const Tensor &t) {
  const char *name = gradFunctionName(t);
  if (!name)
    return newReference(Py_None);
  std::string text;
  bool upper = true;
  for (const char *c = name; *c; ++c) {
    if (*c == '_') {
      upper = true;
      continue;
    }
    text += upper ? char(toupper(*c)) : *c;
    upper = false;
  }
  return PyUnicode_FromString((text + "Backward0").c_str());
}

int setRequiresGrad(PyObject *self, PyObject *value, void *) {
  try {
    Tensor t = unbox(self);
    t.requiresGrad(value && PyObject_IsTrue(value) == 1);
    return 0;
  } catch (...) {
    translateException();
    return -1;
  }
}
int setGrad(PyObject *self, PyObject *value, void *) {
  try {
    if (value && value != Py_None && !isTensor(value))
      fail(UserError::Kind::Type, "grad", std::string("is a tensor or None; got ") + Py_TYPE(value)->tp_name);
    Tensor target = unbox(self);
    target.setGrad(value && value != Py_None ? unbox(value) : Tensor());
    return 0;
  } catch (...) {
    translateException();
    return -1;
  }
}
// x.data = y: x becomes a view of y's memory; its history and .grad stay.
int setData(PyObject *self, PyObject *value, void *) {
  try {
    if (!value || !isTensor(value))
      fail(UserError::Kind::Type, "data", "must be set to a tensor");
    Tensor target = unbox(self), source = unbox(value);
    if (Trace *trace = Trace::active())
      trace->notReplayable("it sets .data");
    target.impl->storage = source.impl->storage;
    target.impl->shape = source.impl->shape;
    target.impl->strides = source.impl->strides;
    target.impl->offset = source.impl->offset;
    target.impl->dtype = source.impl->dtype;
    target.impl->traceValue = -1;
    return 0;
  } catch (...) {
    translateException();
    return -1;
  }
}

PyGetSetDef properties[] = {
    {"shape", getter<getShape>, nullptr, "The sizes, as a tuple.", nullptr},
    {"dtype", getter<getDType>, nullptr, "The type of the elements.", nullptr},
    {"device", getter<getDevice>, nullptr, "Where the memory is.", nullptr},
    {"ndim", getter<getNdim>, nullptr, "The number of dimensions.", nullptr},
    {"requires_grad", getter<getRequiresGrad>, setRequiresGrad, "Whether gradients are computed for it.", nullptr},
    {"is_leaf", getter<getIsLeaf>, nullptr, "Whether it was made by the user rather than by an op on the tape.",
     nullptr},
    {"grad", getter<getGrad>, setGrad, "The gradient that backward() accumulated, or None.", nullptr},
    {"data", getter<getData>, setData, "The same memory without history.", nullptr},
    {"_version", getter<getVersion>, nullptr, "How often the memory was written in place.", nullptr},
    {"grad_fn_name", getter<getGradFnName>, nullptr, "Name of the op that made it, or None.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

// Sizes as PyTorch takes them: one sequence, or several ints.
Dims sizesOf(const char *op, const py::args &args) {
  if (args.size() == 1)
    return unboxDims(py::object(args[0]).ptr(), op, "sizes");
  return unboxDims(args.ptr(), op, "sizes");
}

std::vector<int64_t> intsOf(py::handle sequence) {
  std::vector<int64_t> values;
  for (py::handle item : sequence)
    values.push_back(item.cast<int64_t>());
  return values;
}

py::tuple tupleOf(const std::vector<Tensor> &tensors) {
  py::tuple result(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i)
    result[i] = py::reinterpret_steal<py::object>(box(tensors[i]));
  return result;
}

// to(dtype), to(device), to(device, dtype), to(other).
Tensor convert(const Tensor &t, const py::args &args, const py::kwargs &kwargs) {
  Tensor result = t;
  bool copy = false;
  auto apply = [&](py::handle argument) {
    if (argument.is_none())
      return;
    if (isDType(argument.ptr())) {
      result = result.to(unboxDType(argument.ptr()));
    } else if (isTensor(argument.ptr())) {
      Tensor like = unbox(argument.ptr());
      result = result.to(like.device()).to(like.dtype());
    } else {
      result = result.to(unboxDevice(argument.ptr()));
    }
  };
  for (py::handle argument : args)
    apply(argument);
  for (auto [name, value] : kwargs) {
    std::string key = name.cast<std::string>();
    if (key == "copy")
      copy = value.cast<bool>();
    else if (key == "device" || key == "dtype")
      apply(value);
    else if (key != "non_blocking")
      fail(UserError::Kind::Type, "to", "has no parameter " + key + "; it takes device, dtype and copy");
  }
  return copy && result.is(t) ? result.clone() : result;
}

py::object item(const Tensor &t) {
  if (t.numel() != 1)
    fail(UserError::Kind::Runtime, "item",
         "only a tensor with one element can become a number; got " + toString(t.type()) +
             "; index it, or use .tolist()");
  if (t.dtype() == DType::Bool)
    return py::bool_(t.itemBool());
  return isFloat(t.dtype()) ? py::object(py::float_(t.itemDouble())) : py::object(py::int_(t.itemInt()));
}

Tensor numberOrTensor(py::handle value, const char *op) {
  Tensor t = operand(value.ptr());
  if (!t.defined())
    fail(UserError::Kind::Type, op, std::string("expected a number or a tensor; got ") + Py_TYPE(value.ptr())->tp_name);
  return t;
}

} // namespace

void bindTensorMethods(py::module_ &module) {
  py::object dict = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject *>(tensorType));
  for (PyGetSetDef *property = properties; property->name; ++property)
    dict.attr(property->name) = py::reinterpret_steal<py::object>(PyDescr_NewGetSet(tensorType, property));

  Methods methods{py::handle(reinterpret_cast<PyObject *>(tensorType))};
  methods.def("dim", &Tensor::dim, "The number of dimensions.")
      .def("numel", &Tensor::numel, "The number of elements.")
      .def("element_size", [](const Tensor &t) { return itemSize(t.dtype()); })
      .def(
          "size",
          [](const Tensor &t, py::object dim) -> py::object {
            if (dim.is_none())
              return py::reinterpret_steal<py::object>(getShape(t));
            return py::int_(t.size(dim.cast<int64_t>()));
          },
          py::arg("dim") = py::none())
      .def(
          "stride",
          [](const Tensor &t, py::object dim) -> py::object {
            if (dim.is_none())
              return py::cast(t.strides());
            return py::int_(t.strides()[axisOf("stride", dim.cast<int64_t>(), t.dim())]);
          },
          py::arg("dim") = py::none())
      .def("storage_offset", &Tensor::offset)
      .def("data_ptr", [](const Tensor &t) { return reinterpret_cast<uintptr_t>(t.data()); })
      .def("is_contiguous", &Tensor::isContiguous, "Whether the elements lie in row-major order without gaps.")
      .def("is_floating_point", [](const Tensor &t) { return isFloat(t.dtype()); })
      .def("item", &item, "The one element as a Python number.");
  // ---- views
  methods
      .def(
          "view",
          [](const Tensor &t, const py::args &args) {
            if (args.size() == 1 && isDType(py::object(args[0]).ptr()))
              fail(UserError::Kind::NotImplemented, "view", "to another dtype is not supported; use .to(dtype)");
            return view(t, sizesOf("view", args));
          },
          "The same memory with another shape; an error where the strides do not allow it.")
      .def(
          "reshape", [](const Tensor &t, const py::args &args) { return reshape(t, sizesOf("reshape", args)); },
          "A view with another shape where possible, else a copy.")
      .def(
          "permute", [](const Tensor &t, const py::args &args) { return permute(t, sizesOf("permute", args)); },
          "The dimensions in another order.")
      .def(
          "expand", [](const Tensor &t, const py::args &args) { return expand(t, sizesOf("expand", args)); },
          "Dimensions of size 1 repeated without a copy; -1 keeps a size.")
      .def(
          "transpose", [](const Tensor &t, int a, int b) { return transpose(t, a, b); }, py::arg("dim0"),
          py::arg("dim1"))
      .def("unsqueeze", &unsqueeze, py::arg("dim"))
      .def(
          "squeeze",
          [](const Tensor &t, py::object dim) { return dim.is_none() ? squeeze(t) : squeeze(t, dim.cast<int>()); },
          py::arg("dim") = py::none())
      .def("flatten", &flatten, py::arg("start_dim") = 0, py::arg("end_dim") = -1)
      .def("narrow", &narrow, py::arg("dim"), py::arg("start"), py::arg("length"))
      .def("select", &select, py::arg("dim"), py::arg("index"))
      .def(
          "split",
          [](const Tensor &t, py::object size, int dim) {
            return tupleOf(PyLong_Check(size.ptr()) ? split(t, size.cast<int64_t>(), dim)
                                                    : split(t, intsOf(size), dim));
          },
          py::arg("split_size"), py::arg("dim") = 0)
      .def(
          "chunk", [](const Tensor &t, int64_t n, int dim) { return tupleOf(chunk(t, n, dim)); }, py::arg("chunks"),
          py::arg("dim") = 0)
      .def("detach", &Tensor::detach, "The same memory without history.");
  // ---- copies
  methods.def("contiguous", &Tensor::contiguous, "Itself where it is contiguous, else a copy that is.")
      .def("clone", &Tensor::clone, "A copy.")
      .def("to", &convert, "Converted to a dtype and/or moved to a device; itself where nothing changes.");
  // ---- in place
  methods.def(
             "copy_", [](const Tensor &t, const Tensor &source) { return copy_(t, source); }, py::arg("src"))
      .def(
          "fill_", [](const Tensor &t, py::handle value) { return fill_(t, numberOrTensor(value, "fill_")); },
          py::arg("value"))
      .def("zero_", &zero_);
  module.def("masked_fill", [](const Tensor &x, const Tensor &mask, py::handle value) {
    return maskedFill(x, mask, numberOrTensor(value, "masked_fill"));
  });
  // ---- autograd
  methods
      .def(
          "requires_grad_",
          [](Tensor t, bool value) {
            t.requiresGrad(value);
            return t;
          },
          py::arg("requires_grad") = true)
      .def("retain_grad", &retainGrad)
      .def(
          "register_hook",
          [](const Tensor &t, py::object hook) {
            HookHandle handle = registerHook(t, pythonHook("register_hook", std::move(hook), true));
            trackHooks(t);
            return handle;
          },
          py::arg("hook"), "Calls hook(gradient) when it is known; what it returns, unless None, is used instead.")
      .def(
          "register_post_accumulate_grad_hook",
          [](const Tensor &t, py::object hook) {
            HookHandle handle =
                registerAccumulateHook(t, pythonHook("register_post_accumulate_grad_hook", std::move(hook), false));
            trackHooks(t);
            return handle;
          },
          py::arg("hook"), "Calls hook(tensor) when this leaf's .grad has been accumulated.")
      .def(
          "backward",
          [](const Tensor &t, std::optional<Tensor> gradient, py::object retain, bool create) {
            bool keep = retain.is_none() ? create : retain.cast<bool>();
            backward({t}, {gradient.value_or(Tensor())}, keep, create);
          },
          py::arg("gradient") = py::none(), py::arg("retain_graph") = py::none(), py::arg("create_graph") = false,
          "Accumulates the gradients of this tensor into the .grad of the leaves it was computed from.");

  // Makes nn.Parameter objects: a tensor of its own on the memory of `data`, in an object of `type`.
  module.def("tensor_alias", [](py::type type, const Tensor &data) {
    if (!PyType_IsSubtype(reinterpret_cast<PyTypeObject *>(type.ptr()), tensorType))
      fail(UserError::Kind::Type, "tensor_alias", "the type must be weft.Tensor or derived from it");
    Tensor alias = aliasOf(data, data.shape(), data.strides(), data.offset());
    return py::reinterpret_steal<py::object>(boxAs(reinterpret_cast<PyTypeObject *>(type.ptr()), alias));
  });
  module.def("broadcast_tensors", [](const py::args &args) {
    std::vector<Tensor> tensors;
    for (py::handle item : args)
      tensors.push_back(numberOrTensor(item, "broadcast_tensors"));
    return tupleOf(broadcastTensors(tensors));
  });
  module.def("same_storage", &Tensor::sharesStorage);
  module.def("result_type", [](py::handle a, py::handle b) {
    return resultType(numberOrTensor(a, "result_type"), numberOrTensor(b, "result_type"));
  });
}

} // namespace weft::python
