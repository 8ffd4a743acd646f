#include "codegen/cuda/Nvrtc.h"

#include <cstdlib>
#include <dlfcn.h>
#include <glob.h>
#include <stdexcept>
#include <vector>

namespace weft::cuda {

namespace {

using Program = void *;

struct Library {
  int (*nvrtcVersion)(int *major, int *minor) = nullptr;
  int (*nvrtcCreateProgram)(Program *, const char *source, const char *name, int headers, const char *const *,
                            const char *const *) = nullptr;
  int (*nvrtcCompileProgram)(Program, int options, const char *const *) = nullptr;
  int (*nvrtcDestroyProgram)(Program *) = nullptr;
  int (*nvrtcGetCUBINSize)(Program, size_t *) = nullptr;
  int (*nvrtcGetCUBIN)(Program, char *) = nullptr;
  int (*nvrtcGetProgramLogSize)(Program, size_t *) = nullptr;
  int (*nvrtcGetProgramLog)(Program, char *) = nullptr;
  const char *(*nvrtcGetErrorString)(int) = nullptr;
  std::string reason; // why it cannot be used

  Library();

private:
  void *open();
};

void addMatches(std::vector<std::string> &paths, const std::string &pattern) {
  glob_t found;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0)
    for (size_t i = found.gl_pathc; i-- > 0;) // the newest version first
      paths.push_back(found.gl_pathv[i]);
  globfree(&found);
}

// The library opens a second one by its name while it compiles; opened before, it is found outside of the search path
// too.
void *openWithBuiltins(const std::string &path) {
  if (size_t slash = path.rfind('/'); slash != std::string::npos) {
    std::vector<std::string> builtins;
    addMatches(builtins, path.substr(0, slash) + "/libnvrtc-builtins.so*");
    for (const std::string &file : builtins)
      dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  }
  return dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
}

void *Library::open() {
  if (const char *chosen = std::getenv("WEFT_NVRTC"))
    return openWithBuiltins(chosen);
  std::vector<std::string> paths = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"};
  std::vector<std::string> sites; // folders of Python packages
  if (const char *environment = std::getenv("VIRTUAL_ENV"))
    addMatches(sites, std::string(environment) + "/lib/python3*/site-packages");
  Dl_info info;
  if (dladdr(reinterpret_cast<void *>(&compileToCubin), &info) && info.dli_fname) {
    std::string folder = info.dli_fname;
    sites.push_back(folder.substr(0, folder.rfind('/')) + "/..");
  }
  for (const std::string &site : sites) {
    addMatches(paths, site + "/nvidia/cu[0-9]*/lib/libnvrtc.so.[0-9]*");
    addMatches(paths, site + "/nvidia/cuda_nvrtc/lib/libnvrtc.so.[0-9]*");
  }
  for (const std::string &path : paths)
    if (void *library = openWithBuiltins(path))
      return library;
  return nullptr;
}

Library::Library() {
  void *library = open();
  if (!library) {
    const char *chosen = std::getenv("WEFT_NVRTC");
    reason = chosen
                 ? "[cuda] cannot open WEFT_NVRTC=" + std::string(chosen) + "; set it to the path of libnvrtc.so"
                 : "[cuda] libnvrtc, which compiles kernels for the GPU, was not found; install it with `pip install "
                   "nvidia-cuda-nvrtc`, or set WEFT_NVRTC to the path of libnvrtc.so";
    return;
  }
  auto find = [&](auto &function, const char *name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
    if (!function && reason.empty())
      reason = "[cuda] libnvrtc lacks " + std::string(name) + "; version 11.1 or later is needed";
  };
  find(nvrtcVersion, "nvrtcVersion");
  find(nvrtcCreateProgram, "nvrtcCreateProgram");
  find(nvrtcCompileProgram, "nvrtcCompileProgram");
  find(nvrtcDestroyProgram, "nvrtcDestroyProgram");
  find(nvrtcGetCUBINSize, "nvrtcGetCUBINSize");
  find(nvrtcGetCUBIN, "nvrtcGetCUBIN");
  find(nvrtcGetProgramLogSize, "nvrtcGetProgramLogSize");
  find(nvrtcGetProgramLog, "nvrtcGetProgramLog");
  find(nvrtcGetErrorString, "nvrtcGetErrorString");
}

const Library &library() {
  static const Library library;
  return library;
}

} // namespace

std::string nvrtcUnavailableReason() { return library().reason; }

std::string nvrtcVersion() {
  int major = 0, minor = 0;
  library().nvrtcVersion(&major, &minor);
  return std::to_string(major) + "." + std::to_string(minor);
}

std::string compileToCubin(const std::string &source, const std::string &arch) {
  const Library &nvrtc = library();
  if (!nvrtc.reason.empty())
    throw std::runtime_error(nvrtc.reason);
  auto check = [&](int result, const char *what) {
    if (result)
      throw std::runtime_error(std::string("[cuda] ") + what + " failed: " + nvrtc.nvrtcGetErrorString(result));
  };
  Program program = nullptr;
  check(nvrtc.nvrtcCreateProgram(&program, source.c_str(), "weft.cu", 0, nullptr, nullptr), "nvrtcCreateProgram");
  struct Destroy {
    const Library &nvrtc;
    Program *program;
    ~Destroy() { nvrtc.nvrtcDestroyProgram(program); }
  } destroy{nvrtc, &program};

  std::string archOption = "--gpu-architecture=" + arch;
  std::vector<const char *> options = {archOption.c_str(), "--fmad=false", "--std=c++17",
                                       "--device-as-default-execution-space"};
  int major = 0, minor = 0;
  nvrtc.nvrtcVersion(&major, &minor);
  if (major >= 13)
    options.push_back("--split-compile=0"); // kernels side by side, by as many threads as there are cores
  if (int result = nvrtc.nvrtcCompileProgram(program, int(options.size()), options.data())) {
    size_t size = 0;
    nvrtc.nvrtcGetProgramLogSize(program, &size);
    std::string log(size, '\0');
    nvrtc.nvrtcGetProgramLog(program, log.data());
    throw std::runtime_error("[cuda] kernels do not compile for " + arch + ": " + nvrtc.nvrtcGetErrorString(result) +
                             "\n" + log);
  }
  size_t size = 0;
  check(nvrtc.nvrtcGetCUBINSize(program, &size), "nvrtcGetCUBINSize");
  std::string cubin(size, '\0');
  check(nvrtc.nvrtcGetCUBIN(program, cubin.data()), "nvrtcGetCUBIN");
  return cubin;
}

} // namespace weft::cuda
