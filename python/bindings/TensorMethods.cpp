// Properties and methods of weft.Tensor that are not ops of the table, attached to the type.
#include "frontend/autograd/Autograd.h"
#include "frontend/trace/Trace.h"
#include "python/bindings/Function.h"
#include "python/bindings/Override.h"

#include <pybind11/complex.h>

namespace py = pybind11;

namespace weft::python {
namespace {

// Properties as descriptors of the C API: reading one is a single C call.
template <auto get> PyObject *getter(PyObject *self, void *) {
  return guarded([&] { return get(unbox(self)); });
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

PyObject *getShape(const Tensor &t) { return give(t.shape()); }
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
PyObject *getData(PyObject *self, void *) {
  return guarded([&] {
    auto data = py::reinterpret_steal<py::object>(box(unbox(self).detach()));
    return overrides(self) ? asObjectOf(Py_TYPE(self), std::move(data)) : data.release().ptr();
  });
}
PyObject *getGradFn(const Tensor &t) {
  if (Trace *trace = Trace::active())
    trace->notReplayable("it looks at the tape");
  return gradFunctionOf(t).release().ptr();
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
      trace->flush("it sets .data"); // what was recorded means the memory that it has now
    if (isComplex(target.dtype()) != isComplex(source.dtype()))
      fail(UserError::Kind::Runtime, "data",
           "cannot be set to one of the other kind, real or complex; got " + toString(source.type()) + " for " +
               toString(target.type()) + "; convert it with .to(dtype)");
    if (isComplex(target.dtype())) { // the pairs first
      TensorImpl &pairs = *target.impl->base;
      pairs.storage = source.impl->storage;
      pairs.shape = source.pairs().shape();
      pairs.strides = source.pairs().strides();
      pairs.offset = source.pairs().offset();
      pairs.dtype = partOf(source.dtype());
      pairs.noGradView = pairs.viewsRequiring = false;
    }
    target.impl->storage = source.impl->storage;
    target.impl->shape = source.impl->shape;
    target.impl->strides = source.impl->strides;
    target.impl->offset = source.impl->offset;
    target.impl->dtype = source.impl->dtype;
    target.impl->noGradView = target.impl->viewsRequiring = false;
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
    {"data", getData, setData, "The same memory without history.", nullptr},
    {"_version", getter<getVersion>, nullptr, "How often the memory was written in place.", nullptr},
    {"grad_fn", getter<getGradFn>, nullptr, "What made it, on the tape; None for a leaf.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

py::tuple tupleOf(const std::vector<Tensor> &tensors) {
  py::tuple result(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i)
    result[i] = py::reinterpret_steal<py::object>(box(tensors[i]));
  return result;
}

// The format that a weft.memory_format says; what is given as None is `fallback`.
MemoryFormat formatOf(const char *op, const py::object &format, MemoryFormat fallback) {
  if (format.is_none())
    return fallback;
  if (!py::hasattr(format, "_number"))
    fail(UserError::Kind::Type, op,
         std::string("memory_format must be a weft.memory_format; got ") + Py_TYPE(format.ptr())->tp_name);
  return MemoryFormat(py::cast<int>(format.attr("_number")));
}

// to(dtype), to(device), to(device, dtype), to(other): None leaves things as they are.
Tensor convert(const Tensor &t, const py::args &args, const py::object &device, const py::object &dtype, bool copy,
               bool nonBlocking, const py::object &format) {
  Tensor result = t;
  auto warn = [&](DType wanted) {
    constexpr const char *kText = "Casting complex values to real discards the imaginary part";
    bool discards = isComplex(result.dtype()) && !isComplex(wanted) && wanted != DType::Bool;
    if (discards && PyErr_WarnEx(PyExc_UserWarning, kText, 1) != 0)
      throw py::error_already_set();
  };
  auto apply = [&](PyObject *argument) {
    if (argument == Py_None)
      return;
    if (isDType(argument)) {
      warn(unboxDType(argument));
      result = result.to(unboxDType(argument));
    } else if (isTensor(argument)) {
      Tensor like = unbox(argument);
      warn(like.dtype());
      result = result.to(like.device(), nonBlocking).to(like.dtype());
    } else {
      result = result.to(unboxDevice(argument), nonBlocking);
    }
  };
  for (py::handle argument : args)
    apply(argument.ptr());
  apply(device.ptr());
  apply(dtype.ptr());
  result = inFormat("to", result, formatOf("to", format, MemoryFormat::Preserve));
  return copy && result.is(t) ? result.clone() : result;
}

py::object item(const Tensor &t) {
  if (t.numel() != 1)
    fail(UserError::Kind::Runtime, "item",
         "only a tensor with one element can become a number; got " + toString(t.type()) +
             "; index it, or use .tolist()");
  if (t.dtype() == DType::Bool)
    return py::bool_(t.itemBool());
  if (isComplex(t.dtype()))
    return py::cast(t.itemComplex());
  if (t.dtype() == DType::UInt64)
    return py::int_(uint64_t(t.itemInt()));
  return isFloat(t.dtype()) ? py::object(py::float_(t.itemDouble())) : py::object(py::int_(t.itemInt()));
}

} // namespace

// ---- Arguments of single methods

// Of split(): one size for all parts, or the size of each.
struct SplitSize {
  std::optional<int64_t> each;
  std::vector<int64_t> all;
};
template <> struct Argument<SplitSize> {
  static constexpr uint32_t kinds = kInt | kInts;
  static SplitSize read(PyObject *value, const ArgumentOf &of) {
    if (isOfKinds(value, kInt))
      return {Argument<int64_t>::read(value, of), {}};
    return {std::nullopt, Argument<std::vector<int64_t>>::read(value, of)};
  }
};
struct ViewSize : IntList {
  std::optional<DType> dtype; // instead
};
template <> struct Argument<ViewSize> {
  static constexpr uint32_t kinds = Argument<IntList>::kinds;
  static ViewSize read(PyObject *value, const ArgumentOf &of) {
    if (PyTuple_CheckExact(value) && PyTuple_GET_SIZE(value) == 1 && isDType(PyTuple_GET_ITEM(value, 0)))
      return {{}, unboxDType(PyTuple_GET_ITEM(value, 0))};
    return {Argument<IntList>::read(value, of), {}};
  }
};

// Memory that is one of bytes as elements of a dtype.
static Tensor viewOfBytes(const Tensor &bytes, const Dims &shape, const Dims &strides, int64_t offset, DType dtype) {
  Dims sizes = shape, steps = strides;
  if (isComplex(dtype)) {
    for (int64_t &step : steps)
      step *= 2;
    sizes.push_back(2);
    steps.push_back(1);
  }
  Tensor view = aliasOf(bytes, sizes, steps, isComplex(dtype) ? offset * 2 : offset);
  view.impl->dtype = partOf(dtype);
  return isComplex(dtype) ? fromPairs(view) : view;
}

void bindTensorMethods(py::module_ &module) {
  py::object dict = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject *>(tensorType));
  for (PyGetSetDef *property = properties; property->name; ++property)
    dict.attr(property->name) = py::reinterpret_steal<py::object>(PyDescr_NewGetSet(tensorType, property));

  // The first parameter is PyTorch's `input`, as most are functions of the package, too.
  Definitions methods(dict);
  const py::arg self("input");
  methods.def("dim", &Tensor::dim, self, "The number of dimensions.")
      .def("numel", &Tensor::numel, self, "The number of elements.")
      .def(
          "element_size", [](const Tensor &t) { return itemSize(t.dtype()); }, self, "The bytes of an element.")
      .def(
          "size",
          [](const Tensor &t, std::optional<int> dim) -> py::object {
            if (!dim)
              return py::reinterpret_steal<py::object>(getShape(t));
            return py::int_(t.size(*dim));
          },
          self, py::arg("dim") = py::none(), "The sizes, or the one of a dimension.")
      .def(
          "stride",
          [](const Tensor &t, std::optional<int> dim) -> py::object {
            if (!dim)
              return py::cast(t.strides());
            return py::int_(t.strides()[axisOf("stride", *dim, t.shape())]);
          },
          self, py::arg("dim") = py::none(), "The steps from element to element, or the one along a dimension.")
      .def(
          "storage_offset",
          [](const Tensor &t) {
            if (Trace *trace = Trace::active())
              trace->notReplayable("it reads where in its memory a tensor begins");
            return t.offset();
          },
          self, "Where in its memory the tensor begins, in elements.")
      .def(
          "data_ptr",
          [](const Tensor &t) {
            t.impl->storage->addressed = true;
            return reinterpret_cast<uintptr_t>(t.data());
          },
          self, "The address of the first element.")
      .def(
          "is_contiguous",
          [](const Tensor &t, const py::object &format) {
            return isInFormat(t, formatOf("is_contiguous", format, MemoryFormat::Contiguous));
          },
          self, py::arg("memory_format") = py::none(),
          "Whether the elements lie without gaps in row-major order, or in that of a memory_format.")
      .def(
          "is_floating_point", [](const Tensor &t) { return isFloat(t.dtype()); }, self,
          "Whether the elements are floating-point numbers.")
      .def("item", &item, self, "The one element as a Python number.");
  // ---- views
  methods
      .def(
          "view",
          [](const Tensor &t, const ViewSize &size) {
            return size.dtype ? viewAsDType(t, *size.dtype) : view(t, size.values);
          },
          self, py::arg("size"),
          "The same memory with another shape, or as elements of a dtype; an error where the strides do not allow it.")
      .def(
          "reshape", [](const Tensor &t, const IntList &shape) { return reshape(t, shape.values); }, self,
          py::arg("shape"), "A view with another shape where possible, else a copy.")
      .def(
          "permute", [](const Tensor &t, const IntList &dims) { return permute(t, dims.values); }, self,
          py::arg("dims"), "The dimensions in another order.")
      .def(
          "expand", [](const Tensor &t, const IntList &size) { return expand(t, size.values); }, self, py::arg("size"),
          "Dimensions of size 1 repeated without a copy; -1 keeps a size.")
      .def(
          "as_strided",
          [](const Tensor &t, const Dims &size, const Dims &stride, std::optional<int64_t> offset) {
            return asStrided(t, size, stride, offset.value_or(t.offset()));
          },
          self, py::arg("size"), py::arg("stride"), py::arg("storage_offset") = py::none(),
          "A view of the tensor's memory by any strides; its own offset unless one is given.")
      .def("transpose", &transpose, self, py::arg("dim0"), py::arg("dim1"), "A view with two dimensions exchanged.")
      .def("unsqueeze", &unsqueeze, self, py::arg("dim"), "With a dimension of size 1 at dim.")
      .def(
          "squeeze",
          [](const Tensor &t, const std::optional<Dims> &dims) { return dims ? squeeze(t, *dims) : squeeze(t); }, self,
          py::arg("dim") = py::none(), "Without the dimensions of size 1; or without those of dim that have size 1.")
      .def("flatten", &flatten, self, py::arg("start_dim") = 0, py::arg("end_dim") = -1,
           "Dimensions start_dim to end_dim as one.")
      .def("narrow", &narrow, self, py::arg("dim"), py::arg("start"), py::arg("length"),
           "The elements start to start + length - 1 along dim.")
      .def("select", &select, self, py::arg("dim"), py::arg("index"), "The elements at index along dim, without dim.")
      .def(
          "split",
          [](const Tensor &t, const SplitSize &size, int dim) {
            return tupleOf(size.each ? split(t, *size.each, dim) : split(t, size.all, dim));
          },
          self, py::arg("split_size"), py::arg("dim") = 0,
          "Views of the given size (the last may be smaller) or sizes along dim.")
      .def(
          "chunk", [](const Tensor &t, int64_t n, int dim) { return tupleOf(chunk(t, n, dim)); }, self,
          py::arg("chunks"), py::arg("dim") = 0,
          "At most that many views of equal size (the last may be smaller) along dim.")
      .def("detach", &Tensor::detach, self, "The same memory without history.")
      .def(
          "detach_",
          [](Tensor t) {
            t.detachInPlace();
            return t;
          },
          self, "Takes its history from it. Not for views.")
      .def(
          "resize_",
          [](Tensor t, const IntList &size) {
            resize_(t, size.values);
            return t;
          },
          self, py::arg("size"),
          "Gives it other sizes in place, in row-major order; elements beyond the memory that it had are undefined.");
  // ---- copies
  methods
      .def(
          "contiguous",
          [](const Tensor &t, const py::object &format) {
            return format.is_none() ? t.contiguous() : inFormat("contiguous", t, formatOf("contiguous", format, {}));
          },
          self, py::arg("memory_format") = py::none(), "Itself where it is contiguous, else a copy that is.")
      .def(
          "clone",
          [](const Tensor &t, const py::object &format) {
            Tensor copy = t.clone();
            return format.is_none() ? copy : inFormat("clone", copy, formatOf("clone", format, {}));
          },
          self, py::kw_only(), py::arg("memory_format") = py::none(), "A copy.")
      .def("to", &convert, self, py::arg("other") = py::tuple(), py::arg("device") = py::none(),
           py::arg("dtype") = py::none(), py::arg("copy") = false, py::arg("non_blocking") = false, py::kw_only(),
           py::arg("memory_format") = py::none(),
           "Converted to a dtype and/or moved to a device; itself where nothing changes.");
  // ---- in place
  methods
      .def(
          "copy_",
          [](const Tensor &t, const Tensor &source, bool nonBlocking) { return copy_(t, source, nonBlocking); }, self,
          py::arg("other"), py::arg("non_blocking") = false, "Takes the elements of src, which broadcast and convert.")
      .def(
          "fill_", [](const Tensor &t, const Operand &value) { return fill_(t, value.tensor); }, self, py::arg("value"),
          "Every element becomes value, a number or a 0-d tensor.")
      .def("zero_", &zero_, self, "Every element becomes 0.");
  // ---- autograd
  methods
      .def(
          "requires_grad_",
          [](Tensor t, bool value) {
            t.requiresGrad(value);
            return t;
          },
          self, py::arg("requires_grad") = true, "Sets whether gradients are computed for it.")
      .def("retain_grad", &retainGrad, self, "Has .grad kept though it is no leaf.")
      .def(
          "register_hook",
          [](const Tensor &t, const py::object &hook) {
            HookHandle handle = registerHook(t, pythonHook("register_hook", hook, true));
            trackHooks(t);
            return handle;
          },
          self, py::arg("hook"),
          "Calls hook(gradient) when it is known; what it returns, unless None, is used instead.")
      .def(
          "register_post_accumulate_grad_hook",
          [](const Tensor &t, const py::object &hook) {
            HookHandle handle =
                registerAccumulateHook(t, pythonHook("register_post_accumulate_grad_hook", hook, false));
            trackHooks(t);
            return handle;
          },
          self, py::arg("hook"), "Calls hook(tensor) when this leaf's .grad has been accumulated.")
      .def(
          "backward",
          [](const Tensor &t, const std::optional<Tensor> &gradient, std::optional<bool> retain, bool create,
             const std::optional<std::vector<Tensor>> &inputs) {
            backward({t}, {gradient.value_or(Tensor())}, retain.value_or(create), create,
                     inputs.value_or(std::vector<Tensor>()));
          },
          self, py::arg("gradient") = py::none(), py::arg("retain_graph") = py::none(), py::arg("create_graph") = false,
          py::arg("inputs") = py::none(), RunsOtherCode(),
          "Accumulates the gradients of this tensor into the .grad of the leaves it was computed from, or of "
          "`inputs`.");

  // Makes nn.Parameter objects: a tensor of its own on the memory of `data`, in an object of `type`.
  module.def("attributes_of", [](py::handle tensor) -> py::object {
    PyObject *attributes = isTensor(tensor.ptr()) ? attributesOf(tensor.ptr()) : nullptr;
    return attributes ? py::reinterpret_borrow<py::object>(attributes) : py::none();
  });
  module.def("tensor_alias", [](py::type type, const Tensor &data) {
    if (!PyType_IsSubtype(reinterpret_cast<PyTypeObject *>(type.ptr()), tensorType))
      fail(UserError::Kind::Type, "tensor_alias", "the type must be weft.Tensor or derived from it");
    Tensor alias = aliasOf(data, data.shape(), data.strides(), data.offset());
    return py::reinterpret_steal<py::object>(boxAs(reinterpret_cast<PyTypeObject *>(type.ptr()), alias));
  });
  module.def("become_view", [](const std::string &op, const Tensor &t, const Tensor &view) {
    becomeView(op.c_str(), t, view);
    return t;
  });
  module.def("complex_from_parts", &complexFromParts); // of one shape and dtype
  module.def("same_storage", &Tensor::sharesStorage);
  module.def("address_of", [](const Tensor &t) { return reinterpret_cast<uintptr_t>(t.data()); }); // for reading alone
  // Which memory a tensor has, as long as somebody holds it, and its size in bytes; asks for no values.
  module.def("storage_of", [](const Tensor &t) {
    const Storage *storage = t.impl->storage.get();
    return std::make_pair(reinterpret_cast<uintptr_t>(storage), storage->bytes);
  });
  // A tensor's whole memory as bytes, and a tensor laid out so on such bytes.
  module.def("whole_storage", [](const Tensor &t) {
    t.data();
    Tensor bytes = aliasOf(t.pairs(), {t.impl->storage->bytes}, {1}, 0);
    bytes.impl->dtype = DType::UInt8;
    return bytes;
  });
  module.def(
      "view_of_storage", [](const Tensor &bytes, const Dims &shape, const Dims &strides, int64_t offset, DType dtype) {
        checkSizes("view_of_storage", {dtype, shape});
        int64_t room = bytes.numel() / itemSize(dtype);
        bool fits = shape.size() == strides.size() && offset >= 0 && offset <= room;
        int64_t last = offset; // the position of the last element
        for (int i = 0; fits && i < shape.size(); ++i) {
          int64_t reach;
          fits = shape[i] >= 0 && strides[i] >= 0 &&
                 !__builtin_mul_overflow(std::max<int64_t>(shape[i] - 1, 0), strides[i], &reach) &&
                 !__builtin_add_overflow(last, reach, &last);
        }
        if (!fits || (shape.product() != 0 && last >= room))
          fail(UserError::Kind::Value, "view_of_storage",
               "shape " + toString(shape) + ", strides " + toString(strides) + " and offset " + std::to_string(offset) +
                   " do not lie within " + std::to_string(bytes.numel()) + " bytes of " + name(dtype));
        return viewOfBytes(bytes, shape, strides, offset, dtype);
      });
  Definitions(module)
      .def("view_as_real", &viewAsReal, self,
           "A complex tensor's memory as pairs of real numbers, along a new last dimension of size 2; a RuntimeError "
           "for "
           "others.")
      .def("view_as_complex", &viewAsComplex, self,
           "A float32 or float64 tensor, whose last dimension has size 2 and stride 1, as complex numbers on the same "
           "memory; a RuntimeError for others.")
      .def("real", &real, self, "The real parts of a complex tensor, as a view; itself of others.")
      .def("imag", &imaginary, self, "The imaginary parts of a complex tensor, as a view; a RuntimeError for others.")
      .def(
          "masked_fill",
          [](const Tensor &t, const Tensor &mask, const Operand &value) { return maskedFill(t, mask, value.tensor); },
          self, py::arg("mask"), py::arg("value"), "The value where the mask holds, else the input.")
      .def(
          "broadcast_tensors", [](const TensorList &tensors) { return tupleOf(broadcastTensors(tensors.values)); },
          py::arg("tensors"), "Views of one shape, that to which the shapes of all broadcast.")
      .def(
          "result_type", [](const Operand &a, const Operand &b) { return resultType(a.tensor, b.tensor); },
          py::arg("tensor1"), py::arg("tensor2"), "The dtype to which two tensors or numbers promote.");
}

} // namespace weft::python
