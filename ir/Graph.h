// The graph in its memory-cheap form: what the tape records, what a trace collects, what the compiler is handed.
// It is free of MLIR; ir/GraphIR.h turns it into the dialect `weft` and back.
#pragma once
#include "ir/DType.h"
#include "ir/Dims.h"
#include "ir/OpKind.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weft {

struct TensorType {
  DType dtype = DType::Float32;
  Dims shape;
  bool operator==(const TensorType &o) const { return dtype == o.dtype && shape == o.shape; }
  bool operator!=(const TensorType &o) const { return !(*this == o); }
};
std::string toString(const TensorType &type); // "float32[2, 3]"

struct Graph;

// One attribute of an op. Which attributes an op has, their names, order and kinds, is in its record (ir/OpTable.h).
struct Attr {
  enum class Kind : uint8_t { Int, Float, Bool, DType, Ints, Graph };
  Kind kind = Kind::Int;
  int64_t i = 0;                           // Int, Bool (0 or 1), DType (its number)
  double f = 0;                            // Float
  Dims ints;                               // Ints
  std::shared_ptr<const weft::Graph> body; // Graph: what the op does again and again

  static Attr integer(int64_t v) {
    Attr a;
    a.kind = Kind::Int;
    a.i = v;
    return a;
  }
  static Attr real(double v) {
    Attr a;
    a.kind = Kind::Float;
    a.f = v;
    return a;
  }
  static Attr boolean(bool v) {
    Attr a;
    a.kind = Kind::Bool;
    a.i = v;
    return a;
  }
  static Attr dtype(DType v) {
    Attr a;
    a.kind = Kind::DType;
    a.i = int64_t(v);
    return a;
  }
  static Attr list(const Dims &v) {
    Attr a;
    a.kind = Kind::Ints;
    a.ints = v;
    return a;
  }
  static Attr graph(std::shared_ptr<const weft::Graph> body) {
    Attr a;
    a.kind = Kind::Graph;
    a.body = std::move(body);
    return a;
  }
  DType asDType() const { return DType(i); }
  bool asBool() const { return i != 0; }
  bool operator==(const Attr &o) const; // floats are compared by their bits, graphs by their bytes
};
using Attrs = std::vector<Attr>;

using ValueId = int32_t;

// A result of an op. Value ids number the graph's inputs first, then the nodes in order. An op of several results is as
// many nodes in a row: the first has its operands and attributes, the others that first one as their one operand.
struct Node {
  OpKind op;
  std::vector<ValueId> operands;
  Attrs attrs;
  TensorType type;
  int32_t location = -1; // index into Graph::locations, -1 where unknown; not part of the graph's identity
  int32_t result = 0;    // which of the op's results
};

// How an input lies in memory. Empty strides: contiguous. Strides may be symbols (Dims.h), zero for broadcast axes.
struct Input {
  TensorType type;
  Dims strides;
  bool weight = false; // seldom changes: what depends on weights alone may be kept from run to run
};

// What must not come to pass: `broken` is a 0-d bool of the graph. The program computes it as it does its outputs, and
// a run in which it is true fails with the message.
struct GraphCheck {
  ValueId broken;
  std::string message;
};

// A constant tensor embedded in the graph is an input whose data is known: AOT embeds it, compile() passes it.
struct Graph {
  std::vector<Input> inputs;
  std::vector<Node> nodes;
  std::vector<ValueId> outputs;
  // donations[i] = k >= 0: input k (same type, contiguous) is output i after a run. The program may write it there
  // directly; whoever runs it copies it there where it does not.
  std::vector<int32_t> donations;
  std::vector<GraphCheck> checks;
  int symbolCount = 0;
  TypicalSizes typicalSizes;          // of the symbols
  std::vector<std::string> locations; // "file.py:12"

  ValueId addInput(const TensorType &type, const Dims &strides = {});
  ValueId addNode(OpKind op, std::vector<ValueId> operands, Attrs attrs, const TensorType &type, int32_t location = -1);
  // An op of several results; gives the first one's id, which the others follow.
  ValueId addNodes(OpKind op, std::vector<ValueId> operands, Attrs attrs, const std::vector<TensorType> &types,
                   int32_t location = -1);
  const TensorType &type(ValueId v) const;
  int valueCount() const { return int(inputs.size() + nodes.size()); }
};

// The identity of a graph as bytes: everything but the locations. Equal graphs have equal bytes. deserialize() gives
// the graph back; it throws std::runtime_error on bytes that serialize() did not write.
std::string serialize(const Graph &graph);
Graph deserialize(const std::string &bytes);

} // namespace weft
