// Matrix products against the orders of ir/kernel/KernelOps.td: multiply-adds in blocks of 256 along K and
// groups of 2048, or in pairs of bf16.
#include "codegen/cpu/Target.h"
#include "test/codegen/cpu/KernelRunner.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <set>

using namespace weft::test;

namespace {

const char *kProduct = R"(
kernel.func @product(%a: !kernel.buffer<$A>, %b: !kernel.buffer<$B>, %bias: !kernel.buffer<$S>, %c: !kernel.buffer<$S>, %symbol: index,
                     %begin: index, %end: index) {
  %zero = arith.constant 0 : index
  %rows = $ROWS
  %columns = $COLUMNS
  %k = $DEPTH
  %am = $AM
  %ak = $AK
  %bk = $BK
  %bn = $BN
  %rowBlock = arith.constant 126 : index
  kernel.for %t = %begin to %end {
    %r0 = arith.muli %t, %rowBlock : index
    %next = arith.addi %r0, %rowBlock : index
    %r1 = arith.minsi %next, %rows : index
    kernel.contract %a[%zero, %am, %ak], %b[%zero, %bk, %bn] depth %k rows %r0 to %r1 columns %zero to %columns $PACKED
        : !kernel.buffer<$A>, !kernel.buffer<$B> (%m, %n, %sum : $S) {
      %v = kernel.load %bias[%n] : !kernel.buffer<$S> -> $S
      %row = arith.muli %m, %columns : index
      %at = arith.addi %row, %n : index
      %r = $ADD %sum, %v : $S
      kernel.store %r, %c[%at] : $S, !kernel.buffer<$S>
    }
  }
  kernel.return
})";

float multiplyAdd(float x, float y, float z) { return std::fma(x, y, z); }
double multiplyAdd(double x, double y, double z) { return std::fma(x, y, z); }
int32_t multiplyAdd(int32_t x, int32_t y, int32_t z) { return int32_t(uint32_t(x) * uint32_t(y) + uint32_t(z)); }

// Rounded to 24 bits as if exponents had no end, and then a zero if it is subnormal.
float withoutSubnormals(long double x) {
  bool isSmall = std::fabs(x) < 1 && std::fabs(float(std::ldexp(x, 64))) < 0x1p-62f;
  return isSmall ? std::copysign(0.0f, float(x)) : float(x);
}

// bf16 by its bits.
float widen(uint16_t x) {
  uint32_t bits = uint32_t(x) << 16;
  float result;
  memcpy(&result, &bits, sizeof(result));
  return result;
}

struct Layout {
  bool transposeA = false, transposeB = false, packed = false, isStatic = true;
  std::string cpu;
  bool spread = false; // no stride is 1
};

// A sum of `count` products, the i-th of which `step(sum, i)` adds; `rounded` is what becomes of sums of blocks.
template <class T, class F> T inChains(int64_t count, F step, T (*rounded)(T) = [](T sum) { return sum; }) {
  T total = 0, group = 0;
  for (int64_t first = 0; first < count; first += 256) {
    T sum = 0;
    for (int64_t i = first; i < std::min(count, first + 256); ++i)
      sum = step(sum, i);
    group = first % 2048 ? rounded(T(group + sum)) : sum;
    if (first % 2048 == 2048 - 256 || first + 256 >= count)
      total = first >= 2048 ? rounded(T(total + group)) : group;
  }
  return total;
}

// Of bf16: of two products that of the second is added first.
float inPairs(int64_t count, const std::function<float(int64_t)> &x, const std::function<float(int64_t)> &y) {
  auto step = [&](float sum, int64_t i) {
    auto product = [&](int64_t i) -> long double {
      return i < count ? (long double)withoutSubnormals(x(i)) * withoutSubnormals(y(i)) : 0;
    };
    i ^= 1;
    return withoutSubnormals(product(i) + sum);
  };
  return inChains<float>(count + count % 2, step, [](float sum) { return withoutSubnormals(sum); });
}

// In the order of tiles: of 32 products those of even and of odd k are chains of their own.
float inTiles(int64_t count, const std::function<float(int64_t)> &x, const std::function<float(int64_t)> &y) {
  auto add = [](long double a, long double b) { return withoutSubnormals(a + b); };
  float total = 0;
  for (int64_t group = 0; group < count; group += 2048) {
    float sum = 0;
    for (int64_t first = group; first < std::min(group + 2048, count); first += 32) {
      float chains[2] = {0, 0};
      for (int64_t k = first; k < std::min(first + 32, count); ++k)
        chains[k % 2] = add((long double)withoutSubnormals(x(k)) * withoutSubnormals(y(k)), chains[k % 2]);
      sum = add(sum, add(chains[0], chains[1]));
    }
    total = group ? add(total, sum) : sum;
  }
  return total;
}

