// Elementwise kernels: vectors, tails, strides, masks and conversions.
#include "test/codegen/cpu/KernelRunner.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

using namespace weft::test;

namespace {

// y[i] = BODY of x[i], for types X and Y.
std::string unary(const std::string &x, const std::string &y, const std::string &body) {
  return substitute(R"(
kernel.func @map(%x: !kernel.buffer<$X>, %y: !kernel.buffer<$Y>, %begin: index, %end: index) {
  kernel.for lane %i = %begin to %end {
    %a = kernel.load %x[%i] : !kernel.buffer<$X> -> $X
    $BODY
    kernel.store %r, %y[%i] : $Y, !kernel.buffer<$Y>
  }
  kernel.return
})",
                    {{"BODY", body}, {"X", x}, {"Y", y}});
}

uint16_t toBrain(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  if (std::isnan(value))
    return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

} // namespace

TEST(Arithmetic, TailsTouchNothingElse) {
  KernelRunner runner(unary("f32", "f32", "%r = arith.addf %a, %a : f32"));
  std::vector<float> x = randomFloats(100, 1);
  for (int64_t begin : {0, 3, 16})
    for (int64_t end = begin; end < 70; ++end) {
      std::vector<float> y(100, 5);
      runner.run({x.data(), y.data()}, {}, begin, end);
      for (int64_t i = 0; i < 100; ++i)
        ASSERT_EQ(i >= begin && i < end ? x[i] * 2 : 5, y[i]) << begin << " " << end << " " << i;
    }
}

TEST(Arithmetic, Bfloat16RoundsToNearestEven) {
  KernelRunner runner(unary("f32", "bf16", "%r = arith.truncf %a : f32 to bf16"));
  std::vector<float> x = randomFloats(1000, 1);
  for (uint32_t bits :
       {0x3f808000u, 0x3f818000u, 0x3f808001u, 0x7f800001u, 0xffffffffu, 0x7f7fffffu, 0x80000000u, 0x00000001u}) {
    float value;
    memcpy(&value, &bits, 4);
    x.push_back(value);
  }
  std::vector<uint16_t> y(x.size());
  runner.run({x.data(), y.data()}, {}, 0, x.size());
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_EQ(toBrain(x[i]), y[i]) << x[i];
}

TEST(Arithmetic, HalfGoesThereAndBack) {
  std::vector<uint16_t> x(65536), y(65536);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = uint16_t(i);
  for (const char *cpu : {"", "x86-64-v3"}) {
    KernelRunner runner(unary("f16", "f16", "%w = arith.extf %a : f16 to f32\n %r = arith.truncf %w : f32 to f16"),
                        cpu);
    runner.run({x.data(), y.data()}, {}, 0, x.size());
    for (size_t i = 0; i < x.size(); ++i)
      if ((i & 0x7c00) != 0x7c00 || (i & 0x3ff) == 0) {
        ASSERT_EQ(x[i], y[i]);
      }
  }
}

template <class T> void testExtremes(const std::string &type) {
  const T limit = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const T tiny = std::numeric_limits<T>::denorm_min();
  std::vector<T> values = {0, -T(0), 1, -1, tiny, -tiny, limit, -limit, nan, -nan}, x, y;
  for (T a : values)
    for (T b : values) {
      x.push_back(a);
      y.push_back(b);
    }
  for (bool isMax : {true, false})
    for (const char *cpu : {"", "x86-64-v3"}) {
      KernelRunner runner(substitute(R"(
kernel.func @extremes(%x: !kernel.buffer<$T>, %y: !kernel.buffer<$T>, %z: !kernel.buffer<$T>, %begin: index, %end: index) {
  kernel.for lane %i = %begin to %end {
    %a = kernel.load %x[%i] : !kernel.buffer<$T> -> $T
    %b = kernel.load %y[%i] : !kernel.buffer<$T> -> $T
    %r = arith.$OP %a, %b : $T
    kernel.store %r, %z[%i] : $T, !kernel.buffer<$T>
  }
  kernel.return
})",
                                     {{"T", type}, {"OP", isMax ? "maximumf" : "minimumf"}}),
                          cpu);
      std::vector<T> z(x.size());
      runner.run({x.data(), y.data(), z.data()}, {}, 0, x.size());
      for (size_t i = 0; i < x.size(); ++i) {
        bool takeX = x[i] == y[i] ? std::signbit(x[i]) != isMax : (x[i] > y[i]) == isMax;
        T expected = std::isnan(x[i]) || std::isnan(y[i]) ? nan : takeX ? x[i] : y[i];
        if (std::isnan(expected))
          EXPECT_TRUE(std::isnan(z[i])) << x[i] << " " << y[i];
        else
          EXPECT_EQ(0, memcmp(&expected, &z[i], sizeof(T))) << x[i] << " " << y[i] << " gives " << z[i];
      }
    }
}

