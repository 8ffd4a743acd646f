// The steps of code generation that weft-opt shows.
#pragma once

namespace weft {

// --weft-to-kernel: groups to kernels; the plan is printed as comments before the module.
void registerCodegenPasses();

} // namespace weft
