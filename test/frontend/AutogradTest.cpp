#include "Common.h"

using namespace weft;

static Tensor leaf(Tensor t) { return t.requiresGrad(true); }

TEST(Autograd, GradientsAccumulateIntoLeaves) {
  Tensor x = leaf(floats({1, 2, 3}, {3}));
  backward({sum(mul(x, x))});
  EXPECT_EQ(values(x.grad()), (Numbers{2, 4, 6}));
  backward({sum(mul(x, number(10)))});
  EXPECT_EQ(values(x.grad()), (Numbers{12, 14, 16}));
  x.setGrad({});
  EXPECT_FALSE(x.grad().defined());
}

TEST(Autograd, BroadcastingIsSummedAndViewsAreFollowed) {
  Tensor x = leaf(counting({2, 3})), b = leaf(floats({1, 2, 3}, {3}));
  Tensor y = mul(slice(transpose(x, 0, 1), 0, 0, 3, 2), unsqueeze(slice(b, 0, 0, 2), 1));
  backward({y}, {floats({1, 10, 100, 1000}, {2, 2})});
  EXPECT_EQ(values(x.grad()), (Numbers{1, 0, 200, 10, 0, 2000}));
  EXPECT_EQ(values(b.grad()), (Numbers{30, 5200, 0}));
}

TEST(Autograd, HigherOrder) {
  Tensor x = leaf(floats({2}, {}));
  Tensor y = mul(mul(x, x), x);
  Tensor first = grad({y}, {x}, {}, true, true)[0];
  EXPECT_EQ(first.itemDouble(), 12);
  Tensor second = grad({first}, {x}, {}, true, true)[0];
  EXPECT_EQ(second.itemDouble(), 12);
  EXPECT_EQ(grad({second}, {x})[0].itemDouble(), 6);
}

TEST(Autograd, HooksSeeAndChangeCotangents) {
  Tensor x = leaf(floats({1, 2}, {2}));
  Tensor h = mul(x, number(3));
  Tensor seen;
  HookHandle handle = registerHook(h, [&](const Tensor &g) {
    seen = g;
    return mul(g, number(2));
  });
  int order = 0, leafCalls = 0;
  registerHook(x, [&](const Tensor &) {
    EXPECT_EQ(order++, 0);
    return Tensor();
  });
  registerAccumulateHook(x, [&](const Tensor &t) {
    EXPECT_EQ(order++, 1);
    leafCalls += t.grad().defined();
    return Tensor();
  });
  backward({sum(mul(h, h))}, {}, true);
  EXPECT_EQ(values(seen), (Numbers{6, 12}));
  EXPECT_EQ(values(x.grad()), (Numbers{36, 72}));
  EXPECT_EQ(leafCalls, 1);
  handle.remove();
  EXPECT_EQ(values(grad({sum(mul(h, h))}, {h}, {}, true)[0]), (Numbers{6, 12}));
}

TEST(Autograd, AGroupSeesItsCotangentsAtOnce) {
  Tensor x = leaf(floats({1, 2}, {2}));
  Tensor a = mul(x, number(3)), b = mul(x, number(5));
  std::vector<Tensor> seen;
  registerGroupHook({a, b}, [&](const std::vector<Tensor> &cotangents) {
    seen = cotangents;
    return std::vector<Tensor>{Tensor(), cotangents[1].defined() ? mul(cotangents[1], number(10)) : Tensor()};
  });
  registerHook(a, [](const Tensor &g) { return mul(g, number(2)); }); // comes before the group's
  EXPECT_EQ(values(grad({sum(add(a, b))}, {x}, {}, true)[0]), (Numbers{56, 56}));
  EXPECT_EQ(values(seen[0]), (Numbers{2, 2}));
  EXPECT_EQ(values(seen[1]), (Numbers{1, 1}));
  EXPECT_EQ(values(grad({sum(a)}, {x}, {}, true)[0]), (Numbers{6, 6}));
  EXPECT_FALSE(seen[1].defined());
}

TEST(Autograd, NonLeafInputsAndRetainedGradients) {
  Tensor x = leaf(floats({1, 2}, {2}));
  Tensor h = mul(x, x);
  retainGrad(h);
  Tensor y = sum(exp(mul(h, number(0))));
  std::vector<Tensor> both = grad({y}, {h, x}, {}, true);
  EXPECT_EQ(values(both[0]), (Numbers{0, 0}));
  EXPECT_FALSE(x.grad().defined());
  backward({sum(h)});
  EXPECT_EQ(values(h.grad()), (Numbers{1, 1}));
  EXPECT_EQ(values(x.grad()), (Numbers{2, 4}));
}

TEST(Autograd, ModesAndDetach) {
  Tensor x = leaf(floats({1}, {1}));
  {
    GradMode off(false);
    EXPECT_FALSE(mul(x, x).requiresGrad());
  }
  EXPECT_FALSE(mul(x, x).detach().requiresGrad());
  EXPECT_STREQ(info(tapeNode(*mul(x, x).impl)->op).name, "mul");
  EXPECT_FALSE(call(OpKind::Gt, {x, number(0)}).requiresGrad());
}

TEST(Autograd, ErrorsArePyTorchs) {
  Tensor x = leaf(floats({1, 2}, {2}));
  Tensor y = sum(mul(x, x));
  backward({y});
  EXPECT_MESSAGE(backward({y}), "Trying to backward through the graph a second time");
  EXPECT_MESSAGE(backward({mul(x, x)}), "grad can be implicitly created only for scalar outputs");
  EXPECT_MESSAGE(backward({sum(floats({1}, {1}))}), "element 0 of tensors does not require grad");
  EXPECT_MESSAGE(grad({sum(x)}, {leaf(floats({1}, {1}))}), "appears to not have been used in the graph");
  EXPECT_MESSAGE(integers({1}, {1}).requiresGrad(true),
                 "only Tensors of floating point and complex dtype can require gradients");
  EXPECT_MESSAGE(sum(x).requiresGrad(false), "you can only change requires_grad flags of leaf variables");
  EXPECT_MESSAGE(backward({mul(x, x)}, {floats({1}, {1})}), "Mismatch in shape");
  Tensor h = mul(x, number(2)), z = sum(mul(h, h));
  {
    GradMode off(false);
    callInPlace(OpKind::Add, {h, number(1)});
  }
  EXPECT_MESSAGE(backward({z}), "has been modified by an inplace operation");
}

TEST(Autograd, LongChainsAreFreedWithoutRecursion) {
  Tensor x = leaf(floats({1}, {1})), y = x;
  for (int i = 0; i < 100000; ++i)
    y = unsqueeze(squeeze(y, 0), 0);
  y = {};
  SUCCEED();
}