TEST(Arithmetic, ExtremesOrderZerosAndKeepNaNs) {
  testExtremes<float>("f32");
  testExtremes<double>("f64");
}

TEST(Arithmetic, QuotientsByOneNumberAreRoundedOnce) {
  KernelRunner runner(R"(
kernel.func @divide(%x: !kernel.buffer<f32>, %s: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %begin: index, %end: index) {
  kernel.for %row = %begin to %end {
    %n = arith.constant 1000 : index
    %zero = arith.constant 0 : index
    %divisor = kernel.load %s[%row] : !kernel.buffer<f32> -> f32
    %first = arith.muli %row, %n : index
    kernel.for lane %i = %zero to %n {
      %a = kernel.load %x[%i] : !kernel.buffer<f32> -> f32
      %r = arith.divf %a, %divisor : f32
      %at = arith.addi %first, %i : index
      kernel.store %r, %y[%at] : f32, !kernel.buffer<f32>
    }
  }
  kernel.return
})");
  constexpr float limit = std::numeric_limits<float>::infinity(), tiny = std::numeric_limits<float>::denorm_min();
  std::vector<float> special = {0.0f,  -0.0f,  1.0f,   3.0f,    -7.0f,    limit,   -limit,          NAN,   tiny,
                                3e38f, -1e30f, 1e-30f, 0x1p32f, 0x1p-32f, 0x1p33f, 0x1.fffffep-33f, 1e-37f};
  std::mt19937 engine(1);
  auto anyBits = [&] {
    uint32_t bits = engine();
    float value;
    memcpy(&value, &bits, 4);
    return value;
  };
  std::vector<float> divisors = special;
  for (float below = 2; divisors.size() < 300;) // where the reciprocal is least exact
    divisors.push_back(below = std::nextafter(below, 0.0f));
  for (float &value : randomFloats(300, 2))
    divisors.push_back(value);
  while (divisors.size() < 1000)
    divisors.push_back(anyBits());
  // Whole vectors of numbers near 1, of numbers of any size, and of zeros, and all of them mixed.
  std::vector<float> x = randomFloats(1000, 3), y(1000 * divisors.size());
  for (size_t i = 128; i < 320; ++i)
    x[i] = 2 - float(i - 127) * 0x1p-23f;
  for (size_t i = 320; i < 512; ++i)
    x[i] = anyBits();
  for (size_t i = 512; i < 576; ++i)
    x[i] = 0;
  for (size_t i = 576; i < 1000; i += 7)
    x[i] = special[i % special.size()];
  runner.run({x.data(), divisors.data(), y.data()}, {}, 0, divisors.size());
  for (size_t row = 0; row < divisors.size(); ++row)
    for (size_t i = 0; i < 1000; ++i) {
      float expected = x[i] / divisors[row], got = y[row * 1000 + i];
      ASSERT_TRUE(std::isnan(expected) ? std::isnan(got) : !memcmp(&expected, &got, 4))
          << x[i] << " / " << divisors[row] << " is " << expected << ", not " << got;
    }
}

TEST(Arithmetic, DivisionByZeroDoesNotTrap) {
  for (const char *operation : {"arith.divsi", "arith.remsi"}) {
    KernelRunner runner(substitute(R"(
kernel.func @divide(%x: !kernel.buffer<i32>, %d: !kernel.buffer<i32>, %y: !kernel.buffer<i32>, %begin: index, %end: index) {
  kernel.for lane %i = %begin to %end {
    %a = kernel.load %x[%i] : !kernel.buffer<i32> -> i32
    %b = kernel.load %d[%i] : !kernel.buffer<i32> -> i32
    %r = $OP %a, %b : i32
    kernel.store %r, %y[%i] : i32, !kernel.buffer<i32>
  }
  kernel.return
})",
                                   {{"OP", operation}}));
    std::vector<int32_t> x, d;
    for (int32_t a : {0, 1, -1, 7, -7, INT32_MAX, INT32_MIN})
      for (int32_t b : {0, 1, -1, 2, -2, 7, INT32_MAX, INT32_MIN}) {
        x.push_back(a);
        d.push_back(b);
      }
    std::vector<int32_t> y(x.size());
    runner.run({x.data(), d.data(), y.data()}, {}, 0, x.size());
    bool remainder = std::string(operation) == "arith.remsi";
    for (size_t i = 0; i < x.size(); ++i) {
      int64_t expected = d[i] == 0 ? 0 : remainder ? int64_t(x[i]) % d[i] : int64_t(x[i]) / d[i];
      EXPECT_EQ(int32_t(expected), y[i]) << x[i] << " " << d[i];
    }
  }
}