template <class T> void check(const std::string &type, int64_t m, int64_t n, int64_t k, const Layout &layout) {
  SCOPED_TRACE(type + " " + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k) +
               (layout.transposeA ? " A'" : "") + (layout.transposeB ? " B'" : "") + (layout.packed ? " packed" : "") +
               (layout.isStatic ? "" : " dynamic ") + (layout.spread ? " spread " : "") + layout.cpu);
  auto numbers = [](size_t count, unsigned seed) {
    std::vector<float> x = randomFloats(count, seed);
    std::vector<T> result;
    for (float value : x)
      result.push_back(std::is_integral_v<T> ? T(value * 1000) : T(value));
    return result;
  };
  std::vector<T> a = numbers(m * k, 1), b = numbers(k * n, 2), bias = numbers(n, 3), c(m * n + 64, T(77));
  std::vector<T> given = b, givenA = a;
  int64_t spread = layout.spread ? 3 : 1;
  auto spreadOut = [&](std::vector<T> &x) {
    std::vector<T> result(x.size() * spread, T(55));
    for (size_t i = 0; i < x.size(); ++i)
      result[i * spread] = x[i];
    x = result;
  };
  spreadOut(given);
  spreadOut(givenA);
  if (layout.packed) {
    int64_t rows = (k + 31) / 32 * 32;
    given.assign((n + 63) / 64 * 64 * rows, T(0));
    for (int64_t l = 0; l < k; ++l)
      for (int64_t j = 0; j < n; ++j)
        given[(j / 64 * rows + l) * 64 + j % 64] = layout.transposeB ? b[j * k + l] : b[l * n + j];
  }
  std::string constants;
  auto dimension = [&](int64_t value) {
    static int counter = 0;
    if (layout.isStatic)
      return "arith.constant " + std::to_string(value) + " : index";
    std::string name = "%known" + std::to_string(counter++);
    constants += "  " + name + " = arith.constant " + std::to_string(value) + " : index\n";
    return "arith.addi %symbol, " + name + " : index";
  };
  // Unit strides are known even where sizes are not.
  auto stride = [&](int64_t value) { return value == 1 ? std::string("arith.constant 1 : index") : dimension(value); };
  std::string text = substitute(
      kProduct, {{"ROWS", dimension(m)},
                 {"COLUMNS", dimension(n)},
                 {"DEPTH", dimension(k)},
                 {"AM", stride((layout.transposeA ? 1 : k) * spread)},
                 {"AK", stride((layout.transposeA ? m : 1) * spread)},
                 {"BK", stride((layout.transposeB ? 1 : n) * spread)},
                 {"BN", layout.packed ? dimension((k + 31) / 32 * 32) : stride((layout.transposeB ? k : 1) * spread)},
                 {"PACKED", layout.packed ? "packed" : ""},
                 {"ADD", type[0] == 'f' ? "arith.addf" : "arith.addi"},
                 {"A", type},
                 {"B", type},
                 {"S", type}});
  text.insert(text.find("  %zero"), constants);
  KernelRunner runner(text, layout.cpu);
  // B begins a line of the cache, or for an odd m one element later.
  std::vector<T> room(given.size() + 64 / sizeof(T) + 1);
  void *line = room.data();
  size_t space = room.size() * sizeof(T);
  T *aligned = static_cast<T *>(std::align(64, given.size() * sizeof(T), line, space)) + m % 2;
  std::copy(given.begin(), given.end(), aligned);
  runner.run({givenA.data(), aligned, bias.data(), c.data()}, {0}, 0, (m + 125) / 126);

  int wrong = 0;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      auto step = [&](T sum, int64_t l) {
        return multiplyAdd(layout.transposeA ? a[l * m + i] : a[i * k + l],
                           layout.transposeB ? b[j * k + l] : b[l * n + j], sum);
      };
      T expected = inChains<T>(k, step) + bias[j];
      if (memcmp(&expected, &c[i * n + j], sizeof(T)) && wrong++ < 3)
        ADD_FAILURE() << "(" << i << ", " << j << ") is " << c[i * n + j] << ", not " << expected;
    }
  EXPECT_EQ(0, wrong);
  for (size_t i = m * n; i < c.size(); ++i)
    EXPECT_EQ(T(77), c[i]) << "written past the end";
}

} // namespace

