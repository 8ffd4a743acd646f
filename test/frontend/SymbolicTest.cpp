// Graphs with symbolic sizes have the bits of those with the sizes known, and of eager.
#include "Symbolic.h"

#include "ir/OpTable.h"

#include <cmath>
#include <cstring>
#include <stdexcept>

using namespace weft;
using namespace weft::test;

namespace {

Attr ints(const Dims &values) { return Attr::list(values); }
Attr integer(int64_t value) { return Attr::integer(value); }
Attr real(double value) { return Attr::real(value); }
Attr yes(bool value) { return Attr::boolean(value); }
Tensor one(OpKind op, const List &operands, const Attrs &attrs = {}) {
  return call(op, operands.data(), int(operands.size()), attrs);
}
Tensor reduced(OpKind op, const Tensor &x, const Dims &dims, bool keepdim = false) {
  return one(op, {x}, {ints(dims), yes(keepdim)});
}
Tensor classes(const Dims &shape, int64_t count, int64_t seed = 1) {
  std::vector<int64_t> values(size_t(shape.product()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = (int64_t(i) * 7 + seed) % count;
  return integers(values, shape);
}

// The outputs of the function, and what it leaves in its inputs' memory, for the sizes in `values`. `typical` sizes, if
// others than those of the recordings, decide what is fused.
void agree(const Function &function, const Arguments &arguments, const std::vector<Sizes> &values,
           const Sizes &typical = {}) {
  const Sizes ofA = values[0].size() == 1 ? Sizes{13} : values[0].size() == 2 ? Sizes{13, 29} : Sizes{13, 29, 37};
  const Sizes ofB = values[0].size() == 1 ? Sizes{31} : values[0].size() == 2 ? Sizes{31, 11} : Sizes{31, 11, 19};
  Graph symbolic;
  try {
    symbolic = unify(record(function, arguments(ofA)).graph, record(function, arguments(ofB)).graph, ofA, ofB);
  } catch (const std::exception &error) {
    FAIL() << error.what();
  }
  if (!typical.empty())
    symbolic.typicalSizes.listed = typical;
  for (const Sizes &sizes : values) {
    std::string at;
    for (int64_t size : sizes)
      at += " " + std::to_string(size);
    List given = arguments(sizes);
    Recorded known = record(function, given);
    std::vector<Bytes> expected, found;
    ASSERT_NO_THROW(expected = run(known.graph, known.inputs, {})) << at;
    try {
      found = run(symbolic, known.inputs, sizes);
    } catch (const std::exception &error) {
      FAIL() << error.what() << at;
    }
    ASSERT_EQ(expected.size(), found.size());
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_TRUE(expected[i] == found[i])
          << "output " << i << " of" << at << ", " << toString(known.graph.type(known.graph.outputs[i]));
    List eager = function(given);
    for (size_t i = 0; i < eager.size(); ++i)
      EXPECT_EQ(std::memcmp(eager[i].contiguous().data(), found[i].data(), found[i].size()), 0)
          << "output " << i << " of" << at << " eagerly";
  }
}

const std::vector<Sizes> kOne = {{2}, {3}, {5}, {9}, {17}, {64}, {100}, {257}};
const std::vector<Sizes> kTwo = {{2, 3},  {3, 2},   {5, 9},   {9, 17},  {17, 64},
                                 {64, 5}, {3, 257}, {100, 2}, {2, 100}, {9, 9}};

struct Parameters {
  List all;
  uint32_t seed = 1;
  Tensor operator()(const Dims &shape, double scale = 0.2) {
    all.push_back(call(OpKind::Mul, {noise(shape, seed++), number(scale)}).detach().requiresGrad(true));
    return all.back();
  }
};

// The gradients of a loss, which it returns too; what an optimizer does to them.
List withGradients(const Tensor &loss, const List &parameters) {
  List results{loss.detach()};
  for (const Tensor &gradient : grad({loss}, parameters))
    results.push_back(gradient);
  return results;
}

} // namespace

TEST(Symbolic, Elementwise) {
  agree(
      [](const List &x) {
        Tensor y = add(mul(x[0], x[1]), exp(x[2]));
        return List{y, one(OpKind::Relu, {y}), call(OpKind::Add, {transpose(y, 0, 1).contiguous(), number(1)})};
      },
      [](const Sizes &s) { return List{noise({s[0], s[1]}, 1), noise({s[1]}, 2), noise({s[0], 1}, 3)}; }, kTwo);
}

TEST(Symbolic, Reductions) {
  agree(
      [](const List &x) {
        Tensor y = mul(x[0], x[0]);
        return List{reduced(OpKind::Sum, y, {1}),
                    reduced(OpKind::Sum, y, {0}),
                    reduced(OpKind::Sum, y, {0, 1, 2}),
                    reduced(OpKind::Mean, y, {2}),
                    reduced(OpKind::Mean, y, {0, 1}),
                    reduced(OpKind::Amax, y, {1, 2}),
                    reduced(OpKind::Sum, y, {0, 2}),
                    one(OpKind::Argmax, {x[0]}, {ints({1}), yes(false)}),
                    one(OpKind::Var, {x[0]}, {ints({1}), integer(1), yes(false)}),
                    one(OpKind::Softmax, {x[0]}, {integer(2)}),
                    one(OpKind::Softmax, {x[0]}, {integer(1)}),
                    one(OpKind::LogSoftmax, {x[0]}, {integer(0)})};
      },
      [](const Sizes &s) { return List{noise({s[0], s[1], 12}, 1)}; }, kTwo);
}

TEST(Symbolic, RowsOfAnyLength) {
  agree(
      [](const List &x) {
        Tensor y = one(OpKind::Softmax, {x[0]}, {integer(1)});
        Tensor half = one(OpKind::Softmax, {x[0].to(DType::BFloat16)}, {integer(1)});
        Tensor norm = one(OpKind::LayerNorm, {x[0]}, {integer(1), real(1e-5)});
        return List{y, half, norm, one(OpKind::Softmax, {mul(norm, y)}, {integer(1)}),
                    reduced(OpKind::Sum, exp(norm), {1})};
      },
      [](const Sizes &s) { return List{noise({s[0], s[1]}, 1)}; },
      {{2, 3}, {5, 9}, {9, 17}, {3, 257}, {100, 64}, {2, 5000}, {3, 40000}, {1000, 5}});
}

TEST(Symbolic, Products) {
  agree(
      [](const List &x) {
        return List{one(OpKind::Matmul, {x[0], x[1]}), one(OpKind::Matmul, {x[2], x[3]}),
                    one(OpKind::Linear, {x[0], x[4]}), one(OpKind::Matmul, {transpose(x[0], 0, 1), x[5]})};
      },
      [](const Sizes &s) {
        return List{noise({s[0], 40}, 1),      noise({40, s[1]}, 2), noise({s[0], 20, s[1]}, 3),
                    noise({s[0], s[1], 7}, 4), noise({24, 40}, 5),   noise({s[0], s[1]}, 6)};
      },
      {{2, 3}, {3, 2}, {9, 17}, {17, 64}, {64, 5}, {300, 257}, {100, 9}, {9, 1030}});
}

TEST(Symbolic, MultilayerPerceptron) {
  Parameters parameter;
  Tensor w1 = parameter({48, 20}), b1 = parameter({48}), w2 = parameter({10, 48}), b2 = parameter({10});
  agree(
      [&](const List &x) {
        Tensor hidden = one(OpKind::Relu, {one(OpKind::Linear, {x[0], w1, b1})});
        Tensor logits = one(OpKind::Linear, {hidden, w2, b2});
        Tensor loss = one(OpKind::CrossEntropy, {logits, x[1]}, {integer(1), integer(-100), real(0)});
        List results = withGradients(loss, parameter.all);
        GradMode off(false);
        for (size_t i = 0; i < parameter.all.size(); ++i)
          results.push_back(sub(parameter.all[i], mul(results[i + 1], number(0.1))));
        return results;
      },
      [](const Sizes &s) { return List{noise({s[0], 20}, 9), classes({s[0]}, 10)}; }, kOne);
}

namespace {
struct Block {
  static constexpr int64_t kWidth = 64, kHeads = 4, kVocabulary = 50;
  Parameters parameter;
  Tensor tokens = parameter({kVocabulary, kWidth}), places = parameter({300, kWidth});
  Tensor gain1 = parameter({kWidth}), bias1 = parameter({kWidth}), gain2 = parameter({kWidth}),
         bias2 = parameter({kWidth});
  Tensor query = parameter({3 * kWidth, kWidth}), queryBias = parameter({3 * kWidth});
  Tensor project = parameter({kWidth, kWidth}), projectBias = parameter({kWidth});
  Tensor up = parameter({4 * kWidth, kWidth}), upBias = parameter({4 * kWidth});
  Tensor down = parameter({kWidth, 4 * kWidth}), downBias = parameter({kWidth});
  bool composite;

  explicit Block(bool composite) : composite(composite) {}

  static Tensor norm(const Tensor &x, const Tensor &gain, const Tensor &bias) {
    return one(OpKind::LayerNorm, {x, gain, bias}, {integer(1), real(1e-5)});
  }
  Tensor attend(const Tensor &x, const Tensor &mask) const {
    int64_t batch = x.shape()[0], time = x.shape()[1];
    std::vector<Tensor> parts = chunk(one(OpKind::Linear, {x, query, queryBias}), 3, 2);
    for (Tensor &part : parts)
      part = transpose(reshape(part, {batch, time, kHeads, kWidth / kHeads}), 1, 2);
    Tensor mixed;
    if (composite) {
      mixed = one(OpKind::ScaledDotProductAttention, {parts[0], parts[1], parts[2]}, {yes(true), real(0.25)});
    } else {
      Tensor scores = mul(one(OpKind::Matmul, {parts[0], transpose(parts[1], 2, 3)}), number(0.25));
      Tensor part = slice(slice(mask, 0, 0, time), 1, 0, time);
      scores = maskedFill(scores, call(OpKind::Eq, {part, number(0)}), number(-INFINITY));
      mixed = one(OpKind::Matmul, {one(OpKind::Softmax, {scores}, {integer(3)}), parts[2]});
    }
    mixed = reshape(transpose(mixed, 1, 2), {batch, time, kWidth});
    return one(OpKind::Linear, {mixed, project, projectBias});
  }
  Tensor logits(const Tensor &index, const Tensor &mask) const {
    int64_t time = index.shape()[1];
    Tensor position = arangeOfIntegers(0, time, 1, DType::Int64);
    Tensor x = add(one(OpKind::Embedding, {index, tokens}, {integer(-1)}),
                   one(OpKind::Embedding, {position, places}, {integer(-1)}));
    x = add(x, attend(norm(x, gain1, bias1), mask));
    Tensor hidden = one(OpKind::Gelu, {one(OpKind::Linear, {norm(x, gain2, bias2), up, upBias})}, {yes(false)});
    x = add(x, one(OpKind::Linear, {hidden, down, downBias}));
    return one(OpKind::Linear, {x, tokens});
  }
  Tensor loss(const List &x) const {
    Tensor all = logits(x[0], x[2]);
    int64_t rows = all.shape()[0] * all.shape()[1];
    return one(OpKind::CrossEntropy, {reshape(all, {rows, kVocabulary}), reshape(x[1], {rows})},
               {integer(1), integer(-100), real(0)});
  }
  static List arguments(const Sizes &s) {
    std::vector<float> lower(300 * 300);
    for (size_t i = 0; i < 300; ++i)
      for (size_t j = 0; j <= i; ++j)
        lower[i * 300 + j] = 1;
    return {classes({s[0], s[1]}, kVocabulary), classes({s[0], s[1]}, kVocabulary, 3), floats(lower, {300, 300})};
  }
};
const std::vector<Sizes> kBatchAndTime = {{2, 3}, {3, 2}, {5, 9}, {9, 17}, {3, 64}, {2, 100}, {17, 5}, {2, 257}};
} // namespace

TEST(Symbolic, TransformerForward) {
  for (bool composite : {false, true}) {
    Block block(composite);
    GradMode off(false);
    agree([&](const List &x) { return List{block.logits(x[0], x[2])}; }, Block::arguments, kBatchAndTime);
  }
}

TEST(Symbolic, TransformerTraining) {
  for (bool composite : {false, true}) {
    Block block(composite);
    agree([&](const List &x) { return withGradients(block.loss(x), block.parameter.all); }, Block::arguments,
          kBatchAndTime);
  }
}

// The second one draws what comes after the first's numbers.
TEST(Symbolic, Dropout) {
  agree(
      [](const List &x) {
        return List{one(OpKind::Dropout, {x[0], x[1]}, {real(0.5), integer(0)}),
                    one(OpKind::Dropout, {x[0], x[1]}, {real(0.25), integer(x[0].numel())})};
      },
      [](const Sizes &s) { return List{noise({s[0], s[1], 6}, 1), integers({7, 11}, {2})}; }, kTwo);
}

TEST(Symbolic, Convolutions) {
  Tensor w = noise({8, 3, 3, 3}, 3), b = noise({8}, 4);
  agree(
      [&](const List &x) {
        Attrs attrs{ints({1, 1}), ints({1, 1}), ints({1, 1}), ints({1, 1}), integer(1)};
        return List{one(OpKind::Relu, {one(OpKind::Conv, {x[0], w, b}, attrs)})};
      },
      [](const Sizes &s) { return List{noise({s[0], 3, 10, 10}, 1)}; }, kOne);
}

TEST(Symbolic, Moves) {
  agree(
      [](const List &x) {
        int64_t a = x[0].shape()[0], b = x[0].shape()[1];
        Tensor y = exp(reshape(x[0], {a * b, 12}));
        return List{reshape(y, {b, a, 12}),
                    reshape(y, {a, b * 3, 4}),
                    reshape(transpose(reshape(y, {a, b, 12}), 1, 2), {a * 12, b}),
                    one(OpKind::Concatenate, {y, y}, {integer(1)}),
                    one(OpKind::Concatenate, {y, exp(y), y}, {integer(0)}),
                    one(OpKind::Flip, {y}, {ints({0})}),
                    one(OpKind::Pad, {y}, {ints({0, 1}), ints({0, 2}), ints({0, 0}), real(0.5)}),
                    slice(x[0], 2, 3, 9).contiguous(),
                    select(x[0], 1, 0).contiguous(),
                    expand(x[1], {a, b, 5}).contiguous(),
                    call(OpKind::IndexSelect, {y, classes({a}, a * b)}, {integer(0)})};
      },
      [](const Sizes &s) { return List{noise({s[0], s[1], 12}, 1), noise({s[1], 1}, 2)}; }, kTwo);
}

// Times at which sums over rows are in one block, in several, and in two groups.
TEST(Symbolic, AttentionGradients) {
  for (DType dtype : {DType::Float32, DType::BFloat16})
    for (bool causal : {false, true})
      agree(
          [&](const List &x) {
            List operands;
            for (int i = 0; i < 3; ++i)
              operands.push_back(x[size_t(i)].to(dtype).detach().requiresGrad(true));
            Tensor y = one(OpKind::ScaledDotProductAttention, operands, {yes(causal), real(0.3)});
            List results{y.detach()};
            for (const Tensor &gradient : grad({y}, operands, {x[3].to(dtype)}))
              results.push_back(gradient);
            return results;
          },
          [](const Sizes &s) {
            List arguments;
            for (uint32_t seed : {1, 2, 3, 4})
              arguments.push_back(noise({s[0], 2, s[1], 8}, seed));
            return arguments;
          },
          {{2, 3}, {3, 64}, {2, 257}, {2, 600}, {2, dtype == DType::Float32 ? 2100 : 9}});
}

TEST(Symbolic, RowsAndColumnsDiffer) {
  agree(
      [](const List &x) {
        return List{one(OpKind::ScaledDotProductAttention, {x[0], x[1], x[2], x[3]}, {yes(false), real(0.3)}),
                    one(OpKind::ScaledDotProductAttention, {x[0], x[1], x[2]}, {yes(true), real(0.3)})};
      },
      [](const Sizes &s) {
        return List{noise({2, s[0], 16}, 1), noise({2, s[1], 16}, 2), noise({2, s[1], 8}, 3), noise({s[0], s[1]}, 4)};
      },
      {{2, 3}, {9, 100}, {100, 9}, {200, 300}});
}

TEST(Symbolic, LowPrecision) {
  agree(
      [](const List &x) {
        List operands{x[0].to(DType::BFloat16), x[1].to(DType::BFloat16), x[2].to(DType::BFloat16)};
        Tensor y = one(OpKind::Gelu, {one(OpKind::Linear, operands)}, {yes(false)});
        Tensor gain = x[2].to(DType::BFloat16);
        return List{y, one(OpKind::LayerNorm, {y, gain, gain}, {integer(1), real(1e-5)}),
                    one(OpKind::Softmax, {y}, {integer(1)}), reduced(OpKind::Sum, y, {0, 1}),
                    one(OpKind::Matmul, {y, transpose(y, 1, 2)})};
      },
      [](const Sizes &s) { return List{noise({s[0], s[1], 24}, 1), noise({40, 24}, 2), noise({40}, 3)}; }, kTwo);
}

TEST(Symbolic, Indexing) {
  agree(
      [](const List &x) {
        auto both = [](OpKind op, const Tensor &x, const Attrs &attrs) { return callAll(op, &x, 1, attrs); };
        List results{call(OpKind::Gather, {x[0], x[1]}, {integer(1)}),
                     call(OpKind::IndexSelect, {x[0], x[2]}, {integer(0)}),
                     call(OpKind::ScatterAdd, {x[0], x[1], x[3]}, {integer(1)})};
        for (const List &more :
             {both(OpKind::Max, x[0], {integer(1), yes(false)}), both(OpKind::Max, x[0], {integer(0), yes(true)}),
              both(OpKind::Sort, x[0], {integer(1), yes(false)}),
              both(OpKind::Topk, x[0], {integer(2), integer(1), yes(true)})})
          results.insert(results.end(), more.begin(), more.end());
        return results;
      },
      [](const Sizes &s) {
        return List{noise({s[0], 12}, 1), classes({s[0], 5}, 12), classes({s[1]}, s[0]), noise({s[0], 5}, 2)};
      },
      kTwo);
}

TEST(Symbolic, StridedInputsAndWrites) {
  agree(
      [](const List &x) {
        Tensor y = add(x[0], transpose(x[1], 0, 1));
        callInPlace(OpKind::Mul, {x[2], number(3)});
        return List{y, one(OpKind::Linear, {x[0], x[3]}), reduced(OpKind::Sum, x[0], {1}),
                    reshape(x[0], {x[0].numel()}), mul(x[2], x[2])};
      },
      [](const Sizes &s) {
        return List{transpose(noise({30, s[0]}, 1), 0, 1), transpose(noise({s[0], 30}, 2), 0, 1),
                    noise({s[0], s[1]}, 3), slice(noise({8, 40}, 4), 1, 5, 35)};
      },
      kTwo);
}

// Few rows, and so many that a kernel which goes over them reduces their columns too.
TEST(Symbolic, GradientsOfNorms) {
  Parameters parameter;
  Tensor w = parameter({160, 12}), gain = parameter({160}), bias = parameter({160});
  for (const Sizes &typical : {Sizes{4, 4}, Sizes{64, 64}})
    agree(
        [&](const List &x) {
          Tensor y = one(OpKind::LayerNorm, {one(OpKind::Linear, {x[0], w}), gain, bias}, {integer(1), real(1e-5)});
          Tensor loss = add(one(OpKind::MseLoss, {y, x[1]}, {integer(1)}), reduced(OpKind::Mean, mul(y, y), {0, 1, 2}));
          return withGradients(loss, parameter.all);
        },
        [](const Sizes &s) { return List{noise({s[0], s[1], 12}, 1), noise({s[0], s[1], 160}, 2)}; },
        {{2, 3}, {3, 2}, {9, 17}, {64, 5}, {3, 257}, {40, 100}}, typical);
}

// A pad of which only the result's size is known is a read at positions, which is 0 outside.
TEST(Symbolic, PaddingByPositions) {
  constexpr int64_t kRows = 300, kBefore = 2;
  auto add = [](Graph &graph, OpKind op, const std::vector<ValueId> &operands, const Attrs &attrs) {
    std::vector<TensorType> types;
    for (ValueId operand : operands)
      types.push_back(graph.type(operand));
    return graph.addNode(op, operands, attrs, inferType(op, types.data(), int(types.size()), attrs));
  };
  Graph symbolic;
  symbolic.symbolCount = 1;
  ValueId x = symbolic.addInput({DType::Float32, {symbol(0), 6}});
  Attr type = Attr::dtype(DType::Int64);
  ValueId order = add(symbolic, OpKind::Iota, {}, {ints({kRows}), integer(0), type});
  ValueId before = add(symbolic, OpKind::Full, {}, {ints({kRows}), real(0), integer(kBefore), type});
  ValueId positions = add(symbolic, OpKind::Sub, {order, before}, {});
  symbolic.outputs = {add(symbolic, OpKind::IndexSelect, {x, positions}, {integer(0)})};
  for (int64_t rows : {2, 9, 100, 257}) {
    Graph known;
    ValueId y = known.addInput({DType::Float32, {rows, 6}});
    known.outputs = {
        add(known, OpKind::Pad, {y}, {ints({kBefore, 0}), ints({kRows - kBefore - rows, 0}), ints({0, 0}), real(0)})};
    List given{noise({rows, 6}, 1)};
    EXPECT_TRUE(run(known, given, {}) == run(symbolic, given, {rows})) << rows;
  }
}

// What the rules cannot say of symbols is an error, not another result.
TEST(Symbolic, Refuses) {
  Parameters parameter;
  Tensor w = parameter({8, 3, 3, 3});
  Attrs attrs{ints({1, 1}), ints({1, 1}), ints({1, 1}), ints({1, 1}), integer(1)};
  auto step = [&](const List &x) {
    return withGradients(reduced(OpKind::Sum, one(OpKind::Conv, {x[0], w}, attrs), {0, 1, 2, 3}), parameter.all);
  };
  auto images = [](int64_t count) { return List{noise({count, 3, 10, 10}, 1)}; };
  Graph graph = unify(record(step, images(13)).graph, record(step, images(31)).graph, {13}, {31});
  EXPECT_MESSAGE(run(graph, images(9), {9}), "compile it for this shape");
}
