// The functions of a model's C interface.
#pragma once
#include "codegen/aot/AotModel.h"
#include "codegen/cpu/Target.h"

namespace weft {

// An object file with them. It refers to the program (weft_program), to runtime/aot/Model.h and, unless they are
// external, to the file of weights as ld.lld names it under --format=binary.
std::string entryObject(const AotModel &model, const cpu::Target &target);

} // namespace weft
