// DLPack (dmlc/dlpack, versions 0.8 and 1.x of the protocol): tensors shared with other frameworks without a copy.
#include "python/bindings/DLPack.h"

#include "python/bindings/Function.h"
#include "runtime/BlockingRegion.h"
#include "runtime/cuda/Streams.h"

namespace py = pybind11;

namespace weft::python {
namespace {

DLDataType codeOf(DType dtype) {
  uint8_t code = dtype == DType::Bool       ? 6
                 : dtype == DType::BFloat16 ? 4
                 : isFloat(dtype)           ? 2
                 : isComplex(dtype)         ? 5
                 : isUnsignedInt(dtype)     ? 1
                                            : 0;
  return {code, uint8_t(8 * itemSize(dtype)), 1};
}

DLDevice deviceOf(const Tensor &t) { return {t.device().isCpu() ? 1 : 2, t.device().index}; }

[[noreturn]] void failExport(const std::string &what) { throw py::buffer_error("[dlpack] " + what); }

// Holds the memory, which the tensor may part with.
template <class Managed> struct Exported {
  Managed managed{};
  Ref<Storage> storage;
  int64_t shape[kMaxRank], strides[kMaxRank];
};

// In a destructor: what failed is told by whoever waits next.
void waitForDevice(int device, void (*wait)(int)) {
  try {
    wait(device);
  } catch (const std::runtime_error &) {
  }
}

// The consumer calls its deleter.
template <class Managed> Managed *managedOf(const Tensor &t, uint64_t flags) {
  auto exported = std::make_unique<Exported<Managed>>();
  for (int i = 0; i < t.dim(); ++i) {
    exported->shape[i] = t.shape()[i];
    exported->strides[i] = t.strides()[i];
  }
  Managed &managed = exported->managed;
  managed.tensor = {t.data(), deviceOf(t), t.dim(), codeOf(t.dtype()), exported->shape, exported->strides, 0};
  if constexpr (std::is_same_v<Managed, DLManagedTensorVersioned>) {
    managed.version = {kMajor, kMinor};
    managed.flags = flags;
  }
  managed.context = exported.get();
  managed.deleter = [](Managed *dead) {
    if (dead->tensor.device.type == 2) // the consumer's stream may still use what comes back here
      waitForDevice(dead->tensor.device.id, cuda::synchronize);
    delete static_cast<Exported<Managed> *>(dead->context);
  };
  exported->storage = t.impl->storage;
  exported->storage->exported = true;
  return &exported.release()->managed;
}

template <class Managed> py::capsule exportAs(const Tensor &t, uint64_t flags) {
  Managed *managed = managedOf<Managed>(t, flags);
  return py::capsule(managed, Managed::kName, [](PyObject *dead) {
    // A consumer renames the capsule it took over.
    if (PyCapsule_IsValid(dead, Managed::kName)) {
      auto *unused = static_cast<Managed *>(PyCapsule_GetPointer(dead, Managed::kName));
      unused->deleter(unused);
    }
  });
}

// As of the array API: maxVersion is None or the tuple (major, minor) that the consumer knows; device None or a tuple
// (type, id); copy None (where needed), True or False (never).
py::capsule toDLPack(const Tensor &t, py::object stream, py::object maxVersion, py::object device, py::object copy) {
  if (t.requiresGrad())
    failExport("a tensor that requires grad cannot be exported; use tensor.detach()");
  if (t.device().isCpu() && !stream.is_none() && !stream.equal(py::int_(-1)))
    failExport("memory of the CPU has no stream; pass stream=None");
  if (t.device().isCuda() && !stream.is_none() && (!py::isinstance<py::int_>(stream) || stream.equal(py::int_(0))))
    failExport("a stream of a GPU is None, -1, 1, 2 or a handle; got " + std::string(py::repr(stream)));
  bool versioned = !maxVersion.is_none() && maxVersion.cast<std::pair<uint32_t, uint32_t>>().first >= kMajor;
  bool wantsCopy = !copy.is_none() && copy.cast<bool>();
  Tensor shared = t;
  if (!device.is_none()) {
    auto [type, id] = device.cast<std::pair<int32_t, int32_t>>();
    if (DLDevice own = deviceOf(t); type != own.type || id != own.id) {
      if (type != 1)
        failExport("a tensor on " + toString(t.device()) + " is given out there or on the CPU; got device (" +
                   std::to_string(type) + ", " + std::to_string(id) + "); use tensor.to() first");
      if (!copy.is_none() && !wantsCopy)
        failExport("a tensor on " + toString(t.device()) + " cannot come to the CPU with copy=False");
      shared = t.to(Device());
    }
  }
  bool copied = !shared.is(t);
  if (wantsCopy && !copied) {
    shared = t.clone();
    copied = true;
  }
  // The consumer may read in any stream of its own, but with -1, which asks for no order.
  if (shared.device().isCuda() && !stream.equal(py::int_(-1))) {
    shared.data();
    const int index = shared.device().index;
    const uintptr_t theirs = stream.is_none() ? 1 : stream.cast<uintptr_t>(); // 1: the driver's default stream
    cuda::waitForStream(index, reinterpret_cast<void *>(theirs), index, cuda::useDevice(index));
  }
  bool readOnly = shared.impl->storage->readOnly;
  if (readOnly && !versioned)
    failExport("read-only memory cannot be exported by DLPack before 1.0; use tensor.clone(), or max_version=(1, 0)");
  if (!versioned)
    return exportAs<DLManagedTensor>(shared, 0);
  return exportAs<DLManagedTensorVersioned>(shared, (readOnly ? DLManagedTensorVersioned::kReadOnly : 0) |
                                                        (copied ? DLManagedTensorVersioned::kCopied : 0));
}

template <class Managed> void releaseManaged(void *context) {
  withPythonsLock([&] {
    auto *managed = static_cast<Managed *>(context);
    if (managed->tensor.device.type == 2) // kernels of ours may still use what goes back to its owner
      waitForDevice(managed->tensor.device.id, cuda::synchronize);
    if (managed->deleter)
      managed->deleter(managed);
  });
}

DType dtypeOf(DLDataType wanted) {
  for (int i = 0; i < kDTypeCount; ++i) {
    DLDataType code = codeOf(DType(i));
    if (code.code == wanted.code && code.bits == wanted.bits && wanted.lanes == 1)
      return DType(i);
  }
  fail(UserError::Kind::Type, "from_dlpack",
       "the array's dtype (code " + std::to_string(wanted.code) + ", " + std::to_string(wanted.bits) +
           " bits) has no weft equivalent; convert it first");
}

// Takes it over, unless it throws.
template <class Managed> Tensor takeOver(Managed *managed) {
  bool readOnly = false;
  if constexpr (std::is_same_v<Managed, DLManagedTensorVersioned>) {
    if (managed->version.major != kMajor)
      fail(UserError::Kind::Runtime, "from_dlpack",
           "the capsule has version " + std::to_string(managed->version.major) + "." +
               std::to_string(managed->version.minor) + " of DLPack; weft knows 1.x and what came before");
    readOnly = managed->flags & DLManagedTensorVersioned::kReadOnly;
  }
  const DLTensor &view = managed->tensor;
  DType dtype = dtypeOf(view.dtype);
  if (view.device.type != 1 && view.device.type != 2)
    fail(UserError::Kind::Value, "from_dlpack",
         "only CPU and CUDA memory is supported; copy the array to the CPU first");
  if (view.ndim < 0 || view.ndim > kMaxRank)
    fail(UserError::Kind::Value, "from_dlpack",
         "the array has " + std::to_string(view.ndim) + " dimensions; tensors have at most " +
             std::to_string(kMaxRank) + "; reshape it");
  Dims shape;
  for (int i = 0; i < view.ndim; ++i)
    shape.push_back(view.shape[i]);
  Dims strides = contiguousStrides(shape);
  if (view.strides && shape.product() != 0)
    for (int i = 0; i < view.ndim; ++i) {
      if (shape[i] == 1)
        continue;
      if (view.strides[i] < 0)
        fail(UserError::Kind::Value, "from_dlpack", "the array has a negative stride; make a copy of it first");
      strides[i] = view.strides[i];
    }
  Device device;
  if (view.device.type == 2)
    device = {DeviceKind::CUDA, int8_t(view.device.id)};
  return Tensor::fromMemory(static_cast<char *>(view.data) + view.byteOffset, shape, strides, dtype, device, readOnly,
                            releaseManaged<Managed>, managed);
}

template <class Managed> Tensor takeOver(py::handle capsule) {
  Tensor tensor = takeOver(static_cast<Managed *>(PyCapsule_GetPointer(capsule.ptr(), Managed::kName)));
  PyCapsule_SetName(capsule.ptr(), Managed::kUsedName);
  return tensor;
}

// A capsule of the newest kind that the producer can make; of versions before 1.0 it takes no keywords.
py::object capsuleOf(py::handle source, const py::object &device, const py::object &copy) {
  py::dict keywords;
  keywords["max_version"] = py::make_tuple(kMajor, kMinor);
  if (!device.is_none()) {
    Device wanted = unboxDevice(device.ptr());
    keywords["dl_device"] = py::make_tuple(wanted.isCpu() ? 1 : 2, int(wanted.index));
  }
  if (!copy.is_none())
    keywords["copy"] = copy;
  if (py::hasattr(source, "__dlpack_device__")) // what the producer still does comes before our stream's work
    if (auto [type, id] = source.attr("__dlpack_device__")().cast<std::pair<int32_t, int32_t>>(); type == 2)
      keywords["stream"] = py::int_(reinterpret_cast<uintptr_t>(cuda::useDevice(id)));
  py::object method = source.attr("__dlpack__");
  try {
    return method(**keywords);
  } catch (py::error_already_set &error) {
    if (!error.matches(PyExc_TypeError) || !device.is_none() || !copy.is_none())
      throw;
    py::dict known;
    if (keywords.contains("stream"))
      known["stream"] = keywords["stream"];
    return method(**known);
  }
}

Tensor fromDLPack(const py::object &source, const py::object &device, std::optional<bool> copy) {
  py::object copies = copy ? py::object(py::bool_(*copy)) : py::none();
  py::object capsule = py::hasattr(source, "__dlpack__") ? capsuleOf(source, device, copies) : source;
  if (PyCapsule_IsValid(capsule.ptr(), DLManagedTensorVersioned::kName))
    return takeOver<DLManagedTensorVersioned>(capsule);
  if (PyCapsule_IsValid(capsule.ptr(), DLManagedTensor::kName))
    return takeOver<DLManagedTensor>(capsule);
  fail(UserError::Kind::Type, "from_dlpack",
       std::string("expected an object with __dlpack__ or a DLPack capsule that nobody has used; got ") +
           Py_TYPE(capsule.ptr())->tp_name);
}

} // namespace

Tensor fromManaged(DLManagedTensorVersioned *managed) {
  try {
    return takeOver(managed);
  } catch (...) {
    if (managed->deleter)
      managed->deleter(managed);
    throw;
  }
}

DLManagedTensorVersioned *toManaged(const Tensor &tensor) {
  return managedOf<DLManagedTensorVersioned>(tensor,
                                             tensor.impl->storage->readOnly ? DLManagedTensorVersioned::kReadOnly : 0);
}

void bindDLPack(py::module_ &module) {
  module.def("to_dlpack", &toDLPack);
  Definitions(module).def(
      "from_dlpack", &fromDLPack, py::arg("ext_tensor"), py::kw_only(), py::arg("device") = py::none(),
      py::arg("copy") = py::none(),
      "A tensor on the memory of an object with __dlpack__. device: where the result is to be; copy: True, False "
      "(an error where one is needed) or None.");
  module.def("dlpack_device", [](const Tensor &t) { return py::make_tuple(deviceOf(t).type, deviceOf(t).id); });
}

} // namespace weft::python
