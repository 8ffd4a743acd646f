// A compiler library with faults: the real one, behind rewrites that change what a program computes, each as part of
// one step of the pipeline. WEFT_PLANTED names the one that is done. For tests of compile(check=True).
#include "codegen/Compiler.h"
#include "ir/OpTable.h"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <functional>
#include <stdexcept>

namespace weft {
namespace {

const CompilerApi &real() {
  static const CompilerApi *api = [] {
    void *library = dlopen(WEFT_REAL_COMPILER, RTLD_NOW | RTLD_LOCAL);
    if (!library)
      throw std::runtime_error(dlerror());
    return reinterpret_cast<const CompilerApi *(*)()>(dlsym(library, "weft_compiler_api"))();
  }();
  return *api;
}

// The node that makes an operand; null for an input.
Node *maker(Graph &graph, const Node &node, size_t operand) {
  ValueId v = node.operands[operand] - ValueId(graph.inputs.size());
  return v < 0 ? nullptr : &graph.nodes[size_t(v)];
}

bool isMadeBy(Graph &graph, const Node &node, size_t operand, OpKind op) {
  Node *made = maker(graph, node, operand);
  return made && made->op == op;
}

// A rewrite of a node and what makes its operands, which eager programs of one op do not have.
struct Rewrite {
  const char *name;
  int step; // of pipelineSteps(): it is a part of that one; -1: of code generation
  std::function<void(Graph &, Node &)> change;
};

ValueId idOf(const Graph &graph, const Node &node) {
  return ValueId(graph.inputs.size() + size_t(&node - &graph.nodes[0]));
}

// Whoever reads the node reads `other`.
void replaceBy(Graph &graph, const Node &node, ValueId other) {
  ValueId id = idOf(graph, node);
  for (Node &reader : graph.nodes)
    for (ValueId &operand : reader.operands)
      operand = operand == id ? other : operand;
  for (ValueId &output : graph.outputs)
    output = output == id ? other : output;
}

void swapOperands(Node &node, size_t a, size_t b) { std::swap(node.operands[a], node.operands[b]); }

const std::vector<Rewrite> &rewrites() {
  static const std::vector<Rewrite> all{
      {"subtraction commutes", 0,
       [](Graph &graph, Node &node) {
         if (node.op == OpKind::Sub && isMadeBy(graph, node, 0, OpKind::Mul))
           swapOperands(node, 0, 1);
       }},
      {"sums associate", 2,
       [](Graph &graph, Node &node) { // (a + b) + c = a + (b + c), where c comes first
         if (node.op != OpKind::Add || !isMadeBy(graph, node, 0, OpKind::Add))
           return;
         Node &inner = *maker(graph, node, 0);
         ValueId a = inner.operands[0], c = node.operands[1];
         if (c >= idOf(graph, inner))
           return;
         inner.operands[0] = c;
         node.operands[1] = a;
       }},
      {"casts back and forth cancel", 0,
       [](Graph &graph, Node &node) {
         if (node.op == OpKind::Cast && isMadeBy(graph, node, 0, OpKind::Cast))
           if (ValueId before = maker(graph, node, 0)->operands[0]; graph.type(before) == node.type)
             replaceBy(graph, node, before);
       }},
      {"exp undoes log", 2,
       [](Graph &graph, Node &node) {
         if (node.op == OpKind::Exp && isMadeBy(graph, node, 0, OpKind::Log))
           replaceBy(graph, node, maker(graph, node, 0)->operands[0]);
       }},
      {"quotients by equal divisors cancel", 0,
       [](Graph &graph, Node &node) { // (a * b) / b = a
         if (node.op == OpKind::Div && isMadeBy(graph, node, 0, OpKind::Mul))
           if (Node &product = *maker(graph, node, 0); product.operands[1] == node.operands[1])
             replaceBy(graph, node, product.operands[0]);
       }},
      {"a sum's axis moves", 4,
       [](Graph &graph, Node &node) {
         if (node.op == OpKind::Sum && isMadeBy(graph, node, 0, OpKind::Tanh) && node.attrs[0].ints.size() == 1)
           node.attrs[0].ints[0] = 1 - node.attrs[0].ints[0];
       }},
      {"a slice begins later", 4,
       [](Graph &graph, Node &node) {
         if (node.op == OpKind::Slice && isMadeBy(graph, node, 0, OpKind::Abs))
           node.attrs[0].ints[0] += 1;
       }},
      {"a transposition is lost", 3,
       [](Graph &graph, Node &node) {
         if (node.op == OpKind::Permute && isMadeBy(graph, node, 0, OpKind::Sqrt))
           replaceBy(graph, node, node.operands[0]);
       }},
      {"branches of where are exchanged", -1,
       [](Graph &graph, Node &node) {
         if (node.op == OpKind::Where && isMadeBy(graph, node, 1, OpKind::Neg))
           swapOperands(node, 1, 2);
       }},
      {"the greater is the lesser", -1,
       [](Graph &graph, Node &node) {
         if (node.op == OpKind::Maximum && isMadeBy(graph, node, 0, OpKind::Sigmoid))
           node.op = OpKind::Minimum;
       }},
      {"a sum of many sizes is a difference", 1,
       [](Graph &graph, Node &node) {
         if (graph.symbolCount > 0 && node.op == OpKind::Add && isMadeBy(graph, node, 0, OpKind::Cos))
           node.op = OpKind::Sub;
       }},
  };
  return all;
}

std::string compile(const Graph &graph, const CompileOptions &options) {
  Graph planted = graph;
  const char *name = std::getenv("WEFT_PLANTED");
  for (const Rewrite &rewrite : rewrites())
    if (name && std::strcmp(name, rewrite.name) == 0 && (options.steps < 0 || options.steps > rewrite.step))
      for (Node &node : planted.nodes)
        rewrite.change(planted, node);
  return real().compile(planted, options);
}

} // namespace
} // namespace weft

extern "C" __attribute__((visibility("default"))) const weft::CompilerApi *weft_compiler_api() {
  static const weft::CompilerApi api = [] {
    weft::CompilerApi faulty = weft::real();
    faulty.compile = &weft::compile;
    return faulty;
  }();
  return &api;
}
