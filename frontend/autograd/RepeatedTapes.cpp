#include "frontend/autograd/RepeatedTapes.h"

#include "frontend/executables/Background.h"
#include "frontend/executables/Executables.h"
#include "frontend/tensor/Snapshot.h"
#include "runtime/BlockingRegion.h"

#include <algorithm>
#include <cstring>

namespace weft {

// A loop passes this soon; what runs a few times is not worth a program.
static constexpr int kTimesUntilDue = 5;

// ---------------------------------------------------------------- What a tape looks like

namespace {

// Everything that the derivative's graph and the layouts of what it reads follow from, as words.
class Description {
public:
  // False where tapes of this kind are not compiled.
  bool describe(const TapePart &tape);
  Hash128 hash() const {
    return hash128({reinterpret_cast<const char *>(words.data()), words.size() * sizeof(words[0])});
  }

private:
  void word(int64_t value) { words.push_back(value); }
  void dims(const Dims &values) {
    word(values.size());
    words.insert(words.end(), values.begin(), values.end());
  }
  void type(const TensorType &t) {
    word(int64_t(t.dtype));
    dims(t.shape);
  }
  void attr(const Attr &a);
  bool layout(const TensorImpl *impl, const TensorType &expected);
  bool node(const TapePart &tape, const TapeNode &node);

