// Programs as files that compile(check=True) leaves and people write.
#pragma once
#include "codegen/Compiler.h"

#include <string>

namespace weft {

// "-" is standard input. Throws std::runtime_error that names file and line. Opens the compiler library that was built
// with this program, unless WEFT_COMPILER_LIBRARY names another.
Replay readReplay(const std::string &path);
// Its shared object, as the front end has it made (codegen/Compiler.h).
std::string machineCodeOf(const Replay &program);
// How its results differ from those of its ops one by one, by which pass and in which ops; empty where they do not.
// Throws UserError where a value is missing.
std::string differenceOf(const Replay &program);

// What the program still differs with: the file's text. Throws std::runtime_error where it does not differ.
std::string reduced(const Replay &program);

} // namespace weft
