// Reductions against the canonical order of ir/kernel/KernelOps.td written as plain loops.
#include "ir/kernel/CanonicalOrder.h"
#include "test/codegen/cpu/KernelRunner.h"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <limits>

using namespace weft::test;

namespace {

template <class T> T canonical(const std::vector<T> &values, T identity, const std::function<T(T, T)> &combine) {
  std::vector<T> level = values;
  do {
    std::vector<T> results;
    for (size_t block = 0; block < level.size(); block += weft::order::kBlock) {
      std::vector<T> lanes(64, identity);
      for (size_t i = block; i < std::min(level.size(), block + weft::order::kBlock); ++i)
        lanes[(i - block) % 64] = combine(lanes[(i - block) % 64], level[i]);
      for (int half = 32; half; half /= 2)
        for (int l = 0; l < half; ++l)
          lanes[l] = combine(lanes[l], lanes[l + half]);
      results.push_back(lanes[0]);
    }
    level = results;
  } while (level.size() > 1);
  return level[0];
}

// Rows of x, one a task.
const char *kAcross = R"(
kernel.func @rows(%x: !kernel.buffer<$T>, %y: !kernel.buffer<$R>, %n: index, %begin: index, %end: index) {
  %length = $LENGTH
  kernel.for %t = %begin to %end {
    %first = arith.muli %t, %length : index
    %r = kernel.reduce $KIND %i to %length : $R {
      %j = arith.addi %first, %i : index
      %a = kernel.load %x[%j] : !kernel.buffer<$T> -> $T
      kernel.yield %a : $T
    }
    kernel.store %r, %y[%t] : $R, !kernel.buffer<$R>
  }
  kernel.return
})";

// Runs of neighbours, $PITCH apart.
const char *kRuns = R"(
kernel.func @runs(%x: !kernel.buffer<f32>, %y: !kernel.buffer<$R>, %n: index, %m: index, %p: index, %begin: index, %end: index) {
  %length = $LENGTH
  %run = $RUN
  %pitch = $PITCH
  kernel.for %t = %begin to %end {
    %first = arith.muli %t, %run : index
    %r = kernel.reduce $KIND %i to %length : $R {
      %number = arith.divui %i, %run : index
      %rest = arith.remui %i, %run : index
      %start = arith.muli %number, %pitch : index
      %j = arith.addi %start, %rest : index
      %k = arith.addi %j, %first : index
      %a = kernel.load %x[%k] : !kernel.buffer<f32> -> f32
      kernel.yield %a : f32
    }
    kernel.store %r, %y[%t] : $R, !kernel.buffer<$R>
  }
  kernel.return
})";

// Columns of x, one a lane.
const char *kWithin = R"(
kernel.func @columns(%x: !kernel.buffer<$T>, %y: !kernel.buffer<$R>, %n: index, %m: index, %begin: index, %end: index) {
  %length = $LENGTH
  kernel.for lane %t = %begin to %end {
    %r = kernel.reduce $KIND %i to %length : $R {
      %first = arith.muli %i, %m : index
      %j = arith.addi %first, %t : index
      %a = kernel.load %x[%j] : !kernel.buffer<$T> -> $T
      kernel.yield %a : $T
    }
    kernel.store %r, %y[%t] : $R, !kernel.buffer<$R>
  }
  kernel.return
})";

std::string kernelText(const char *text, const std::string &kind, const std::string &type, const std::string &result,
                       int64_t length) {
  std::string bound =
      length < 0 ? "arith.maxsi %n, %n : index" : "arith.constant " + std::to_string(length) + " : index";
  return substitute(text, {{"LENGTH", bound}, {"KIND", kind}, {"T", type}, {"R", result}});
}

template <class T, class R>
void check(const std::string &kind, const std::string &type, const std::string &result, int64_t length, bool isStatic,
           const std::vector<T> &x, const std::function<R(const std::vector<T> &)> &reference,
           const std::string &cpu = "") {
  const int64_t rows = 5, columns = 37;
  SCOPED_TRACE(kind + " " + type + " " + std::to_string(length) + (isStatic ? " static " : " dynamic ") + cpu);
  std::vector<R> y(std::max(rows, columns));
  KernelRunner across(kernelText(kAcross, kind, type, result, isStatic ? length : -1), cpu);
  across.run({(void *)x.data(), y.data()}, {length}, 0, rows);
  for (int64_t row = 0; row < rows; ++row) {
    R expected = reference(std::vector<T>(x.begin() + row * length, x.begin() + (row + 1) * length));
    EXPECT_EQ(0, memcmp(&expected, &y[row], sizeof(R))) << "row " << row << ": " << y[row] << " is not " << expected;
  }
  KernelRunner within(kernelText(kWithin, kind, type, result, isStatic ? length : -1), cpu);
  within.run({(void *)x.data(), y.data()}, {length, columns}, 0, columns);
  for (int64_t column = 0; column < columns; ++column) {
    std::vector<T> values;
    for (int64_t i = 0; i < length; ++i)
      values.push_back(x[i * columns + column]);
    R expected = reference(values);
    EXPECT_EQ(0, memcmp(&expected, &y[column], sizeof(R)))
        << "column " << column << ": " << y[column] << " is not " << expected;
  }
}

