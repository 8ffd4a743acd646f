#include "python/bindings/PyTensor.h"

#include "frontend/autograd/Autograd.h"
#include <cstring>

#include <structmember.h>

namespace py = pybind11;

namespace weft::python {

PyTypeObject *tensorType = nullptr;
PyTypeObject *sparseType = nullptr;

namespace {

// Boxes of dead tensors, to be used again: an eager loop makes and drops one a step.
constexpr int kFreeCount = 64;
PyTensor *freeBoxes[kFreeCount];
int freeBoxCount = 0;

// Calls body(list) for each list of hooks that nobody but this object leads to.
template <class Body> void forOwnHooks(PyObject *self, Body body) {
  const Ref<TensorImpl> &impl = reinterpret_cast<PyTensor *>(self)->impl;
  AutogradMeta *meta = impl && impl->useCount() == 1 ? impl->autograd : nullptr;
  if (!meta)
    return;
  body(meta->hooks);
  body(meta->accumulateHooks);
  if (meta->node && meta->node->useCount() == 1)
    body(meta->node->hooks);
}

int traverse(PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(reinterpret_cast<PyTensor *>(self)->attributes);
  int stopped = 0;
  forOwnHooks(self, [&](const std::shared_ptr<Hooks> &hooks) {
    if (!hooks || hooks.use_count() != 1)
      return;
    for (auto &[number, hook] : hooks->own)
      if (auto *python = hook.target<PythonHook>(); python && python->function.use_count() == 1 && !stopped)
        stopped = visit(python->function.get(), arg);
  });
  return stopped;
}

int clear(PyObject *self) {
  Py_CLEAR(reinterpret_cast<PyTensor *>(self)->attributes);
  forOwnHooks(self, [](std::shared_ptr<Hooks> &hooks) { std::shared_ptr<Hooks> dead = std::move(hooks); });
  return 0;
}

void deallocate(PyObject *self) {
  PyObject_GC_UnTrack(self);
  auto *box = reinterpret_cast<PyTensor *>(self);
  if (box->weakReferences)
    PyObject_ClearWeakRefs(self);
  Py_CLEAR(box->attributes);
  if (box->impl && box->impl->pythonObject == self)
    box->impl->pythonObject = nullptr;
  box->impl.~Ref<TensorImpl>();
  PyTypeObject *type = Py_TYPE(self);
  if (type == tensorType && freeBoxCount < kFreeCount) {
    freeBoxes[freeBoxCount++] = box;
    return;
  }
  type->tp_free(self);
  Py_DECREF(type);
}

// Tensor(...) and its sub-classes', as weft/_legacy.py reads the arguments.
PyObject *construct(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  return guarded([&] {
    py::object make = py::module_::import("weft._legacy").attr("construct");
    py::tuple given =
        py::make_tuple(py::handle(reinterpret_cast<PyObject *>(type))) + py::reinterpret_borrow<py::tuple>(args);
    return callingPython([&] { return PyObject_Call(make.ptr(), given.ptr(), kwargs); });
  });
}

// After self may have got a dict of attributes, which may lead back to it.
void trackAttributes(PyObject *self) {
  if (reinterpret_cast<PyTensor *>(self)->attributes && !PyObject_GC_IsTracked(self))
    PyObject_GC_Track(self);
}

int setAttribute(PyObject *self, PyObject *name, PyObject *value) {
  int failed = PyObject_GenericSetAttr(self, name, value);
  trackAttributes(self);
  return failed;
}

PyObject *getAttributes(PyObject *self, void *) {
  PyObject *attributes = PyObject_GenericGetDict(self, nullptr);
  trackAttributes(self);
  return attributes;
}

// In place: guards of compiled calls hold the dict.
int setAttributes(PyObject *self, PyObject *given, void *) {
  if (!given || !PyDict_Check(given)) {
    PyErr_SetString(PyExc_TypeError, "[__dict__] must be set to a dict");
    return -1;
  }
  auto attributes = py::reinterpret_steal<py::object>(getAttributes(self, nullptr));
  auto copy = py::reinterpret_steal<py::object>(PyDict_Copy(given));
  if (!attributes || !copy)
    return -1;
  PyDict_Clear(attributes.ptr());
  return PyDict_Update(attributes.ptr(), copy.ptr());
}

Py_hash_t hash(PyObject *self) { return Py_hash_t(reinterpret_cast<uintptr_t>(self) >> 4); }

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(PyTensor, weakReferences), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(PyTensor, attributes), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"__dict__", getAttributes, setAttributes, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

} // namespace

PyObject *boxAs(PyTypeObject *type, Tensor tensor) {
  PyTensor *box;
  if (type == tensorType && freeBoxCount > 0) {
    box = freeBoxes[--freeBoxCount];
    PyObject_Init(reinterpret_cast<PyObject *>(box), type);
    Py_DECREF(type); // the idle box kept its reference to the type
  } else {
    box = type == tensorType ? PyObject_GC_New(PyTensor, type) : reinterpret_cast<PyTensor *>(type->tp_alloc(type, 0));
    if (!box)
      throw py::error_already_set();
  }
  box->weakReferences = box->attributes = nullptr;
  tensor.impl->pythonObject = box;
  new (&box->impl) Ref<TensorImpl>(std::move(tensor.impl));
  auto *object = reinterpret_cast<PyObject *>(box);
  if (AutogradMeta *meta = box->impl->autograd;
      meta && type == tensorType && (meta->hooks || meta->accumulateHooks || (meta->node && meta->node->hooks)))
    PyObject_GC_Track(object);
  return object;
}

PyObject *attributesOf(PyObject *tensor) {
  PyObject *attributes = reinterpret_cast<PyTensor *>(tensor)->attributes;
  return attributes && PyDict_GET_SIZE(attributes) ? attributes : nullptr;
}

void trackHooks(const Tensor &tensor) {
  if (auto *object = static_cast<PyObject *>(tensor.impl->pythonObject); object && !PyObject_GC_IsTracked(object))
    PyObject_GC_Track(object);
}

PyObject *box(Tensor tensor) {
  if (auto *known = static_cast<PyObject *>(tensor.impl->pythonObject)) {
    Py_INCREF(known);
    return known;
  }
  return boxAs(tensor.impl->sparse ? sparseType : tensorType, std::move(tensor));
}

void failAs(PyObject *type, const char *op, const std::string &message) {
  PyErr_SetString(type, ("[" + std::string(op) + "] " + message).c_str());
  throw py::error_already_set();
}

std::string textOfInt(PyObject *integer) {
  constexpr int64_t kMostBits = 256; // that anybody reads
  py::handle number(integer);
  auto bits = py::cast<int64_t>(number.attr("bit_length")());
  return bits > kMostBits ? "one of " + std::to_string(bits) + " bits" : py::cast<std::string>(py::str(number));
}

Tensor operand(PyObject *object) {
  if (isTensor(object))
    return unbox(object);
  if (PyFloat_Check(object))
    return Tensor::wrapped(PyFloat_AS_DOUBLE(object));
  if (PyBool_Check(object))
    return Tensor::wrapped(object == Py_True);
  if (PyComplex_Check(object))
    return Tensor::wrapped(std::complex<double>(PyComplex_RealAsDouble(object), PyComplex_ImagAsDouble(object)));
  if (PyLong_Check(object)) {
    int overflow = 0;
    long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow)
      failAs(PyExc_OverflowError, "number",
             "an int beside tensors must fit into 64 bits; got " + textOfInt(object) + "; use a float");
    return Tensor::wrapped(int64_t(value));
  }
  if (PyObject_CheckBuffer(object) && !PyBytes_Check(object))
    return fromBuffer(object);
  return {};
}

