// Decompositions whose results or operands are complex: pairs along the last axis (ir/ops/Complex.td). python/weft/linalg is made of them;
// equations, pseudo-inverses and exponentials of complex matrices are those of real ones twice as large.
#ifndef WEFT_OPS_COMPLEX_LINEAR_ALGEBRA
#define WEFT_OPS_COMPLEX_LINEAR_ALGEBRA

include "ir/ops/LinearAlgebra.td"

class OnComplexMatrices<string mnemonic, list<A> attrs = []> : ByEigen<"complex_" # mnemonic, ["x"], 3, attrs> {
  let symbolic = 0;
  let independent = "every_axis(but=[x.ndim - 3, x.ndim - 2, x.ndim - 1])";
}

def ComplexCholeskyExOp : OnComplexMatrices<"cholesky_ex"> {
  let summary = "The lower triangle L of a positive definite complex matrix, which is L times its adjoint.";
  let description = "x: float32 or float64, [..., n, n, 2], of which the lower triangle is read. L: lower; info: int32 [...], as of cholesky_ex.";
  let resultNames = ["L", "info"];
  let infer = "onPairs<squareMatrix>";
  let inferOthers = ["onPairs<infoOfMatrix, false>"];
  let vjp = ["ct_L ? complexCholeskyGradient(ct_L, L) : Val()"];
  let jvp = "Results{complexCholeskyTangent(t_x, L), Val()}";
  let python = "(x)";
}
def ComplexLuFactorExOp : OnComplexMatrices<"lu_factor_ex"> {
  let summary = "A complex matrix as P L U, as lu_factor_ex gives it.";
  let description = [{
    x: float32 or float64, [..., m, n, 2]; k: the smaller of m and n. LU: [..., m, n, 2]; pivots: int32 [..., k]; info: int32 [...]. The gradient is that of
    square matrices.
  }];
  let resultNames = ["LU", "pivots", "info"];
  let infer = "onPairs<anyMatrix>";
  let inferOthers = ["onPairs<pivotsOfMatrix, false>", "onPairs<infoOfMatrix, false>"];
  let vjp = ["ct_LU ? complexLuGradient(ct_LU, LU, pivots) : Val()"];
  let jvp = "Results{complexLuTangent(t_x, LU, pivots), Val(), Val()}";
  let python = "(x)";
}
def ComplexSvdExOp : OnComplexMatrices<"svd_ex", [A<"full_matrices", "Bool", "True">]> {
  let summary = "A complex matrix as U diag(S) Vh, as svd_ex gives it.";
  let description = [{
    x: float32 or float64, [..., m, n, 2]; k: the smaller of m and n. U: [..., m, k or m, 2]; S: [..., k]; Vh: [..., k or n, n, 2]; info: int32 [...], as of svd_ex. In
    each column of U (and each further row of Vh) the first greatest element by magnitude is real and positive. The gradient is that of a function that
    does not depend on the angles of these vectors.
  }];
  let resultNames = ["U", "S", "Vh", "info"];
  let infer = "onPairs<svdLeft>";
  let inferOthers = ["onPairs<singularValues, false>", "onPairs<svdRight>", "onPairs<infoOfMatrix, false>"];
  let vjp = ["complexSvdGradient(ct_U, ct_S, ct_Vh, U, S, Vh)"];
  let jvp = "complexSvdTangent(t_x, U, S, Vh)";
  let python = "(x, full_matrices=True)";
}
def ComplexEighExOp : OnComplexMatrices<"eigh_ex"> {
  let summary = "The eigenvalues of a Hermitian matrix, the least first, and its eigenvectors as columns of length 1.";
  let description = [{
    x: float32 or float64, [..., n, n, 2], of which the lower triangle is read. eigenvalues: [..., n]; eigenvectors: [..., n, n, 2], in each column the first
    greatest element by magnitude real and positive; info: int32 [...], as of eigh_ex. The gradient is that of a function that does not depend on the
    angles of the vectors.
  }];
  let resultNames = ["eigenvalues", "eigenvectors", "info"];
  let infer = "onPairs<eigenvalues, false>";
  let inferOthers = ["onPairs<squareMatrix>", "onPairs<infoOfMatrix, false>"];
  let vjp = ["complexEighGradient(ct_eigenvalues, ct_eigenvectors, eigenvalues, eigenvectors)"];
  let jvp = "complexEighTangent(t_x, eigenvalues, eigenvectors)";
  let python = "(x)";
}
def ComplexQrOp : OnComplexMatrices<"qr", [A<"complete", "Bool", "False">]> {
  let summary = "A complex matrix as Q R: orthogonal columns of length 1 and an upper triangle with a real diagonal.";
  let description = [{
    x: float32 or float64, [..., m, n, 2]; k: m if complete, or else the smaller of m and n. Q: [..., m, k, 2]; R: [..., k, n, 2]. There is no gradient for a
    complete Q of more rows than columns.
  }];
  let resultNames = ["Q", "R"];
  let infer = "onPairs<svdLeft>";
  let inferOthers = ["onPairs<qrTriangle>"];
  let vjp = ["complexQrGradient(ct_Q, ct_R, x, Q, R)"];
  let jvp = "complexQrTangent(t_x, x, Q, R)";
  let python = "(x, complete=False)";
}
def ComplexEigExOp : OnComplexMatrices<"eig_ex"> {
  let summary = "The eigenvalues of a complex matrix, and its eigenvectors as columns of length 1.";
  let description = [{
    x: float32 or float64, [..., n, n, 2]. eigenvalues: [..., n, 2], in no order; eigenvectors: [..., n, n, 2], in each column the first greatest element by
    magnitude real and positive. info: int32 [...], 0; 1 where x has what is not finite, 2 where the iteration does not end, and all is NaN then. The gradient
    is that of a function that does not depend on the angles of the vectors, and infinite where two eigenvalues are equal.
  }];
  let resultNames = ["eigenvalues", "eigenvectors", "info"];
  let infer = "onPairs<eigenvalues>";
  let inferOthers = ["onPairs<squareMatrix>", "onPairs<infoOfMatrix, false>"];
  let vjp = ["eigGradient(ct_eigenvalues, ct_eigenvectors, eigenvalues, eigenvectors)"];
  let jvp = "eigTangent(t_x, eigenvalues, eigenvectors)";
  let python = "(x)";
}
def EigExOp : ByEigen<"eig_ex", ["x"], 2> {
  let summary = "The eigenvalues of a real matrix, complex, and its eigenvectors as columns of length 1.";
  let description = [{
    x: float32 or float64, [..., n, n]. The results are those of complex_eig_ex; conjugate eigenvalues stand side by side, that with a positive imaginary part
    first.
  }];
  let resultNames = ["eigenvalues", "eigenvectors", "info"];
  let infer = "asPairs<eigenvalues>";
  let inferOthers = ["asPairs<squareMatrix>", "infoOfMatrix"];
  let symbolic = 0;
  let independent = "every_axis(but=[x.ndim - 2, x.ndim - 1])";
  let vjp = ["realOf(eigGradient(ct_eigenvalues, ct_eigenvectors, eigenvalues, eigenvectors))"];
  let jvp = "eigTangent(pairsOf(t_x, zerosLike(t_x)), eigenvalues, eigenvectors)";
  let python = "(x)";
}
#endif
