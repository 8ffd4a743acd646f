// Names of devices.
#pragma once
#include "runtime/Device.h"

namespace weft {

// Reads "cpu", "cuda", "cuda:1"; throws UserError.
Device parseDevice(const std::string &text);

} // namespace weft