float larger(float x, float y) { return std::isnan(x) || std::isnan(y) ? NAN : x > y ? x : y; }

} // namespace

TEST(Reduce, FloatSumInCanonicalOrder) {
  for (int64_t length :
       {1, 2, 7, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 200, 1000, 1023, 1024, 1025, 4097, 10000}) {
    std::vector<float> x = randomFloats(length * 37, length);
    auto reference = [](const std::vector<float> &v) { return canonical<float>(v, -0.0f, std::plus<float>()); };
    check<float, float>("sum", "f32", "f32", length, true, x, reference);
    if (length == 1 || length == 33 || length == 1000 || length == 10000)
      check<float, float>("sum", "f32", "f32", length, false, x, reference);
    if (length == 100 || length == 4097)
      check<float, float>("sum", "f32", "f32", length, true, x, reference, "x86-64-v3");
  }
}

TEST(Reduce, RunsOfNeighbours) {
  // A run of 0: sizes that the kernel is given.
  auto text = [](const std::string &kind, const std::string &result, int64_t run, int64_t count) {
    auto number = [&](const std::string &name, int64_t value) {
      return run ? "arith.constant " + std::to_string(value) + " : index"
                 : "arith.maxsi " + name + ", " + name + " : index";
    };
    return substitute(kRuns, {{"LENGTH", number("%n", run * count)},
                              {"RUN", number("%m", run)},
                              {"PITCH", number("%p", 2 * run)},
                              {"KIND", kind},
                              {"R", result}});
  };
  auto check = [](KernelRunner &sum, KernelRunner &argmax, int64_t run, int64_t count) {
    SCOPED_TRACE(std::to_string(count) + " runs of " + std::to_string(run));
    std::vector<float> x = randomFloats(2 * run * count, run);
    float sums[2];
    int64_t places[2];
    sum.run({x.data(), sums}, {run * count, run, 2 * run}, 0, 2);
    argmax.run({x.data(), places}, {run * count, run, 2 * run}, 0, 2);
    for (int64_t row = 0; row < 2; ++row) {
      std::vector<float> values;
      for (int64_t i = 0; i < run * count; ++i)
        values.push_back(x[i / run * 2 * run + i % run + row * run]);
      EXPECT_EQ(canonical<float>(values, -0.0f, std::plus<float>()), sums[row]);
      EXPECT_EQ(std::max_element(values.begin(), values.end()) - values.begin(), places[row]);
    }
  };
  for (const char *cpu : {"", "x86-64-v3"}) {
    SCOPED_TRACE(cpu);
    KernelRunner sum(text("sum", "f32", 0, 0), cpu), argmax(text("argmax", "i64", 0, 0), cpu);
    for (int64_t run : {2, 15, 16, 17, 49, 63, 64, 65, 100, 784, 1030}) {
      for (int64_t count : {1, 2, 3, 30})
        check(sum, argmax, run, count);
      int64_t count = run > 100 ? 2 : 30;
      KernelRunner knownSum(text("sum", "f32", run, count), cpu), knownArgmax(text("argmax", "i64", run, count), cpu);
      check(knownSum, knownArgmax, run, count);
    }
  }
}

TEST(Reduce, MoreThanABlockOfBlocks) {
  const int64_t length = 1024 * 1025 + 77;
  std::vector<float> x = randomFloats(length, 3);
  float expected = canonical<float>(x, -0.0f, std::plus<float>()), y = 0;
  for (bool isStatic : {true, false}) {
    KernelRunner across(kernelText(kAcross, "sum", "f32", "f32", isStatic ? length : -1));
    across.run({x.data(), &y}, {length}, 0, 1);
    EXPECT_EQ(expected, y);
    KernelRunner within(kernelText(kWithin, "sum", "f32", "f32", isStatic ? length : -1));
    within.run({x.data(), &y}, {length, 1}, 0, 1);
    EXPECT_EQ(expected, y);
  }
}

