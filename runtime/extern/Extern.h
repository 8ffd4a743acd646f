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
  WEFT_UINT16,
  WEFT_UINT32,
  WEFT_UINT64,
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
/* x [n] -> the first k of these, values [k], indices int64 [k]; attributes k (read as the results' size), largest. */
WEFT_EXTERN(topk_last);
/* x [n, n], of which the lower triangle is read -> L [n, n], lower; info int32 []: 0, or the order of the leading minor
 * that is not positive. float32 and float64. */
WEFT_EXTERN(cholesky_ex);
/* a [n, n], a triangle; b [n, k] -> x [n, k] with a x = b. Attributes upper, transposed (of a), unitriangular. */
WEFT_EXTERN(solve_triangular);
/* x [m, n] -> LU [m, n], L below the diagonal, where it has ones, and U above; pivots int32 [k], k the smaller of m and
 * n: row i was swapped with row pivots[i] - 1; info int32 []: 0, or the order of the first diagonal element of U that
 * is 0. */
WEFT_EXTERN(lu_factor_ex);
/* x [m, n], pivots int32 [k] -> x with row i and row pivots[i] - 1 swapped for i = 0, 1, ..., or with the attribute
 * backwards from the last i on; pivots that name no row are passed over. */
WEFT_EXTERN(swap_rows);
/* x [n, n], of which the lower triangle is read -> LD [n, n], pivots int32 [n], info int32 [], as LAPACK's sytrf gives
 * them for a lower triangle. */
WEFT_EXTERN(ldl_factor_ex);
/* LD [n, n], pivots int32 [n], b [n, k] -> x [n, k]. */
WEFT_EXTERN(ldl_solve);

/* float32 and float64; these take some of the heap's memory, and give NaN where it is short. Vectors are signed so that
 * the first greatest element by magnitude is positive. info int32 []: 0; 1 where an element is not finite, 2 where an
 * iteration does not end, and then the results are NaN. x [m, n] -> U [m, k or m], S [k], Vh [k or n, n], info, k being
 * the smaller of m and n; attribute full_matrices. */
WEFT_EXTERN(svd_ex);
/* x [n, n], of which the lower triangle is read -> eigenvalues [n], eigenvectors [n, n], info. */
WEFT_EXTERN(eigh_ex);
/* x [m, n] -> Q [m, k], R [k, n], k being m or the smaller of m and n; attribute complete. */
WEFT_EXTERN(qr);
/* x [m, n] -> a [m, n], tau [k]: R above and on the diagonal, below it and in tau the Householder reflections. */
WEFT_EXTERN(geqrf);
/* a [m, n], b [m, k] -> the shortest x [n, k] for which a x - b is shortest; rank int64 []: of a, pivots of whose QR
 * decomposition that are below rcond, an attribute, times the greatest count as 0. */
WEFT_EXTERN(least_squares);
/* x [n, n] -> eigenvalues [n, 2], complex; eigenvectors [n, n, 2], each of length 1, its first greatest element by
 * magnitude real and positive; info as of svd_ex. */
WEFT_EXTERN(eig_ex);
/* Of complex matrices, [m, n, 2], which have a core of 3; real lists, pivots and info as above. Vectors are turned so
 * that the first greatest element by magnitude is real and positive. */
WEFT_EXTERN(complex_cholesky_ex);
WEFT_EXTERN(complex_lu_factor_ex);
WEFT_EXTERN(complex_svd_ex);
WEFT_EXTERN(complex_eigh_ex);
WEFT_EXTERN(complex_eig_ex);
WEFT_EXTERN(complex_qr);
/* x [n, n] -> exp(x). */
WEFT_EXTERN(matrix_exp);

/* Discrete Fourier transforms (runtime/extern/fft), float32 and float64, complex numbers as pairs. Attributes: inverse,
 * whether the exponent's sign is +; scale, a factor of the result; pieces, the tasks that a batch is cut into.
 * x [n, 2] -> [n, 2]; inverse, scale. */
WEFT_EXTERN(fft_rows);
/* x [n, columns, 2] -> the same, each column's; inverse, scale, pieces. */
WEFT_EXTERN(fft_columns);
/* x [n] -> [n / 2 + 1, 2], n even; scale. */
WEFT_EXTERN(fft_real_rows);
/* x [n / 2 + 1, 2] -> [n], n even; scale. */
WEFT_EXTERN(fft_to_real_rows);
/* The steps of a long transform of rows * columns elements (fft/Engines.h). x [rows, columns, 2] -> tiles [rows / L,
 * columns / L, L, L, 2], rounded up, L numbers being 64 bytes; inverse, pieces. */
WEFT_EXTERN(fft_first);
/* tiles -> [columns, rows, 2]; rows, columns, inverse, scale, pieces. */
WEFT_EXTERN(fft_second);

#ifdef __cplusplus
}
#endif
