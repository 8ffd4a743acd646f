// The header of a safetensors file: https://huggingface.co/docs/safetensors (eight bytes of length, JSON, then the
// data).
#pragma once
#include "ir/Graph.h"

#include <map>
#include <optional>
#include <string>

namespace weft {

struct SafeTensors {
  struct Entry {
    std::optional<TensorType> type; // none where weft has no such type
    std::string typeText;           // as the file has it: "F8_E4M3[2, 3]"
    int64_t offset = 0;             // of the data, from the file's beginning
  };
  std::map<std::string, Entry> tensors;
  std::string header; // the bytes before the data
  int64_t fileBytes = 0;

  // Throws std::runtime_error that names the file and what is wrong with it.
  static SafeTensors read(const std::string &path);
};

} // namespace weft
