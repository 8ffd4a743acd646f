// What fusion knows of a function: its ops as nodes with the role they can play in a group, and how each reads the
// others through the views between them. Views and creation ops "float": they belong to no group and are cloned into
// every reader.
#pragma once
#include "ir/Dims.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

#include <vector>

namespace weft {

// How a value is read through a chain of views.
struct View {
  bool dimensions = true; // each dimension of the source is one of the reader's, or has size one: `map` is valid
  bool reshape = true;    // element i of the source, in row-major order, is element i of the reader
  bool repeats = false;   // an element is read more than once, or work is done for elements that are not read
  Dims map;               // dimension of the source -> dimension of the reader, -1 for sizes of one
};

// Alone: of tensors in memory, with no other op.
enum class Role { Float, Point, Reduction, Contraction, Scatter, Alone };
enum class GroupKind { Loop, Row, Column, Reduction, Contraction, Scatter, Attention, Extern, Scan, Segments, Control };
const char *name(GroupKind kind);

// One operand of a node, or of the floating ops behind it: a read of another node, or of function argument ~source.
struct Read {
  int source;
  View view;
  mlir::Value operand; // the node's own operand that leads to the source
  bool data = false;   // read at positions that are data
};

struct FusionNode {
  mlir::Operation *op;
  Role role = Role::Point;
  GroupKind kind = GroupKind::Loop;
  Dims space;      // the iteration space: of a reduction its operand's shape, else the result's
  Dims shape;      // the result's
  int rowRank = 0; // kind Row: trailing dimensions that are reduced
  bool output = false;
  llvm::SmallVector<Read, 3> reads;
  llvm::SmallVector<int, 4> users; // nodes, with repetitions, in order
};

struct FusionGraph {
  std::vector<FusionNode> nodes; // in the order of the block
  llvm::DenseMap<mlir::Operation *, int> index;
  TypicalSizes typicalSizes; // of symbols
};

FusionGraph buildFusionGraph(mlir::func::FuncOp func, bool fuse);

// passes/FusionViews.cpp
View identityView(const Dims &shape);
// `view` describes how a reader reads the result of the shape op `op`; the same for its operand number `operand`.
View throughView(const View &view, mlir::Operation *op, int operand);
// Whether the value is an argument or a result that can be strided views of one: see "contraction" in Fusion.h.
bool isStridedView(mlir::Value value, llvm::function_ref<bool(mlir::Operation *)> floats);

} // namespace weft
