// DLPack (dmlc/dlpack, version 0.8 of the protocol): tensors shared with other frameworks without a copy.
#include "python/bindings/PyTensor.h"

namespace py = pybind11;

namespace weft::python {
namespace {

// The structures of dlpack.h.
struct DLDevice {
  int32_t type; // 1: CPU, 2: CUDA
  int32_t id;
};
struct DLDataType {
  uint8_t code; // 0: int, 1: unsigned, 2: float, 4: bfloat, 6: bool
  uint8_t bits;
  uint16_t lanes;
};
struct DLTensor {
  void *data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t *shape;
  int64_t *strides;
  uint64_t byteOffset;
};
struct DLManagedTensor {
  DLTensor tensor;
  void *context;
  void (*deleter)(DLManagedTensor *);
};

DLDataType codeOf(DType dtype) {
  uint8_t code = dtype == DType::Bool       ? 6
                 : dtype == DType::BFloat16 ? 4
                 : isFloat(dtype)           ? 2
                 : dtype == DType::UInt8    ? 1
                                            : 0;
  return {code, uint8_t(8 * itemSize(dtype)), 1};
}

DLDevice deviceOf(const Tensor &t) { return {t.device().isCpu() ? 1 : 2, t.device().index}; }

struct Exported {
  DLManagedTensor managed;
  Tensor tensor;
  int64_t shape[kMaxRank], strides[kMaxRank];
};

py::capsule toDLPack(const Tensor &t) {
  if (t.requiresGrad())
    fail(UserError::Kind::Runtime, "dlpack", "a tensor that requires grad cannot be exported; use tensor.detach()");
  if (t.impl->storage->readOnly)
    fail(UserError::Kind::Runtime, "dlpack", "read-only memory cannot be exported; use tensor.clone()");
  auto *exported = new Exported;
  exported->tensor = t;
  for (int i = 0; i < t.dim(); ++i) {
    exported->shape[i] = t.shape()[i];
    exported->strides[i] = t.strides()[i];
  }
  exported->managed.tensor = {t.data(), deviceOf(t), t.dim(), codeOf(t.dtype()), exported->shape, exported->strides, 0};
  exported->managed.context = exported;
  exported->managed.deleter = [](DLManagedTensor *managed) { delete static_cast<Exported *>(managed->context); };
  t.impl->storage->exported = true;
  return py::capsule(&exported->managed, "dltensor", [](PyObject *capsule) {
    // A consumer renames the capsule it took over.
    if (auto *managed = static_cast<DLManagedTensor *>(PyCapsule_GetPointer(capsule, "dltensor")))
      managed->deleter(managed);
    else
      PyErr_Clear();
  });
}

void releaseManaged(void *context) {
  py::gil_scoped_acquire gil;
  auto *managed = static_cast<DLManagedTensor *>(context);
  if (managed->deleter)
    managed->deleter(managed);
}

Tensor fromDLPack(py::object source) {
  py::object capsule = py::hasattr(source, "__dlpack__") ? source.attr("__dlpack__")() : source;
  auto *managed = static_cast<DLManagedTensor *>(
      PyCapsule_IsValid(capsule.ptr(), "dltensor") ? PyCapsule_GetPointer(capsule.ptr(), "dltensor") : nullptr);
  if (!managed)
    fail(UserError::Kind::Type, "from_dlpack", "expected an object with __dlpack__ or an unused DLPack capsule");
  const DLTensor &view = managed->tensor;
  int known = -1;
  for (int i = 0; i < kDTypeCount; ++i) {
    DLDataType code = codeOf(DType(i));
    if (code.code == view.dtype.code && code.bits == view.dtype.bits && view.dtype.lanes == 1)
      known = i;
  }
  if (known < 0)
    fail(UserError::Kind::Type, "from_dlpack",
         "the array's dtype (code " + std::to_string(view.dtype.code) + ", " + std::to_string(view.dtype.bits) +
             " bits) has no weft equivalent");
  if (view.device.type != 1 && view.device.type != 2)
    fail(UserError::Kind::Value, "from_dlpack",
         "only CPU and CUDA memory is supported; copy the array to the CPU first");
  if (view.ndim > kMaxRank)
    fail(UserError::Kind::Value, "from_dlpack", "more than " + std::to_string(kMaxRank) + " dimensions");
  Dims shape, strides;
  for (int i = 0; i < view.ndim; ++i)
    shape.push_back(view.shape[i]);
  strides = contiguousStrides(shape);
  if (view.strides)
    for (int i = 0; i < view.ndim; ++i) {
      if (view.strides[i] < 0)
        fail(UserError::Kind::Value, "from_dlpack", "the array has a negative stride; make a copy of it first");
      strides[i] = view.strides[i];
    }
  Device device;
  if (view.device.type == 2)
    device = {DeviceKind::CUDA, int8_t(view.device.id)};
  PyCapsule_SetName(capsule.ptr(), "used_dltensor");
  return Tensor::fromMemory(static_cast<char *>(view.data) + view.byteOffset, shape, strides, DType(known), device,
                            false, releaseManaged, managed);
}

} // namespace

void bindDLPack(py::module_ &module) {
  module.def("to_dlpack", &toDLPack);
  module.def("from_dlpack", &fromDLPack);
  module.def("dlpack_device", [](const Tensor &t) { return py::make_tuple(deviceOf(t).type, deviceOf(t).id); });
}

} // namespace weft::python
