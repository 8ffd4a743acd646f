// Derivatives of decompositions (ir/ops/LinearAlgebra.td).
#include "ir/Composites.h"

namespace weft::build {

Val triangle(Val x, bool upper, double diagonal) {
  Val row = iota(x, x.shape(), x.rank() - 2, DType::Int64), column = iota(x, x.shape(), x.rank() - 1, DType::Int64);
  Val kept = where(upper ? row < column : row > column, x, 0.0);
  return diagonal == 0 ? kept : where(row == column, diagonal == 1 ? x : x * diagonal, kept);
}

Val choleskyGradient(Val ct, Val factor) {
  Val inner = triangle(matmul(transposed(factor), triangle(ct, false, 1)), false, 0.5);
  Val left = solve_triangular(factor, inner, false, true, false);
  Val both = solve_triangular(factor, transposed(left), false, true, false);
  return (both + transposed(both)) * 0.5;
}

Val choleskyTangent(Val tangent, Val factor) {
  Val symmetric = (tangent + transposed(tangent)) * 0.5;
  Val left = solve_triangular(factor, symmetric, false, false, false);
  Val both = solve_triangular(factor, transposed(left), false, false, false);
  return matmul(factor, triangle(both, false, 0.5));
}

Val solveGradient(Val ct, Val a, Val result, bool upper, bool isTransposed, bool unit) {
  Val ofB = solve_triangular(a, ct, upper, !isTransposed, unit);
  Val outer = isTransposed ? matmul(result, transposed(ofB)) : matmul(ofB, transposed(result));
  return triangle(-outer, upper, unit ? 0 : 1);
}

Val solveTangent(Val ofA, Val ofB, Val a, Val result, bool upper, bool isTransposed, bool unit) {
  Val moved = triangle(ofA, upper, unit ? 0 : 1);
  Val right = ofB - matmul(isTransposed ? transposed(moved) : moved, result);
  return solve_triangular(a, right, upper, isTransposed, unit);
}

// ---------------------------------------------------------------- Singular values and eigenvalues

Val onDiagonal(Val list) {
  Dims shape = list.shape();
  shape.push_back(shape.back());
  Val row = iota(list, shape, list.rank() - 1, DType::Int64), column = iota(list, shape, list.rank(), DType::Int64);
  return where(row == column, expandTo(unsqueezed(list, list.rank()), shape), 0.0);
}

Val diagonalOf(Val x) {
  Val row = iota(x, x.shape(), x.rank() - 2, DType::Int64), column = iota(x, x.shape(), x.rank() - 1, DType::Int64);
  return sum(where(row == column, x, 0.0), {x.rank() - 1}, false);
}

// Off the diagonal, divided by (second value - first), zero on it.
static Val overGaps(Val x, Val values) {
  Val row = iota(x, x.shape(), x.rank() - 2, DType::Int64), column = iota(x, x.shape(), x.rank() - 1, DType::Int64);
  Val gaps = expandTo(unsqueezed(values, values.rank() - 1), x.shape()) -
             expandTo(unsqueezed(values, values.rank()), x.shape());
  Val same = row == column;
  return where(same, 0.0, x / where(same, 1.0, gaps));
}

static Val columnsTimes(Val x, Val list) { return x * unsqueezed(list, list.rank() - 1); }
static Val rowsTimes(Val list, Val x) { return unsqueezed(list, list.rank()) * x; }
static Val columnsOver(Val x, Val list) { return x / unsqueezed(list, list.rank() - 1); }

static Val firstOf(Val x, int axis, int64_t count) {
  Dims shape = x.shape(), starts(x.rank(), 0), steps(x.rank(), 1);
  shape[axis] = count;
  return slice(x, starts, shape, steps);
}
static Val firstColumns(Val x, int64_t count) { return firstOf(x, x.rank() - 1, count); }

static Val plus(Val a, Val b) { return a && b ? a + b : a ? a : b; }

Val svdGradient(Val ctU, Val ctS, Val ctVh, Val left, Val values, Val rightRows) {
  int64_t count = values.shape().back(), rows = left.shape()[left.rank() - 2], columns = rightRows.shape().back();
  // What full matrices have besides has no derivative that the operand decides.
  Val u = firstColumns(left, count), v = firstColumns(transposed(rightRows), count), squares = values * values;
  Val ctOfU = ctU ? firstColumns(ctU, count) : Val(), ctOfV = ctVh ? firstColumns(transposed(ctVh), count) : Val();
  Val inner = ctS ? onDiagonal(ctS) : Val();
  if (ctOfU) {
    Val turn = matmul(transposed(u), ctOfU);
    inner = plus(inner, columnsTimes(overGaps(turn - transposed(turn), squares), values));
  }
  if (ctOfV) {
    Val turn = matmul(transposed(v), ctOfV);
    inner = plus(inner, rowsTimes(values, overGaps(turn - transposed(turn), squares)));
  }
  if (!inner)
    return Val();
  Val result = matmul(matmul(u, inner), transposed(v));
  if (ctOfU && rows > count) { // what is orthogonal to the columns of U
    Val scaled = columnsOver(ctOfU, values);
    result = result + matmul(scaled - matmul(u, matmul(transposed(u), scaled)), transposed(v));
  }
  if (ctOfV && columns > count) {
    Val scaled = columnsOver(ctOfV, values);
    result = result + matmul(u, transposed(scaled - matmul(v, matmul(transposed(v), scaled))));
  }
  return result;
}

Results svdTangent(Val tangent, Val left, Val values, Val rightRows) {
  int64_t count = values.shape().back(), rows = left.shape()[left.rank() - 2], columns = rightRows.shape().back();
  Val u = left, v = transposed(rightRows), squares = values * values;
  Val inner = matmul(matmul(transposed(u), tangent), v);
  Val scaled = columnsTimes(inner, values), other = rowsTimes(values, inner);
  Val ofU = matmul(u, overGaps(scaled + transposed(scaled), squares));
  Val ofV = matmul(v, overGaps(other + transposed(other), squares));
  if (rows > count) {
    Val outside = columnsOver(matmul(tangent, v), values);
    ofU = ofU + outside - matmul(u, matmul(transposed(u), outside));
  }
  if (columns > count) {
    Val outside = columnsOver(matmul(transposed(tangent), u), values);
    ofV = ofV + outside - matmul(v, matmul(transposed(v), outside));
  }
  return {ofU, diagonalOf(inner), transposed(ofV), Val()};
}

Val eighGradient(Val ctValues, Val ctVectors, Val values, Val vectors) {
  Val inner = ctValues ? onDiagonal(ctValues) : Val();
  if (ctVectors)
    inner = plus(inner, overGaps(matmul(transposed(vectors), ctVectors), values));
  if (!inner)
    return Val();
  Val result = matmul(matmul(vectors, inner), transposed(vectors));
  return (result + transposed(result)) * 0.5;
}

Results eighTangent(Val tangent, Val values, Val vectors) {
  Val symmetric = (tangent + transposed(tangent)) * 0.5;
  Val inner = matmul(matmul(transposed(vectors), symmetric), vectors);
  return {diagonalOf(inner), matmul(vectors, overGaps(inner, values)), Val()};
}

// ---------------------------------------------------------------- QR

// x R^-1, R upper.
static Val overTriangle(Val x, Val r) { return transposed(solve_triangular(r, transposed(x), true, true, false)); }
// x R^-T.
static Val overTransposed(Val x, Val r) { return transposed(solve_triangular(r, transposed(x), true, false, false)); }

static Val columnsFrom(Val x, int64_t first, int64_t count) {
  Dims shape = x.shape(), starts(x.rank(), 0), steps(x.rank(), 1);
  starts[x.rank() - 1] = first;
  shape[x.rank() - 1] = count;
  return slice(x, starts, shape, steps);
}

// Of x = Q R with a square R: Roberts and Roberts, "QR and LQ decomposition matrix backpropagation algorithms for
// square, wide, and deep matrices", 2020.
static Val squareQrGradient(Val ctQ, Val ctR, Val q, Val r) {
  Val inner = ctR ? matmul(ctR, transposed(r)) : Val();
  if (ctQ)
    inner = inner ? inner - matmul(transposed(q), ctQ) : -matmul(transposed(q), ctQ);
  Val upper = triangle(inner, true, 0.5), result = matmul(q, upper + transposed(upper));
  return overTransposed(ctQ ? result + ctQ : result, r);
}

Val qrGradient(Val ctQ, Val ctR, Val x, Val q, Val r) {
  int64_t rows = r.shape()[r.rank() - 2], columns = r.shape().back();
  if (columns <= rows) {
    if (rows > columns)
      fail(UserError::Kind::Runtime, "qr",
           "mode='complete' has no derivative for a matrix with more rows than columns; take mode='reduced'");
    return ctQ || ctR ? squareQrGradient(ctQ, ctR, q, r) : Val();
  }
  // Wide: the last columns of R are Q^T times those of x.
  int64_t more = columns - rows;
  if (ctR) {
    Val ctLast = columnsFrom(ctR, rows, more), last = columnsFrom(x, rows, more);
    Val first = squareQrGradient(plus(ctQ, matmul(last, transposed(ctLast))), columnsFrom(ctR, 0, rows), q,
                                 columnsFrom(r, 0, rows));
    return concatenate({first, matmul(q, ctLast)}, r.rank() - 1);
  }
  Val first = squareQrGradient(ctQ, Val(), q, columnsFrom(r, 0, rows));
  return ctQ ? concatenate({first, zerosLike(columnsFrom(x, rows, more))}, r.rank() - 1) : Val();
}

Results qrTangent(Val tangent, Val x, Val q, Val r) {
  int64_t rows = r.shape()[r.rank() - 2], columns = r.shape().back(), more = columns - rows;
  Val square = more > 0 ? columnsFrom(r, 0, rows) : r;
  Val solved = overTriangle(more > 0 ? columnsFrom(tangent, 0, rows) : tangent, square);
  Val inner = matmul(transposed(q), solved), lower = triangle(inner, false, 0), turn = lower - transposed(lower);
  Val ofQ = solved + matmul(q, turn - inner), ofR = matmul(inner - turn, square);
  if (more > 0) {
    Val last =
        matmul(transposed(ofQ), columnsFrom(x, rows, more)) + matmul(transposed(q), columnsFrom(tangent, rows, more));
    ofR = concatenate({ofR, last}, r.rank() - 1);
  }
  return {ofQ, ofR};
}

} // namespace weft::build
