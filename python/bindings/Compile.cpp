// weft.compile's C++ half: the callable that checks guards and replays, and the run of a function under a trace. What
// is guarded is found by Python (weft/_capture.py).
#include "frontend/Compile.h"
#include "frontend/autograd/Autograd.h"
#include "frontend/calls/CallPolicy.h"
#include "frontend/executables/Executables.h"
#include "python/bindings/Guards.h"
#include "runtime/Executable.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <pybind11/stl.h>
#include <structmember.h>
#include <unordered_set>

namespace py = pybind11;

namespace weft::python {
namespace {

// A float in a dict, or in a tuple there.
struct DictNumber : NumberSource {
  DictNumber(py::dict holder, py::str key, std::optional<Py_ssize_t> index)
      : holder(std::move(holder)), key(std::move(key)), index(index) {}
  bool read(double &value) const override {
    PyObject *item = PyDict_GetItem(holder.ptr(), key.ptr());
    if (index)
      item = item && PyTuple_CheckExact(item) && *index < PyTuple_GET_SIZE(item) ? PyTuple_GET_ITEM(item, *index)
                                                                                 : nullptr;
    if (!item || !PyFloat_CheckExact(item))
      return false;
    value = PyFloat_AS_DOUBLE(item);
    return true;
  }
  py::dict holder;
  py::str key;
  std::optional<Py_ssize_t> index;
};

// The positional arguments of a call, held by whoever makes it.
struct Positional {
  PyObject *const *items;
  Py_ssize_t count;
  py::tuple tuple() const {
    py::tuple made(count);
    for (Py_ssize_t i = 0; i < count; ++i)
      PyTuple_SET_ITEM(made.ptr(), i, py::handle(items[i]).inc_ref().ptr());
    return made;
  }
};

// A traced call as Python sees it. All that it holds of Python it holds alone, for the garbage collector to find.
struct Traced {
  std::shared_ptr<CompiledCall> call;
  Pattern arguments, result;
  int tensorCount = 0; // distinct tensors among the arguments
  bool argumentsShareMemory = false;
  py::object guards;                                // a GuardSet, or None
  std::vector<std::pair<int, Ref<TapeNode>>> spent; // results with a history that backward() has used up
  std::string reason;                               // why it cannot be replayed; empty: it can
  int64_t hits = 0;

  bool matches(Positional args, PyObject *kwargs, std::vector<Tensor> &tensors, std::string *why) const;
  int traverse(visitproc visit, void *arg) const;
  void clear();

