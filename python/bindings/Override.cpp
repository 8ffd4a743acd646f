#include "python/bindings/Override.h"

#include "frontend/trace/Trace.h"

#include <algorithm>

namespace py = pybind11;

namespace weft::python {

static thread_local int disabledScopes = 0;

static PyObject *handlerOf(PyTypeObject *type) { // borrowed; null: it has none
  static PyObject *const name = PyUnicode_InternFromString("__weft_function__");
  PyObject *handler = _PyType_Lookup(type, name);
  return handler == Py_None ? nullptr : handler;
}

bool takesCallsOver(PyObject *object) { return handlerOf(Py_TYPE(object)) && !disabledScopes && !PyType_Check(object); }

bool anyOverrides(PyObject *const *arguments, Py_ssize_t count) {
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject *argument = arguments[i];
    if (overrides(argument))
      return true;
    if (!PyTuple_CheckExact(argument) && !PyList_CheckExact(argument))
      continue;
    for (Py_ssize_t k = 0; k < PySequence_Fast_GET_SIZE(argument); ++k)
      if (overrides(PySequence_Fast_GET_ITEM(argument, k)))
        return true;
  }
  return false;
}

// The classes that are asked, sub-classes before what they derive from, else in order.
static std::vector<py::object> classesAmong(PyObject *const *arguments, Py_ssize_t count) {
  std::vector<py::object> classes;
  auto add = [&](PyObject *object) {
    auto type = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject *>(Py_TYPE(object)));
    auto is = [&](const py::object &known) { return known.is(type); };
    if (!overrides(object) || std::any_of(classes.begin(), classes.end(), is))
      return;
    auto before = std::find_if(classes.begin(), classes.end(), [&](const py::object &known) {
      return PyType_IsSubtype(Py_TYPE(object), reinterpret_cast<PyTypeObject *>(known.ptr()));
    });
    classes.insert(before, type);
  };
  for (Py_ssize_t i = 0; i < count; ++i) {
    add(arguments[i]);
    if (PyTuple_CheckExact(arguments[i]) || PyList_CheckExact(arguments[i]))
      for (Py_ssize_t k = 0; k < PySequence_Fast_GET_SIZE(arguments[i]); ++k)
        add(PySequence_Fast_GET_ITEM(arguments[i], k));
  }
  return classes;
}

static py::object ask(PyObject *function, PyObject *const *arguments, Py_ssize_t given, PyObject *keywords) {
  if (Trace *trace = Trace::active())
    trace->notReplayable("a class takes calls over by __weft_function__");
  Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  std::vector<py::object> classes = classesAmong(arguments, given + named);
  py::tuple types(classes.size()), args(given);
  for (size_t i = 0; i < classes.size(); ++i)
    types[i] = classes[i];
  for (Py_ssize_t i = 0; i < given; ++i)
    args[i] = py::reinterpret_borrow<py::object>(arguments[i]);
  py::dict kwargs;
  for (Py_ssize_t k = 0; k < named; ++k)
    kwargs[PyTuple_GET_ITEM(keywords, k)] = py::handle(arguments[given + k]);
  for (const py::object &type : classes) {
    py::object result =
        callingPython([&] { return type.attr("__weft_function__")(py::handle(function), types, args, kwargs); });
    if (result.ptr() != Py_NotImplemented)
      return result;
  }
  return py::reinterpret_borrow<py::object>(Py_NotImplemented);
}

PyObject *overridden(PyObject *function, PyObject *const *arguments, Py_ssize_t given, PyObject *keywords) {
  py::object result = ask(function, arguments, given, keywords);
  if (result.ptr() != Py_NotImplemented)
    return result.release().ptr();
  std::string name = py::str(py::handle(function).attr("__name__")), classes;
  for (const py::object &type : classesAmong(arguments, given + (keywords ? PyTuple_GET_SIZE(keywords) : 0)))
    classes += (classes.empty() ? "" : ", ") + py::str(type.attr("__name__")).cast<std::string>();
  fail(UserError::Kind::Type, name.c_str(),
       "no class among the arguments knows the call; __weft_function__ of " + classes + " returned NotImplemented");
}

PyObject *overriddenOperator(const std::string &name, PyObject *const *arguments, Py_ssize_t given) {
  py::object method = py::handle(reinterpret_cast<PyObject *>(tensorType)).attr(name.c_str());
  return ask(method.ptr(), arguments, given, nullptr).release().ptr();
}

PyObject *asObjectOf(PyTypeObject *type, py::object object) {
  Tensor tensor = unbox(object.ptr());
  bool isAlone = Py_REFCNT(object.ptr()) == 1 && !reinterpret_cast<PyTensor *>(object.ptr())->weakReferences;
  object = {}; // the tensor has one object at a time
  return boxAs(type, isAlone ? tensor : view(tensor, tensor.shape()));
}

// The tensors of a result as objects of the class.
static py::object converted(py::object result, const py::handle &type) {
  auto *kind = reinterpret_cast<PyTypeObject *>(type.ptr());
  if (Py_TYPE(result.ptr()) == tensorType)
    return py::reinterpret_steal<py::object>(asObjectOf(kind, std::move(result)));
  if (!PyTuple_Check(result.ptr()) && !PyList_CheckExact(result.ptr()))
    return result;
  py::list items;
  bool any = false;
  for (py::handle item : result) {
    any |= Py_TYPE(item.ptr()) == tensorType;
    items.append(item);
  }
  if (!any)
    return result;
  py::object container = py::type::of(result);
  bool isNamed = py::hasattr(container, "_fields") || py::hasattr(container, "n_sequence_fields");
  result = {};
  for (size_t i = 0; i < items.size(); ++i) {
    py::object item = items[i];
    items[i] = py::none();
    items[i] = converted(std::move(item), type);
  }
  if (isNamed && py::hasattr(container, "_make"))
    return container.attr("_make")(items);
  return PyObject_IsSubclass(container.ptr(), reinterpret_cast<PyObject *>(&PyList_Type)) ? py::object(items)
                                                                                          : container(items);
}

void bindOverride(py::module_ &module) {
  module.def(
      "default_weft_function",
      [](py::object cls, py::object func, py::iterable types, py::tuple args, py::object kwargs) -> py::object {
        for (py::handle type : types)
          if (PyObject_IsSubclass(cls.ptr(), type.ptr()) != 1)
            return py::reinterpret_borrow<py::object>(Py_NotImplemented);
        ++disabledScopes;
        auto result = py::reinterpret_steal<py::object>(callingPython(
            [&] { return PyObject_Call(func.ptr(), args.ptr(), kwargs.is_none() ? nullptr : kwargs.ptr()); }));
        --disabledScopes;
        if (!result)
          throw py::error_already_set();
        auto *type = reinterpret_cast<PyTypeObject *>(cls.ptr());
        return PyType_IsSubtype(type, tensorType) && type != tensorType ? converted(std::move(result), cls) : result;
      },
      py::arg("cls"), py::arg("func"), py::arg("types"), py::arg("args") = py::tuple(), py::arg("kwargs") = py::none());
  module.def("as_subclass", [](const Tensor &tensor, py::type cls) {
    auto *type = reinterpret_cast<PyTypeObject *>(cls.ptr());
    if (!PyType_IsSubtype(type, tensorType))
      fail(UserError::Kind::Type, "as_subclass", "the class must be Tensor or derived from it");
    return py::reinterpret_steal<py::object>(boxAs(type, view(tensor, tensor.shape())));
  });
  module.def("disable_weft_function", [](bool disable) { disabledScopes += disable ? 1 : -1; });
}

} // namespace weft::python
