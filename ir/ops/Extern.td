// What a C function of runtime/extern computes: a step of its own, on contiguous operands, on a CPU. It works on the last coreAxes
// axes of its operands and results; those before are batches, and a batch's result does not depend on the others.
#ifndef WEFT_OPS_EXTERN
#define WEFT_OPS_EXTERN

include "ir/ops/Base.td"

class Extern<string mnemonic, list<string> operands, int axes, list<A> attrs = []> : Weft_Op<mnemonic, "Extern", operands, attrs> {
  let externFunction = "weft_extern_" # mnemonic;
  let coreAxes = axes;
  let symbolic = 1;
  let batching = "leading";
  let domain = "(-2, 2)";
}

class ByEigen<string mnemonic, list<string> operands, int axes, list<A> attrs = []> : Extern<mnemonic, operands, axes, attrs> {
  let library = "Eigen";
}

def SortLastOp : Extern<"sort_last", ["x"], 1, [A<"descending", "Bool", "False">]> {
  let summary = "The elements along the last axis in order, and where they were.";
  let description = "x: any dtype, rank >= 1. Stable; a NaN counts as the greatest. values: x's dtype; indices: int64.";
  let resultNames = ["values", "indices"];
  let infer = "sortLast<Same>";
  let independent = "every_axis(but=[x.ndim - 1])";
  let inferOthers = ["sortLast<ToInt64>"];
  let positionsAlong = "rank - 1";
  let vjp = ["ct_values ? scatter_add(zerosLike(x), indices, ct_values, x.rank() - 1) : Val()"];
  let jvp = "Results{gather(t_x, indices, x.rank() - 1), Val()}";
  let numpy = [{
    order = x[..., ::-1] if descending else x
    indices = numpy.argsort(order, axis=-1, kind="stable")
    if descending:
        indices = x.shape[-1] - 1 - indices[..., ::-1]
    return numpy.take_along_axis(x, indices, -1), indices
  }];
  let dtypes = "bool int float";
  let examples = ["dict(x=F(2, 7), descending=False)", "dict(x=F(3, 100), descending=True)", "dict(x=F(2, 0), descending=False)"];
  let python = "(input, dim=-1, descending=False, *, stable=False)";
}
def CholeskyExOp : ByEigen<"cholesky_ex", ["x"], 2> {
  let summary = "The lower triangle L of a positive definite matrix, which is L times its transpose.";
  let description = [{
    x: float32 or float64, [..., n, n], of which the lower triangle is read. L: lower; info: int32 [...], 0 or the order of the leading
    minor that is not positive, where L means nothing. The gradient is a symmetric matrix.
  }];
  let resultNames = ["L", "info"];
  let infer = "cholesky";
  let independent = "every_axis(but=[x.ndim - 2, x.ndim - 1])";
  let inferOthers = ["choleskyInfo"];
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
  let infer = "solveTriangular";
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
def SvdOp : ByEigen<"svd", ["x"], 2, [A<"full_matrices", "Bool", "True">]> {
  let summary = "x as U diag(S) Vh: columns and rows of length 1, orthogonal to each other, and the singular values, the greatest first.";
  let description = [{
    x: float32 or float64, [..., m, n]; k: the smaller of m and n. U: [..., m, k], or with full_matrices [..., m, m]; S: [..., k]; Vh: [..., k, n] or
    [..., n, n]. In each column of U (and each further row of Vh) the first greatest element by magnitude is positive. NaN where x has what is not finite. The gradient
    is that of the first k columns and rows, and infinite for these where two singular values are equal.
  }];
  let resultNames = ["U", "S", "Vh"];
  let infer = "svdLeft";
  let inferOthers = ["singularValues", "svdRight"];
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
    return U * signs(U), S, numpy.swapaxes(V, -1, -2)
  }];
  let python = "(A, full_matrices=True)";
}
def EighOp : ByEigen<"eigh", ["x"], 2> {
  let summary = "The eigenvalues of a symmetric matrix, the least first, and its eigenvectors as columns of length 1.";
  let description = [{
    x: float32 or float64, [..., n, n], of which the lower triangle is read. eigenvalues: [..., n]; eigenvectors: [..., n, n], in each column the first
    greatest element by magnitude positive. NaN where x has what is not finite. The gradient is a symmetric matrix.
  }];
  let resultNames = ["eigenvalues", "eigenvectors"];
  let infer = "eigenvalues";
  let inferOthers = ["cholesky"];
  let symbolic = 0;
  let independent = "every_axis(but=[x.ndim - 2, x.ndim - 1])";
  let vjp = ["eighGradient(ct_eigenvalues, ct_eigenvectors, eigenvalues, eigenvectors)"];
  let jvp = "eighTangent(t_x, eigenvalues, eigenvectors)";
  let numpy = "numpy.linalg.eigh(x)";
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
#endif