  std::vector<int64_t> words;
  PointerNumbers nodes, tensors;
  Device device;
};

void Description::attr(const Attr &a) {
  word(int64_t(a.kind));
  if (a.kind == Attr::Kind::Ints)
    return dims(a.ints);
  if (a.kind == Attr::Kind::Graph) {
    Hash128 hash = hash128(serialize(*a.body));
    word(int64_t(hash.low));
    word(int64_t(hash.high));
    return;
  }
  int64_t bits = a.i;
  if (a.kind == Attr::Kind::Float)
    std::memcpy(&bits, &a.f, sizeof bits);
  word(bits);
}

// Whether a tensor is kept, and its strides.
bool Description::layout(const TensorImpl *impl, const TensorType &expected) {
  if (!impl) {
    word(-2);
    return true;
  }
  if (isRowMajor(impl->shape, impl->strides))
    word(-1);
  else
    dims(impl->strides);
  return impl->dtype == expected.dtype && impl->shape == expected.shape && impl->storage &&
         impl->storage->device == device;
}

bool Description::node(const TapePart &tape, const TapeNode &node) {
  nodes.add(&node);
  word(int64_t(node.op));
  word(node.number);
  for (const TapeNode::OtherResult &other : node.others) {
    type(other.type);
    if (!layout(other.saved.impl.get(), other.type))
      return false;
  }
  word(int64_t(node.operands.size()));
  for (const Attr &a : node.attrs)
    attr(a);
  type(node.type);
  if (node.device != device || !layout(node.result.impl.get(), node.type))
    return false;
  for (const TapeOperand &operand : node.operands) {
    if (operand.node) {
      word(nodes.find(operand.node.get()));
    } else {
      const void *key = operand.leaf ? operand.leaf.get() : operand.saved.impl.get();
      word(key ? tensors.add(key) : -1);
      word(!operand.leaf ? -1 : tape.request.wants(operand.leaf.get()));
      type(operand.type);
    }
    // A leaf that is not kept is read as it is now.
    if (!layout(operand.saved.impl ? operand.saved.impl.get() : operand.leaf.get(), operand.type))
      return false;
    word(bool(operand.saved.impl));
  }
  return true;
}

bool Description::describe(const TapePart &tape) {
  words.clear();
  nodes.clear();
  tensors.clear();
  const std::vector<Tensor> &outputs = tape.request.outputs;
  device = outputs[0].device();
  word(int64_t(device.kind) << 8 | device.index);
  word(int64_t(tape.nodes.size()));
  for (const TapeNode *n : tape.nodes)
    if (!node(tape, *n))
      return false;
  for (size_t o = 0; o < outputs.size(); ++o) {
    const TapeNode *made = tapeNode(*outputs[o].impl);
    word(made ? nodes.find(made) : -1 - tensors.add(outputs[o].impl.get()));
    word(made ? -1 : tape.request.wants(outputs[o].impl.get()));
    type(outputs[o].type());
    if (outputs[o].device() != device || !layout(tape.request.gradients[o].impl.get(), outputs[o].type()))
      return false;
  }
  return true;
}

} // namespace

// ---------------------------------------------------------------- Its program

TapeProgram::TapeProgram(const TapeDerivative &derivative, const TapePart &tape)
    : device(tape.request.outputs[0].device()) {
  const Graph &from = *derivative.graph;
  int inputCount = int(from.inputs.size());
  auto nodeOf = [&](ValueId v) -> const Node & { return from.nodes[size_t(v - inputCount)]; };
  // A recorded op's result that nobody kept is computed anew; ones are part of the program.
  auto isComputed = [&](ValueId v) {
    if (v >= derivative.recorded)
      return true;
    const TapeValue &place = derivative.places[size_t(v)];
    if (v >= inputCount)
      return place.kind == TapeValue::Kind::None;
    return place.kind == TapeValue::Kind::Cotangent && !tape.request.gradients[size_t(place.index)].defined();
  };
  std::vector<char> needed(size_t(from.valueCount()));
  for (ValueId v : from.outputs)
    needed[size_t(v)] = 1;
  std::vector<char> runs(size_t(from.valueCount())); // the op whose first result it is
  for (ValueId v = from.valueCount() - 1; v >= inputCount; --v) {
    int number = nodeOf(v).result;
    if (needed[size_t(v)] && isComputed(v))
      runs[size_t(v - number)] = 1;
    if (number == 0 && runs[size_t(v)])
      for (ValueId operand : nodeOf(v).operands)
        needed[size_t(operand)] = 1;
  }

  std::vector<ValueId> numbers(size_t(from.valueCount()), -1);
  for (ValueId v = 0; v < derivative.recorded; ++v)
    if (needed[size_t(v)] && !isComputed(v)) {
      Tensor value = tape.read(derivative.places[size_t(v)]);
      numbers[size_t(v)] = graph.addInput(value.type(), value.isContiguous() ? Dims() : value.strides());
      inputs.push_back(derivative.places[size_t(v)]);
    }
  for (ValueId v = 0; v < inputCount; ++v)
    if (needed[size_t(v)] && isComputed(v)) {
      const TensorType &type = from.inputs[size_t(v)].type;
      numbers[size_t(v)] = graph.addNode(
          OpKind::Full, {}, {Attr::list(type.shape), Attr::real(1), Attr::integer(0), Attr::dtype(type.dtype)}, type);
    }
  auto add = [&](ValueId v) {
    const Node &node = nodeOf(v);
    std::vector<ValueId> operands;
    for (ValueId operand : node.operands)
      operands.push_back(numbers[size_t(operand)]);
    std::vector<TensorType> types;
    for (int i = 0; i < resultCount(node.op, node.attrs); ++i)
      types.push_back(from.type(v + i));
    ValueId first = graph.addNodes(node.op, std::move(operands), node.attrs, types);
    for (ValueId i = 0; i < ValueId(types.size()); ++i)
      if (isComputed(v + i))
        numbers[size_t(v) + size_t(i)] = first + i;
    runs[size_t(v)] = 0;
  };
  // What is computed anew, is so before the first of the derivative's ops that reads it, not all of it at once.
  auto addRecorded = [&](ValueId reader) {
    std::vector<ValueId> stack{reader}, missing;
    while (!stack.empty()) {
      ValueId v = stack.back();
      stack.pop_back();
      for (ValueId operand : nodeOf(v).operands) {
        ValueId first = operand < inputCount ? operand : operand - nodeOf(operand).result;
        if (first >= inputCount && first < derivative.recorded && runs[size_t(first)] == 1) {
          runs[size_t(first)] = 2;
          missing.push_back(first);
          stack.push_back(first);
        }
      }
    }
    std::sort(missing.begin(), missing.end());
    std::for_each(missing.begin(), missing.end(), add);
  };
  for (ValueId v = derivative.recorded; v < from.valueCount(); ++v)
    if (runs[size_t(v)]) {
      addRecorded(v);
      add(v);
    }
  for (ValueId v = inputCount; v < derivative.recorded; ++v) // results themselves
    if (runs[size_t(v)])
      add(v);

  std::vector<int> outputOf(size_t(from.valueCount()), -1);
  for (size_t k = 0; k < from.outputs.size(); ++k) {
    ValueId v = from.outputs[k];
    Gradient gradient{derivative.leaves[k], -1, {}};
    if (!isComputed(v)) {
      gradient.value = derivative.places[size_t(v)];
    } else {
      if (outputOf[size_t(v)] < 0) {
        outputOf[size_t(v)] = int(outputs.size());
        outputs.push_back(from.type(v));
        graph.outputs.push_back(numbers[size_t(v)]);
      }
      gradient.output = outputOf[size_t(v)];
    }
    gradients.push_back(gradient);
  }
}

void TapeProgram::compile() {
  if (!outputs.empty())
    executable = executableFor(graph, device);
  graph = {};
}

std::vector<std::pair<Ref<TensorImpl>, Tensor>> TapeProgram::run(const TapePart &tape) const {
  std::vector<Tensor> read;
  read.reserve(inputs.size());
  for (const TapeValue &input : inputs)
    read.push_back(tape.read(input));
  settle(read.data(), int(read.size()));
  std::vector<void *> in, out(outputs.size());
  for (const Tensor &t : read)
    in.push_back(t.data());
  Pins pins(read.data(), int(read.size()));
  std::vector<Tensor> made(outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    made[i] = Tensor::empty(outputs[i].shape, outputs[i].dtype, device);
    out[i] = made[i].data();
  }
  if (executable) {
    BlockingRegion region(executable->takesLong(nullptr));
    executable->run(in.data(), out.data(), nullptr);
  }
  std::vector<std::pair<Ref<TensorImpl>, Tensor>> result;
  result.reserve(gradients.size());
  for (const Gradient &gradient : gradients)
    result.emplace_back(tape.leaf(gradient.leaf),
                        gradient.output < 0 ? tape.read(gradient.value) : made[size_t(gradient.output)]);
  return result;
}

// ---------------------------------------------------------------- The table

RepeatedTapes &RepeatedTapes::global() {
  static auto *tapes = new RepeatedTapes; // outlives what still compiles when the process ends
  return *tapes;
}

RepeatedTapes::Entry RepeatedTapes::find(const TapePart &tape) {
  static thread_local Description description;
  Entry entry;
  if (!description.describe(tape))
    return entry;
  entry.key = description.hash();
  std::lock_guard<std::mutex> lock(mutex);
  Seen *seen = known.find(entry.key);
  if (!seen)
    seen = &known.put(entry.key, {});
  entry.program = seen->program;
  entry.isDue = ++seen->times == kTimesUntilDue;
  runs += bool(entry.program);
  return entry;
}

void RepeatedTapes::compile(const Entry &entry, const TapeDerivative &derivative, const TapePart &tape) {
  auto program = std::make_shared<TapeProgram>(derivative, tape);
  runInBackground([this, key = entry.key, program] {
    try {
      program->compile();
    } catch (const std::exception &) {
      return; // op by op, as before: what is wrong shows there
    }
    std::lock_guard<std::mutex> lock(mutex);
    if (Seen *seen = known.find(key))
      seen->program = program;
  });
}

int64_t RepeatedTapes::programRuns() const {
  std::lock_guard<std::mutex> lock(mutex);
  return runs;
}

} // namespace weft
