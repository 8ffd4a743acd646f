// An operation whose derivative somebody else computes, as weft.autograd.Function does: a node of the tape that holds
// what gives cotangents for cotangents. Its results are cuts of the graph that backward() makes (BackwardPass.h).
#pragma once
#include "frontend/autograd/Autograd.h"

namespace weft {

class CustomFunction {
public:
  virtual ~CustomFunction() = default;
  virtual std::string name() const = 0;
  // The cotangents of the operands from those of the results; undefined in either: there is none.
  virtual std::vector<Tensor> backward(const std::vector<Tensor> &cotangents) = 0;
  // The tangents of the results from those of the operands, likewise.
  virtual std::vector<Tensor> pushForward(const std::vector<Tensor> &tangents) = 0;

  // The same of the tensors on the tape, which are pairs where the function's are complex.
  std::vector<Tensor> backwardOnPairs(const std::vector<Tensor> &cotangents);
  std::vector<Tensor> pushForwardOnPairs(const std::vector<Tensor> &tangents);

  // Kept for backward() from recordFunction() on; undefined tensors among them stay so. No cycle comes of results.
  void save(std::vector<Tensor> tensors);
  // What was kept. Throws where it was written to since, or given up.
  std::vector<Tensor> saved() const;
  // Gives it up; whether there was any.
  bool release();

  TapeNode *node = nullptr; // while it is on the tape
  // Cotangents of its operands are sparse, and these are leaves: no op sees them.
  bool givesSparse = false;

private:
  friend void recordFunction(std::shared_ptr<CustomFunction>, const std::vector<Tensor> &, const std::vector<Tensor> &,
                             const std::vector<bool> &);
  struct Saved {
    SavedTensor value;
    int result = -1; // which of the results it is
  };
  std::vector<Tensor> toSave;
  std::vector<Saved> kept;
  std::vector<bool> complexOperands, complexResults;
  bool released = false;
};

// Records results = function(operands), where grad mode is on and an operand requires grad; the results of a float
// dtype that are `differentiable` get the history. A result that is an operand was written to, which checkInPlace()
// allowed; others have no history.
void recordFunction(std::shared_ptr<CustomFunction> function, const std::vector<Tensor> &operands,
                    const std::vector<Tensor> &results, const std::vector<bool> &differentiable);

// The function whose result the node is; null: it is an op's.
inline CustomFunction *customFunction(const TapeNode &node) {
  return (node.number ? *node.operands[0].node : node).function.get();
}
inline bool isCustom(const TapeNode &node) { return customFunction(node) != nullptr; }
void notePlace(TapeNode &node); // under anomaly detection

} // namespace weft
