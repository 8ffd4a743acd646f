#include "frontend/trace/ProgramCheck.h"

#include "frontend/executables/CompilerLibrary.h"
#include "frontend/executables/Executables.h"
#include "frontend/trace/FaultSearch.h"
#include "runtime/Hash.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace weft {

constexpr size_t kMostValueBytes = size_t(1) << 20; // of an input whose values the file has

// The file's name; empty where none could be written.
static std::string writeFile(const Replay &program, int steps, const std::string &what) {
  std::string body = compilerLibrary().printReplay(program);
  std::string name = "weft-check-" + toHex(hash128(body)).substr(0, 8) + ".mlir";
  std::string text = "// " + what + "; " + compilerLibrary().version + "\n// Whether it still is: weft-opt --replay " +
                     name + "\n// Its machine code: weft-opt --replay " + name + " -o program.so\n";
  if (steps > 0)
    text += "// Before and after the pass: weft-opt --weft-pipeline=steps=" + std::to_string(steps - 1) + " " + name +
            ", weft-opt --weft-pipeline=steps=" + std::to_string(steps) + " " + name + "\n";
  text += "// weft.value: an input's bytes, row-major, in hexadecimal\n" + body;
  for (const std::filesystem::path &folder : {std::filesystem::path("."), std::filesystem::temp_directory_path()}) {
    std::filesystem::path path = folder / name;
    std::ofstream file(path, std::ios::binary);
    file << text;
    if (file.close(), file)
      return folder == "." ? name : path.string();
  }
  return "";
}

ProgramCheck::ProgramCheck(const std::vector<Tensor> &given, const std::vector<Tensor> &written) {
  for (const Tensor &target : written) {
    const Storage &storage = *target.impl->storage;
    if (std::any_of(copies.begin(), copies.end(), [&](const auto &copy) { return copy.first.sharesStorage(target); }))
      continue;
    Tensor whole = aliasOf(target, {storage.bytes / itemSize(target.dtype())}, {1}, 0);
    copies.emplace_back(whole, whole.detach().clone());
  }
  for (const Tensor &input : given) {
    auto copy = std::find_if(copies.begin(), copies.end(), [&](const auto &c) { return c.first.sharesStorage(input); });
    inputs.push_back(copy == copies.end() ? input
                                          : aliasOf(copy->second, input.shape(), input.strides(), input.offset()));
  }
}

// The inputs, and the numbers that are inputs of a program of many sizes and numbers.
std::vector<Tensor> ProgramCheck::inputsOf(const Graph &general, const SegmentPlan &plan) const {
  std::vector<Tensor> all = inputs;
  for (const SegmentPlan::Number &number : plan.numbers) {
    const TensorType &type = general.inputs[all.size()].type;
    int64_t memory[2] = {number.bytes, 0};
    if (number.state >= 0) {
      Tensor state = inputs[size_t(number.state)].to(Device());
      std::memcpy(memory, state.data(), sizeof memory);
      memory[1] += number.offset;
    }
    all.push_back(Tensor::fromHost(memory, type.shape, type.dtype, plan.device));
  }
  return all;
}

void ProgramCheck::compare(const Graph &graph, const SegmentPlan &plan, const GeneralGraph *general,
                           const std::vector<Tensor> &outputs) const {
  CompileOptions options = compileOptions(plan.device);
  FaultSearch search({graph, options, {}, {}}, inputs);
  std::string how = search.differenceOf(outputs);
  if (how.empty())
    return;
  for (const auto &[whole, before] : copies)
    copyMemory(whole.data(), whole.device(), before.data(), before.device(),
               size_t(before.numel() * itemSize(before.dtype())));

  std::string message = "check=True: a result differs from eager's in " + how + "; by ";
  auto failAt = [&](const FaultSearch &found, const std::string &where) {
    int steps = found.steps();
    std::string fault = FaultSearch::passAfter(steps) + where + ", of " + found.ops();
    std::string file = writeFile(found.part(kMostValueBytes), steps, "a fault of " + fault);
    fail(UserError::Kind::Runtime, "compile",
         message + fault + "; this is a fault of weft's; please report it" +
             (file.empty() ? "" : " with the file " + file + ", which reproduces it"));
  };
  if (search.narrow())
    failAt(search, "");
  if (general) {
    FaultSearch shared({general->graph(), options, plan.symbols, {}}, inputsOf(general->graph(), plan));
    if (shared.narrow())
      failAt(shared, " of the program that calls of other sizes and numbers share");
  }
  fail(UserError::Kind::Runtime, "compile",
       message + "what a program of the same ops does not do that is run by itself, of " + search.ops() +
           "; this is a fault of weft's; please report it");
}

} // namespace weft
