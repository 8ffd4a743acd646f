#include "runtime/extern/fft/Engine.h"

namespace weft::fft {
extern const Engine<float> avx512Float;
extern const Engine<double> avx512Double;
constexpr Engine<float> avx512Float = engine<float>();
constexpr Engine<double> avx512Double = engine<double>();
} // namespace weft::fft
