// The transforms for the processor that runs them.
#pragma once
#include "runtime/extern/fft/Plan.h"

namespace weft::fft {

// Rows or columns that go through a transform side by side, whatever the processor's vectors are.
template <class T> inline constexpr int64_t kLanes = 64 / int64_t(sizeof(T));
// Buffers of the passes' length that a transform takes.
inline constexpr int64_t kBuffers = 3;
inline constexpr int64_t kFineRoots = 64;
// Of a job on lanes: the transform's buffers, and one more element than the plan's length.
template <class T> int64_t workBytes(int64_t n) {
  return (kBuffers * passesLength(n) + n + 1) * 2 * kLanes<T> * int64_t(sizeof(T));
}
template <class T> int64_t tableBytes(int64_t rows) {
  return (kFineRoots + rows / kFineRoots + 1) * 2 * kLanes<T> * int64_t(sizeof(T));
}

template <class T> struct Job {
  Plan<T> plan;
  const T *x; // pairs, or reals two by two
  T *y;
  bool inverse;
  T scale;
  char *work;   // workBytes() of the plan's length
  char *tables; // the first step's: tableBytes() of the rows
};

// [begin, end): rows, columns, or bundles of kLanes of them.
template <class T> struct Engine {
  void (*prepare)(const Plan<T> &plan, char *work); // a new plan, before its first use
  void (*complexRows)(const Job<T> &job, int64_t begin, int64_t end);
  void (*complexColumns)(const Job<T> &job, int64_t columns, int64_t begin, int64_t end);
  // The plan's length is half of the reals'.
  void (*realToComplex)(const Job<T> &job, int64_t begin, int64_t end);
  void (*complexToReal)(const Job<T> &job, int64_t begin, int64_t end);
  // A long transform, of a matrix of rows x columns by its elements in order: the columns', whose results are turned
  // and stored as tiles of kLanes x kLanes, [rows / kLanes, columns / kLanes, kLanes, kLanes]; and the rows', the
  // results of which are columns.
  void (*firstStep)(const Job<T> &job, int64_t rows, int64_t columns, int64_t begin, int64_t end);
  void (*secondStep)(const Job<T> &job, int64_t rows, int64_t columns, int64_t begin, int64_t end);
};

template <class T> const Engine<T> &engineOfProcessor();

} // namespace weft::fft
