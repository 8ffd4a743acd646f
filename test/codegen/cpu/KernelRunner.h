// Compiles kernel IR in text and runs it, as the run time would.
#pragma once
#include "runtime/Abi.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace weft::test {

class KernelRunner {
public:
  // The module's one kernel. An empty CPU is this machine's.
  explicit KernelRunner(const std::string &text, const std::string &cpu = "");
  ~KernelRunner();
  KernelRunner(const KernelRunner &) = delete;

  void run(std::vector<void *> buffers, std::vector<int64_t> scalars, int64_t begin, int64_t end);

private:
  int file = -1;
  void *library = nullptr;
  WeftKernel kernel = nullptr;
  int64_t scratchBytes = 0;
};

inline std::vector<float> randomFloats(size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float &value : values)
    value = normal(engine);
  return values;
}

// Replaces every $NAME of the text.
std::string substitute(std::string text, const std::vector<std::pair<std::string, std::string>> &names);

} // namespace weft::test
