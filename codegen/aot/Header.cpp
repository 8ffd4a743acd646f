#include "codegen/aot/Header.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace weft;

static const char *cType(DType type) {
  switch (type) {
  case DType::Bool:
    return "uint8_t";
  case DType::UInt8:
    return "uint8_t";
  case DType::UInt16:
    return "uint16_t";
  case DType::UInt32:
    return "uint32_t";
  case DType::UInt64:
    return "uint64_t";
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
  case DType::Complex64:
  case DType::Complex128:
    break; // the front end's alone
  }
  return "void";
}

static bool isKeyword(llvm::StringRef name) {
  static const llvm::StringSet<> words{
      "alignas",   "alignof",  "and",      "asm",      "auto",    "bool",     "bitand",    "bitor",    "break",
      "case",      "catch",    "char",     "class",    "compl",   "const",    "constexpr", "continue", "default",
      "delete",    "do",       "double",   "else",     "enum",    "explicit", "export",    "extern",   "false",
      "float",     "for",      "friend",   "goto",     "if",      "inline",   "int",       "long",     "mutable",
      "namespace", "new",      "noexcept", "not",      "nullptr", "operator", "or",        "private",  "protected",
      "public",    "register", "requires", "restrict", "return",  "short",    "signed",    "sizeof",   "static",
      "struct",    "switch",   "template", "this",     "throw",   "true",     "try",       "typedef",  "typeid",
      "typename",  "typeof",   "union",    "unsigned", "using",   "virtual",  "void",      "volatile", "while",
      "xor"};
  return words.contains(name);
}

std::string weft::cParameter(const std::string &text) {
  std::string name = cIdentifier(text);
  return isKeyword(name) ? name + "_" : name;
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

static std::string list(const std::string &item, const TensorType &type, const char *note = "") {
  return " *   " + item + ": " + toString(type) + note + "\n";
}

// The functions that make an instance and look after it.
static std::string instanceText(const ModelInterface &model) {
  const std::string &name = model.name, instance = name + "_instance *instance";
  std::string states;
  for (const ModelParameter &state : model.states)
    states += list(state.name, state.type, state.name == model.generator ? ", seed and position" : "");
  std::string text = "/* What the model keeps from run to run. */\ntypedef struct " + name + "_instance " + name +
                     "_instance;\n/* A new one, with the state that the model had when it was exported; null with the "
                     "reason in " +
                     name + "_error(). */\n" + name + "_instance *" + name + "_create(void);\nvoid " + name +
                     "_destroy(" + instance + ");\n\n";
  if (!model.generator.empty())
    text +=
        "/* Random numbers from here on are those after weft.manual_seed(seed). A new instance's are those of a new "
        "process. */\nvoid " +
        name + "_seed(" + instance + ", int64_t seed);\n\n";
  return text + "/* The memory of a state, to read or to write between runs; null for another name:\n" + states +
         " */\nvoid *" + name + "_state(" + instance + ", const char *name);\n\n";
}

std::string weft::headerText(const ModelInterface &model) {
  std::string guard = llvm::StringRef(model.name).upper() + "_H", parameters, comment;
  if (!model.states.empty())
    parameters = model.name + "_instance *instance";
  auto separate = [&] { parameters += parameters.empty() ? "" : ", "; };
  auto add = [&](const ModelParameter &p, bool isOutput) {
    separate();
    parameters += std::string(isOutput || p.isWritten ? "" : "const ") + cType(p.type.dtype) + " *" + p.name;
    comment += list(p.name, p.type, isOutput ? ", written" : p.isWritten ? ", read and written" : "");
  };
  for (const ModelParameter &p : model.inputs)
    add(p, false);
  for (const ModelParameter &p : model.outputs)
    add(p, true);
  for (int k = 0; k < model.symbolCount; ++k) {
    separate();
    parameters += "int64_t s" + std::to_string(k);
  }
  std::string text = "/* Made by weft-aot from " + model.source + " for " + model.target + ". */\n#ifndef " + guard +
                     "\n#define " + guard + "\n#include <stdint.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  if (model.externalWeights)
    text += "/* Maps the weights, a safetensors file. Call it once before all others. Returns 0, or 1 with the reason "
            "in\n * " +
            model.name + "_error(). */\nint " + model.name + "_load(const char *path);\n\n";
  if (!model.states.empty())
    text += instanceText(model);
  text += "/* Runs the model on contiguous row-major arrays, none of which overlap:\n" + comment +
          " * Returns 0, or 1 with the reason in " + model.name + "_error(). May be called by several threads at once" +
          (model.states.empty() ? "" : "; the runs of an\n * instance come one after the other") + ". */\nint " +
          model.name + "_run(" + (parameters.empty() ? "void" : parameters) +
          ");\n\n/* Why the last call on this thread failed; \"\" when it did not. */\nconst char *" + model.name +
          "_error(void);\n\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
  return text;
}

std::string weft::interfaceText(const ModelInterface &model) {
  auto describe = [](const std::vector<ModelParameter> &parameters) {
    llvm::json::Array list;
    for (const ModelParameter &p : parameters) {
      llvm::json::Array shape;
      for (int64_t size : p.type.shape)
        shape.push_back(sizeText(size));
      list.push_back(llvm::json::Object{
          {"name", p.name}, {"dtype", name(p.type.dtype)}, {"shape", std::move(shape)}, {"written", p.isWritten}});
    }
    return list;
  };
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(llvm::json::Object{{"name", model.name},
                                                                         {"inputs", describe(model.inputs)},
                                                                         {"outputs", describe(model.outputs)},
                                                                         {"states", describe(model.states)},
                                                                         {"symbols", model.symbolCount},
                                                                         {"weights", model.externalWeights}});
  return text;
}
