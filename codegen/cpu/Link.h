// Objects to a shared object, by lld within the process. Nothing is written to disk.
#pragma once
#include <string>
#include <vector>

namespace weft::cpu {

// The objects may have no undefined symbols but those that `arguments`, further ones of ld.lld, provide for. Returns
// the bytes of the shared object; throws std::runtime_error with the linker's message.
std::string linkShared(const std::vector<std::string> &objects, const std::vector<std::string> &arguments = {},
                       const std::string &versionScript = "");

} // namespace weft::cpu
