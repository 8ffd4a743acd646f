// The Arrow C data interface (arrow.apache.org/docs/format/CDataInterface.html) and its PyCapsules: columns of pyarrow,
// polars, pandas and others as tensors on their memory, and tensors as arrays of theirs, without any of these
// libraries.
#include "frontend/dispatch/Ops.h"
#include "python/bindings/PyTensor.h"

#include <cstring>

namespace py = pybind11;

// The standard's structures, which may have been defined by another header.
extern "C" {
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
struct ArrowSchema {
  const char *format, *name, *metadata;
  int64_t flags, n_children;
  ArrowSchema **children, *dictionary;
  void (*release)(ArrowSchema *);
  void *private_data;
};
struct ArrowArray {
  int64_t length, null_count, offset, n_buffers, n_children;
  const void **buffers;
  ArrowArray **children, *dictionary;
  void (*release)(ArrowArray *);
  void *private_data;
};
#endif
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
  int (*get_schema)(ArrowArrayStream *, ArrowSchema *);
  int (*get_next)(ArrowArrayStream *, ArrowArray *);
  const char *(*get_last_error)(ArrowArrayStream *);
  void (*release)(ArrowArrayStream *);
  void *private_data;
};
#endif
}

namespace weft::python {
namespace {

using Kind = UserError::Kind;
constexpr const char *kSchema = "arrow_schema", *kArray = "arrow_array", *kStream = "arrow_array_stream";

// The letter of a dtype; 0: Arrow has none.
char letterOf(DType dtype) {
  switch (dtype) {
  case DType::Bool:
    return 'b';
  case DType::Int8:
    return 'c';
  case DType::UInt8:
    return 'C';
  case DType::Int16:
    return 's';
  case DType::UInt16:
    return 'S';
  case DType::Int32:
    return 'i';
  case DType::UInt32:
    return 'I';
  case DType::Int64:
    return 'l';
  case DType::UInt64:
    return 'L';
  case DType::Float16:
    return 'e';
  case DType::Float32:
    return 'f';
  case DType::Float64:
    return 'g';
  default:
    return 0;
  }
}

// ---------------------------------------------------------------- From Arrow

bool isFixedList(const ArrowSchema &schema) { return !std::strncmp(schema.format, "+w:", 3); }
int64_t listSize(const ArrowSchema &schema) { return std::strtoll(schema.format + 3, nullptr, 10); }
bool isList(const ArrowSchema &schema) {
  return isFixedList(schema) || !std::strcmp(schema.format, "+l") || !std::strcmp(schema.format, "+L");
}

// A structure of the interface, released with the last who holds it.
template <class T> struct Owned {
  T value{};
  Owned() = default;
  explicit Owned(T &taken) : value(taken) { taken.release = nullptr; }
  Owned(const Owned &) = delete;
  ~Owned() {
    if (value.release)
      withPythonsLock([&] { value.release(&value); });
  }
};
using Memory = std::shared_ptr<Owned<ArrowArray>>;

struct Reader {
  std::string op;

  [[noreturn]] void refuse(const std::string &column, const std::string &what) const {
    fail(Kind::Type, op.c_str(), (column.empty() ? "the column " : "the column '" + column + "' ") + what);
  }

  DType dtypeOf(const ArrowSchema &schema, const std::string &column) const {
    if (!schema.dictionary && schema.format[0] && !schema.format[1])
      for (int i = 0; i < kDTypeCount; ++i)
        if (letterOf(DType(i)) == schema.format[0])
          return DType(i);
    refuse(column, std::string("must have numbers or truth values; got Arrow's format '") + schema.format + "'" +
                       (schema.dictionary ? " of a dictionary" : "") + "; cast it, or take its codes, first");
  }

  void checkNulls(const ArrowArray &array, const std::string &column) const {
    int64_t count = array.null_count;
    auto *valid = array.n_buffers ? static_cast<const uint8_t *>(array.buffers[0]) : nullptr;
    if (count < 0) { // not counted yet
      count = 0;
      for (int64_t i = array.offset; valid && i < array.offset + array.length; ++i)
        count += !(valid[i / 8] >> (i % 8) & 1);
    }
    if (count)
      fail(Kind::Value, op.c_str(),
           (column.empty() ? "the column" : "the column '" + column + "'") + " has " + std::to_string(count) +
               " nulls, for which tensors have no value; fill or drop them first");
  }

