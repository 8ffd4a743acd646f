#include "frontend/calls/SegmentPrograms.h"

#include "frontend/dispatch/Numbers.h"
#include "frontend/executables/BoundedCache.h"
#include "frontend/executables/Executables.h"
#include "runtime/cpu/FloatMode.h"

#include <algorithm>
#include <cstring>
#include <mutex>

namespace weft {

namespace {

using Lines = std::function<std::vector<std::string>()>;

constexpr size_t kMostFamilies = 1024;
// Of one family. An instance that the general graph does not fit makes it more general; what takes more than a few of
// these has no pattern.
constexpr size_t kMostInstances = 6;

// Graphs with one skeleton.
struct Family {
  std::mutex mutex;
  std::vector<std::vector<int64_t>> instances; // the first, and those that it was generalised for
  ExecutablePtr first;                         // of the first instance alone
  std::shared_ptr<const GeneralGraph> general; // null: not yet
  ExecutablePtr executable;                    // of it
  bool isGuessed = false;                      // the first instance has not been seen
  bool hasNone = false;                        // no general graph has a program
};

std::shared_ptr<Family> familyOf(const std::string &skeleton) {
  static std::mutex mutex;
  static auto &families = *new BoundedCache<std::shared_ptr<Family>>(kMostFamilies); // outlives the threads
  Hash128 key = hash128(skeleton);
  std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<Family> *known = families.find(key);
  return known ? *known : families.put(key, std::make_shared<Family>());
}

void setInputs(const GeneralGraph &general, const std::vector<int64_t> &values, SegmentPlan &plan) {
  StandardFloatMode mode;
  for (const NumberInput &number : general.numbers()) {
    int64_t bits = values[size_t(number.value)];
    SegmentPlan::Number input;
    if (number.kind == NumberInput::Kind::RandomState) {
      input.state = number.state;
      input.offset = bits;
    } else if (number.kind == NumberInput::Kind::Real) {
      double real;
      std::memcpy(&real, &bits, 8);
      storeNumber(Tensor::wrapped(real), number.dtype, &input.bytes);
    } else {
      storeNumber(Tensor::wrapped(bits), number.dtype, &input.bytes);
    }
    plan.numbers.push_back(input);
  }
}

bool readsRandomState(const GeneralGraph &general) {
  return std::any_of(general.numbers().begin(), general.numbers().end(),
                     [](const NumberInput &number) { return number.kind == NumberInput::Kind::RandomState; });
}

// False where the family has no program for the values, nor gets one. chosen: of which it is, where it is a general
// one.
bool choose(Family &family, Graph &graph, bool sizes, const VaryingSizes &varying, const std::vector<int64_t> &values,
            SegmentPlan &plan, std::shared_ptr<const GeneralGraph> &chosen, const Lines &lines) {
  std::vector<std::vector<int64_t>> instances;
  {
    std::lock_guard<std::mutex> lock(family.mutex);
    if (family.hasNone)
      return false;
    if (family.first && family.instances[0] == values) {
      plan.executable = family.first;
      return true;
    }
    if (family.general && family.general->matches(values, plan.symbols)) {
      plan.executable = family.executable;
      chosen = family.general;
      setInputs(*family.general, values, plan);
      return true;
    }
    instances.assign(family.instances.begin() + family.isGuessed, family.instances.end());
  }
  // Without the lock: others may want other programs meanwhile.
  graph.locations = lines();
  std::shared_ptr<const GeneralGraph> general;
  ExecutablePtr made;
  auto generalise = [&] {
    general = instances.size() <= kMostInstances ? GeneralGraph::of(graph, sizes, instances) : nullptr;
    if (general && plan.device.isCuda() && readsRandomState(*general))
      general = nullptr; // which would have to be looked at on the GPU
    try {
      made = general ? executableFor(general->graph(), plan.device) : nullptr;
    } catch (const UserError &) {
      made = nullptr; // sizes that a code generator must know
    }
    return made && general->matches(values, plan.symbols);
  };
  bool fits = false, isGuessed = false;
  if (instances.empty() && sizes && varying.any())
    if (std::optional<std::vector<int64_t>> likely = likelyInstance(graph, varying)) {
      instances = {*likely, values};
      fits = isGuessed = generalise();
      if (!isGuessed)
        instances.clear();
    }
  if (!fits) {
    instances.push_back(values);
    plan.symbols.clear();
    if (instances.size() > 1) {
      fits = generalise();
    } else {
      general = nullptr;
      made = executableFor(graph, plan.device);
      fits = made != nullptr;
    }
  }
  std::lock_guard<std::mutex> lock(family.mutex);
  if (!fits) {
    family.hasNone = true;
    return false;
  }
  plan.executable = made;
  if (general) {
    family.general = general;
    family.executable = made;
    family.isGuessed = isGuessed;
    chosen = general;
    setInputs(*general, values, plan);
  }
  if (general || !family.first)
    family.instances = instances;
  if (!general && !family.first)
    family.first = made;
  return true;
}

} // namespace

std::shared_ptr<const GeneralGraph> chooseProgram(Graph &graph, SegmentPlan &plan, bool general,
                                                  const VaryingSizes &varying, const Lines &lines) {
  std::shared_ptr<const GeneralGraph> chosen;
  if (general)
    for (bool sizes : {true, false}) {
      GraphParts parts = partsOf(graph, sizes);
      if (choose(*familyOf(parts.skeleton + char(sizes) + toString(plan.device)), graph, sizes, varying, parts.values,
                 plan, chosen, lines))
        return chosen;
      plan.symbols.clear();
    }
  graph.locations = lines();
  plan.executable = executableFor(graph, plan.device);
  return chosen;
}

} // namespace weft
