// Derivatives of decompositions into complex matrices (ir/ops/ComplexLinearAlgebra.td): those of LinearAlgebra.cpp with
// adjoints, and what is theirs alone. What a loss may not depend on, the angles of vectors, has no part in them.
#include "ir/Complex.h"
#include "ir/Composites.h"

namespace weft::build {

namespace {

// A complex matrix, or a list of numbers, by its parts.
struct Matrix {
  Val re, im;
  explicit operator bool() const { return bool(re); }
  int64_t rows() const { return re.shape()[re.rank() - 2]; }
  int64_t columns() const { return re.shape().back(); }
};

Matrix partsOf(Val pairs) { return pairs ? Matrix{realOf(pairs), imaginaryOf(pairs)} : Matrix(); }
Val pairsOf(Matrix x) { return build::pairsOf(x.re, x.im); }
Matrix real(Val x) { return {x, zerosLike(x)}; }
template <class Function> Matrix each(Matrix x, Function function) { return {function(x.re), function(x.im)}; }

Matrix operator+(Matrix a, Matrix b) { return {a.re + b.re, a.im + b.im}; }
Matrix operator-(Matrix a, Matrix b) { return {a.re - b.re, a.im - b.im}; }
Matrix operator-(Matrix a) { return {-a.re, -a.im}; }
Matrix operator*(Matrix a, double number) { return {a.re * number, a.im * number}; }
Matrix operator*(Matrix a, Matrix b) {
  return {matmul(a.re, b.re) - matmul(a.im, b.im), matmul(a.re, b.im) + matmul(a.im, b.re)};
}
Matrix plus(Matrix a, Matrix b) { return a && b ? a + b : a ? a : b; }
Matrix adjoint(Matrix x) { return {transposed(x.re), -transposed(x.im)}; }
Matrix triangle(Matrix x, bool upper, double diagonal) {
  return each(x, [&](Val part) { return build::triangle(part, upper, diagonal); });
}
Matrix onDiagonal(Matrix list) {
  return each(list, [](Val part) { return build::onDiagonal(part); });
}
Matrix diagonalOf(Matrix x) {
  return each(x, [](Val part) { return build::diagonalOf(part); });
}
// Columns (rows) times the real numbers of a list.
Matrix columnsTimes(Matrix x, Val list) {
  return each(x, [&](Val part) { return part * unsqueezed(list, list.rank() - 1); });
}
Matrix rowsTimes(Val list, Matrix x) {
  return each(x, [&](Val part) { return unsqueezed(list, list.rank()) * part; });
}
Matrix columnsFrom(Matrix x, int64_t first, int64_t count) {
  return each(x, [&](Val part) {
    Dims shape = part.shape(), starts(part.rank(), 0), steps(part.rank(), 1);
    starts[part.rank() - 1] = first;
    shape[part.rank() - 1] = count;
    return slice(part, starts, shape, steps);
  });
}
Matrix beside(Matrix a, Matrix b) {
  int axis = a.re.rank() - 1;
  return {concatenate({a.re, b.re}, axis), concatenate({a.im, b.im}, axis)};
}

// The real matrix [[re, -im], [im, re]], which does to the parts what x does.
Val asReal(Matrix x) {
  int rows = x.re.rank() - 2, columns = rows + 1;
  return concatenate({concatenate({x.re, -x.im}, columns), concatenate({x.im, x.re}, columns)}, rows);
}

// a^-1 b.
Matrix solved(Matrix a, Matrix b) {
  Val both = solve_ex(asReal(a), concatenate({b.re, b.im}, b.re.rank() - 2))[0];
  auto half = [&](int64_t first) {
    Dims shape = b.re.shape(), starts(b.re.rank(), 0), steps(b.re.rank(), 1);
    starts[b.re.rank() - 2] = first;
    return slice(both, starts, shape, steps);
  };
  return {half(0), half(b.rows())};
}
// b a^-1.
Matrix over(Matrix b, Matrix a) { return adjoint(solved(adjoint(a), adjoint(b))); }

Val isOnDiagonal(Val x) {
  return iota(x, x.shape(), x.rank() - 2, DType::Int64) == iota(x, x.shape(), x.rank() - 1, DType::Int64);
}

// Off the diagonal, divided by (second value - first), zero on it.
Matrix overGaps(Matrix x, Val values) {
  Val gaps = expandTo(unsqueezed(values, values.rank() - 1), x.re.shape()) -
             expandTo(unsqueezed(values, values.rank()), x.re.shape());
  Val same = isOnDiagonal(x.re);
  Val safe = where(same, 1.0, gaps);
  return each(x, [&](Val part) { return where(same, 0.0, part / safe); });
}
// The same of complex values; conjugate: of their conjugates.
Matrix overGaps(Matrix x, Matrix values, bool conjugate) {
  auto gapsOf = [&](Val list) {
    return expandTo(unsqueezed(list, list.rank() - 1), x.re.shape()) -
           expandTo(unsqueezed(list, list.rank()), x.re.shape());
  };
  Val same = isOnDiagonal(x.re), im = gapsOf(values.im);
  Val gaps = build::pairsOf(where(same, 1.0, gapsOf(values.re)), where(same, 0.0, conjugate ? -im : im));
  Matrix quotient = partsOf(complex_div(pairsOf(x), gaps));
  return each(quotient, [&](Val part) { return where(same, 0.0, part); });
}

Val over2(Val list, Val values) { return list / (values * 2.0); }

} // namespace

// ---------------------------------------------------------------- Cholesky, LU

Val complexCholeskyGradient(Val ct, Val factor) {
  Matrix l = partsOf(factor), inner = triangle(adjoint(l) * triangle(partsOf(ct), false, 1), false, 0.5);
  Matrix both = over(solved(adjoint(l), inner), l);
  return pairsOf((both + adjoint(both)) * 0.5);
}

Val complexCholeskyTangent(Val tangent, Val factor) {
  Matrix l = partsOf(factor), t = partsOf(tangent), hermitian = (t + adjoint(t)) * 0.5;
  return pairsOf(l * triangle(over(solved(l, hermitian), adjoint(l)), false, 0.5));
}

static void checkSquare(const Matrix &factors) {
  if (factors.rows() != factors.columns())
    fail(UserError::Kind::Runtime, "lu_factor", "there is no derivative for complex matrices that are not square");
}
static Matrix unitLower(const Matrix &factors) { return triangle(factors, false, 0) + real(identityLike(factors.re)); }

Val complexLuGradient(Val ct, Val factors, Val pivots) {
  Matrix f = partsOf(factors), c = partsOf(ct), lower = unitLower(f), upper = triangle(f, true, 1);
  checkSquare(f);
  Matrix inner = triangle(adjoint(lower) * triangle(c, false, 0), false, 0) +
                 triangle(triangle(c, true, 1) * adjoint(upper), true, 1);
  Matrix result = over(solved(adjoint(lower), inner), adjoint(upper));
  return pairsOf(each(result, [&](Val part) { return swap_rows(part, pivots, true); }));
}

Val complexLuTangent(Val tangent, Val factors, Val pivots) {
  Matrix f = partsOf(factors), lower = unitLower(f), upper = triangle(f, true, 1);
  checkSquare(f);
  Matrix t = each(partsOf(tangent), [&](Val part) { return swap_rows(part, pivots, false); });
  Matrix inner = over(solved(lower, t), upper);
  return pairsOf(lower * triangle(inner, false, 0) + triangle(inner, true, 1) * upper);
}

// ---------------------------------------------------------------- Singular values

Val complexSvdGradient(Val ctU, Val ctS, Val ctVh, Val left, Val values, Val rightRows) {
  int64_t count = values.shape().back();
  Matrix whole = partsOf(left), wholeRight = adjoint(partsOf(rightRows));
  Matrix u = columnsFrom(whole, 0, count), v = columnsFrom(wholeRight, 0, count);
  Matrix ofU = ctU ? columnsFrom(partsOf(ctU), 0, count) : Matrix();
  Matrix ofV = ctVh ? columnsFrom(adjoint(partsOf(ctVh)), 0, count) : Matrix();
  Val squares = values * values;
  Matrix inner = ctS ? real(build::onDiagonal(ctS)) : Matrix();
  if (ofU) {
    Matrix turn = adjoint(u) * ofU, skew = turn - adjoint(turn);
    inner = plus(inner, columnsTimes(overGaps(skew, squares), values));
    inner = plus(inner, onDiagonal(each(diagonalOf(skew), [&](Val part) { return over2(part, values); })));
  }
  if (ofV) {
    Matrix turn = adjoint(v) * ofV;
    inner = plus(inner, rowsTimes(values, overGaps(turn - adjoint(turn), squares)));
  }
  if (!inner)
    return Val();
  Matrix result = u * inner * adjoint(v);
  Val inverse = 1.0 / values;
  if (ofU && whole.rows() > count) { // what is orthogonal to the columns of U
    Matrix scaled = columnsTimes(ofU, inverse);
    result = result + (scaled - u * (adjoint(u) * scaled)) * adjoint(v);
  }
  if (ofV && wholeRight.rows() > count) {
    Matrix scaled = columnsTimes(ofV, inverse);
    result = result + u * adjoint(scaled - v * (adjoint(v) * scaled));
  }
  return pairsOf(result);
}

Results complexSvdTangent(Val tangent, Val left, Val values, Val rightRows) {
  Matrix u = partsOf(left), v = adjoint(partsOf(rightRows)), t = partsOf(tangent);
  Val squares = values * values, inverse = 1.0 / values;
  Matrix inner = adjoint(u) * t * v, scaled = columnsTimes(inner, values), other = rowsTimes(values, inner);
  Val angles = over2(diagonalOf(inner).im, values);
  Matrix turn = onDiagonal({zerosLike(angles), angles});
  Matrix ofU = u * (overGaps(scaled + adjoint(scaled), squares) + turn);
  Matrix ofV = v * (overGaps(other + adjoint(other), squares) - turn);
  if (u.rows() > u.columns()) {
    Matrix outside = columnsTimes(t * v, inverse);
    ofU = ofU + outside - u * (adjoint(u) * outside);
  }
  if (v.rows() > v.columns()) {
    Matrix outside = columnsTimes(adjoint(t) * u, inverse);
    ofV = ofV + outside - v * (adjoint(v) * outside);
  }
  return {pairsOf(ofU), diagonalOf(inner).re, pairsOf(adjoint(ofV)), Val()};
}

// ---------------------------------------------------------------- Eigenvalues

Val complexEighGradient(Val ctValues, Val ctVectors, Val values, Val vectors) {
  Matrix v = partsOf(vectors), inner = ctValues ? real(build::onDiagonal(ctValues)) : Matrix();
  if (ctVectors)
    inner = plus(inner, overGaps(adjoint(v) * partsOf(ctVectors), values));
  if (!inner)
    return Val();
  Matrix result = v * inner * adjoint(v);
  return pairsOf((result + adjoint(result)) * 0.5);
}

Results complexEighTangent(Val tangent, Val values, Val vectors) {
  Matrix v = partsOf(vectors), t = partsOf(tangent);
  Matrix inner = adjoint(v) * ((t + adjoint(t)) * 0.5) * v;
  return {diagonalOf(inner).re, pairsOf(v * overGaps(inner, values)), Val()};
}

// Boeddeker, Hanebrink, Drude, Heymann and Haeb-Umbach, "On the computation of complex-valued gradients with
// application to statistically optimum beamforming", 2017, with columns of length 1.
Val eigGradient(Val ctValues, Val ctVectors, Val values, Val vectors) {
  Matrix v = partsOf(vectors), inner = ctValues ? onDiagonal(partsOf(ctValues)) : Matrix();
  if (ctVectors) {
    Matrix turn = adjoint(v) * partsOf(ctVectors);
    Matrix along = columnsTimes(adjoint(v) * v, diagonalOf(turn).re);
    inner = plus(inner, overGaps(turn - along, partsOf(values), true));
  }
  if (!inner)
    return Val();
  return pairsOf(solved(adjoint(v), inner * adjoint(v)));
}

Results eigTangent(Val tangent, Val values, Val vectors) {
  Matrix v = partsOf(vectors), inner = solved(v, partsOf(tangent) * v);
  Matrix moved = v * overGaps(inner, partsOf(values), false);
  Matrix along = columnsTimes(v, diagonalOf(adjoint(v) * moved).re);
  return {pairsOf(diagonalOf(inner)), pairsOf(moved - along), Val()};
}

// ---------------------------------------------------------------- QR

// As of real matrices; R's diagonal stays real.
static Matrix squareQrGradient(Matrix ctQ, Matrix ctR, Matrix q, Matrix r) {
  Matrix inner = ctR ? ctR * adjoint(r) : Matrix();
  if (ctQ)
    inner = inner ? inner - adjoint(q) * ctQ : -(adjoint(q) * ctQ);
  Matrix upper = triangle(inner, true, 0.5), result = q * (upper + adjoint(upper));
  return over(ctQ ? result + ctQ : result, adjoint(r));
}

Val complexQrGradient(Val ctQ, Val ctR, Val x, Val q, Val r) {
  if (!ctQ && !ctR)
    return Val();
  Matrix ofQ = partsOf(ctQ), ofR = partsOf(ctR), left = partsOf(q), right = partsOf(r);
  int64_t rows = right.rows(), more = right.columns() - rows;
  if (more < 0)
    fail(UserError::Kind::Runtime, "qr",
         "mode='complete' has no derivative for a matrix with more rows than columns; take mode='reduced'");
  if (more == 0)
    return pairsOf(squareQrGradient(ofQ, ofR, left, right));
  // Wide: the last columns of R are Q^H times those of x.
  Matrix last = columnsFrom(partsOf(x), rows, more), ofLast = ofR ? columnsFrom(ofR, rows, more) : Matrix();
  if (ofR)
    ofQ = plus(ofQ, last * adjoint(ofLast));
  Matrix first = squareQrGradient(ofQ, ofR ? columnsFrom(ofR, 0, rows) : Matrix(), left, columnsFrom(right, 0, rows));
  Matrix rest = ofR ? left * ofLast : each(last, [](Val part) { return zerosLike(part); });
  return pairsOf(beside(first, rest));
}

Results complexQrTangent(Val tangent, Val x, Val q, Val r) {
  Matrix left = partsOf(q), right = partsOf(r), t = partsOf(tangent);
  int64_t rows = right.rows(), more = right.columns() - rows;
  Matrix square = more > 0 ? columnsFrom(right, 0, rows) : right;
  Matrix moved = over(more > 0 ? columnsFrom(t, 0, rows) : t, square);
  Matrix inner = adjoint(left) * moved, lower = triangle(inner, false, 0);
  Val angles = diagonalOf(inner).im;
  Matrix turn = lower - adjoint(lower) + onDiagonal({zerosLike(angles), angles});
  Matrix ofQ = moved + left * (turn - inner), ofR = (inner - turn) * square;
  if (more > 0)
    ofR = beside(ofR, adjoint(ofQ) * columnsFrom(partsOf(x), rows, more) + adjoint(left) * columnsFrom(t, rows, more));
  return {pairsOf(ofQ), pairsOf(ofR)};
}

} // namespace weft::build
