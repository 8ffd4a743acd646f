// Files that the tools write.
#pragma once
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace weft {

// Whoever reads the file finds the old contents or the new, and where this fails everything is as it was. Links are
// followed, and a file that was there keeps its mode; devices and pipes are not replaced but written to; "-" is
// standard output. Throws
// std::runtime_error that says why it cannot be written, or that it is one of `sources`.
void writeFile(const std::string &path, llvm::StringRef bytes);

// Throws std::runtime_error where `path` is one of the files that it is to be made from.
void checkNoSource(const std::string &path, const std::vector<std::string> &sources);

} // namespace weft
