#include "runtime/aot/Model.h"

#include "runtime/Executable.h"

#include <cerrno>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <mutex>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_map>
#include <vector>

using namespace weft;

namespace {
thread_local std::string lastError;

// A program's executable, and what it made of its weights: the program's own, or a file's, which lies elsewhere when it
// is loaded again.
struct Model {
  ExecutablePtr executable;
  std::vector<const void *> weights;
  std::shared_ptr<KeptResults> kept;
};

// Made at the program's first run and held: a shared object that holds programs is not unloaded.
std::pair<ExecutablePtr, std::shared_ptr<KeptResults>> modelOf(const WeftProgram *program, void *const *inputs) {
  static std::mutex mutex;
  static auto &models = *new std::unordered_map<const WeftProgram *, Model>;
  std::lock_guard<std::mutex> lock(mutex);
  Model &model = models[program];
  if (!model.executable)
    model.executable = Executable::fromProgram(program);
  std::vector<const void *> weights;
  for (int input : model.executable->keptInputs())
    weights.push_back(inputs[input]);
  if (!weights.empty() && (!model.kept || weights != model.weights)) {
    model.weights = std::move(weights);
    model.kept = std::make_shared<KeptResults>();
  }
  return {model.executable, model.kept};
}

std::string because(const char *path, const char *what) {
  return std::string("cannot ") + what + " the weights " + path + ": " + std::strerror(errno);
}

struct File {
  int descriptor;
  ~File() {
    if (descriptor >= 0)
      close(descriptor);
  }
};
} // namespace

int weft_model_run(const WeftProgram *program, void *const *inputs, void *const *outputs, const int64_t *symbols) {
  try {
    auto [executable, kept] = modelOf(program, inputs);
    executable->run(inputs, outputs, symbols, kept.get());
    lastError.clear();
    return 0;
  } catch (const std::exception &error) {
    lastError = error.what();
    return 1;
  }
}

const void *weft_model_map_weights(const char *path, const void *header, int64_t headerBytes, int64_t fileBytes) {
  File file{open(path, O_RDONLY | O_CLOEXEC)};
  struct stat status;
  if (file.descriptor < 0 || fstat(file.descriptor, &status) != 0) {
    lastError = because(path, "open");
    return nullptr;
  }
  if (status.st_size != fileBytes) {
    lastError = std::string("the weights ") + path + " have " + std::to_string(status.st_size) +
                " bytes, but the model was built with " + std::to_string(fileBytes) + "; build it again with weft-aot";
    return nullptr;
  }
  void *data = mmap(nullptr, fileBytes, PROT_READ, MAP_PRIVATE, file.descriptor, 0);
  if (data == MAP_FAILED) {
    lastError = because(path, "map");
    return nullptr;
  }
  if (std::memcmp(data, header, headerBytes) != 0) {
    munmap(data, fileBytes);
    lastError = std::string("the weights ") + path +
                " have other names, shapes or dtypes than the model was built with; build it again with weft-aot";
    return nullptr;
  }
  lastError.clear();
  return data;
}

int weft_model_no_weights(const char *loader) {
  lastError = std::string("the model's weights are external: call ") + loader + "() first";
  return 1;
}

const char *weft_model_error() { return lastError.c_str(); }
