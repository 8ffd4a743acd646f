// backward() and grad(): what the user asked for, and where the gradients go.
#include "frontend/autograd/Autograd.h"
#include "frontend/autograd/BackwardPass.h"
#include "frontend/dispatch/Ops.h"
#include "frontend/tensor/Sparse.h"

#include <unordered_set>

namespace weft {

using Kind = UserError::Kind;

// The cotangents of the outputs; an undefined one stands for the number one.
static std::vector<Tensor> startGradients(const char *name, const std::vector<Tensor> &outputs,
                                          const std::vector<Tensor> &gradients) {
  if (!gradients.empty() && gradients.size() != outputs.size())
    fail(Kind::Runtime, name,
         "got " + std::to_string(outputs.size()) + " tensors and " + std::to_string(gradients.size()) + " gradients");
  std::vector<Tensor> result;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Tensor &output = outputs[i];
    if (!output.requiresGrad())
      fail(Kind::Runtime, name,
           "element " + std::to_string(i) + " of tensors does not require grad and does not have a grad_fn");
    Tensor gradient = i < gradients.size() ? gradients[i] : Tensor();
    if (!gradient.defined()) {
      if (isComplex(output.dtype()))
        fail(Kind::Runtime, name,
             "grad can be implicitly created only for real scalar outputs but got " + toString(output.type()) +
                 "; pass gradient=, or take abs() or .real first");
      if (output.numel() != 1)
        fail(Kind::Runtime, name,
             "grad can be implicitly created only for scalar outputs; got " + toString(output.type()) +
                 "; pass gradient= or reduce the output to one number");
      result.emplace_back();
      continue;
    }
    if (gradient.shape() != output.shape()) {
      fail(Kind::Runtime, name,
           "Mismatch in shape: grad_output[" + std::to_string(i) + "] has a shape of " + toString(gradient.shape()) +
               " and output[" + std::to_string(i) + "] has a shape of " + toString(output.shape()) + ".");
    }
    result.push_back((gradient.dtype() == output.dtype() ? gradient : gradient.to(output.dtype())).pairs());
  }
  return result;
}

static void accumulate(const Tensor &leaf, Tensor gradient, bool createGraph) {
  GradMode mode(createGraph);
  {
    Exclusive::Scope turn(autogradMeta(*leaf.impl).accumulating); // or a sum of another thread's would be lost
    Tensor before = leaf.grad();
    Tensor after;
    if (isSparse(gradient) || (before.defined() && isSparse(before))) {
      after = before.defined() ? addSparse(before, gradient) : gradient;
    } else if (!before.defined()) {
      // The leaf's own, dense memory: not a view, nor a tensor that somebody else holds.
      bool own = gradient.isContiguous() && gradient.impl->useCount() == 1 && gradient.impl->storage->useCount() == 1;
      after = own || createGraph ? gradient : gradient.detach().clone();
    } else if (createGraph) {
      after = apply(OpKind::Add, {before, gradient});
    } else {
      after = callInPlace(OpKind::Add, {before, gradient});
    }
    Tensor(leaf).setGrad(after);
  }
  if (leaf.impl->autograd && hasHooks(leaf.impl->autograd->accumulateHooks)) {
    auto hooks = leaf.impl->autograd->accumulateHooks->own; // one may remove itself
    for (auto &[number, hook] : hooks)
      hook(leaf);
  }
}

void backward(const std::vector<Tensor> &givenOutputs, const std::vector<Tensor> &gradients, bool retainGraph,
              bool createGraph, const std::vector<Tensor> &inputs) {
  if (givenOutputs.empty())
    return;
  const std::vector<Tensor> outputs = pairsOf(givenOutputs), only = pairsOf(inputs);
  std::vector<std::pair<Ref<TensorImpl>, Tensor>> gradientsOf;
  { // the pass must let go of the values, so that accumulation can take them over
    BackwardRequest request(outputs, startGradients("backward", givenOutputs, gradients),
                            only.empty() ? nullptr : &only, createGraph, "backward");
    BackwardPass pass(request);
    pass.run();
    if (!retainGraph && !createGraph)
      pass.release();
    gradientsOf = std::move(pass.leafGradients);
    for (const Tensor &input : only)
      if (TapeNode *node = tapeNode(*input.impl))
        if (auto found = pass.nodeGradients.find(node); found != pass.nodeGradients.end())
          gradientsOf.emplace_back(input.impl, found->second);
  }
  for (auto &[impl, gradient] : gradientsOf) {
    Tensor leaf(impl), cotangent = std::move(gradient);
    if (impl->autograd && hasHooks(impl->autograd->hooks)) {
      GradMode mode(createGraph);
      cotangent = runHooks(impl->autograd->hooks, rowMajor(cotangent));
    }
    accumulate(leaf, std::move(cotangent), createGraph);
  }
}

