// How a compiled function's next call is made, so that no sequence of calls takes much longer than without compile():
// traced for replays as long as replays come of it, else lazily or as plain eager code, whichever is measured faster.
#pragma once
#include <array>
#include <cstdint>
#include <string>

namespace weft {

class CallPolicy {
public:
  enum class Way : uint8_t { Trace, Lazy, Eager };

  // Whether the call runs eagerly, without a look for a trace that could be replayed.
  bool bypasses() {
    if (__builtin_expect(bypassed == 0, 1))
      return false;
    --bypassed;
    return true;
  }
  // A trace was replayed. isFirst: for the first time.
  void replayed(bool isFirst);
  // Of a call that no trace serves.
  Way next();
  // Such a call has been made in `seconds`, of which some were spent compiling.
  void made(Way way, double seconds, double compiling);
  // Or it ended in an exception, which says little of the next ones.
  void raised(Way way);

  bool traces() const { return tracesLeft > 0; } // calls that no trace serves, for now
  Way usual() const { return best; }             // of the others
  std::string explain() const;                   // why they are not traced

private:
  // Traces that nobody has replayed yet: a replay gives one back, so that functions are traced for as many shapes as
  // are used again.
  static constexpr int kTraces = 4;
  // Calls between two measurements, at least and at most.
  static constexpr int64_t kFewest = 32, kMost = 4096;
  // Calls without a replay after which it is not looked for one at each call.
  static constexpr int64_t kMany = 64;
  // Calls in either way in a measurement, at least and at most: until the difference of their means is so many standard
  // errors. One call more is taken to have varied by so much of the mean, so that two that happen to be equal tell
  // little.
  static constexpr int kFewestCalls = 2, kMostCalls = 16;
  static constexpr double kSure = 2.5, kVariation = 0.3;
  // Seconds for tracing and compiling, and the part of the running time that is added to them.
  static constexpr double kAllowance = 0.1, kShare = 0.05;

  bool mayCompile() const { return spentSeconds <= kAllowance + kShare * runSeconds; }
  bool isMeasured() const;
  // Of a way in this measurement; but for the longest call where there are a few: a pause of the machine's is no cost.
  struct Sample {
    double mean = 0, squaredError = 0; // of the mean
  };
  Sample sampleOf(Way way) const;
  void settle();

  int tracesLeft = kTraces, raisedLeft = 2 * kTraces;            // calls that may raise before their traces count
  int64_t untilTrace = 2 * kFewest, betweenTraces = 2 * kFewest; // calls until one more trace is tried
  int64_t bypassed = 0;
  int64_t untilMeasured = 0, between = kFewest;
  Way best = Way::Lazy;
  int64_t sinceReplay = 0; // calls that no trace served
  double spentSeconds = 0, runSeconds = 0;
  bool lazyCompiled = false; // the last lazy call in this measurement
  int eagerCompiled = 0;     // eager calls in this measurement for which kernels were compiled
  std::array<double, 3> taken{}, squares{}, longest{}; // seconds by way, in this measurement: sum, of squares, most
  std::array<int, 3> count{};
  std::array<double, 3> mean{}; // seconds a call, in the last measurement
};

} // namespace weft
