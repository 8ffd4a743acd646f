// DLPack's structures (dmlc/dlpack, versions 0.8 and 1.x of the protocol), and tensors as them.
#pragma once
#include "python/bindings/PyTensor.h"

#include <cstdint>

namespace weft::python {

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
struct DLManagedTensor { // before 1.0
  static constexpr const char *kName = "dltensor", *kUsedName = "used_dltensor";
  DLTensor tensor;
  void *context;
  void (*deleter)(DLManagedTensor *);
};
struct DLManagedTensorVersioned {
  static constexpr const char *kName = "dltensor_versioned", *kUsedName = "used_dltensor_versioned";
  static constexpr uint64_t kReadOnly = 1, kCopied = 2;
  struct {
    uint32_t major, minor;
  } version;
  void *context;
  void (*deleter)(DLManagedTensorVersioned *);
  uint64_t flags;
  DLTensor tensor;
};
constexpr uint32_t kMajor = 1, kMinor = 1; // of the structures above

// What a framework offers to C code beside __dlpack__ (since 1.2), in a capsule "dlpack_exchange_api" on its type.
struct DLPackExchangeAPI {
  struct {
    uint32_t major, minor;
  } version;
  DLPackExchangeAPI *previous;
  void *allocate;
  int (*managedFromObject)(void *object, DLManagedTensorVersioned **managed);
  int (*managedToObject)(DLManagedTensorVersioned *managed, void **object); // takes `managed` over
  void *viewFromObject, *currentStream;
};

// A tensor on the memory; takes `managed` over in any case.
Tensor fromManaged(DLManagedTensorVersioned *managed);
// The consumer calls the deleter. The tensor has its data, and no history.
DLManagedTensorVersioned *toManaged(const Tensor &tensor);

} // namespace weft::python