  GuardSet *guardSet = nullptr; // of `guards`
};

int Traced::traverse(visitproc visit, void *arg) const {
  Py_VISIT(guards.ptr());
  if (int stopped = arguments.traverse(visit, arg))
    return stopped;
  if (int stopped = result.traverse(visit, arg))
    return stopped;
  for (const auto &number : call->numbers)
    if (auto *item = dynamic_cast<const DictNumber *>(number.get())) {
      Py_VISIT(item->holder.ptr());
      Py_VISIT(item->key.ptr());
    }
  return 0;
}

// It matches nothing any more.
void Traced::clear() {
  guardSet = nullptr;
  py::object deadGuards = std::move(guards);
  Pattern deadArguments = std::exchange(arguments, {}), deadResult = std::exchange(result, {});
  auto deadCall = std::exchange(call, std::make_shared<CompiledCall>());
}

bool Traced::matches(Positional args, PyObject *kwargs, std::vector<Tensor> &tensors, std::string *why) const {
  auto differs = [&](auto what) {
    if (why)
      *why = what();
    return false;
  };
  if (arguments.children.empty())
    return differs([] { return std::string("the trace is gone"); });
  tensors.assign(tensorCount, Tensor());
  if (!arguments.children[0].childrenMatch(args.items, args.count, tensors.data()))
    return differs([] { return std::string("an argument's value or structure changed"); });
  if (kwargs ? !arguments.children[1].matches(kwargs, tensors.data()) : !arguments.children[1].children.empty())
    return differs([] { return std::string("a keyword argument's value or structure changed"); });
  if (!call->guardsHold(tensors.data(), tensorCount))
    return differs([&] { return call->explainMismatch(tensors.data(), tensorCount); });
  // Two tensors cannot be one unless they share memory, which is guarded.
  if (argumentsShareMemory) {
    std::unordered_set<const TensorImpl *> distinct;
    for (const Tensor &tensor : tensors)
      if (!distinct.insert(tensor.impl.get()).second)
        return differs([] { return std::string("two arguments are one tensor"); });
  }
  if (guardSet && !guardSet->hold())
    return differs([&] { return "guard " + std::to_string(guardSet->firstBroken()); });
  return true;
}

py::object callEagerly(PyObject *function, const py::tuple &args, const py::object &kwargs) {
  auto result = py::reinterpret_steal<py::object>(
      callingPython([&] { return PyObject_Call(function, args.ptr(), kwargs.ptr()); }));
  if (!result)
    throw py::error_already_set();
  return result;
}

// `with trace_turn() as mine:`
struct Turn {
  std::optional<TraceTurn> turn;
};

// Runs function(*args, **kwargs) under a trace. reached: the tensors that the function can reach otherwise than by its
// arguments; None: not known, and the call is not for a replay.
// why: it cannot be replayed, if that is known before. specialised: its programs are for these sizes and numbers alone.
// check: they are compared with their ops one by one. Gives (result, Traced).
py::tuple runTraced(py::object function, py::tuple args, py::dict kwargs, py::object afterCall, py::object reached,
                    py::object why, bool specialised, bool check, const py::list &varying) {
  auto traced = std::make_shared<Traced>();
  std::vector<Tensor> tensors;
  py::tuple both = py::make_tuple(args, kwargs);
  std::string unclear;
  traced->arguments = Pattern::of(both.ptr(), tensors, unclear);
  if (!unclear.empty())
    unclear = "its arguments have " + unclear;
  traced->tensorCount = int(tensors.size());
  py::object result;
  {
    Trace trace(tensors);
    if (!reached.is_none()) {
      std::vector<Tensor> all;
      for (py::handle tensor : reached)
        all.push_back(unbox(tensor.ptr()).pairs());
      trace.reaches(std::move(all));
    }
    if (!why.is_none())
      trace.notReplayable(why.cast<std::string>());
    if (specialised)
      trace.specialise();
    if (check)
      trace.checkPrograms();
    for (py::handle one : varying) {
      auto [tensor, axis] = one.cast<std::pair<py::object, int>>();
      trace.varies(unbox(tensor.ptr()), axis);
    }
    try {
      result = callEagerly(function.ptr(), args, kwargs);
      if (!afterCall.is_none()) {
        py::object found = callingPython([&] { return afterCall(); });
        if (!found.is_none())
          trace.notReplayable(found.cast<std::string>());
      }
      std::vector<Tensor> outputs;
      std::string held;
      traced->result = Pattern::of(result.ptr(), outputs, held, /*mustBeNew=*/true);
      if (!held.empty())
        unclear = "it returns " + held;
      if (!unclear.empty())
        trace.notReplayable(unclear);
      else if (std::string name = traced->result.opaqueLeaf(); !name.empty())
        trace.notReplayable("it returns an object of type " + name);
      std::unordered_set<const TensorImpl *> given;
      for (const Tensor &argument : tensors)
        given.insert(argument.impl.get());
      for (size_t i = 0; i < outputs.size(); ++i) {
        if (given.count(outputs[i].impl.get()) || !outputs[i].requiresGrad() || outputs[i].isLeaf())
          continue;
        if (Ref<TapeNode> node = autogradMeta(*outputs[i].impl).node; node && node->released)
          traced->spent.push_back({int(i), node});
      }
      traced->call = trace.finish(outputs);
    } catch (const py::error_already_set &error) {
      if (error.matches(PyExc_KeyboardInterrupt))
        trace.drop();
      throw;
    }
  }
  if (!traced->call) {
    traced->call = std::make_shared<CompiledCall>();
    traced->reason = kCheckFailed;
    return py::make_tuple(callEagerly(function.ptr(), args, kwargs), py::cast(traced));
  }
  const CompiledCall &call = *traced->call;
  if (!call.replayable)
    traced->reason = call.reason.empty() ? "it needs a tensor's value" : call.reason;
  for (int i = 0; i < int(call.sameStorage.size()) && i < traced->tensorCount; ++i)
    traced->argumentsShareMemory |= call.sameStorage[size_t(i)] != i;
  return py::make_tuple(result, py::cast(traced));
}

py::object replay(Traced &traced, const std::vector<Tensor> &tensors) {
  ++traced.hits;
  std::vector<Tensor> results = traced.call->replay(tensors.data(), int(tensors.size()));
  for (auto &[index, node] : traced.spent) {
    // As eager leaves it: it has a history, which cannot be used again.
    results[index].impl->requiresGrad = true;
    autogradMeta(*results[index].impl).node = node;
  }
  return traced.result.build(results);
}

// (result, op, operands, type, "model.py:12") of each operation of the last segment.
py::list operationsOf(const Traced &traced) {
  const Graph &graph = traced.call->graph;
  py::list operations;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node &node = graph.nodes[i];
    std::string line = node.location < 0 || size_t(node.location) >= graph.locations.size()
                           ? ""
                           : graph.locations[size_t(node.location)];
    operations.append(
        py::make_tuple(graph.inputs.size() + i, info(node.op).name, node.operands, toString(node.type), line));
  }
  return operations;
}

// ---- The callable.

struct Compiled {
  PyObject_HEAD vectorcallfunc vectorcall;
  PyObject *function, *miss, *dict, *weakReferences;
  PyObject *check; // null, or raises where a call that no entry serves is not as declared
  std::vector<std::pair<Traced *, PyObject *>> *entries; // and the objects that hold them; the last used first
  CallPolicy *policy;                                    // null: what cannot be replayed is always traced
};

// Runs the function with its tensor operations collected into programs, and not to be replayed.
py::object callLazily(PyObject *function, const py::tuple &args, const py::object &kwargs) {
  TraceTurn turn(TraceTurn::Otherwise::Skip);
  if (!turn)
    return callEagerly(function, args, kwargs);
  std::vector<Tensor> tensors;
  std::string unclear;
  py::tuple both = py::make_tuple(args, kwargs ? kwargs : py::dict());
  Pattern::of(both.ptr(), tensors, unclear);
  Trace trace(std::move(tensors));
  trace.notReplayable("it is called with other values each time");
  try {
    py::object result = callEagerly(function, args, kwargs);
    trace.finish({});
    return result;
  } catch (const py::error_already_set &error) {
    if (error.matches(PyExc_KeyboardInterrupt))
      trace.drop();
    throw;
  }
}

// A call that no entry serves.
py::object callAnew(Compiled &compiled, const py::tuple &args, const py::object &kwargs) {
  using Clock = std::chrono::steady_clock;
  CallPolicy *policy = compiled.policy;
  CallPolicy::Way way = policy ? policy->next() : CallPolicy::Way::Trace;
  double compiling = secondsOfCompiling();
  auto start = Clock::now();
  py::object result;
  try {
    if (way == CallPolicy::Way::Lazy) {
      result = callLazily(compiled.function, args, kwargs);
    } else if (way == CallPolicy::Way::Eager) {
      result = callEagerly(compiled.function, args, kwargs);
    } else {
      py::tuple both = py::make_tuple(args, kwargs ? kwargs : py::dict());
      result = callEagerly(compiled.miss, both, py::object());
    }
  } catch (...) {
    if (policy)
      policy->raised(way);
    throw;
  }
  if (policy)
    policy->made(way, std::chrono::duration<double>(Clock::now() - start).count(), secondsOfCompiling() - compiling);
  return result;
}

void moveToFront(std::vector<std::pair<Traced *, PyObject *>> &entries, PyObject *entry) {
  auto found = std::find_if(entries.begin(), entries.end(), [&](auto &e) { return e.second == entry; });
  if (found != entries.end())
    std::rotate(entries.begin(), found, found + 1);
}

PyObject *callCompiled(PyObject *self, PyObject *const *arguments, size_t flags, PyObject *keywords) {
  auto *compiled = reinterpret_cast<Compiled *>(self);
  if ((Trace::active() && compiled->function) || // inside another compiled function: part of its trace
      (compiled->policy && compiled->policy->bypasses()))
    return callingPython([&]() -> PyObject * {
      if (compiled->check) {
        PyObject *checked = PyObject_Vectorcall(compiled->check, arguments, flags, keywords);
        if (!checked)
          return nullptr;
        Py_DECREF(checked);
      }
      return PyObject_Vectorcall(compiled->function, arguments, flags, keywords);
    });
  return guarded([&]() -> PyObject * {
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    const Positional args{arguments, count};
    py::object kwargs;
    if (keywords && PyTuple_GET_SIZE(keywords)) {
      py::dict dict;
      for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(keywords); ++i)
        dict[py::handle(PyTuple_GET_ITEM(keywords, i))] = py::handle(arguments[count + i]);
      kwargs = std::move(dict);
    }
    auto &entries = *compiled->entries;
    static thread_local std::vector<Tensor> scratch;
    for (size_t i = 0; i < entries.size(); ++i) {
      Traced &entry = *entries[i].first;
      auto held = py::reinterpret_borrow<py::object>(entries[i].second); // a replay lets other threads run
      if (entry.matches(args, kwargs.ptr(), scratch, nullptr)) {
        if (i)
          moveToFront(entries, held.ptr());
        if (compiled->policy)
          compiled->policy->replayed(entry.hits == 0);
        std::vector<Tensor> tensors = std::move(scratch);
        py::object result;
        try {
          result = replay(entry, tensors);
        } catch (const CheckFailure &) {
          result = callEagerly(compiled->function, args.tuple(),
                               kwargs); // it fails there, with Python's stack, or is caught
        }
        tensors.clear();
        scratch = std::move(tensors);
        return result.release().ptr();
      }
    }
    scratch.clear();
    if (!compiled->miss)
      fail(UserError::Kind::Runtime, "compile", "the function is gone: the garbage collector has taken it");
    py::tuple all = args.tuple();
    if (compiled->check)
      callEagerly(compiled->check, all, kwargs);
    return callAnew(*compiled, all, kwargs).release().ptr();
  });
}