TEST(Reduce, OtherTypesAndKinds) {
  for (int64_t length : {1, 17, 70, 5000}) {
    std::vector<float> x = randomFloats(length * 37, length);
    check<float, float>("prod", "f32", "f32", length, true, x, [](const std::vector<float> &v) {
      return canonical<float>(v, 1.0f, std::multiplies<float>());
    });
    check<float, float>("max", "f32", "f32", length, false, x,
                        [](const std::vector<float> &v) { return canonical<float>(v, -INFINITY, larger); });
    std::vector<double> d(x.begin(), x.end());
    check<double, double>("sum", "f64", "f64", length, true, d,
                          [](const std::vector<double> &v) { return canonical<double>(v, -0.0, std::plus<double>()); });
    std::vector<int64_t> l;
    for (float value : x)
      l.push_back(int64_t(value * 1e6f));
    check<int64_t, int64_t>("sum", "i64", "i64", length, true, l, [](const std::vector<int64_t> &v) {
      return canonical<int64_t>(v, 0, std::plus<int64_t>());
    });
    check<int64_t, int64_t>("min", "i64", "i64", length, false, l,
                            [](const std::vector<int64_t> &v) { return *std::min_element(v.begin(), v.end()); });
  }
}

TEST(Reduce, ArgmaxGivesTheFirst) {
  for (int64_t length : {1, 10, 40, 1000}) {
    std::vector<float> x = randomFloats(length * 37, length);
    for (float &value : x)
      value = std::round(value * 2); // ties
    auto first = [](const std::vector<float> &v) { return int64_t(std::max_element(v.begin(), v.end()) - v.begin()); };
    check<float, int64_t>("argmax", "f32", "i64", length, true, x, first);
    check<float, int64_t>("argmin", "f32", "i64", length, false, x, [](const std::vector<float> &v) {
      return int64_t(std::min_element(v.begin(), v.end()) - v.begin());
    });
    for (size_t i = 3; i < x.size(); i += 7)
      x[i] = NAN;
    check<float, int64_t>("argmax", "f32", "i64", length, true, x, [&](const std::vector<float> &v) {
      for (size_t i = 0; i < v.size(); ++i)
        if (std::isnan(v[i]))
          return int64_t(i);
      return first(v);
    });
  }
}

TEST(Reduce, AnyAndAllOfBytes) {
  for (int64_t length : {1, 20, 300}) {
    std::vector<uint8_t> x(length * 37);
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = (i * 2654435761u >> 8) % length == 0 ? 0 : 1;
    auto all = [](const std::vector<uint8_t> &v) { return uint8_t(std::find(v.begin(), v.end(), 0) == v.end()); };
    auto any = [](const std::vector<uint8_t> &v) { return uint8_t(std::find(v.begin(), v.end(), 1) != v.end()); };
    check<uint8_t, uint8_t>("all", "i1", "i1", length, true, x, all);
    check<uint8_t, uint8_t>("any", "i1", "i1", length, false, x, any);
  }
}

// A body that is long enough to be written once, under a mask.
TEST(Reduce, LongBodies) {
  std::string adds;
  for (int i = 0; i < 40; ++i)
    adds += "%v" + std::to_string(i + 1) + " = arith.addf %v" + std::to_string(i) + ", %a : f32\n";
  std::string text = kernelText(kAcross, "sum", "f32", "f32", -1);
  text.replace(text.find("kernel.yield %a"), 15, "%v0 = arith.addf %a, %a : f32\n" + adds + "kernel.yield %v40");
  KernelRunner runner(text);
  for (int64_t length : {2, 16, 17, 100, 4100}) {
    std::vector<float> x = randomFloats(length, length), terms;
    for (float value : x) {
      float term = value + value;
      for (int i = 0; i < 40; ++i)
        term += value;
      terms.push_back(term);
    }
    float y = 0;
    runner.run({x.data(), &y}, {length}, 0, 1);
    EXPECT_EQ(canonical<float>(terms, -0.0f, std::plus<float>()), y) << length;
  }
}

TEST(Reduce, EmptySumIsPlusZero) {
  float x = 1, y = 1;
  KernelRunner(kernelText(kAcross, "sum", "f32", "f32", 0)).run({&x, &y}, {0}, 0, 1);
  EXPECT_EQ(0.0f, y);
  EXPECT_FALSE(std::signbit(y));
}
