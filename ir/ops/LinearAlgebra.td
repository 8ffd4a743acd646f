// Dense linear algebra: what Eigen computes, and what is made of that.
#ifndef WEFT_OPS_LINEAR_ALGEBRA
#define WEFT_OPS_LINEAR_ALGEBRA

include "ir/ops/Composite.td"
include "ir/ops/Extern.td"

def CholeskyExOp : ByEigen<"cholesky_ex", ["x"], 2> {
  let summary = "The lower triangle L of a positive definite matrix, which is L times its transpose.";
  let description = [{
    x: float32 or float64, [..., n, n], of which the lower triangle is read. L: lower; info: int32 [...], 0 or the order of the leading
    minor that is not positive, where L means nothing. The gradient is a symmetric matrix.
  }];
  let resultNames = ["L", "info"];
  let infer = "squareMatrix";
  let independent = "every_axis(but=[x.ndim - 2, x.ndim - 1])";
  let inferOthers = ["infoOfMatrix"];
  let vjp = ["ct_L ? choleskyGradient(ct_L, L) : Val()"];
  let jvp = "Results{choleskyTangent(t_x, L), Val()}";
  let numpy = "return numpy.linalg.cholesky(x), numpy.zeros(x.shape[:-2], numpy.int32)";
  let python = "(input, *, upper=False, check_errors=False)";
}
def SolveTriangularOp : ByEigen<"solve_triangular", ["a", "b"], 2,
    [A<"upper", "Bool", "False">, A<"transposed", "Bool", "False">, A<"unitriangular", "Bool", "False">]> {
  let summary = "x with a x = b, where a is a triangle.";
  let description = [{
    a: [..., n, n]; b: [..., n, k]; one dtype, float32 or float64, and the same leading axes. Of a the triangle is read that `upper` says,
    with ones on the diagonal if unitriangular; transposed: a's transpose stands for a.
  }];
  let infer = "solveSquare";
  let independent = "[pair(i, a=i, b=i) for i in range(b.ndim - 2)]";
  let vjp = ["solveGradient(ct, a, result, upper, transposed, unitriangular)",
             "solve_triangular(a, ct, upper, !transposed, unitriangular)"];
  let jvp = "solveTangent(t_a, t_b, a, result, upper, transposed, unitriangular)";
  let numpy = [{
    triangle = (numpy.triu if upper else numpy.tril)(a, 1 if upper and unitriangular else -1 if unitriangular else 0)
    if unitriangular:
        triangle = triangle + numpy.eye(a.shape[-1])
    return numpy.linalg.solve(numpy.swapaxes(triangle, -1, -2) if transposed else triangle, b)
  }];
  let domain = "(1, 2)";
  let dtypes = "float";
  let python = "(A, B, *, upper, left=True, unitriangular=False)";
}
def SvdExOp : ByEigen<"svd_ex", ["x"], 2, [A<"full_matrices", "Bool", "True">]> {
  let summary = "x as U diag(S) Vh: columns and rows of length 1, orthogonal to each other, and the singular values, the greatest first.";
  let description = [{
    x: float32 or float64, [..., m, n]; k: the smaller of m and n. U: [..., m, k], or with full_matrices [..., m, m]; S: [..., k]; Vh: [..., k, n] or
    [..., n, n]. In each column of U (and each further row of Vh) the first greatest element by magnitude is positive. info: int32 [...], 0; 1 where x has what is
    not finite, 2 where the iteration does not end, and all is NaN then. The gradient
    is that of the first k columns and rows, and infinite for these where two singular values are equal.
  }];
  let resultNames = ["U", "S", "Vh", "info"];
  let infer = "svdLeft";
  let inferOthers = ["singularValues", "svdRight", "infoOfMatrix"];
  let symbolic = 0;
  let independent = "every_axis(but=[x.ndim - 2, x.ndim - 1])";
  let vjp = ["svdGradient(ct_U, ct_S, ct_Vh, U, S, Vh)"];
  let jvp = "svdTangent(t_x, U, S, Vh)";
  let numpy = [{
    U, S, Vh = numpy.linalg.svd(x, full_matrices)

    def signs(vectors):
        return numpy.sign(numpy.take_along_axis(vectors, numpy.abs(vectors).argmax(-2, keepdims=True), -2))

    k, V = S.shape[-1], numpy.swapaxes(Vh, -1, -2)
    first = signs(U[..., :k])
    V = numpy.concatenate([V[..., :k] * first, V[..., k:] * signs(V[..., k:])], -1)
    return U * signs(U), S, numpy.swapaxes(V, -1, -2), numpy.zeros(x.shape[:-2], numpy.int32)
  }];
  let python = "(A, full_matrices=True, *, driver=None)";
}
def EighExOp : ByEigen<"eigh_ex", ["x"], 2> {
  let summary = "The eigenvalues of a symmetric matrix, the least first, and its eigenvectors as columns of length 1.";
  let description = [{
    x: float32 or float64, [..., n, n], of which the lower triangle is read. eigenvalues: [..., n]; eigenvectors: [..., n, n], in each column the first
    greatest element by magnitude positive. info: int32 [...], 0; 1 where x has what is not finite, 2 where the iteration does not end, and all is
    NaN then. The gradient is a symmetric matrix.
  }];
  let resultNames = ["eigenvalues", "eigenvectors", "info"];
  let infer = "eigenvalues";
  let inferOthers = ["squareMatrix", "infoOfMatrix"];
  let symbolic = 0;
  let independent = "every_axis(but=[x.ndim - 2, x.ndim - 1])";
  let vjp = ["eighGradient(ct_eigenvalues, ct_eigenvectors, eigenvalues, eigenvectors)"];
  let jvp = "eighTangent(t_x, eigenvalues, eigenvectors)";
  let numpy = "return *numpy.linalg.eigh(x), numpy.zeros(x.shape[:-2], numpy.int32)";
  let python = "(A, UPLO='L')";
}
def QrOp : ByEigen<"qr", ["x"], 2, [A<"complete", "Bool", "False">]> {
  let summary = "x as Q R: orthogonal columns of length 1 and an upper triangle.";
  let description = [{
    x: float32 or float64, [..., m, n]; k: m if complete, or else the smaller of m and n. Q: [..., m, k]; R: [..., k, n]. By Householder reflections, as in
    LAPACK, so elements on R's diagonal may be negative. There is no gradient for a complete Q of more rows than columns.
  }];
  let resultNames = ["Q", "R"];
  let infer = "svdLeft";
  let inferOthers = ["qrTriangle"];
  let symbolic = 0;
  let independent = "every_axis(but=[x.ndim - 2, x.ndim - 1])";
  let vjp = ["qrGradient(ct_Q, ct_R, x, Q, R)"];
  let jvp = "qrTangent(t_x, x, Q, R)";
  let numpy = "numpy.linalg.qr(x, 'complete' if complete else 'reduced')";
  let python = "(A, mode='reduced')";
}
def LuFactorExOp : ByEigen<"lu_factor_ex", ["x"], 2> {
  let summary = "x as P L U: rows in another order, a lower triangle with ones on its diagonal, an upper triangle.";
  let description = [{
    x: float32 or float64, [..., m, n]; k: the smaller of m and n. LU: [..., m, n], L below the diagonal and U from it on. pivots: int32 [..., k]; row i
    was swapped with row pivots[i] - 1. info: int32 [...], 0 or the order of the first diagonal element of U that is 0; there is no gradient there.
  }];
  let resultNames = ["LU", "pivots", "info"];
  let infer = "anyMatrix";
  let inferOthers = ["pivotsOfMatrix", "infoOfMatrix"];
  let symbolic = 0;
  let independent = "every_axis(but=[x.ndim - 2, x.ndim - 1])";
  let vjp = ["ct_LU ? luGradient(ct_LU, LU, pivots) : Val()"];
  let jvp = "Results{luTangent(t_x, LU, pivots), Val(), Val()}";
  let python = "(A, *, pivot=True, check_errors=False)";
}
def SwapRowsOp : Extern<"swap_rows", ["x", "pivots"], 2, [A<"backwards", "Bool", "False">]> {
  let summary = "Rows of matrices swapped as the pivots of lu_factor_ex say.";
  let description = [{
    x: float32 or float64, [..., m, n]; pivots: int32 [..., k]. Row i is swapped with row pivots[i] - 1, for i = 0, 1, ...; or backwards, from the last i
    on, which undoes it. Pivots that name no row are passed over.
  }];
  let infer = "swapRows";
  let independent = "[pair(i, x=i, pivots=i) for i in range(x.ndim - 2)]";
  let vjp = ["swap_rows(ct, pivots, !backwards)", ""];
  let jvp = "swap_rows(t_x, pivots, backwards)";
  let python = "(input, pivots, backwards=False)";
}
def LuSolveOp : Composite<"lu_solve", ["LU", "pivots", "b"], [A<"adjoint", "Bool", "False">]> {
  let summary = "x with a x = b, of what lu_factor_ex makes of a.";
  let description = [{
    LU: [..., n, n]; b: [..., n, k]; one dtype, float32 or float64; pivots: int32 [..., n]; the same leading axes. adjoint: a's transpose stands for a.
  }];
  let infer = "luSolve";
  let independent = "[pair(i, LU=i, pivots=i, b=i) for i in range(b.ndim - 2)]";
  let batching = "leading";
  let upcast = 0;
  let expansion = [{
    if (adjoint)
      return swap_rows(solve_triangular(LU, solve_triangular(LU, b, true, true, false), false, true, true), pivots, true);
    return solve_triangular(LU, solve_triangular(LU, swap_rows(b, pivots, false), false, false, true), true, false, false);
  }];
  let python = "(LU, pivots, B, *, left=True, adjoint=False)";
}
def SolveExOp : Composite<"solve_ex", ["a", "b"]> {
  let summary = "x with a x = b.";
  let description = [{
    a: [..., n, n]; b: [..., n, k]; one dtype, float32 or float64, and the same leading axes. By lu_factor_ex, whose info: where it is not 0 the result
    means nothing.
  }];
  let resultNames = ["result", "info"];
  let infer = "solveSquare";
  let inferOthers = ["infoOfMatrix"];
  let independent = "[pair(i, a=i, b=i) for i in range(b.ndim - 2)]";
  let batching = "leading";
  let upcast = 0;
  let expansion = [{
    Results factors = lu_factor_ex(a);
    return {lu_solve(factors[0], factors[1], b, false), factors[2]};
  }];
  let vjp = ["ct_result ? -matmul(solvedAdjoint(a, ct_result), transposed(result)) : Val()",
             "ct_result ? solvedAdjoint(a, ct_result) : Val()"];
  let python = "(A, B, *, left=True, check_errors=False)";
}
def InvExOp : Composite<"inv_ex", ["x"]> {
  let summary = "The inverse of a matrix.";
  let description = [{
    x: float32 or float64, [..., n, n]. By lu_factor_ex, whose info: where it is not 0 the inverse means nothing.
  }];
  let resultNames = ["inverse", "info"];
  let infer = "squareMatrix";
  let inferOthers = ["infoOfMatrix"];
  let independent = "every_axis(but=[x.ndim - 2, x.ndim - 1])";
  let batching = "leading";
  let upcast = 0;
  let expansion = [{
    Results factors = lu_factor_ex(x);
    return {lu_solve(factors[0], factors[1], identityLike(x), false), factors[2]};
  }];
  let vjp = [[{
    if (!ct_inverse)
      return Val();
    return -matmul(matmul(transposed(inverse), ct_inverse), transposed(inverse));
  }]];
  let jvp = "Results{-matmul(matmul(inverse, t_x), inverse), Val()}";
  let python = "(A, *, check_errors=False)";
}
def DetOp : Composite<"det", ["x"]> {
  let summary = "The determinant of a matrix.";
  let description = [{
    x: float32 or float64, [..., n, n]. By lu_factor_ex. The gradient is right where the matrix is singular, too; its own gradient is not.
  }];
  let infer = "determinant";
  let independent = "every_axis(but=[x.ndim - 2, x.ndim - 1])";
  let batching = "leading";
  let upcast = 0;
  let expansion = [{
    Results factors = lu_factor_ex(x);
    return determinantOf(factors[0], factors[1]);
  }];
  let vjp = ["determinantGradient(ct, x)"];
}
def SlogdetOp : Composite<"slogdet", ["x"]> {
  let summary = "The sign of a determinant and the logarithm of its magnitude.";
  let description = [{
    x: float32 or float64, [..., n, n]. By lu_factor_ex. Of a singular matrix they are 0 and -inf, and the gradient is not finite.
  }];
  let resultNames = ["sign", "logabsdet"];
  let infer = "determinant";
  let inferOthers = ["determinant"];
  let independent = "every_axis(but=[x.ndim - 2, x.ndim - 1])";
  let batching = "leading";
  let upcast = 0;
  let expansion = [{
    Results factors = lu_factor_ex(x);
    Val diagonal = diagonalOf(factors[0]);
    int last = diagonal.rank() - 1;
    return {signOfPivots(factors[1], x) * prod(sign(diagonal), {last}, false), sum(log(abs(diagonal)), {last}, false)};
  }];
  let vjp = ["ct_logabsdet ? solvedAdjoint(x, timesIdentity(ct_logabsdet, x)) : Val()"];
}
def PinvOp : Composite<"pinv", ["x", "atol", "rtol"], [A<"hermitian", "Bool", "False">]> {
  let summary = "The pseudo-inverse of a matrix.";
  let description = [{
    x: float32 or float64, [..., m, n]; atol, rtol: its dtype, [...]. Singular values up to atol, or rtol times the greatest, count as 0. By svd_ex, or, of a
    hermitian x, by eigh_ex, with the eigenvalues' magnitudes. NaN where x has what is not finite. The gradient is that among matrices of the same rank: Golub and Pereyra, "The
    differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate", 1973.
  }];
  let infer = "pseudoInverse";
  let independent = "[pair(i, x=i, atol=i, rtol=i) for i in range(x.ndim - 2)]";
  let batching = "leading";
  let symbolic = 0;
  let upcast = 0;
  let expansion = "pseudoInverse(x, atol, rtol, hermitian)";
  let vjp = ["pseudoInverseGradient(ct, x, result)", "", ""];
  let jvp = "pseudoInverseTangent(t_x, x, result)";
  let python = "(A, *, atol=None, rtol=None, hermitian=False)";
}
def LeastSquaresOp : ByEigen<"least_squares", ["a", "b"], 2, [A<"rcond", "Float">]> {
  let summary = "The shortest x for which a x - b is shortest.";
  let description = [{
    a: [..., m, n]; b: [..., m, k]; one dtype, float32 or float64, and the same leading axes. solution: [..., n, k]; rank: int64 [...], of a, where pivots of its QR
    decomposition with interchanged columns count as 0 that are below rcond times the greatest. NaN where an operand has what is not finite.
    The gradient is that among matrices of the same rank.
  }];
  let resultNames = ["solution", "rank"];
  let infer = "leastSquares";
  let inferOthers = ["rankOfMatrix"];
  let symbolic = 0;
  let independent = "[pair(i, a=i, b=i) for i in range(b.ndim - 2)]";
  let vjp = ["ct_solution ? leastSquaresGradient(ct_solution, a, b, solution, rcond) : Val()",
             "ct_solution ? transposedLeastSquares(ct_solution, a, rcond) : Val()"];
  let jvp = "Results{leastSquaresTangent(t_a, t_b, a, b, solution, rcond), Val()}";
  let python = "(A, B, rcond=None, *, driver=None)";
}
def MatrixExpOp : ByEigen<"matrix_exp", ["x"], 2> {
  let summary = "The exponential of a matrix: the sum of its powers x^i / i!.";
  let description = [{
    x: float32 or float64, [..., n, n]; NaN where it has what is not finite. By Padé approximants, scaling and squaring.
  }];
  let infer = "squareMatrix";
  let independent = "every_axis(but=[x.ndim - 2, x.ndim - 1])";
  let vjp = ["exponentialTangent(ct, transposed(x))"];
  let jvp = "exponentialTangent(t_x, x)";
}
def GeqrfOp : ByEigen<"geqrf", ["x"], 2> {
  let summary = "The QR decomposition as LAPACK gives it: R, and Householder reflections.";
  let description = [{
    x: float32 or float64, [..., m, n]; k: the smaller of m and n. a: [..., m, n], R from the diagonal on; reflection i is I - tau[i] v v^T with v = (0, ..., 0, 1, a[i + 1:, i]).
    tau: [..., k].
  }];
  let resultNames = ["a", "tau"];
  let infer = "anyMatrix";
  let inferOthers = ["singularValues"];
  let symbolic = 0;
  let independent = "every_axis(but=[x.ndim - 2, x.ndim - 1])";
}
def LdlFactorExOp : Extern<"ldl_factor_ex", ["x"], 2> {
  let summary = "A symmetric matrix as L D L^T with blocks of 1 or 2 in D, by Bunch and Kaufman.";
  let description = [{
    x: float32 or float64, [..., n, n], of which the lower triangle is read. LD: [..., n, n], lower, D's blocks on the diagonal; pivots: int32 [..., n], as those of
    LAPACK's sytrf; info: int32 [...], 0 or the order of the first block of D that is 0.
  }];
  let resultNames = ["LD", "pivots", "info"];
  let infer = "squareMatrix";
  let inferOthers = ["pivotsOfMatrix", "infoOfMatrix"];
  let independent = "every_axis(but=[x.ndim - 2, x.ndim - 1])";
  let python = "(A, *, hermitian=False, check_errors=False)";
}
def LdlSolveOp : Extern<"ldl_solve", ["LD", "pivots", "b"], 2> {
  let summary = "x with a x = b, of what ldl_factor_ex makes of a.";
  let description = "LD: [..., n, n]; b: [..., n, k]; one dtype, float32 or float64; pivots: int32 [..., n]; the same leading axes.";
  let infer = "luSolve";
  let independent = "[pair(i, LD=i, pivots=i, b=i) for i in range(b.ndim - 2)]";
  let python = "(LD, pivots, B, *, hermitian=False)";
}
#endif