// bf16 times bf16. `scale` makes products that are subnormal, or nearly.
static void checkPairs(int64_t m, int64_t n, int64_t k, const Layout &layout, float scale = 1) {
  SCOPED_TRACE(std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k) +
               (layout.transposeA ? " A'" : "") + (layout.transposeB ? " B'" : "") + (layout.packed ? " packed" : "") +
               (layout.isStatic ? " " : " dynamic ") + layout.cpu);
  auto numbers = [&](size_t count, unsigned seed) {
    std::vector<uint16_t> result;
    for (float value : randomFloats(count, seed)) {
      value *= scale;
      uint32_t bits;
      memcpy(&bits, &value, sizeof(bits));
      result.push_back(bits >> 16);
    }
    return result;
  };
  std::vector<uint16_t> a = numbers(m * k, 1), b = numbers(k * n, 2), given = b;
  std::vector<float> bias(n, 0), c(m * n + 64, 77);
  int64_t rows = (k + 31) / 32 * 32;
  if (layout.packed) {
    given.assign((n + 63) / 64 * 64 * rows, 0);
    for (int64_t l = 0; l < k; ++l)
      for (int64_t j = 0; j < n; ++j)
        given[(j / 64 * rows + l / 2 * 2) * 64 + j % 64 * 2 + l % 2] = b[l * n + j];
  }
  auto dimension = [&](int64_t value) {
    return layout.isStatic || value == 1 ? "arith.constant " + std::to_string(value) + " : index"
                                         : "arith.addi %symbol, %known" + std::to_string(value) + " : index";
  };
  std::string text = substitute(kProduct, {{"ROWS", dimension(m)},
                                           {"COLUMNS", dimension(n)},
                                           {"DEPTH", dimension(k)},
                                           {"AM", dimension(layout.transposeA ? 1 : k)},
                                           {"AK", dimension(layout.transposeA ? m : 1)},
                                           {"BK", dimension(layout.transposeB ? 1 : n)},
                                           {"BN", dimension(layout.packed       ? rows
                                                            : layout.transposeB ? k
                                                                                : 1)},
                                           {"PACKED", layout.packed ? "packed pairs" : "pairs"},
                                           {"ADD", "arith.addf"},
                                           {"A", "bf16"},
                                           {"B", "bf16"},
                                           {"S", "f32"}});
  for (int64_t value : std::set<int64_t>{m, n, k, rows})
    if (!layout.isStatic)
      text.insert(text.find("  %zero"),
                  "  %known" + std::to_string(value) + " = arith.constant " + std::to_string(value) + " : index\n");
  KernelRunner runner(text, layout.cpu);
  runner.run({a.data(), given.data(), bias.data(), c.data()}, {0}, 0, (m + 125) / 126);

  int wrong = 0;
  auto ofBf16 = weft::cpu::Target::find(layout.cpu).multipliesTiles ? inTiles : inPairs;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      float expected = ofBf16(
          k, [&](int64_t l) { return widen(layout.transposeA ? a[l * m + i] : a[i * k + l]); },
          [&](int64_t l) { return widen(layout.transposeB ? b[j * k + l] : b[l * n + j]); });
      expected += 0.0f; // the bias
      if (memcmp(&expected, &c[i * n + j], sizeof(float)) && wrong++ < 3)
        ADD_FAILURE() << "(" << i << ", " << j << ") is " << c[i * n + j] << ", not " << expected;
    }
  EXPECT_EQ(0, wrong);
  for (size_t i = m * n; i < c.size(); ++i)
    EXPECT_EQ(77, c[i]) << "written past the end";
}

TEST(Contract, Pairs) {
  for (const char *cpu : {"", "x86-64-v3"}) {
    for (bool transposeA : {false, true})
      for (bool transposeB : {false, true})
        for (bool isStatic : {true, false}) {
          Layout layout{transposeA, transposeB, false, isStatic, cpu};
          checkPairs(50, 70, 301, layout);
          checkPairs(19, 33, 17, layout, 0x1p-62f);
        }
    checkPairs(9, 70, 2300, {false, true, false, false, cpu});
    for (int64_t k : {0, 1, 2, 3, 64, 66})
      checkPairs(13, 40, k, {false, false, false, true, cpu}, 0x1p-63f);
    for (int64_t m : {1, 2, 5, 8})
      for (bool transposeB : {false, true}) {
        checkPairs(m, 70, 333, {false, transposeB, false, true, cpu});
        checkPairs(m, 21, 2765, {true, transposeB, false, true, cpu}, 0x1p-62f);
      }
  }
  if (weft::cpu::Target::find("").dotsPairs)
    for (bool isStatic : {true, false}) {
      checkPairs(20, 150, 300, {false, false, true, isStatic, ""});
      checkPairs(7, 70, 33, {true, false, true, isStatic, ""});
    }
}

TEST(Contract, EverySmallSize) {
  for (int64_t size = 1; size <= 40; ++size)
    check<float>("f32", size, (size * 7) % 41 + 1, (size * 11) % 43 + 1, {});
}

