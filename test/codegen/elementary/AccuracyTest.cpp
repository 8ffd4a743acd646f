// The elementary functions against the C library's in long double, in units in the last place: over all float32 (every
// 9973rd, or as WEFT_ACCURACY_STRIDE says; 1 for all), and over random float64 of all sizes.
#include "test/codegen/elementary/Screen.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#define UNARY(name)                                                                                                    \
  void name##32(const float *x, float *y, long n);                                                                     \
  void name##64(const double *x, double *y, long n);
#define BINARY(name)                                                                                                   \
  void name##32(const float *, const float *, float *y, long n);                                                       \
  void name##64(const double *, const double *, double *y, long n);
// clang-format off
UNARY(exp) UNARY(exp2) UNARY(expm1) UNARY(log) UNARY(log2) UNARY(log10) UNARY(log1p) UNARY(sin) UNARY(cos) UNARY(tan)
UNARY(asin) UNARY(acos) UNARY(atan) UNARY(sinh) UNARY(cosh) UNARY(tanh) UNARY(asinh) UNARY(acosh) UNARY(atanh)
UNARY(erf) UNARY(erfc) UNARY(cbrt) UNARY(rsqrt) UNARY(sigmoid)
BINARY(pow) BINARY(atan2)
    // clang-format on
    void uniform01_32(const long long *, const long long *, float *y, long n);
void uniform01_64(const long long *, const long long *, double *y, long n);
void normal01_32(const long long *, const long long *, float *y, long n);
void normal01_64(const long long *, const long long *, double *y, long n);

namespace {

using Wide = long double;

Wide rsqrtReference(Wide x) { return 1 / sqrtl(x); }
Wide sigmoidReference(Wide x) { return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)); }

struct Function {
  const char *name;
  void (*single)(const float *, float *, long);
  void (*wide)(const double *, double *, long);
  Wide (*reference)(Wide);
  screen::Function screen;
  double bound32, bound64; // ulp
};
void PrintTo(const Function &function, std::ostream *out) { *out << function.name; }
const Function functions[] = {
    {"exp", exp32, exp64, expl, screen::apply<screen::exp>, 1, 1},
    {"exp2", exp232, exp264, exp2l, screen::apply<screen::exp2>, 1, 1},
    {"expm1", expm132, expm164, expm1l, screen::apply<screen::expm1>, 1, 1.1},
    {"log", log32, log64, logl, screen::apply<screen::log>, 1, 1},
    {"log2", log232, log264, log2l, screen::apply<screen::log2>, 1, 1},
    {"log10", log1032, log1064, log10l, screen::apply<screen::log10>, 1, 1},
    {"log1p", log1p32, log1p64, log1pl, screen::apply<screen::log1p>, 1, 1.5},
    {"sin", sin32, sin64, sinl, screen::apply<screen::sin>, 1, 1},
    {"cos", cos32, cos64, cosl, screen::apply<screen::cos>, 1, 1},
    {"tan", tan32, tan64, tanl, screen::apply<screen::tan>, 1, 2},
    {"asin", asin32, asin64, asinl, screen::apply<screen::asin>, 1, 1},
    {"acos", acos32, acos64, acosl, screen::apply<screen::acos>, 1, 1},
    {"atan", atan32, atan64, atanl, screen::apply<screen::atan>, 1, 2},
    {"sinh", sinh32, sinh64, sinhl, screen::apply<screen::sinh>, 1, 2},
    {"cosh", cosh32, cosh64, coshl, screen::apply<screen::cosh>, 1, 2},
    {"tanh", tanh32, tanh64, tanhl, screen::apply<screen::tanh>, 1, 1.5},
    {"asinh", asinh32, asinh64, asinhl, screen::apply<screen::asinh>, 1, 2.5},
    {"acosh", acosh32, acosh64, acoshl, screen::apply<screen::acosh>, 1, 2.5},
    {"atanh", atanh32, atanh64, atanhl, screen::apply<screen::atanh>, 1, 2.5},
    {"erf", erf32, erf64, erfl, screen::apply<screen::erf>, 1, 1.5},
    {"erfc", erfc32, erfc64, erfcl, screen::apply<screen::erfc>, 1, 2},
    {"cbrt", cbrt32, cbrt64, cbrtl, screen::apply<screen::cbrt>, 1, 1},
    {"rsqrt", rsqrt32, rsqrt64, rsqrtReference, screen::apply<screen::rsqrt>, 1, 1},
    {"sigmoid", sigmoid32, sigmoid64, sigmoidReference, screen::apply<screen::sigmoid>, 1, 1},
};

