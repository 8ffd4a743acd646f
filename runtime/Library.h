// Shared objects of generated code, from a file or from memory.
#pragma once
#include <cstddef>
#include <memory>
#include <string>

namespace weft {

// Closed with the last reference. Throws std::runtime_error with the loader's text.
std::shared_ptr<void> openLibrary(const std::string &path);
// The bytes go to the loader through an anonymous file; nothing is written to disk.
std::shared_ptr<void> openLibrary(const void *data, size_t bytes);

} // namespace weft
