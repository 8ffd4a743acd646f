#include "codegen/aot/Header.h"

#include "llvm/ADT/StringExtras.h"

using namespace weft;

static const char *cType(DType type) {
  switch (type) {
  case DType::Bool:
    return "uint8_t";
  case DType::UInt8:
    return "uint8_t";
  case DType::Int8:
    return "int8_t";
  case DType::Int16:
    return "int16_t";
  case DType::Int32:
    return "int32_t";
  case DType::Int64:
    return "int64_t";
  case DType::Float16:
    return "uint16_t";
  case DType::BFloat16:
    return "uint16_t";
  case DType::Float32:
    return "float";
  case DType::Float64:
    return "double";
  }
  return "void";
}

std::string weft::cIdentifier(const std::string &text) {
  std::string result = text;
  for (char &c : result)
    if (!llvm::isAlnum(c))
      c = '_';
  if (result.empty() || llvm::isDigit(result[0]))
    result.insert(0, "_");
  return result;
}

std::string weft::headerText(const ModelInterface &model) {
  std::string guard = llvm::StringRef(model.name).upper() + "_H", parameters, comment;
  auto add = [&](const ModelParameter &p, bool output) {
    parameters +=
        std::string(parameters.empty() ? "" : ", ") + (output ? "" : "const ") + cType(p.type.dtype) + " *" + p.name;
    comment += " *   " + p.name + ": " + toString(p.type) + (output ? ", written\n" : "\n");
  };
  for (const ModelParameter &p : model.inputs)
    add(p, false);
  for (const ModelParameter &p : model.outputs)
    add(p, true);
  for (int k = 0; k < model.symbolCount; ++k)
    parameters += std::string(parameters.empty() ? "" : ", ") + "int64_t s" + std::to_string(k);
  std::string text = "/* Made by weft-aot from " + model.source + " for " + model.target + ". */\n#ifndef " + guard +
                     "\n#define " + guard + "\n#include <stdint.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  if (model.externalWeights)
    text += "/* Maps the weights, a safetensors file. Call it once before " + model.name +
            "_run(). Returns 0, or 1 with the reason in\n * " + model.name + "_error(). */\nint " + model.name +
            "_load(const char *path);\n\n";
  text += "/* Runs the model on contiguous row-major arrays:\n" + comment + " * Returns 0, or 1 with the reason in " +
          model.name + "_error(). May be called by several threads at once. */\nint " + model.name + "_run(" +
          parameters + ");\n\n/* Why the last call on this thread failed; \"\" when it did not. */\nconst char *" +
          model.name + "_error(void);\n\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
  return text;
}