int traverse(PyObject *self, visitproc visit, void *arg) {
  auto *compiled = reinterpret_cast<Compiled *>(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(compiled->function);
  Py_VISIT(compiled->miss);
  Py_VISIT(compiled->check);
  Py_VISIT(compiled->dict);
  for (auto &[traced, object] : *compiled->entries)
    Py_VISIT(object);
  return 0;
}
int clear(PyObject *self) {
  auto *compiled = reinterpret_cast<Compiled *>(self);
  Py_CLEAR(compiled->function);
  Py_CLEAR(compiled->miss);
  Py_CLEAR(compiled->check);
  Py_CLEAR(compiled->dict);
  auto entries = std::move(*compiled->entries);
  compiled->entries->clear();
  for (auto &[traced, object] : entries)
    Py_DECREF(object);
  return 0;
}
void deallocate(PyObject *self) {
  PyObject_GC_UnTrack(self);
  auto *compiled = reinterpret_cast<Compiled *>(self);
  if (compiled->weakReferences)
    PyObject_ClearWeakRefs(self);
  clear(self);
  delete compiled->entries;
  delete compiled->policy;
  PyTypeObject *type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}
PyObject *bindAsMethod(PyObject *self, PyObject *object, PyObject *) {
  if (!object || object == Py_None) {
    Py_INCREF(self);
    return self;
  }
  return PyMethod_New(self, object);
}
// Attributes of the function or module show through: compiled.parameters(), compiled.__name__.
PyObject *getAttribute(PyObject *self, PyObject *name) {
  PyObject *own = PyObject_GenericGetAttr(self, name);
  if (own || !PyErr_ExceptionMatches(PyExc_AttributeError))
    return own;
  PyObject *function = reinterpret_cast<Compiled *>(self)->function;
  if (!function)
    return nullptr;
  PyErr_Clear();
  return PyObject_GetAttr(function, name);
}

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Compiled, vectorcall), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(Compiled, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Compiled, weakReferences), READONLY, nullptr},
    {"__wrapped__", T_OBJECT, offsetof(Compiled, function), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void *>(deallocate)},
    {Py_tp_traverse, reinterpret_cast<void *>(traverse)},
    {Py_tp_clear, reinterpret_cast<void *>(clear)},
    {Py_tp_call, reinterpret_cast<void *>(PyVectorcall_Call)},
    {Py_tp_descr_get, reinterpret_cast<void *>(bindAsMethod)},
    {Py_tp_getattro, reinterpret_cast<void *>(getAttribute)},
    {Py_tp_members, members},
    {0, nullptr},
};
PyType_Spec spec = {"weft.Compiled", int(sizeof(Compiled)), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                        Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                    slots};
PyTypeObject *compiledType = nullptr;