std::shared_ptr<PyObject> sharedFunction(py::object function) {
  return std::shared_ptr<PyObject>(function.release().ptr(),
                                   [](PyObject *object) { withPythonsLock([&] { Py_DECREF(object); }); });
}

Tensor PythonHook::operator()(const Tensor &argument) const {
  py::gil_scoped_acquire gil;
  auto boxed = py::reinterpret_steal<py::object>(box(argument));
  auto result = py::reinterpret_steal<py::object>(
      callingPython([&] { return PyObject_CallOneArg(function.get(), boxed.ptr()); }));
  if (!result)
    throw py::error_already_set();
  if (result.is_none())
    return Tensor();
  if (!mayReplace || !isTensor(result.ptr()))
    fail(UserError::Kind::Type, op,
         std::string("a hook must return ") + (mayReplace ? "a tensor or None" : "None") + "; got " +
             Py_TYPE(result.ptr())->tp_name);
  return unbox(result.ptr());
}

static PyObject *refuseToMake(PyTypeObject *type, PyObject *, PyObject *) {
  PyErr_Format(PyExc_TypeError, "cannot create '%s' instances", type->tp_name);
  return nullptr;
}

py::custom_type_setup notMadeByHand() {
  return py::custom_type_setup([](PyHeapTypeObject *type) { type->ht_type.tp_new = refuseToMake; });
}

static PyObject *outOfMemoryError = nullptr, *linAlgError = nullptr;

