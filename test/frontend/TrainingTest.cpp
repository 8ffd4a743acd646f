// A multi-layer perceptron trained by AdamW, eagerly and compiled: the same bits.
#include "Common.h"

#include "frontend/Compile.h"

#include <cmath>

using namespace weft;
using List = std::vector<Tensor>;

namespace {
struct Model {
  List parameters, firstMoments, secondMoments;
  Tensor steps = floats({0}, {});

  Model() {
    uint32_t seed = 1;
    for (Dims shape : {Dims{32, 20}, Dims{32}, Dims{10, 32}, Dims{10}}) {
      Tensor p = call(OpKind::Mul, {noise(shape, seed++), number(0.2)});
      parameters.push_back(p.requiresGrad(true));
      firstMoments.push_back(full(shape, number(0), DType::Float32));
      secondMoments.push_back(full(shape, number(0), DType::Float32));
    }
  }

  List step(const List &batch) {
    Tensor h = call(OpKind::Relu, {call(OpKind::Linear, {batch[0], parameters[0], parameters[1]})});
    Tensor logits = call(OpKind::Linear, {h, parameters[2], parameters[3]});
    Tensor loss =
        call(OpKind::CrossEntropy, {logits, batch[1]}, {Attr::integer(1), Attr::integer(-100), Attr::real(0)});
    backward({loss});
    GradMode off(false);
    callInPlace(OpKind::Add, {steps, number(1)});
    Tensor correction1 = sub(number(1), call(OpKind::Pow, {number(0.9), steps}));
    Tensor correction2 = sub(number(1), call(OpKind::Pow, {number(0.999), steps}));
    for (size_t i = 0; i < parameters.size(); ++i) {
      Tensor &p = parameters[i], &m = firstMoments[i], &v = secondMoments[i], g = p.grad();
      callInPlace(OpKind::Mul, {p, number(1 - 1e-3 * 0.01)});
      copy_(m, add(mul(m, number(0.9)), mul(g, number(0.1))));
      copy_(v, add(mul(v, number(0.999)), mul(mul(g, g), number(0.001))));
      Tensor denominator = add(call(OpKind::Sqrt, {call(OpKind::Div, {v, correction2})}), number(1e-8));
      callInPlace(OpKind::Sub,
                  {p, mul(call(OpKind::Div, {call(OpKind::Div, {m, correction1}), denominator}), number(1e-2))});
      p.setGrad({});
    }
    return {loss.detach()};
  }
};
} // namespace

TEST(Training, CompiledStepsHaveEagersBits) {
  Model eager, compiled;
  CompiledFunction step([&](const List &batch) { return compiled.step(batch); });
  std::vector<int64_t> labels;
  for (int i = 0; i < 16; ++i)
    labels.push_back(i % 10);
  double first = 0, last = 0;
  for (int round = 0; round < 20; ++round) {
    List batch{noise({16, 20}, uint32_t(round % 4)), integers(labels, {16})};
    last = eager.step(batch)[0].itemDouble();
    if (round == 0)
      first = last;
    ASSERT_EQ(last, step(batch)[0].itemDouble()) << "loss of step " << round;
    for (size_t i = 0; i < eager.parameters.size(); ++i)
      ASSERT_EQ(values(eager.parameters[i]), values(compiled.parameters[i]))
          << "parameter " << i << " after step " << round;
  }
  EXPECT_EQ(step.calls().size(), 1u) << step.lastReason();
  EXPECT_LT(last, first);
  EXPECT_TRUE(std::isfinite(last));
}
