#include "runtime/extern/fft/Engine.h"

namespace weft::fft {
extern const Engine<float> baselineFloat;
extern const Engine<double> baselineDouble;
constexpr Engine<float> baselineFloat = engine<float>();
constexpr Engine<double> baselineDouble = engine<double>();
} // namespace weft::fft
