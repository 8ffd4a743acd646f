#include "frontend/calls/CallPolicy.h"

#include <algorithm>
#include <cmath>

namespace weft {

void CallPolicy::replayed(bool isFirst) {
  sinceReplay = 0;
  tracesLeft = std::min(tracesLeft + isFirst, kTraces);
}

CallPolicy::Way CallPolicy::next() {
  ++sinceReplay;
  if (tracesLeft == 0 && --untilTrace <= 0 && mayCompile()) { // the function may have settled
    untilTrace = betweenTraces = 4 * betweenTraces;
    tracesLeft = 1;
  }
  if (tracesLeft > 0) {
    --tracesLeft;
    return Way::Trace;
  }
  if (untilMeasured > 0) {
    --untilMeasured;
    return best;
  }
  if (lazyCompiled && !mayCompile())
    return Way::Eager;
  return count[int(Way::Lazy)] <= count[int(Way::Eager)] ? Way::Lazy : Way::Eager;
}

void CallPolicy::made(Way way, double seconds, double compiling) {
  double spent = way == Way::Trace ? seconds : compiling;
  spentSeconds += spent;
  runSeconds += seconds - spent;
  if (way == Way::Trace || untilMeasured > 0)
    return;
  if (way == Way::Lazy)
    lazyCompiled = compiling > 0;
  // Kernels of eager code that are compiled at each call are its cost.
  bool isFirst = compiling > 0 && (way == Way::Lazy || eagerCompiled++ < kFewestCalls);
  if (!isFirst) {
    taken[int(way)] += seconds;
    squares[int(way)] += seconds * seconds;
    longest[int(way)] = std::max(longest[int(way)], seconds);
    ++count[int(way)];
  }
  if (isMeasured())
    settle();
}

void CallPolicy::raised(Way way) {
  if (way == Way::Trace && raisedLeft > 0) {
    --raisedLeft;
    ++tracesLeft;
  }
}

bool CallPolicy::isMeasured() const {
  int lazy = count[int(Way::Lazy)], eager = count[int(Way::Eager)];
  if (lazyCompiled && !mayCompile())
    return eager > 0;
  if (std::min(lazy, eager) < kFewestCalls)
    return false;
  if (std::min(lazy, eager) >= kMostCalls)
    return true;
  Sample one = sampleOf(Way::Lazy), other = sampleOf(Way::Eager);
  double difference = one.mean - other.mean;
  return difference * difference > kSure * kSure * (one.squaredError + other.squaredError);
}

CallPolicy::Sample CallPolicy::sampleOf(Way way) const {
  double number = count[int(way)], sum = taken[int(way)], ofSquares = squares[int(way)];
  if (number == 0)
    return {};
  if (number > kFewestCalls) {
    number -= 1;
    sum -= longest[int(way)];
    ofSquares -= longest[int(way)] * longest[int(way)];
  }
  double average = sum / number, usual = kVariation * average;
  double deviations = std::max(0.0, ofSquares - number * average * average);
  return {average, (deviations + usual * usual) / (number * number)};
}

// Until the next measurement calls are made in the way that took less time in this one.
void CallPolicy::settle() {
  for (Way way : {Way::Lazy, Way::Eager})
    mean[int(way)] = sampleOf(way).mean;
  bool lazy = count[int(Way::Lazy)] > 0 && mean[int(Way::Lazy)] < mean[int(Way::Eager)];
  best = lazy ? Way::Lazy : Way::Eager;
  untilMeasured = between;
  between = std::min(4 * between, kMost);
  lazyCompiled = false;
  eagerCompiled = 0;
  if (best == Way::Eager && sinceReplay >= kMany) {
    bypassed = untilMeasured;
    runSeconds += double(bypassed) * mean[int(Way::Eager)];
    untilMeasured = 0;
  }
  taken = squares = longest = {};
  count = {};
}

std::string CallPolicy::explain() const {
  auto microseconds = [&](Way way) { return std::to_string(std::lround(mean[int(way)] * 1e6)) + " us"; };
  std::string why = "its last " + std::to_string(kTraces) + " traces were not replayed";
  if (mean[int(Way::Eager)] == 0)
    return why;
  if (mean[int(Way::Lazy)] == 0)
    return why + ", and lazy calls needed a new program each";
  return why + "; a call takes " + microseconds(Way::Lazy) + " lazily and " + microseconds(Way::Eager) + " eagerly";
}

} // namespace weft