  // Elements from `offset` on.
  Tensor vectorOf(const Memory &memory, const ArrowArray &array, const ArrowSchema &schema, int64_t offset,
                  int64_t length, const std::string &column) const {
    DType dtype = dtypeOf(schema, column);
    checkNulls(array, column);
    auto *data = static_cast<const char *>(array.buffers[1]);
    if (!data || !length)
      return Tensor::empty({length}, dtype);
    if (dtype == DType::Bool) { // bits
      Tensor result = Tensor::empty({length}, dtype);
      auto *to = static_cast<uint8_t *>(result.data());
      for (int64_t i = 0; i < length; ++i)
        to[i] = uint8_t(data[(offset + i) / 8]) >> ((offset + i) % 8) & 1;
      return result;
    }
    return Tensor::fromMemory(
        const_cast<char *>(data) + offset * itemSize(dtype), {length}, {1}, dtype, Device(), true,
        [](void *held) { delete static_cast<Memory *>(held); }, new Memory(memory));
  }

  Tensor columnOf(const Memory &memory, const ArrowArray &array, const ArrowSchema &schema, int64_t skipped,
                  int64_t length, const std::string &column) const {
    int64_t offset = array.offset + skipped;
    if (!isList(schema) || schema.dictionary)
      return vectorOf(memory, array, schema, offset, length, column);
    checkNulls(array, column); // lists, which must have one length
    bool isFixed = isFixedList(schema), isLong = schema.format[1] == 'L';
    int64_t size = isFixed ? listSize(schema) : 0, first = offset * size;
    if (!isFixed && length) {
      auto at = [&](int64_t i) {
        return isLong ? static_cast<const int64_t *>(array.buffers[1])[offset + i]
                      : static_cast<const int32_t *>(array.buffers[1])[offset + i];
      };
      first = at(0);
      size = at(1) - first;
      for (int64_t i = 1; i < length; ++i)
        if (at(i + 1) - at(i) != size)
          fail(Kind::Value, op.c_str(),
               (column.empty() ? "the column" : "the column '" + column + "'") +
                   " must have lists of one length; got " + std::to_string(size) + " and " +
                   std::to_string(at(i + 1) - at(i)) + "; pad or cut them first");
    }
    const ArrowArray &values = *array.children[0];
    Tensor flat = vectorOf(memory, values, *schema.children[0], values.offset + first, length * size, column);
    return view(flat, {length, size});
  }

