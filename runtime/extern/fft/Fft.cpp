// The transforms as steps of a launch plan (runtime/extern/Extern.h).
#include "runtime/extern/Extern.h"
#include "runtime/extern/fft/Engines.h"

#include <algorithm>
#include <cstring>

using namespace weft::fft;

namespace {

template <class F> auto byDType(int64_t dtype, F &&f) { return dtype == WEFT_FLOAT64 ? f(double()) : f(float()); }

int64_t scratchBytes(int64_t dtype, int64_t n, bool real, int64_t rows = 0) {
  return byDType(dtype, [&](auto zero) {
    using T = decltype(zero);
    return planBytes<T>(n, real) + workBytes<T>(n) + (rows ? tableBytes<T>(rows) : 0);
  });
}

// Scratch memory: the plan, the transforms' work, the tables.
template <class T> Job<T> jobOf(void *const *buffers, int64_t n, bool real, bool inverse, double scale, void *scratch) {
  char *memory = static_cast<char *>(scratch);
  Job<T> job{makePlan<T>(n, real, memory),
             static_cast<const T *>(buffers[0]),
             static_cast<T *>(buffers[1]),
             inverse,
             T(scale),
             memory + planBytes<T>(n, real),
             nullptr};
  job.tables = job.work + workBytes<T>(n);
  engineOfProcessor<T>().prepare(job.plan, job.work);
  return job;
}

double real(int64_t bits) {
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Tasks of batches that are cut into `pieces` parts of as many of `count` things as the others: f(batch, first, end).
template <class F> void byPiece(int64_t begin, int64_t end, int64_t count, int64_t pieces, F &&f) {
  const int64_t size = (count + pieces - 1) / pieces;
  for (int64_t task = begin; task < end; ++task) {
    const int64_t first = task % pieces * size;
    if (first < count)
      f(task / pieces, first, std::min(first + size, count));
  }
}

} // namespace

// scalars: x's dtype and core sizes, the result's, the attributes.
int64_t weft_extern_fft_rows_workspace(const int64_t *scalars) { return scratchBytes(scalars[0], scalars[1], false); }
void weft_extern_fft_rows(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *scratch) {
  byDType(scalars[0], [&](auto zero) {
    using T = decltype(zero);
    engineOfProcessor<T>().complexRows(jobOf<T>(buffers, scalars[1], false, scalars[6] != 0, real(scalars[7]), scratch),
                                       begin, end);
  });
}

int64_t weft_extern_fft_columns_workspace(const int64_t *scalars) {
  return scratchBytes(scalars[0], scalars[1], false);
}
void weft_extern_fft_columns(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *scratch) {
  byDType(scalars[0], [&](auto zero) {
    using T = decltype(zero);
    const int64_t n = scalars[1], columns = scalars[2];
    Job<T> job = jobOf<T>(buffers, n, false, scalars[8] != 0, real(scalars[9]), scratch);
    const T *x = job.x;
    T *y = job.y;
    const int64_t bundles = (columns + kLanes<T> - 1) / kLanes<T>;
    byPiece(begin, end, bundles, scalars[10], [&](int64_t batch, int64_t first, int64_t last) {
      job.x = x + batch * n * columns * 2;
      job.y = y + batch * n * columns * 2;
      engineOfProcessor<T>().complexColumns(job, columns, first * kLanes<T>, std::min(last * kLanes<T>, columns));
    });
  });
}

int64_t weft_extern_fft_real_rows_workspace(const int64_t *scalars) {
  return scratchBytes(scalars[0], scalars[1] / 2, true);
}
void weft_extern_fft_real_rows(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end,
                               void *scratch) {
  byDType(scalars[0], [&](auto zero) {
    using T = decltype(zero);
    engineOfProcessor<T>().realToComplex(jobOf<T>(buffers, scalars[1] / 2, true, false, real(scalars[5]), scratch),
                                         begin, end);
  });
}

int64_t weft_extern_fft_to_real_rows_workspace(const int64_t *scalars) {
  return scratchBytes(scalars[0], scalars[1] - 1, true);
}
void weft_extern_fft_to_real_rows(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end,
                                  void *scratch) {
  byDType(scalars[0], [&](auto zero) {
    using T = decltype(zero);
    engineOfProcessor<T>().complexToReal(jobOf<T>(buffers, scalars[1] - 1, true, false, real(scalars[5]), scratch),
                                         begin, end);
  });
}

int64_t weft_extern_fft_first_workspace(const int64_t *scalars) {
  return scratchBytes(scalars[0], scalars[1], false, scalars[1]);
}
void weft_extern_fft_first(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *scratch) {
  byDType(scalars[0], [&](auto zero) {
    using T = decltype(zero);
    const int64_t rows = scalars[1], columns = scalars[2], groups = scalars[5], bundles = scalars[6];
    Job<T> job = jobOf<T>(buffers, rows, false, scalars[10] != 0, 1, scratch);
    const T *x = job.x;
    T *y = job.y;
    byPiece(begin, end, bundles, scalars[11], [&](int64_t batch, int64_t first, int64_t last) {
      job.x = x + batch * rows * columns * 2;
      job.y = y + batch * groups * bundles * kLanes<T> * kLanes<T> * 2;
      engineOfProcessor<T>().firstStep(job, rows, columns, first, last);
    });
  });
}

int64_t weft_extern_fft_second_workspace(const int64_t *scalars) { return scratchBytes(scalars[0], scalars[7], false); }
void weft_extern_fft_second(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *scratch) {
  byDType(scalars[0], [&](auto zero) {
    using T = decltype(zero);
    const int64_t groups = scalars[1], bundles = scalars[2], columns = scalars[7], rows = scalars[8];
    Job<T> job = jobOf<T>(buffers, columns, false, scalars[12] != 0, real(scalars[13]), scratch);
    const T *x = job.x;
    T *y = job.y;
    byPiece(begin, end, groups, scalars[14], [&](int64_t batch, int64_t first, int64_t last) {
      job.x = x + batch * groups * bundles * kLanes<T> * kLanes<T> * 2;
      job.y = y + batch * rows * columns * 2;
      engineOfProcessor<T>().secondStep(job, rows, columns, first, last);
    });
  });
}
