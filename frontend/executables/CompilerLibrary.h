// The compiler, opened when it is first needed: libweft_compiler.so beside the module that this code is linked into, or
// at WEFT_COMPILER_LIBRARY. A process that only runs cached code never loads LLVM.
#pragma once
#include "codegen/Compiler.h"

#include <string>

namespace weft {

// Throws UserError with dlopen's message when the library cannot be opened.
const CompilerApi &compilerLibrary();
bool compilerLibraryLoaded();
std::string compilerLibraryPath();

// The linker's number of the compiler library's build; empty where it gave none.
const std::string &compilerBuild();

// What a cache key must hold beside the graph: the compiler's build and this machine's kind of CPU. Found without
// opening it.
const std::string &compilerIdentity();

} // namespace weft