TEST(Arithmetic, StridesMasksAndReversal) {
  KernelRunner runner(R"(
kernel.func @move(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %n: index, %begin: index, %end: index) {
  %one = arith.constant 1 : index
  %three = arith.constant 3 : index
  %limit = arith.constant 20 : index
  %other = arith.constant -1.0 : f32
  kernel.for lane %i = %begin to %end {
    %last = arith.subi %n, %one : index
    %back = arith.subi %last, %i : index
    %a = kernel.load %x[%back] : !kernel.buffer<f32> -> f32
    %far = arith.muli %i, %three : index
    %b = kernel.load %x[%far] : !kernel.buffer<f32> -> f32
    %near = arith.cmpi slt, %i, %limit : index
    %c = kernel.load %x[%i] mask %near else %other : f32 : !kernel.buffer<f32> -> f32
    %s = arith.addf %a, %b : f32
    %t = arith.addf %s, %c : f32
    kernel.store %t, %y[%far] mask %near : f32, !kernel.buffer<f32>
    kernel.store %t, %y[%back] : f32, !kernel.buffer<f32>
  }
  kernel.return
})");
  const int64_t n = 45;
  std::vector<float> x = randomFloats(3 * n, 1), y(3 * n, 0), expected(3 * n, 0);
  runner.run({x.data(), y.data()}, {n}, 0, n);
  for (int64_t i0 = 0; i0 < n; i0 += 16) // both stores of a vector of lanes, in turn
    for (int store = 0; store < 2; ++store)
      for (int64_t i = i0; i < std::min(n, i0 + 16); ++i) {
        float t = x[n - 1 - i] + x[3 * i] + (i < 20 ? x[i] : -1.0f);
        if (store == 0 && i < 20)
          expected[3 * i] = t;
        if (store == 1)
          expected[n - 1 - i] = t;
      }
  EXPECT_EQ(expected, y);
}

TEST(Arithmetic, IndicesDivide) {
  for (const char *cpu : {"", "x86-64-v3"})
    for (int64_t divisor : {1, 2, 3, 7, 10, 15, 16, 17, 30, 100, 1000}) {
      for (bool isStatic : {true, false}) {
        std::string text = substitute(R"(
kernel.func @split(%q: !kernel.buffer<i64>, %r: !kernel.buffer<i64>, %e: !kernel.buffer<i64>, %n: index, %begin: index, %end: index) {
  %d = $DIVISOR
  %five = arith.constant 5 : index
  kernel.for lane %i = %begin to %end {
    %quotient = arith.divui %i, %d : index
    %remainder = arith.remui %i, %d : index
    %again = arith.remui %quotient, %five : index
    %a = arith.index_cast %quotient : index to i64
    %b = arith.index_cast %remainder : index to i64
    %c = arith.index_cast %again : index to i64
    kernel.store %a, %q[%i] : i64, !kernel.buffer<i64>
    kernel.store %b, %r[%i] : i64, !kernel.buffer<i64>
    kernel.store %c, %e[%i] : i64, !kernel.buffer<i64>
  }
  kernel.return
})",
                                      {{"DIVISOR", isStatic ? "arith.constant " + std::to_string(divisor) + " : index"
                                                            : "arith.maxsi %n, %n : index"}});
        KernelRunner runner(text, cpu);
        std::vector<int64_t> q(777), r(777), e(777);
        runner.run({q.data(), r.data(), e.data()}, {divisor}, 0, 777);
        for (int64_t i = 0; i < 777; ++i) {
          ASSERT_EQ(i / divisor, q[i]) << i << " / " << divisor;
          ASSERT_EQ(i % divisor, r[i]) << i << " % " << divisor;
          ASSERT_EQ(i / divisor % 5, e[i]) << i << " / " << divisor << " % 5";
        }
      }
    }
}

TEST(Arithmetic, InPlace) {
  KernelRunner runner(unary("f64", "f64", "%r = math.sqrt %a : f64"));
  std::vector<double> x(50);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = double(i);
  runner.run({x.data(), x.data()}, {}, 0, x.size());
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_EQ(std::sqrt(double(i)), x[i]);
}
