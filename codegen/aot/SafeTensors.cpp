#include "codegen/aot/SafeTensors.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

#include <optional>
#include <stdexcept>

using namespace weft;

static std::optional<DType> dtypeOf(llvm::StringRef name) {
  static const std::pair<const char *, DType> names[] = {
      {"BOOL", DType::Bool},  {"U8", DType::UInt8},    {"U16", DType::UInt16},    {"U32", DType::UInt32},
      {"U64", DType::UInt64}, {"I8", DType::Int8},     {"I16", DType::Int16},     {"I32", DType::Int32},
      {"I64", DType::Int64},  {"F16", DType::Float16}, {"BF16", DType::BFloat16}, {"F32", DType::Float32},
      {"F64", DType::Float64}};
  for (auto [spelling, type] : names)
    if (name == spelling)
      return type;
  return std::nullopt;
}

// LLVM's parser calls itself for each list in a list. A header's innermost are those of an entry: three.
static bool isNestedTooDeeply(llvm::StringRef json) {
  int depth = 0;
  bool inString = false;
  for (size_t i = 0; i < json.size(); ++i) {
    char c = json[i];
    if (inString && c == '\\')
      ++i;
    else if (c == '"')
      inString = !inString;
    else if (!inString && (c == '[' || c == '{') && ++depth > 100)
      return true;
    else if (!inString && (c == ']' || c == '}'))
      --depth;
  }
  return false;
}

SafeTensors SafeTensors::read(const std::string &path) {
  auto malformed = [&](const std::string &what) -> std::runtime_error {
    return std::runtime_error(path + " is not a safetensors file: " + what);
  };
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    throw std::runtime_error("cannot open the weights " + path + ": " + buffer.getError().message());
  llvm::StringRef bytes = (*buffer)->getBuffer();
  SafeTensors file;
  file.fileBytes = bytes.size();
  if (bytes.size() < 8)
    throw malformed("it has " + std::to_string(bytes.size()) + " bytes");
  uint64_t length = llvm::support::endian::read64le(bytes.data());
  if (length > bytes.size() - 8)
    throw malformed("its header is said to have " + std::to_string(length) + " bytes, but the file has " +
                    std::to_string(bytes.size()));
  file.header = bytes.take_front(8 + length).str();
  if (isNestedTooDeeply(bytes.substr(8, length)))
    throw malformed("its header nests more than 100 lists");
  llvm::Expected<llvm::json::Value> json = llvm::json::parse(bytes.substr(8, length));
  if (!json)
    throw malformed("its header is not JSON: " + llvm::toString(json.takeError()));
  const llvm::json::Object *entries = json->getAsObject();
  if (!entries)
    throw malformed("its header is not a JSON object");
  for (const auto &[key, value] : *entries) {
    llvm::StringRef name = key;
    if (name == "__metadata__")
      continue;
    const llvm::json::Object *entry = value.getAsObject();
    const llvm::json::Array *shape = entry ? entry->getArray("shape") : nullptr;
    const llvm::json::Array *offsets = entry ? entry->getArray("data_offsets") : nullptr;
    std::optional<llvm::StringRef> dtype = entry ? entry->getString("dtype") : std::nullopt;
    if (!shape || !offsets || offsets->size() != 2 || !dtype)
      throw malformed("the entry of " + name.str() + " lacks dtype, shape or data_offsets");
    int64_t begin = (*offsets)[0].getAsInteger().value_or(-1), end = (*offsets)[1].getAsInteger().value_or(-1);
    bool fits = begin >= 0 && begin <= end && end <= file.fileBytes - int64_t(file.header.size());
    Entry tensor;
    tensor.offset = int64_t(file.header.size()) + begin;
    std::optional<DType> type = dtypeOf(*dtype);
    if (type && shape->size() <= size_t(kMaxRank)) {
      tensor.type = TensorType{*type, {}};
      for (const llvm::json::Value &size : *shape)
        tensor.type->shape.push_back(size.getAsInteger().value_or(-1));
      fits &= !tensor.type->shape.hasSymbol() && end == begin + tensor.type->shape.product() * itemSize(*type);
    } else {
      tensor.typeText = llvm::formatv("{0}{1}", *dtype, llvm::json::Value(llvm::json::Array(*shape))).str();
    }
    if (!fits)
      throw malformed("the data_offsets of " + name.str() + " do not fit its shape or the file");
    file.tensors.emplace(name.str(), tensor);
  }
  return file;
}
