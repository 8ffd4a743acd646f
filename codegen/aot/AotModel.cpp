#include "codegen/aot/AotModel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringSet.h"

#include <stdexcept>

using namespace weft;

namespace {

class Reader {
public:
  Reader(mlir::func::FuncOp main, const Graph &graph, const AotOptions &options)
      : main(main), graph(graph), options(options) {}

  AotModel read() {
    ModelInterface &interface = model.interface;
    interface.name = options.name;
    interface.source = options.source;
    interface.symbolCount = graph.symbolCount;
    for (int k = 0; k < graph.symbolCount; ++k)
      parameterNames.insert("s" + std::to_string(k));
    if (!options.weightsPath.empty())
      model.weights = SafeTensors::read(options.weightsPath);
    for (size_t i = 0; i < graph.outputs.size(); ++i) {
      int32_t donated = graph.donations.empty() ? -1 : graph.donations[i];
      model.donations.push_back(donated);
      if (donated < 0)
        interface.outputs.push_back({unique("output" + std::to_string(interface.outputs.size())), typeOf(i)});
    }
    for (size_t i = 0; i < graph.inputs.size(); ++i)
      addInput(int(i));
    if (readsFile)
      model.weightsPath = options.weightsPath;
    interface.externalWeights = options.externalWeights && readsFile;
    return std::move(model);
  }

private:
  TensorType typeOf(size_t output) const { return graph.type(graph.outputs[output]); }

  std::string stringAttribute(int input, llvm::StringRef name) {
    auto attribute = main.getArgAttrOfType<mlir::StringAttr>(unsigned(input), name);
    return attribute ? attribute.str() : "";
  }

  void addInput(int i) {
    const Input &input = graph.inputs[size_t(i)];
    if (!input.strides.empty())
      throw std::runtime_error("argument " + std::to_string(i) +
                               " of @main has strides; an ahead-of-time model takes contiguous arrays");
    bool isWritten = llvm::is_contained(model.donations, i);
    bool isGenerator = main.getArgAttr(unsigned(i), "weft.generator") != nullptr;
    std::string weight = stringAttribute(i, "weft.weight"), state = stringAttribute(i, "weft.state");
    if (!weight.empty()) {
      model.inputs.push_back({AotModel::Input::Kind::Weight, offsetOf(weight, input.type)});
    } else if (!state.empty() || isGenerator) {
      std::string name = isGenerator ? nameOfGenerator() : state;
      if (!stateNames.insert(name).second)
        throw std::runtime_error("two states of @main have the name " + name);
      model.inputs.push_back({AotModel::Input::Kind::State, 0});
      model.states.push_back({name, i, isGenerator, input.type.shape.product() * itemSize(input.type.dtype),
                              isGenerator ? 0 : offsetOf(state, input.type)});
      model.interface.states.push_back({name, input.type});
      if (isGenerator)
        model.interface.generator = name;
    } else {
      model.inputs.push_back({AotModel::Input::Kind::Parameter, int64_t(model.interface.inputs.size())});
      std::string name = stringAttribute(i, "weft.name");
      if (name.empty())
        name = "input" + std::to_string(model.interface.inputs.size());
      model.interface.inputs.push_back({unique(cParameter(name)), input.type, isWritten});
    }
  }

  // In the file of weights.
  int64_t offsetOf(const std::string &name, const TensorType &type) {
    const std::string &path = options.weightsPath;
    if (path.empty())
      throw std::runtime_error("the model has the weight " + name +
                               ", but no file of weights is given; name one with --weights-file");
    readsFile = true;
    auto found = model.weights.tensors.find(name);
    if (found == model.weights.tensors.end())
      throw std::runtime_error("the weight " + name + " is not in " + path);
    const SafeTensors::Entry &entry = found->second;
    if (!entry.type)
      throw std::runtime_error("the weight " + name + " is " + entry.typeText + " in " + path + ", which weft has not");
    if (*entry.type != type)
      throw std::runtime_error("the weight " + name + " is " + toString(*entry.type) + " in " + path + ", but " +
                               toString(type) + " in the model");
    return entry.offset;
  }

  // The program has no name for it: one that no other state has.
  std::string nameOfGenerator() {
    llvm::StringSet<> others;
    for (int i = 0; i < int(graph.inputs.size()); ++i)
      others.insert(stringAttribute(i, "weft.state"));
    std::string name = "generator";
    while (others.count(name))
      name += "_";
    return name;
  }

  std::string unique(std::string name) {
    while (!parameterNames.insert(name).second)
      name += "_";
    return name;
  }

  mlir::func::FuncOp main;
  const Graph &graph;
  const AotOptions &options;
  AotModel model;
  bool readsFile = false;
  llvm::StringSet<> stateNames, parameterNames{"instance"};
};

} // namespace

AotModel AotModel::read(mlir::ModuleOp module, const Graph &graph, const AotOptions &options) {
  return Reader(module.lookupSymbol<mlir::func::FuncOp>("main"), graph, options).read();
}
