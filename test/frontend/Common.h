// Helpers of the tests: tensors from literals and back.
#pragma once
#include "frontend/autograd/Autograd.h"
#include "frontend/dispatch/Ops.h"

#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace weft {

inline Tensor floats(const std::vector<float> &values, const Dims &shape) {
  return Tensor::fromHost(values.data(), shape, DType::Float32);
}
inline Tensor integers(const std::vector<int64_t> &values, const Dims &shape) {
  return Tensor::fromHost(values.data(), shape, DType::Int64);
}
// 0, 1, 2, ... in a shape.
inline Tensor counting(const Dims &shape) {
  std::vector<float> values(static_cast<size_t>(shape.product()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = float(i);
  return floats(values, shape);
}
// Deterministic values in [-1, 1).
inline Tensor noise(const Dims &shape, uint32_t seed) {
  std::vector<float> values(static_cast<size_t>(shape.product()));
  for (float &v : values) {
    seed = seed * 1664525u + 1013904223u;
    v = float(int32_t(seed) >> 8) / float(1 << 23);
  }
  return floats(values, shape);
}
// The elements in row-major order, read by strides: no kernel runs.
inline std::vector<double> values(const Tensor &t) {
  std::vector<double> result;
  Dims index(t.dim(), 0);
  for (int64_t n = 0; n < t.numel(); ++n) {
    int64_t at = t.offset();
    for (int i = 0; i < t.dim(); ++i)
      at += index[i] * t.strides()[i];
    result.push_back(aliasOf(t, {}, {}, at).itemDouble());
    for (int i = t.dim() - 1; i >= 0 && ++index[i] == t.shape()[i]; --i)
      index[i] = 0;
  }
  return result;
}
using Numbers = std::vector<double>;

// The message of the UserError that `work` throws; fails the test if it throws none.
inline std::string messageOf(const std::function<void()> &work) {
  try {
    work();
  } catch (const UserError &error) {
    return error.what();
  }
  ADD_FAILURE() << "no UserError was thrown";
  return "";
}
#define EXPECT_MESSAGE(work, part)                                                                                     \
  EXPECT_NE(messageOf([&] { work; }).find(part), std::string::npos) << messageOf([&] { work; })

inline Tensor number(double v) { return Tensor::wrapped(v); }
inline Tensor add(const Tensor &a, const Tensor &b) { return call(OpKind::Add, {a, b}); }
inline Tensor sub(const Tensor &a, const Tensor &b) { return call(OpKind::Sub, {a, b}); }
inline Tensor mul(const Tensor &a, const Tensor &b) { return call(OpKind::Mul, {a, b}); }
inline Tensor exp(const Tensor &a) { return call(OpKind::Exp, {a}); }
inline Tensor sum(const Tensor &a) { return call(OpKind::Sum, {a}, {Attr::list({}), Attr::boolean(false)}); }

} // namespace weft
