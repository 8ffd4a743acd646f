// Compilation that nobody waits for any more, since the process ends.
#pragma once
#include <stdexcept>

namespace weft {

struct CompilationCancelled : std::runtime_error {
  CompilationCancelled() : std::runtime_error("[compiler] cancelled: the process ends") {}
};

// Of everything that this library compiles, from now on.
void cancelCompilation(bool cancelled);
bool isCompilationCancelled();
// Throws CompilationCancelled. The compiler's steps ask between the parts of their work.
void checkCancelled();

} // namespace weft
