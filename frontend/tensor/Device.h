// Names of devices.
#pragma once
#include "runtime/Device.h"

namespace weft {

// Reads "cpu", "cuda" (the thread's current one), "cuda:1"; throws UserError.
Device parseDevice(const std::string &text);

} // namespace weft
