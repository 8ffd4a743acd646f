/* Functions of libraries as steps of a launch plan (runtime/Abi.h). Each is two C functions:
 *
 *   weft_extern_NAME            a WeftKernel. A task is a batch: an index of the axes before the last `core` ones.
 *   weft_extern_NAME_workspace  the bytes of scratch memory that a call of it takes, by the scalars.
 *
 * buffers: the operands, then the results, contiguous, none overlapping another. scalars: of each of these its dtype
 * and its last core sizes; then the attributes, a float by its bits. A result is a function of the batch's own
 * elements: not of the number of batches, of threads, of addresses. There is no state, and nothing is thrown.
 *
 * A program that the front end loads names its functions, and they are found in a table (ExternTable.h); a model of
 * weft-aot links those that it calls.
 */
#pragma once
#include "runtime/Abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers of ir/DType.h. */
enum WeftDType {
  WEFT_BOOL,
  WEFT_UINT8,
  WEFT_INT8,
  WEFT_INT16,
  WEFT_INT32,
  WEFT_INT64,
  WEFT_FLOAT16,
  WEFT_BFLOAT16,
  WEFT_FLOAT32,
  WEFT_FLOAT64
};

#define WEFT_EXTERN(name)                                                                                              \
  void weft_extern_##name(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *scratch);    \
  int64_t weft_extern_##name##_workspace(const int64_t *scalars)

/* x [n] -> values [n], indices int64 [n]; attribute descending. NaN counts as the greatest; equal elements stay in
 * order. */
WEFT_EXTERN(sort_last);
/* x [n, n], of which the lower triangle is read -> L [n, n], lower; info int32 []: 0, or the order of the leading minor
 * that is not positive. float32 and float64. */
WEFT_EXTERN(cholesky_ex);
/* a [n, n], a triangle; b [n, k] -> x [n, k] with a x = b. Attributes upper, transposed (of a), unitriangular. */
WEFT_EXTERN(solve_triangular);
/* float32 and float64; NaN where an element is not finite, or memory is short: these take some of the heap's. Vectors
 * are signed so that the first greatest element by magnitude is positive. x [m, n] -> U [m, k or m], S [k], Vh [k or n,
 * n], k being the smaller of m and n; attribute full_matrices. */
WEFT_EXTERN(svd);
/* x [n, n], of which the lower triangle is read -> eigenvalues [n], eigenvectors [n, n]. */
WEFT_EXTERN(eigh);
/* x [m, n] -> Q [m, k], R [k, n], k being m or the smaller of m and n; attribute complete. */
WEFT_EXTERN(qr);

#ifdef __cplusplus
}
#endif