void translateException() {
  try {
    throw;
  } catch (const UserError &error) {
    PyObject *type = PyExc_RuntimeError;
    switch (error.kind) {
    case UserError::Kind::Runtime:
      break;
    case UserError::Kind::Value:
      type = PyExc_ValueError;
      break;
    case UserError::Kind::Type:
      type = PyExc_TypeError;
      break;
    case UserError::Kind::Index:
      type = PyExc_IndexError;
      break;
    case UserError::Kind::NotImplemented:
      type = PyExc_NotImplementedError;
      break;
    case UserError::Kind::LinearAlgebra:
      type = linAlgError;
      break;
    }
    PyErr_Clear(); // what made the caller fail() may have left an error of Python's
    py::object value = py::reinterpret_borrow<py::object>(type)(error.what());
    if (dynamic_cast<const LateError *>(&error))
      value.attr(kIsNamed) = true;
    PyErr_SetObject(type, value.ptr());
  } catch (py::error_already_set &error) {
    error.restore();
  } catch (const py::builtin_exception &error) {
    error.set_error();
  } catch (const std::bad_alloc &) {
    PyErr_NoMemory();
  } catch (const OutOfMemory &error) {
    PyErr_SetString(outOfMemoryError, error.what());
  } catch (const std::exception &error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
}

std::string printable(PyObject *text) {
  py::object bytes = py::reinterpret_steal<py::object>(PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace"));
  if (!bytes)
    throw py::error_already_set();
  return py::cast<std::string>(bytes);
}

Dims unboxDims(PyObject *object, const char *op, const char *what) {
  Dims dims;
  auto add = [&](PyObject *item) {
    if (dims.size() == kMaxRank)
      fail(UserError::Kind::Value, op,
           std::string(what) + " has more than " + std::to_string(kMaxRank) +
               " entries; tensors have at most that many dimensions");
    py::object index = py::reinterpret_steal<py::object>(PyBool_Check(item) ? nullptr : PyNumber_Index(item));
    if (!index) {
      PyErr_Clear();
      fail(UserError::Kind::Type, op,
           std::string(what) + " must be integers; got " + Py_TYPE(item)->tp_name +
               "; pass ints or a sequence of ints");
    }
    int overflow;
    long long value = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
    if (overflow)
      fail(UserError::Kind::Type, op, std::string(what) + " must fit into 64 bits; got " + textOfInt(index.ptr()));
    dims.push_back(value);
  };
  if (PyTuple_CheckExact(object)) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i)
      add(PyTuple_GET_ITEM(object, i));
  } else if (PyLong_Check(object) || isTensor(object) || !PySequence_Check(object)) {
    add(object);
  } else {
    // Not as py::sequence, whose items are gone before they are looked at where the sequence makes them (a range).
    py::object items = py::reinterpret_steal<py::object>(PyObject_GetIter(object));
    if (!items) {
      PyErr_Clear();
      fail(UserError::Kind::Type, op,
           std::string(what) + " must be integers or a sequence of them; got " + Py_TYPE(object)->tp_name);
    }
    for (py::handle item : items)
      add(item.ptr());
  }
  return dims;
}

// A RuntimeError of the module's, under the part of `name` after its last dot.
static PyObject *defineError(py::module_ &module, const char *name, const char *doc) {
  PyObject *type = PyErr_NewExceptionWithDoc(name, doc, PyExc_RuntimeError, nullptr);
  if (!type)
    throw py::error_already_set();
  module.attr(std::strrchr(name, '.') + 1) = py::handle(type);
  return type;
}

void defineTensorType(py::module_ &module) {
  outOfMemoryError = defineError(module, "weft.OutOfMemoryError", "There is not enough memory for a tensor.");
  linAlgError = defineError(module, "weft.linalg.LinAlgError",
                            "A matrix is singular or not positive definite, or has what is not finite.");
  std::vector<PyType_Slot> slots = {
      {Py_tp_dealloc, reinterpret_cast<void *>(deallocate)},
      {Py_tp_traverse, reinterpret_cast<void *>(traverse)},
      {Py_tp_clear, reinterpret_cast<void *>(clear)},
      {Py_tp_new, reinterpret_cast<void *>(construct)},
      {Py_tp_hash, reinterpret_cast<void *>(hash)},
      {Py_tp_setattro, reinterpret_cast<void *>(setAttribute)},
      {Py_tp_members, members},
      {Py_tp_getset, properties},
      {Py_tp_doc, const_cast<char *>("A strided view of memory on a device.")},
  };
  fillNumberSlots(slots);
  fillIndexSlots(slots);
  fillBufferSlots(slots);
  slots.push_back({0, nullptr});
  static PyType_Spec spec = {"weft.Tensor", int(sizeof(PyTensor)), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, nullptr};
  spec.slots = slots.data();
  tensorType = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
  if (!tensorType)
    throw py::error_already_set();
  module.attr("Tensor") = py::handle(reinterpret_cast<PyObject *>(tensorType));
}

} // namespace weft::python
