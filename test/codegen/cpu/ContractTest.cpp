// Matrix products against the order of ir/kernel/KernelOps.td: multiply-adds in blocks of 256 along K.
#include "test/codegen/cpu/KernelRunner.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

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

struct Layout {
  bool transposeA = false, transposeB = false, packed = false, isStatic = true;
  std::string cpu;
};

template <class T> void check(const std::string &type, int64_t m, int64_t n, int64_t k, const Layout &layout) {
  SCOPED_TRACE(type + " " + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k) +
               (layout.transposeA ? " A'" : "") + (layout.transposeB ? " B'" : "") + (layout.packed ? " packed" : "") +
               (layout.isStatic ? "" : " dynamic ") + layout.cpu);
  auto numbers = [](size_t count, unsigned seed) {
    std::vector<float> x = randomFloats(count, seed);
    std::vector<T> result;
    for (float value : x)
      result.push_back(std::is_integral_v<T> ? T(value * 1000) : T(value));
    return result;
  };
  std::vector<T> a = numbers(m * k, 1), b = numbers(k * n, 2), bias = numbers(n, 3), c(m * n + 64, T(77));
  std::vector<T> given = b;
  if (layout.packed) {
    given.assign((n + 31) / 32 * 32 * k, T(0));
    for (int64_t l = 0; l < k; ++l)
      for (int64_t j = 0; j < n; ++j)
        given[(j / 32 * k + l) * 32 + j % 32] = layout.transposeB ? b[j * k + l] : b[l * n + j];
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
  std::string text = substitute(kProduct, {{"ROWS", dimension(m)},
                                           {"COLUMNS", dimension(n)},
                                           {"DEPTH", dimension(k)},
                                           {"AM", stride(layout.transposeA ? 1 : k)},
                                           {"AK", stride(layout.transposeA ? m : 1)},
                                           {"BK", stride(layout.transposeB ? 1 : n)},
                                           {"BN", stride(layout.transposeB ? k : 1)},
                                           {"PACKED", layout.packed ? "packed" : ""},
                                           {"ADD", type[0] == 'f' ? "arith.addf" : "arith.addi"},
                                           {"A", type},
                                           {"B", type},
                                           {"S", type}});
  text.insert(text.find("  %zero"), constants);
  KernelRunner runner(text, layout.cpu);
  runner.run({a.data(), given.data(), bias.data(), c.data()}, {0}, 0, (m + 125) / 126);

  int wrong = 0;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      T total = 0;
      for (int64_t k0 = 0; k0 < k; k0 += 256) {
        T sum = 0;
        for (int64_t l = k0; l < std::min(k, k0 + 256); ++l)
          sum = multiplyAdd(layout.transposeA ? a[l * m + i] : a[i * k + l],
                            layout.transposeB ? b[j * k + l] : b[l * n + j], sum);
        total = k0 ? T(total + sum) : sum;
      }
      T expected = total + bias[j];
      if (memcmp(&expected, &c[i * n + j], sizeof(T)) && wrong++ < 3)
        ADD_FAILURE() << "(" << i << ", " << j << ") is " << c[i * n + j] << ", not " << expected;
    }
  EXPECT_EQ(0, wrong);
  for (size_t i = m * n; i < c.size(); ++i)
    EXPECT_EQ(T(77), c[i]) << "written past the end";
}

} // namespace

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

TEST(Contract, LargerThanABlock) { check<float>("f32", 300, 300, 520, {}); }

TEST(Contract, OtherTypesAndCpus) {
  check<double>("f64", 40, 70, 300, {});
  check<int32_t>("i32", 40, 70, 300, {});
  check<float>("f32", 40, 70, 300, {false, false, false, true, "x86-64-v3"});
  check<float>("f32", 40, 70, 300, {false, true, false, true, "x86-64-v3"});
  check<double>("f64", 13, 41, 30, {true, false, false, true, "x86-64-v3"});
}

TEST(Contract, NoDepthGivesZero) { check<float>("f32", 5, 40, 0, {}); }