// The distance in units of the last place of T at the reference; infinite where NaN, infinity or a zero's sign differ.
template <typename T> double distance(T got, Wide reference) {
  using Limits = std::numeric_limits<T>;
  T rounded = static_cast<T>(reference);
  if (std::isnan(rounded) || std::isnan(got))
    return std::isnan(rounded) && std::isnan(got) ? 0 : INFINITY;
  if (std::isinf(reference) || reference == 0 || (std::isinf(got) && std::isinf(rounded)))
    return got == rounded && std::signbit(got) == std::signbit(rounded) ? 0 : INFINITY;
  Wide value = got;
  if (std::isinf(got)) // one step beyond the largest
    value = std::copysign(std::ldexp(Wide(1), Limits::max_exponent), value);
  int exponent = std::max(std::ilogb(reference), Limits::min_exponent - 1);
  return double(std::fabs(value - reference) / std::ldexp(Wide(1), exponent - (Limits::digits - 1)));
}

template <typename T> struct Worst {
  double ulp = 0;
  T x = 0, y = 0, got = 0;
  void take(double distance, T atX, T atY, T value) {
    if (distance > ulp)
      *this = {distance, atX, atY, value};
  }
};

template <typename To, typename From> To bits(From from) {
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

std::vector<double> sample64(int count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> x = {0.0,      -0.0,
                           1.0,      -1.0,
                           INFINITY, -INFINITY,
                           NAN,      0.5,
                           -0.5,     2.0,
                           5e-324,   -5e-324,
                           1e308,    2.2250738585072014e-308,
                           709.78,   -745.1,
                           3.0,      -3.0,
                           1e22,     0x1.6ac5b262ca1ffp+849};
  while (int(x.size()) < count) {
    uint64_t r = random();
    switch (r & 3) {
    case 0: // any bits
      x.push_back(bits<double>(random()));
      break;
    case 1: // uniform in the exponent near 1
      x.push_back(std::ldexp(1 + double(random() >> 11) * 0x1p-53, int(random() % 40) - 28) * (r & 4 ? 1 : -1));
      break;
    case 2:
      x.push_back((double(random() >> 11) * 0x1p-53 - 0.5) * (r & 4 ? 4 : 60));
      break;
    default:
      x.push_back((double(random() >> 11) * 0x1p-53 - 0.5) * 1500);
    }
  }
  return x;
}

class Unary : public testing::TestWithParam<Function> {};
class Unary64 : public testing::TestWithParam<Function> {};

TEST_P(Unary, Float32) {
  const Function &f = GetParam();
  const char *chosen = std::getenv("WEFT_ACCURACY_STRIDE");
  uint64_t stride = chosen ? std::strtoull(chosen, nullptr, 10) : 9973;
  Worst<float> worst;
  std::vector<float> x, y;
  std::vector<double> approximate;
  for (uint64_t start = 0; start < (uint64_t(1) << 32); start += stride << 16) {
    x.clear();
    for (uint64_t i = start; i < (uint64_t(1) << 32) && x.size() < 1 << 16; i += stride)
      x.push_back(bits<float>(uint32_t(i)));
    for (double special : {0.0, -0.0, 1.0, -1.0, INFINITY * 1.0, -INFINITY * 1.0, NAN * 1.0, 1e-45, 2.0, 0.5})
      x.push_back(float(special));
    x.resize((x.size() + screen::kBlock - 1) / screen::kBlock * screen::kBlock, 1);
    y.resize(x.size());
    approximate.resize(x.size());
    f.single(x.data(), y.data(), x.size());
    f.screen(x.data(), approximate.data(), x.size());
    for (size_t block = 0; block < x.size(); block += screen::kBlock)
      if (screen::anyMayExceed(&y[block], &approximate[block], worst.ulp))
        for (size_t i = block; i < block + screen::kBlock; ++i)
          if (screen::mayExceed(y[i], approximate[i], worst.ulp))
            worst.take(distance(y[i], f.reference(x[i])), x[i], 0, y[i]);
  }
  RecordProperty("ulp", std::to_string(worst.ulp));
  EXPECT_LE(worst.ulp, f.bound32) << f.name << "(" << worst.x << ") = " << worst.got;
  std::printf("  %-8s f32 %.4f ulp at %a\n", f.name, worst.ulp, worst.x);
}

TEST_P(Unary64, Float64) {
  const Function &f = GetParam();
  std::vector<double> x = sample64(200000, 1), y(x.size());
  f.wide(x.data(), y.data(), x.size());
  Worst<double> worst;
  for (size_t i = 0; i < x.size(); ++i)
    worst.take(distance(y[i], f.reference(x[i])), x[i], 0, y[i]);
  EXPECT_LE(worst.ulp, f.bound64) << f.name << "(" << worst.x << ") = " << worst.got;
  std::printf("  %-8s f64 %.4f ulp at %a\n", f.name, worst.ulp, worst.x);
}

std::string functionName(const testing::TestParamInfo<Function> &info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Accuracy, Unary, testing::ValuesIn(functions), functionName);
INSTANTIATE_TEST_SUITE_P(Accuracy, Unary64, testing::ValuesIn(functions), functionName);

template <typename T>
void checkBinary(const char *name, void (*f)(const T *, const T *, T *, long), Wide (*reference)(Wide, Wide),
                 double bound) {
  std::vector<double> a = sample64(300000, 2), b = sample64(300000, 3);
  std::vector<T> x(a.begin(), a.end()), y(b.begin(), b.end());
  const double special[] = {0.0, -0.0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, INFINITY, -INFINITY, NAN, 1e-45, -1e-45, 1e30};
  for (double s : special)
    for (double t : special) {
      x.push_back(T(s));
      y.push_back(T(t));
    }
  std::mt19937_64 random(4);
  for (int i = 0; i < 100000; ++i) { // products of logarithm and exponent over the whole range of results
    T base = T(std::ldexp(1 + double(random() >> 11) * 0x1p-53, int(random() % 200) - 100));
    x.push_back(base);
    y.push_back(T((double(random() >> 11) * 0x1p-53 - 0.5) * (sizeof(T) == 4 ? 300 : 2150) / (1e-3 + std::log2(base))));
  }
  std::vector<T> z(x.size());
  f(x.data(), y.data(), z.data(), x.size());
  Worst<T> worst;
  for (size_t i = 0; i < x.size(); ++i)
    worst.take(distance(z[i], reference(x[i], y[i])), x[i], y[i], z[i]);
  EXPECT_LE(worst.ulp, bound) << name << "(" << worst.x << ", " << worst.y << ") = " << worst.got;
  std::printf("  %-8s f%d %.4f ulp at %a, %a\n", name, int(8 * sizeof(T)), worst.ulp, double(worst.x), double(worst.y));
}

TEST(Binary, Pow) {
  checkBinary<float>("pow", pow32, powl, 1);
  checkBinary<double>("pow", pow64, powl, 1);
}
TEST(Binary, Atan2) {
  checkBinary<float>("atan2", atan232, atan2l, 1);
  checkBinary<double>("atan2", atan264, atan2l, 2);
}

template <typename T>
void checkMoments(void (*f)(const long long *, const long long *, T *, long), Wide mean, Wide variance) {
  const int count = 1 << 20;
  std::vector<long long> seed(count, 42), counter(count);
  for (int i = 0; i < count; ++i)
    counter[i] = i;
  std::vector<T> y(count);
  f(seed.data(), counter.data(), y.data(), count);
  Wide sum = 0, square = 0;
  for (T v : y) {
    ASSERT_TRUE(std::isfinite(v));
    sum += v;
    square += Wide(v) * v;
  }
  sum /= count;
  EXPECT_NEAR(sum, mean, 5 * std::sqrt(variance / count));
  EXPECT_NEAR(square / count - sum * sum, variance, 0.01 * variance);
}

TEST(Random, Moments) {
  checkMoments(uniform01_32, 0.5L, 1.0L / 12);
  checkMoments(uniform01_64, 0.5L, 1.0L / 12);
  checkMoments(normal01_32, 0, 1);
  checkMoments(normal01_64, 0, 1);
}

TEST(Random, PhiloxKnownAnswer) {
  // Random123's kat_vectors: key and counter all zeros give 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
  long long zero = 0;
  float y;
  uniform01_32(&zero, &zero, &y, 1);
  EXPECT_EQ(y, float(0x6627e8d5u >> 8) * 0x1p-24f);
  double z;
  uniform01_64(&zero, &zero, &z, 1);
  EXPECT_EQ(z, double(0x6627e8d5e169c58dull >> 11) * 0x1p-53);
}

} // namespace
