// exp of matrices by Padé approximants, scaling and squaring: Higham, "The scaling and squaring method for the matrix
// exponential revisited", 2005, of which the bounds and coefficients are.
#include "runtime/extern/Eigen.h"

#include <Eigen/LU>
#include <cmath>

using namespace weft;

namespace {

// The degrees and up to which 1-norm of a matrix each is exact to the dtype.
struct Degree {
  int degree;
  double bound;
};
template <class T> struct Degrees;
template <> struct Degrees<double> {
  static constexpr Degree list[] = {{3, 1.495585217958292e-2},
                                    {5, 2.539398330063230e-1},
                                    {7, 9.504178996162932e-1},
                                    {9, 2.097847961257068},
                                    {13, 5.371920351148152}};
};
template <> struct Degrees<float> {
  static constexpr Degree list[] = {{3, 4.258730016922831e-1}, {5, 1.880152677804762}, {7, 3.925724783138660}};
};

// exp(x) is near (q - p)^-1 (q + p), p being odd in x and q even.
template <class T> Matrix<T> approximant(const Matrix<T> &x, int degree) {
  // (2 d - j)! d! / ((2 d)! j! (d - j)!), scaled to 1 at j = d.
  double coefficients[14];
  coefficients[degree] = 1;
  for (int j = degree; j > 0; --j)
    coefficients[j - 1] = coefficients[j] * double(2 * degree - j + 1) * j / double(degree - j + 1);
  const Matrix<T> one = Matrix<T>::Identity(x.rows(), x.cols()), square = x * x;
  Matrix<T> odd = T(coefficients[1]) * one, even = T(coefficients[0]) * one, power = square;
  for (int j = 2; j <= degree; j += 2) {
    even += T(coefficients[j]) * power;
    odd += T(coefficients[j + 1]) * power;
    if (j + 2 <= degree)
      power = power * square;
  }
  odd = x * odd;
  return (even - odd).partialPivLu().solve(even + odd);
}

template <class T> struct Exponential {
  int64_t n;
  explicit Exponential(const int64_t *scalars) : n(scalars[1]) {}

  void run(void *const *buffers, int64_t i) const {
    auto result = made<T>(buffers, 1, i, n, n);
    Matrix<T> x = given<T>(buffers, 0, i, n, n);
    if (!n)
      return;
    if (!x.allFinite())
      return fail(buffers, i);
    const T norm = x.cwiseAbs().colwise().sum().maxCoeff();
    for (const Degree &degree : Degrees<T>::list)
      if (norm <= T(degree.bound)) {
        result = approximant(x, degree.degree);
        return;
      }
    const Degree &last = std::end(Degrees<T>::list)[-1];
    int squarings = 0;
    std::frexp(norm / T(last.bound), &squarings);
    x = approximant<T>(x * std::ldexp(T(1), -squarings), last.degree);
    for (; squarings > 0; --squarings)
      x = x * x;
    result = x;
  }
  void fail(void *const *buffers, int64_t i) const {
    made<T>(buffers, 1, i, n, n).setConstant(std::numeric_limits<T>::quiet_NaN());
  }
};

} // namespace

// scalars: dtype, n, n of x; of the result.
int64_t weft_extern_matrix_exp_workspace(const int64_t *) { return 0; }
void weft_extern_matrix_exp(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *) {
  runAll<Exponential>(buffers, scalars, begin, end);
}
