// Tensors from nothing: empty, full, arange, the random generator.
#include "frontend/dispatch/Generator.h"
#include "frontend/trace/Trace.h"
#include "python/bindings/Function.h"
#include "runtime/cpu/FloatMode.h"

namespace py = pybind11;

namespace weft::python {

namespace {
DType dtypeOr(py::handle dtype, DType otherwise) { return dtype.is_none() ? otherwise : unboxDType(dtype.ptr()); }

TensorType typeOf(const char *op, py::handle shape, DType dtype) {
  TensorType type{dtype, unboxDims(shape.ptr(), op, "sizes")};
  checkSizes(op, type);
  return type;
}

// What `make` makes, drawn from the generator that a call names, None or a Generator.
template <class Make> Tensor drawnFrom(const char *op, py::handle generator, Make make) {
  if (generator.is_none())
    return make();
  py::object stream = py::getattr(generator, "_stream", py::none());
  if (!py::isinstance<Generator>(stream))
    fail(UserError::Kind::Type, op,
         std::string("generator must be a weft.Generator; got ") + Py_TYPE(generator.ptr())->tp_name);
  Generator::Use use(stream.cast<Generator &>());
  return make();
}
} // namespace

void bindCreation(py::module_ &module) {
  // What a weft.Generator holds.
  module.def("random_stream", [](bool isDefault) {
    return isDefault ? std::shared_ptr<Generator>(&Generator::defaultGenerator(), [](Generator *) {})
                     : std::make_shared<Generator>();
  });
  py::class_<Generator, std::shared_ptr<Generator>>(module, "RandomStream", notMadeByHand())
      .def_property(
          "seed_and_offset",
          [](const Generator &generator) { return std::make_pair(generator.state().seed, generator.state().offset); },
          [](Generator &generator, std::pair<int64_t, int64_t> state) {
            generator.setState({state.first, state.second});
          });
  module.def("empty", [](py::handle shape, py::handle dtype, py::handle device) {
    TensorType type = typeOf("empty", shape, dtypeOr(dtype, defaultDType()));
    if (Trace *trace = Trace::active(); trace && trace->isFunction()) // which may write to what it makes
      return full(type.shape, Tensor::wrapped(int64_t(0)), type.dtype, unboxDevice(device.ptr()));
    return Tensor::empty(type.shape, type.dtype, unboxDevice(device.ptr()));
  });
  module.def("full", [](py::handle shape, py::handle value, py::handle dtype, py::handle device) {
    Tensor number = operand(value.ptr());
    if (!number.defined() || number.dim() > 0)
      fail(UserError::Kind::Type, "full",
           "the value must be a number or a 0-d tensor; got " +
               (number.defined() ? toString(number.type()) : std::string(Py_TYPE(value.ptr())->tp_name)));
    DType inferred = !number.impl->wrappedNumber || isIntegral(number.dtype()) ? number.dtype()
                     : isComplex(number.dtype())                               ? complexOf(defaultDType())
                                                                               : defaultDType();
    TensorType type = typeOf("full", shape, dtypeOr(dtype, inferred));
    return full(type.shape, number, type.dtype, unboxDevice(device.ptr()));
  });
  module.def("arange", [](py::handle start, py::handle stop, py::handle step, DType dtype, py::handle device) {
    Tensor numbers[3] = {operand(start.ptr()), operand(stop.ptr()), operand(step.ptr())};
    bool integers = true;
    for (const Tensor &number : numbers) {
      if (!number.defined())
        fail(UserError::Kind::Type, "arange", "start, end and step must be numbers");
      integers &= !isFloat(number.dtype());
    }
    if (integers)
      return arangeOfIntegers(numbers[0].itemInt(), numbers[1].itemInt(), numbers[2].itemInt(), dtype,
                              unboxDevice(device.ptr()));
    return arange(numbers[0].itemDouble(), numbers[1].itemDouble(), numbers[2].itemDouble(), dtype,
                  unboxDevice(device.ptr()));
  });
  module.def(
      "randint",
      [](int64_t low, int64_t high, py::handle shape, DType dtype, py::handle device, py::handle generator) {
        TensorType type = typeOf("randint", shape, dtype);
        return drawnFrom("randint", generator,
                         [&] { return randint(low, high, type.shape, dtype, unboxDevice(device.ptr())); });
      },
      py::arg("low"), py::arg("high"), py::arg("shape"), py::arg("dtype"), py::arg("device"),
      py::arg("generator") = py::none());
  module.def(
      "rand",
      [](py::handle shape, py::handle dtype, py::handle device, py::handle generator) {
        TensorType type = typeOf("rand", shape, dtypeOr(dtype, defaultDType()));
        return drawnFrom("rand", generator, [&] { return rand(type.shape, type.dtype, unboxDevice(device.ptr())); });
      },
      py::arg("shape"), py::arg("dtype"), py::arg("device"), py::arg("generator") = py::none());
  module.def(
      "randn",
      [](py::handle shape, py::handle dtype, py::handle device, py::handle generator) {
        TensorType type = typeOf("randn", shape, dtypeOr(dtype, defaultDType()));
        return drawnFrom("randn", generator, [&] { return randn(type.shape, type.dtype, unboxDevice(device.ptr())); });
      },
      py::arg("shape"), py::arg("dtype"), py::arg("device"), py::arg("generator") = py::none());
  module.def("manual_seed", [](int64_t seed) { Generator::defaultGenerator().manualSeed(seed); });
  module.def("generator_state", [] {
    Generator::State state = Generator::defaultGenerator().state();
    return py::make_tuple(state.seed, state.offset);
  });
  module.def("set_generator_state",
             [](int64_t seed, int64_t offset) { Generator::defaultGenerator().setState({seed, offset}); });
  module.def("dropout", &dropout);
  Definitions(module)
      .def(
          "initial_seed",
          [] {
            if (Trace *trace = Trace::active())
              trace->notReplayable("it calls initial_seed()");
            return Generator::defaultGenerator().state().seed;
          },
          "The seed with which the random stream began.")
      .def(
          "default_dtype", [] { return defaultDType(); }, "The dtype of Python's floats in tensors.")
      .def(
          "get_default_device", [] { return defaultDevice(); }, "Where tensors are made for which no device is named.")
      .def(
          "set_default_device",
          [](const py::object &device) { setDefaultDevice(device.is_none() ? Device() : unboxDevice(device.ptr())); },
          py::arg("device"), "Sets where this thread makes tensors for which no device is named; None: on the CPU.")
      .def(
          "set_default_dtype",
          [](DType dtype) {
            if (!isFloat(dtype))
              fail(UserError::Kind::Type, "set_default_dtype",
                   std::string("needs a floating-point dtype; got ") + name(dtype));
            if (Trace *trace = Trace::active())
              trace->notReplayable("it calls set_default_dtype()");
            setDefaultDType(dtype);
          },
          py::arg("d"), "Sets the dtype that Python's floats have in tensors.");
}

} // namespace weft::python