// What weft.compile returned, a module that holds it in its class included.
Compiled &asCompiled(py::handle object) {
  py::object held = py::getattr(py::type::handle_of(object), "_compiled", object);
  if (Py_TYPE(held.ptr()) != compiledType)
    fail(UserError::Kind::Type, "compile", "expected what weft.compile returned");
  return *reinterpret_cast<Compiled *>(held.ptr());
}

} // namespace

void bindCompile(py::module_ &module) {
  py::class_<GuardSet, std::shared_ptr<GuardSet>>(module, "GuardSet", collected<GuardSet>())
      .def("first_broken", &GuardSet::firstBroken)
      .def("broken", &GuardSet::broken)
      .def("accept_any_float", &GuardSet::acceptAnyFloat)
      .def("__len__", &GuardSet::size);
  module.def("guard_set", [](py::list guards) { return std::make_shared<GuardSet>(std::move(guards)); });
  py::class_<Traced, std::shared_ptr<Traced>>(module, "Traced", collected<Traced>())
      .def_property_readonly("reason", [](const Traced &t) { return t.reason; })
      .def_property_readonly("hits", [](const Traced &t) { return t.hits; })
      .def_property_readonly("graph", operationsOf)
      .def_property_readonly("captured",
                             [](const Traced &t) {
                               return py::cast(std::vector<py::object>([&] {
                                 std::vector<py::object> list;
                                 for (const Tensor &tensor : t.call->captured)
                                   list.push_back(py::reinterpret_steal<py::object>(box(tensor)));
                                 return list;
                               }()));
                             })
      .def_property_readonly("numbers",
                             [](const Traced &t) {
                               py::list list;
                               for (const auto &number : t.call->numbers)
                                 if (auto *item = dynamic_cast<const DictNumber *>(number.get()))
                                   list.append(py::make_tuple(item->holder, item->key, item->index));
                               return list;
                             })
      .def("set_guards",
           [](Traced &t, py::object guards) {
             t.guardSet = guards.cast<GuardSet *>();
             t.guards = std::move(guards);
           })
      .def("mismatch", [](const Traced &t, py::tuple args, py::dict kwargs) -> py::object {
        std::vector<Tensor> tensors;
        std::string why;
        Positional given{PySequence_Fast_ITEMS(args.ptr()), PyTuple_GET_SIZE(args.ptr())};
        return t.matches(given, kwargs.ptr(), tensors, &why) ? py::object(py::none()) : py::str(why);
      });
  compiledType = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
  if (!compiledType)
    throw py::error_already_set();
  module.attr("Compiled") = py::handle(reinterpret_cast<PyObject *>(compiledType));
  // adaptive: calls may be made without being traced. check: None, or called with the arguments of a call that no entry
  // serves.
  module.def(
      "make_compiled",
      [](py::object function, py::object miss, bool adaptive, py::object check) {
        auto entries = std::make_unique<std::vector<std::pair<Traced *, PyObject *>>>();
        auto *compiled = reinterpret_cast<Compiled *>(compiledType->tp_alloc(compiledType, 0));
        if (!compiled)
          throw py::error_already_set();
        compiled->entries = entries.release();
        compiled->policy = adaptive ? new CallPolicy : nullptr;
        compiled->vectorcall = callCompiled;
        compiled->function = function.release().ptr();
        compiled->miss = miss.release().ptr();
        compiled->check = check.is_none() ? nullptr : check.release().ptr();
        return py::reinterpret_steal<py::object>(reinterpret_cast<PyObject *>(compiled));
      },
      py::arg("function"), py::arg("miss"), py::arg("adaptive"), py::arg("check") = py::none());
  module.def("add_entry", [](py::handle object, py::object traced) {
    auto &entries = *asCompiled(object).entries;
    entries.insert(entries.begin(), {traced.cast<Traced *>(), traced.ptr()});
    traced.release();
  });
  module.def("forget_oldest_entry", [](py::handle object) {
    auto &entries = *asCompiled(object).entries;
    py::object oldest = py::reinterpret_steal<py::object>(entries.back().second);
    entries.pop_back();
  });
  // How calls are made that no entry serves ("trace", "lazy", "eager"), and why not traced.
  module.def("way_of_calls", [](py::handle object) -> std::pair<std::string, std::string> {
    CallPolicy *policy = asCompiled(object).policy;
    if (!policy || policy->traces())
      return {"trace", ""};
    return {policy->usual() == CallPolicy::Way::Lazy ? "lazy" : "eager", policy->explain()};
  });
  module.def("compile_statistics", [] {
    CompileStatistics all = compileStatistics();
    return py::make_tuple(all.compiled + all.fromDisk, all.compileSeconds);
  });
  module.def("entries", [](py::handle object) {
    py::list list;
    for (auto &[traced, entry] : *asCompiled(object).entries)
      list.append(py::handle(entry));
    return list;
  });
  module.def("trace_turn", [] { return std::make_unique<Turn>(); });
  py::class_<Turn>(module, "TraceTurn", notMadeByHand())
      .def("__enter__", [](Turn &t) { return bool(t.turn.emplace(TraceTurn::Otherwise::Skip)); })
      .def("__exit__", [](Turn &t, const py::args &) { t.turn.reset(); });
  module.def("run_traced", &runTraced, py::arg("function"), py::arg("args"), py::arg("kwargs"), py::arg("after"),
             py::arg("reached"), py::arg("why"), py::arg("specialised") = false, py::arg("check") = false,
             py::arg("varying") = py::list());
  // holder[key], or holder[key][index]; where that is a float and a trace runs, as an input of its program.
  module.def(
      "traced_number",
      [](py::dict holder, py::str key, Device device, std::optional<Py_ssize_t> index) -> py::object {
        auto number = std::make_shared<const DictNumber>(holder, key, index);
        Trace *trace = Trace::outermost();
        if (double value; !trace || trace->isExport() || !number->read(value))
          return index ? py::object(holder[key][py::int_(*index)]) : py::object(holder[key]);
        return py::reinterpret_steal<py::object>(box(trace->number(std::move(number), device)));
      },
      py::arg("holder"), py::arg("key"), py::arg("device"), py::arg("index") = py::none());
  module.def("tracing", [] { return Trace::active() != nullptr; });
  module.def("not_replayable", [](const std::string &why) {
    if (Trace *trace = Trace::active())
      trace->becomesVisible(why);
  });
}

} // namespace weft::python