std::vector<Tensor> grad(const std::vector<Tensor> &givenOutputs, const std::vector<Tensor> &givenInputs,
                         const std::vector<Tensor> &gradients, bool retainGraph, bool createGraph, bool allowUnused) {
  const std::vector<Tensor> outputs = pairsOf(givenOutputs), inputs = pairsOf(givenInputs);
  for (const Tensor &input : givenInputs)
    if (!input.requiresGrad())
      fail(Kind::Runtime, "grad",
           "One of the differentiated Tensors does not require grad; got " + toString(input.type()) +
               "; call requires_grad_() before it is used");
  BackwardRequest request(outputs, startGradients("grad", givenOutputs, gradients), &inputs, createGraph, "grad");
  BackwardPass pass(request);
  if (!outputs.empty())
    pass.run();
  std::vector<Tensor> result;
  for (const Tensor &input : inputs) {
    Tensor found;
    if (TapeNode *node = tapeNode(*input.impl)) {
      auto at = pass.nodeGradients.find(node);
      if (at != pass.nodeGradients.end())
        found = at->second;
    } else {
      for (auto &[impl, gradient] : pass.leafGradients)
        if (impl == input.impl) {
          GradMode mode(createGraph);
          Tensor part = impl->autograd ? runHooks(impl->autograd->hooks, rowMajor(gradient)) : gradient;
          found = found.defined() ? addSparse(found, part) : part;
        }
    }
    {
      GradMode mode(createGraph);
      found = rowMajor(found);
    }
    if (!found.defined() && !allowUnused)
      fail(Kind::Runtime, "grad",
           "One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if "
           "this is "
           "the desired behavior.");
    result.push_back(fromPairsLike(givenInputs[result.size()], found));
  }
  if (!retainGraph && !createGraph)
    pass.release();
  return result;
}

std::vector<Tensor> pushForward(const std::vector<Tensor> &givenOutputs, const std::vector<Tensor> &givenInputs,
                                const std::vector<Tensor> &givenTangents, bool createGraph) {
  const std::vector<Tensor> outputs = pairsOf(givenOutputs), inputs = pairsOf(givenInputs),
                            tangents = pairsOf(givenTangents);
  for (size_t i = 0; i < inputs.size(); ++i)
    if (tangents[i].type() != inputs[i].type())
      fail(Kind::Runtime, "jvp",
           "a tangent has its primal's shape and dtype; got " + toString(tangents[i].type()) + " for " +
               toString(inputs[i].type()));
  BackwardRequest request(outputs, {}, &inputs, createGraph, "jvp");
  std::vector<Tensor> results = BackwardPass(request).pushForward(inputs, tangents);
  for (size_t i = 0; i < results.size(); ++i)
    results[i] = fromPairsLike(givenOutputs[i], results[i]);
  return results;
}

bool dependsOnOthers(const std::vector<Tensor> &given, const std::vector<Tensor> &givenInputs) {
  const std::vector<Tensor> tensors = pairsOf(given), inputs = pairsOf(givenInputs);
  std::unordered_set<const TensorImpl *> known;
  for (const Tensor &input : inputs)
    known.insert(input.impl.get());
  auto isInput = [&](const TensorImpl *leaf) { return known.count(leaf) > 0; };
  std::vector<const TapeNode *> stack;
  std::unordered_set<const TapeNode *> seen;
  auto add = [&](const TapeNode *node) {
    if (node && seen.insert(node).second)
      stack.push_back(node);
  };
  for (const Tensor &t : tensors) {
    if (t.requiresGrad() && t.isLeaf() && !isInput(t.impl.get()))
      return true;
    add(tapeNode(*t.impl));
  }
  while (!stack.empty()) {
    const TapeNode *node = stack.back();
    stack.pop_back();
    for (const TapeOperand &operand : node->operands) {
      if (operand.leaf && !isInput(operand.leaf.get()))
        return true;
      add(operand.node.get());
    }
  }
  return false;
}

void releaseLeaves(const std::vector<Tensor> &given, const std::vector<Tensor> &givenInputs, uint64_t since) {
  const std::vector<Tensor> tensors = pairsOf(given), inputs = pairsOf(givenInputs);
  std::unordered_set<const TensorImpl *> leaves;
  for (const Tensor &input : inputs)
    if (input.isLeaf()) {
      leaves.insert(input.impl.get());
      input.impl->requiresGrad = false;
    }
  std::vector<TapeNode *> stack;
  std::unordered_set<const TapeNode *> seen;
  auto add = [&](TapeNode *node) {
    if (node && node->order >= since && seen.insert(node).second)
      stack.push_back(node);
  };
  for (const Tensor &t : tensors)
    add(tapeNode(*t.impl));
  while (!stack.empty()) {
    TapeNode *node = stack.back();
    stack.pop_back();
    for (TapeOperand &operand : node->operands) {
      add(operand.node.get());
      if (!operand.leaf || !leaves.count(operand.leaf.get()))
        continue;
      if (!operand.saved.impl)
        operand.saved = {operand.leaf, operand.leaf->storage->version};
      operand.leaf = {};
    }
  }
}

} // namespace weft