TEST(Contract, Layouts) {
  for (bool transposeA : {false, true})
    for (bool transposeB : {false, true})
      for (bool isStatic : {true, false}) {
        check<float>("f32", 100, 70, 300, {transposeA, transposeB, false, isStatic, ""});
        check<float>("f32", 19, 33, 17, {transposeA, transposeB, false, isStatic, ""});
      }
}

TEST(Contract, Packed) {
  check<float>("f32", 100, 70, 300, {false, true, true, true, ""});
  check<float>("f32", 3, 100, 40, {false, false, true, false, ""});
}

TEST(Contract, LargerThanABlock) {
  check<float>("f32", 300, 300, 520, {});
  check<float>("f32", 1100, 40, 30, {});
}

// Few rows, or a dense B: where columns are whole tiles, these read B where it is. (131 x 192 does not, at an odd
// address.)
TEST(Contract, RowsOfBInPlace) {
  for (const char *cpu : {"", "x86-64-v3"})
    for (bool isStatic : {true, false})
      for (auto [m, n, k] : {std::tuple(11, 64, 300), {48, 320, 65}, {130, 192, 513}, {131, 192, 40}, {250, 320, 70}}) {
        check<float>("f32", m, n, k, {false, false, false, isStatic, cpu});
        check<float>("f32", m, n, k, {true, false, false, isStatic, cpu});
      }
  for (int64_t m : {10, 40}) // rows of B a page apart
    check<float>("f32", m, 1024, 260, {});
  check<float>("f32", 20, 128, 4400, {});
  check<float>("f32", 20, 128, 0, {});
  check<double>("f64", 50, 96, 300, {});
  check<int32_t>("i32", 50, 96, 300, {});
}

TEST(Contract, Groups) {
  for (int64_t k : {2048, 2049, 4096, 4400})
    for (bool isStatic : {true, false})
      check<float>("f32", 20, 150, k, {false, false, false, isStatic, ""});
  check<float>("f32", 20, 70, 4400, {false, true, true, true, ""});
  check<float>("f32", 20, 70, 4400, {true, false, false, true, "x86-64-v3"});
  check<int32_t>("i32", 20, 70, 4400, {});
}

TEST(Contract, OtherTypesAndCpus) {
  check<double>("f64", 40, 70, 300, {});
  check<int32_t>("i32", 40, 70, 300, {});
  check<float>("f32", 40, 70, 300, {false, false, false, true, "x86-64-v3"});
  check<float>("f32", 40, 70, 300, {false, true, false, true, "x86-64-v3"});
  check<double>("f64", 13, 41, 30, {true, false, false, true, "x86-64-v3"});
}

TEST(Contract, NoDepthGivesZero) {
  check<float>("f32", 5, 40, 0, {});
  check<float>("f32", 20, 40, 0, {});
}

// B is read where it is, or where it is packed.
TEST(Contract, FewRows) {
  for (const char *cpu : {"", "x86-64-v3"})
    for (bool transposeB : {false, true})
      for (int64_t m : {1, 2, 3, 4, 5, 7, 8}) {
        auto layout = [&](bool transposeA, bool spread, bool packed = false) {
          return Layout{transposeA, transposeB, packed, true, cpu, spread};
        };
        check<float>("f32", m, 75, 333, layout(false, false));
        check<float>("f32", m, 130, 256, layout(true, false));
        check<float>("f32", m, 9, 40, layout(false, true));
        check<float>("f32", m, 3, 2500, layout(true, true));
        check<float>("f32", m, 66, 5000, layout(false, false));
        check<float>("f32", m, 130, 300, layout(false, false, true));
        check<float>("f32", m, 21, 700, layout(false, false)); // along K two vectors of columns, then two blocks of K
        check<float>("f32", m, 21, 3072, layout(true, false)); // whose rows are pages apart: two blocks of K
        check<double>("f64", m, 70, 1100, layout(false, false));
        check<int32_t>("i32", m, 70, 130, layout(false, false));
      }
  for (bool transposeB : {false, true})
    for (int64_t n : {1, 15, 64, 1030, 2100}) // more than a strip
      check<float>("f32", 2, n, 300, {false, transposeB, false, false, ""});
  check<float>("f32", 4, 40, 0, {});
  check<float>("f32", 4, 40, 0, {false, true, false, false, ""});
}

// Very few results: in the lanes are blocks of K of each.
TEST(Contract, Dots) {
  for (const char *cpu : {"", "x86-64-v3"})
    for (int64_t k : {0, 1, 255, 256, 700, 1024, 1300, 4096, 5000, 9000}) {
      for (auto [m, n] : {std::pair(1, 1), {1, 3}, {2, 2}, {4, 1}, {3, 2}})
        check<float>("f32", m, n, k, {false, true, false, true, cpu});
      check<double>("f64", 1, 1, k, {false, true, false, true, cpu});
      check<int32_t>("i32", 2, 1, k, {false, true, false, true, cpu});
    }
}
