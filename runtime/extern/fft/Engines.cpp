#include "runtime/extern/fft/Engines.h"

#include "runtime/cpu/Features.h"

#include <cstring>
#include <iterator>
#include <type_traits>

namespace weft::fft {

extern const Engine<float> baselineFloat;
extern const Engine<double> baselineDouble;
#if defined(__x86_64__)
extern const Engine<float> avx2Float, avx512Float;
extern const Engine<double> avx2Double, avx512Double;
#endif

#if defined(__x86_64__)
static bool has(const char *feature) {
  for (size_t i = 0; i < std::size(kX86Features); ++i)
    if (!std::strcmp(kX86Features[i].name, feature))
      return hostFeatures() >> i & 1;
  return false;
}
#endif

template <class T> const Engine<T> &engineOfProcessor() {
  constexpr bool isFloat = std::is_same_v<T, float>;
  auto choose = [](const Engine<float> &ofFloat, const Engine<double> &ofDouble) -> const Engine<T> & {
    if constexpr (isFloat)
      return ofFloat;
    else
      return ofDouble;
  };
#if defined(__x86_64__)
  static const bool wide = has("avx512f") && has("avx512dq") && has("avx512bw") && has("avx512vl"), half = has("avx2");
  if (wide)
    return choose(avx512Float, avx512Double);
  if (half)
    return choose(avx2Float, avx2Double);
#endif
  return choose(baselineFloat, baselineDouble);
}

template const Engine<float> &engineOfProcessor<float>();
template const Engine<double> &engineOfProcessor<double>();

} // namespace weft::fft