  // The columns of a table, by name, or None and the array itself; each as a list of pieces.
  void append(const Memory &memory, const ArrowSchema &schema, std::vector<std::vector<Tensor>> &columns) const {
    const ArrowArray &array = memory->value;
    if (std::strcmp(schema.format, "+s") != 0) {
      columns[0].push_back(columnOf(memory, array, schema, 0, array.length, ""));
      return;
    }
    checkNulls(array, "");
    for (int64_t i = 0; i < schema.n_children; ++i)
      columns[i].push_back(columnOf(memory, *array.children[i], *schema.children[i], array.offset, array.length,
                                    schema.children[i]->name));
  }
};

template <class T> T *inside(py::handle capsule, const char *name) {
  void *pointer = PyCapsule_GetPointer(capsule.ptr(), name);
  if (!pointer)
    throw py::error_already_set();
  return static_cast<T *>(pointer);
}

void checkStream(const std::string &op, ArrowArrayStream &stream, int code) {
  if (!code)
    return;
  const char *what = stream.get_last_error(&stream);
  fail(Kind::Runtime, op.c_str(), std::string("Arrow's stream failed: ") + (what ? what : std::strerror(code)));
}

py::tuple fromArrow(const std::string &op, py::handle source) {
  Reader reader{op};
  Owned<ArrowSchema> schema;
  std::vector<Memory> pieces;
  if (py::hasattr(source, "__arrow_c_array__")) {
    py::tuple capsules = source.attr("__arrow_c_array__")();
    auto *ofSchema = inside<ArrowSchema>(capsules[0], kSchema);
    schema.value = *ofSchema;
    ofSchema->release = nullptr;
    pieces.push_back(std::make_shared<Owned<ArrowArray>>(*inside<ArrowArray>(capsules[1], kArray)));
  } else {
    py::object capsule = source.attr("__arrow_c_stream__")();
    Owned<ArrowArrayStream> stream(*inside<ArrowArrayStream>(capsule, kStream));
    checkStream(op, stream.value, stream.value.get_schema(&stream.value, &schema.value));
    for (;;) {
      auto piece = std::make_shared<Owned<ArrowArray>>();
      checkStream(op, stream.value, stream.value.get_next(&stream.value, &piece->value));
      if (!piece->value.release)
        break;
      pieces.push_back(std::move(piece));
    }
  }
  const ArrowSchema &type = schema.value;
  bool isTable = !std::strcmp(type.format, "+s");
  std::vector<std::vector<Tensor>> columns(isTable ? type.n_children : 1);
  for (const Memory &piece : pieces)
    reader.append(piece, type, columns);
  if (pieces.empty())
    for (size_t i = 0; i < columns.size(); ++i) {
      const ArrowSchema &of = isTable ? *type.children[i] : type;
      DType dtype = reader.dtypeOf(isList(of) ? *of.children[0] : of, isTable ? of.name : "");
      Dims none = isFixedList(of) ? Dims{0, listSize(of)} : isList(of) ? Dims{0, 0} : Dims{0};
      columns[i].push_back(Tensor::empty(none, dtype));
    }
  py::list names;
  for (int64_t i = 0; isTable && i < type.n_children; ++i)
    names.append(py::str(type.children[i]->name));
  py::list all;
  for (const std::vector<Tensor> &column : columns) {
    py::list list;
    for (const Tensor &piece : column)
      list.append(py::cast(piece));
    all.append(list);
  }
  return py::make_tuple(isTable ? py::object(names) : py::none(), all);
}

// ---------------------------------------------------------------- To Arrow

// What an exported array or schema points to, each part of its own: a consumer may move a child away.
struct ExportedSchema {
  std::string format;
  ArrowSchema child{};
  ArrowSchema *children[1] = {&child};
};
struct ExportedArray {
  Ref<Storage> storage;
  std::vector<uint8_t> bits;
  const void *buffers[2] = {nullptr, nullptr};
  ArrowArray child{};
  ArrowArray *children[1] = {&child};
};

template <class Exported, class Structure> void release(Structure *dead) {
  auto *exported = static_cast<Exported *>(dead->private_data);
  if (dead->n_children && exported->child.release)
    exported->child.release(&exported->child);
  delete exported;
  dead->release = nullptr;
}

void describe(ArrowSchema &schema, const std::string &format) {
  auto *exported = new ExportedSchema{format};
  schema = {};
  schema.format = exported->format.c_str();
  schema.name = "";
  schema.release = release<ExportedSchema>;
  schema.private_data = exported;
}

void fill(ArrowArray &array, const Tensor &flat) {
  auto *exported = new ExportedArray;
  exported->storage = flat.impl->storage;
  exported->storage->exported = true;
  exported->buffers[1] = flat.data();
  if (flat.dtype() == DType::Bool) {
    exported->bits.resize(flat.numel() / 8 + 1);
    auto *from = static_cast<const uint8_t *>(flat.data());
    for (int64_t i = 0; i < flat.numel(); ++i)
      exported->bits[i / 8] |= uint8_t(from[i] != 0) << (i % 8);
    exported->buffers[1] = exported->bits.data();
  }
  array = {};
  array.length = flat.numel();
  array.n_buffers = 2;
  array.buffers = exported->buffers;
  array.release = release<ExportedArray>;
  array.private_data = exported;
}

template <class Structure> py::capsule capsuleOf(std::unique_ptr<Owned<Structure>> owned, const char *name) {
  py::capsule capsule(&owned->value, name, [](PyObject *dead) {
    // Owned's first member is the structure, from which a consumer has moved it away or not.
    delete reinterpret_cast<Owned<Structure> *>(PyCapsule_GetPointer(dead, PyCapsule_GetName(dead)));
  });
  owned.release();
  return capsule;
}

py::tuple toArrow(const Tensor &t) {
  auto refuse = [&](const char *what) {
    fail(Kind::Type, "__arrow_c_array__", std::string(what) + "; got " + toString(t.type()));
  };
  if (t.requiresGrad())
    refuse("a tensor that requires a gradient cannot be exported; use tensor.detach()");
  if (t.dim() != 1 && t.dim() != 2)
    refuse("a column is a tensor of one dimension, or of two: lists of one length; reshape it");
  char letter = letterOf(t.dtype());
  if (!letter)
    refuse("Arrow has no such numbers; convert them with .to(dtype), or view_as_real()");
  Tensor whole = t.to(Device()).contiguous();
  auto schema = std::make_unique<Owned<ArrowSchema>>();
  auto array = std::make_unique<Owned<ArrowArray>>();
  if (t.dim() == 1) {
    describe(schema->value, std::string(1, letter));
    fill(array->value, whole);
  } else {
    describe(schema->value, "+w:" + std::to_string(t.shape()[1]));
    auto *lists = static_cast<ExportedSchema *>(schema->value.private_data);
    describe(lists->child, std::string(1, letter));
    lists->child.name = "item";
    schema->value.n_children = 1;
    schema->value.children = lists->children;
    auto *rows = new ExportedArray;
    fill(rows->child, whole);
    array->value = {};
    array->value.length = t.shape()[0];
    array->value.n_buffers = 1;
    array->value.buffers = rows->buffers;
    array->value.n_children = 1;
    array->value.children = rows->children;
    array->value.release = release<ExportedArray>;
    array->value.private_data = rows;
  }
  return py::make_tuple(capsuleOf(std::move(schema), kSchema), capsuleOf(std::move(array), kArray));
}

} // namespace

void bindArrow(py::module_ &module) {
  module.def("from_arrow", &fromArrow);
  module.def("to_arrow", &toArrow);
}

} // namespace weft::python
