#include "runtime/extern/fft/Engine.h"

namespace weft::fft {
extern const Engine<float> avx2Float;
extern const Engine<double> avx2Double;
constexpr Engine<float> avx2Float = engine<float>();
constexpr Engine<double> avx2Double = engine<double>();
} // namespace weft::fft
