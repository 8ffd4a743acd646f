#include "runtime/aot/Model.h"

#include "runtime/Executable.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <mutex>
#include <optional>
#include <pthread.h>
#include <stdexcept>
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

// Those that have run. They are held: a shared object that holds programs is not unloaded.
struct Models {
  std::mutex mutex;
  std::unordered_map<const WeftProgram *, Model> table;
};

// A fork while another thread holds the lock must not leave it locked.
Models &models() {
  static Models *models = [] {
    auto *made = new Models;
    pthread_atfork([] { ::models().mutex.lock(); }, [] { ::models().mutex.unlock(); },
                   [] { ::models().mutex.unlock(); });
    return made;
  }();
  return *models;
}

std::pair<ExecutablePtr, std::shared_ptr<KeptResults>> modelOf(const WeftProgram *program, void *const *inputs) {
  std::shared_ptr<KeptResults> old; // goes when the lock, under which no memory is given back, is free
  std::lock_guard<std::mutex> lock(models().mutex);
  Model &model = models().table[program];
  if (!model.executable)
    model.executable = Executable::fromProgram(program);
  std::vector<const void *> weights;
  for (int input : model.executable->keptInputs())
    weights.push_back(inputs[input]);
  if (!weights.empty() && (!model.kept || weights != model.weights)) {
    model.weights = std::move(weights);
    old = std::move(model.kept);
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

struct WeftModelInstance {
  const WeftModel *model;
  std::vector<BufferRef> memory; // of each state
  std::mutex mutex;              // while it runs
  std::atomic<pid_t> process{0}; // in which it was last locked
};

namespace {
class InstanceLock {
public:
  explicit InstanceLock(WeftModelInstance &instance) : instance(instance) {
    if (!instance.mutex.try_lock()) {
      if (instance.process != getpid()) // that thread is not here, and the state is half written
        throw std::runtime_error("the process was forked while another thread ran the instance; make a new one");
      instance.mutex.lock();
    }
    instance.process = getpid();
  }
  ~InstanceLock() { instance.mutex.unlock(); }
  InstanceLock(const InstanceLock &) = delete;

private:
  WeftModelInstance &instance;
};
} // namespace

static void seed(void *state, int64_t number) {
  const int64_t values[] = {number, 0};
  std::memcpy(state, values, sizeof values);
}

WeftModelInstance *weft_create_model(const WeftModel *model, const void *weights) {
  try {
    auto instance = std::make_unique<WeftModelInstance>();
    instance->model = model;
    for (int64_t i = 0; i < model->stateCount; ++i) {
      const WeftModelState &state = model->states[i];
      void *memory = instance->memory.emplace_back(Buffer::allocate(size_t(state.bytes)))->data();
      if (state.isGenerator)
        seed(memory, WEFT_DEFAULT_SEED);
      else
        std::memcpy(memory, static_cast<const char *>(weights) + state.offset, size_t(state.bytes));
    }
    lastError.clear();
    return instance.release();
  } catch (const std::exception &error) {
    lastError = error.what();
    return nullptr;
  }
}

void weft_destroy_model(WeftModelInstance *instance) { delete instance; }

void *weft_state_of_model(WeftModelInstance *instance, const char *name) {
  for (size_t i = 0; instance && name && i < instance->memory.size(); ++i)
    if (std::strcmp(instance->model->states[i].name, name) == 0)
      return instance->memory[i]->data();
  return nullptr;
}

void weft_seed_model(WeftModelInstance *instance, int64_t number) {
  if (!instance)
    return;
  try {
    InstanceLock lock(*instance);
    for (size_t i = 0; i < instance->memory.size(); ++i)
      if (instance->model->states[i].isGenerator)
        seed(instance->memory[i]->data(), number);
    lastError.clear();
  } catch (const std::exception &error) {
    lastError = error.what();
  }
}

static void checkGiven(const WeftModel &model, void *const *inputs, void *const *outputs, const int64_t *symbols) {
  const WeftProgram &program = *model.program;
  for (int k = 0; k < program.symbolCount; ++k)
    if (symbols[k] < 0)
      throw std::invalid_argument("the size s" + std::to_string(k) + " is " + std::to_string(symbols[k]));
  for (int i = 0; i < program.inputCount + program.outputCount; ++i) {
    const void *given = i < program.inputCount ? inputs[i] : outputs[i - program.inputCount];
    if (model.names[i] && !given && evaluate(program.buffers[i].bytes, symbols) > 0)
      throw std::invalid_argument(std::string("the array ") + model.names[i] + " is null");
  }
}

static void run(const WeftModel &model, WeftModelInstance *instance, void **inputs, void **outputs,
                const int64_t *symbols) {
  std::optional<InstanceLock> lock;
  if (model.stateCount && !instance)
    throw std::invalid_argument("the instance is null: make one with the model's create function");
  checkGiven(model, inputs, outputs, symbols);
  if (instance)
    lock.emplace(*instance);
  for (int64_t i = 0; i < model.stateCount; ++i)
    inputs[model.states[i].input] = instance->memory[size_t(i)]->data();
  auto [executable, kept] = modelOf(model.program, inputs);
  // Where the program still reads an input when it writes the output that goes there, the output is copied later.
  struct Copy {
    BufferRef from;
    void *to;
  };
  std::vector<Copy> copies;
  for (int i = 0; i < executable->outputCount(); ++i)
    if (int input = model.donations[i]; input >= 0) {
      outputs[i] = inputs[input];
      if (executable->outputAlias(i) == input)
        continue;
      copies.push_back({Buffer::allocate(size_t(executable->outputBytes(i, symbols))), inputs[input]});
      outputs[i] = copies.back().from->data();
    }
  executable->run(inputs, outputs, symbols, kept.get());
  for (const Copy &copy : copies)
    std::memcpy(copy.to, copy.from->data(), copy.from->bytes());
}

int weft_run_model(const WeftModel *model, WeftModelInstance *instance, void **inputs, void **outputs,
                   const int64_t *symbols) {
  try {
    run(*model, instance, inputs, outputs, symbols);
    lastError.clear();
    return 0;
  } catch (const std::exception &error) {
    lastError = error.what();
    return 1;
  }
}

const void *weft_map_weights(const char *path, const void *header, int64_t headerBytes, int64_t fileBytes) {
  if (!path) {
    lastError = "the path of the weights is null";
    return nullptr;
  }
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

void weft_miss_weights(const char *loader) {
  lastError = std::string("the model's weights are external: call ") + loader + "() first";
}

const char *weft_error_of_model() { return lastError.c_str(); }
