// LU, what is solved by it, pseudo-inverses, least squares and exponentials: expansions and derivatives
// (ir/ops/LinearAlgebra.td).
#include "ir/Composites.h"

namespace weft::build {

static int64_t rowsOf(Val x) { return x.shape()[x.rank() - 2]; }
static int64_t columnsOf(Val x) { return x.shape().back(); }

// The part of matrices that begins at (row, column).
static Val block(Val x, int64_t row, int64_t column, int64_t rows, int64_t columns) {
  Dims shape = x.shape(), starts(x.rank(), 0), steps(x.rank(), 1);
  starts[x.rank() - 2] = row, starts[x.rank() - 1] = column;
  shape[x.rank() - 2] = rows, shape[x.rank() - 1] = columns;
  return slice(x, starts, shape, steps);
}

Val identityLike(Val x) {
  Val row = iota(x, x.shape(), x.rank() - 2, DType::Int64), column = iota(x, x.shape(), x.rank() - 1, DType::Int64);
  return cast(row == column, x.dtype());
}

Val timesIdentity(Val number, Val x) {
  Dims shape = x.shape();
  shape.pop_back();
  return onDiagonal(expandTo(unsqueezed(number, number.rank()), shape));
}

// ---------------------------------------------------------------- LU

// L^-1 x, L^-T x and x U^-1, x U^-T of the triangles that a square matrix holds.
static Val lowerInverse(Val factors, Val x, bool isTransposed) {
  return solve_triangular(factors, x, false, isTransposed, true);
}
static Val timesUpperInverse(Val x, Val factors, bool isTransposed) {
  return transposed(solve_triangular(factors, transposed(x), true, !isTransposed, false));
}

namespace {
// Of a matrix [m, n], whose factors are [m, k] and [k, n]: the square parts, and what is beside (wide) or below (tall).
struct Parts {
  int64_t rows, columns, size;
  Val square, right, below;
  bool isWide() const { return columns > size; }
  bool isTall() const { return rows > size; }
  explicit Parts(Val x) : rows(rowsOf(x)), columns(columnsOf(x)), size(std::min(rows, columns)) {
    square = block(x, 0, 0, size, size);
    if (isWide())
      right = block(x, 0, size, size, columns - size);
    if (isTall())
      below = block(x, size, 0, rows - size, size);
  }
  static Val together(const Parts &like, Val square, Val right, Val below) {
    if (like.isWide())
      return concatenate({square, right}, square.rank() - 1);
    return like.isTall() ? concatenate({square, below}, square.rank() - 2) : square;
  }
};
} // namespace

static Val unitLower(Val factors) { return triangle(factors, false, 0) + identityLike(factors); }
static Val upper(Val factors) { return triangle(factors, true, 1); }

Val luGradient(Val ct, Val factors, Val pivots) {
  Parts f(factors), c(ct);
  Val ofLower = matmul(transposed(unitLower(f.square)), triangle(c.square, false, 0));
  Val ofUpper = matmul(upper(c.square), transposed(upper(f.square)));
  if (f.isWide())
    ofLower = ofLower - matmul(c.right, transposed(f.right));
  if (f.isTall())
    ofUpper = ofUpper - matmul(transposed(f.below), c.below);
  Val inner = triangle(ofLower, false, 0) + upper(ofUpper);
  Val square = timesUpperInverse(lowerInverse(f.square, inner, true), f.square, true);
  Val right = f.isWide() ? lowerInverse(f.square, c.right, true) : Val();
  Val below = f.isTall() ? timesUpperInverse(c.below, f.square, true) : Val();
  return swap_rows(Parts::together(f, square, right, below), pivots, true);
}

Val luTangent(Val tangent, Val factors, Val pivots) {
  Parts f(factors), t(swap_rows(tangent, pivots, false));
  Val inner = timesUpperInverse(lowerInverse(f.square, t.square, false), f.square, false);
  Val ofLower = triangle(inner, false, 0), ofUpper = upper(inner);
  Val square = matmul(unitLower(f.square), ofLower) + matmul(ofUpper, upper(f.square));
  Val right = f.isWide() ? lowerInverse(f.square, t.right, false) - matmul(ofLower, f.right) : Val();
  Val below = f.isTall() ? timesUpperInverse(t.below, f.square, false) - matmul(f.below, ofUpper) : Val();
  return Parts::together(f, square, right, below);
}

Val solvedAdjoint(Val a, Val b) {
  Results factors = lu_factor_ex(a);
  return lu_solve(factors[0], factors[1], b, true);
}

// ---------------------------------------------------------------- Determinants

Val signOfPivots(Val pivots, Val like) {
  Val still = iota(pivots, pivots.shape(), pivots.rank() - 1, pivots.dtype()) + 1.0;
  return prod(cast(pivots == still, like.dtype()) * 2.0 - 1.0, {pivots.rank() - 1}, false);
}

Val determinantOf(Val factors, Val pivots) {
  return signOfPivots(pivots, factors) * prod(diagonalOf(factors), {factors.rank() - 2}, false);
}

// The adjugate, transposed: the determinant times the inverse of the transpose. Of a singular matrix that of one
// nearby, in whose factors epsilon stands for 0.
Val determinantGradient(Val ct, Val x) {
  Results found = lu_factor_ex(x);
  Val diagonal = diagonalOf(found[0]);
  double epsilon = x.dtype() == DType::Float64 ? 0x1p-52 : 0x1p-23;
  Val factors = found[0] + onDiagonal(cast(diagonal == 0.0, x.dtype()) * epsilon);
  return lu_solve(factors, found[1], timesIdentity(ct * determinantOf(factors, found[1]), x), true);
}

// ---------------------------------------------------------------- Pseudo-inverses

static Val columnsTimes(Val x, Val list) { return x * unsqueezed(list, list.rank() - 1); }

Val pseudoInverse(Val x, Val atol, Val rtol, bool hermitian) {
  Results parts = hermitian ? eigh_ex(x) : svd_ex(x, false);
  Val values = hermitian ? parts[0] : parts[1];
  Val left = hermitian ? parts[1] : parts[0], right = hermitian ? parts[1] : transposed(parts[2]);
  if (values.shape().back() != 0) {
    int last = values.rank() - 1;
    Val size = abs(values), least = maximum(unsqueezed(atol, last), unsqueezed(rtol, last) * amax(size, {last}, true));
    Val counts = size > least;
    values = where(counts, 1.0 / where(counts, values, 1.0), 0.0);
  }
  return matmul(columnsTimes(right, values), transposed(left));
}

Val pseudoInverseGradient(Val ct, Val x, Val inverse) {
  Val h = transposed(ct), adjoint = transposed(inverse);
  Val outsideRows = h - matmul(x, matmul(inverse, h)), outsideColumns = h - matmul(matmul(h, inverse), x);
  return matmul(matmul(outsideRows, inverse), adjoint) + matmul(adjoint, matmul(inverse, outsideColumns)) -
         matmul(matmul(adjoint, ct), adjoint);
}

Val pseudoInverseTangent(Val tangent, Val x, Val inverse) {
  Val h = transposed(tangent), adjoint = transposed(inverse);
  Val outsideRows = h - matmul(matmul(h, x), inverse), outsideColumns = h - matmul(inverse, matmul(x, h));
  return matmul(inverse, matmul(adjoint, outsideRows)) + matmul(matmul(outsideColumns, adjoint), inverse) -
         matmul(matmul(inverse, tangent), inverse);
}

// ---------------------------------------------------------------- Least squares

// Of two right sides at once.
static Results solvedBoth(Val a, Val first, Val second, double rcond) {
  Val both = least_squares(a, concatenate({first, second}, first.rank() - 1), rcond)[0];
  int64_t count = columnsOf(first), rows = rowsOf(both);
  return {block(both, 0, 0, rows, count), block(both, 0, count, rows, columnsOf(second))};
}

Val transposedLeastSquares(Val b, Val a, double rcond) { return least_squares(transposed(a), b, rcond)[0]; }

// With P for the pseudo-inverse, x = P b and r = b - a x: -P^T ct x^T + r (P P^T ct)^T + P^T x ((1 - P a) ct)^T.
Val leastSquaresGradient(Val ct, Val a, Val b, Val x, double rcond) {
  Results outer = solvedBoth(transposed(a), ct, x, rcond);
  Results inner = solvedBoth(a, outer[0], matmul(a, ct), rcond);
  return matmul(b - matmul(a, x), transposed(inner[0])) + matmul(outer[1], transposed(ct - inner[1])) -
         matmul(outer[0], transposed(x));
}

Val leastSquaresTangent(Val ofA, Val ofB, Val a, Val b, Val x, double rcond) {
  Val moved = matmul(transposed(ofA), b - matmul(a, x));
  Results outer = solvedBoth(transposed(a), x, moved, rcond);
  Val turned = matmul(transposed(ofA), outer[0]);
  Results inner = solvedBoth(a, ofB - matmul(ofA, x) + outer[1], matmul(a, turned), rcond);
  return inner[0] + turned - inner[1];
}

// ---------------------------------------------------------------- Exponentials

// The upper right part of exp([[x, tangent], [0, x]]): Mathias, "A chain rule for matrix functions and applications",
// 1996.
Val exponentialTangent(Val tangent, Val x) {
  int rows = x.rank() - 2, columns = x.rank() - 1;
  int64_t n = columnsOf(x);
  Val above = concatenate({x, tangent}, columns), below = concatenate({zerosLike(x), x}, columns);
  return block(matrix_exp(concatenate({above, below}, rows)), 0, n, n, n);
}

} // namespace weft::build
