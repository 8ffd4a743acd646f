// Answers NVRTC's interface by compiling CUDA C++ for the host: what it gives as a cubin is a shared object
// (HostKernel.h) that HostDriver.cpp runs. What programs have in common, all before the first kernel, is a precompiled
// header. Everything is kept in the folder HOSTGPU_CACHE, by the hash of the source, the flags and HostBlock.h.
// HOSTGPU_SANITIZER ("thread", "address") is what programs are watched by.
#include "runtime/Hash.h"

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <regex>
#include <spawn.h>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

enum Result { Success = 0, InvalidInput = 3, InvalidProgram = 4, InvalidOption = 5, Compilation = 6 };

struct Program {
  std::string source, cubin, log;
};

std::string read(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// Another thread or process may be at the same.
std::string temporary(const std::string &path) { return path + "." + std::to_string(gettid()); }
void write(const std::string &path, const std::string &text) {
  std::ofstream(temporary(path), std::ios::binary) << text;
  rename(temporary(path).c_str(), path.c_str());
}
bool exists(const std::string &path) { return access(path.c_str(), R_OK) == 0; }

std::string environment(const char *name, const std::string &otherwise) {
  const char *value = std::getenv(name);
  return value ? value : otherwise;
}

std::string folder() {
  static const std::string folder = [] {
    std::string path = environment("HOSTGPU_CACHE", HOSTGPU_BUILD "/cache");
    mkdir(path.c_str(), 0700);
    return path;
  }();
  return folder;
}

// Runs the compiler, whose messages go to `log`, without libraries that this process was told to load.
bool compile(std::vector<std::string> command, const std::string &output, std::string &log) {
  const std::string logPath = temporary(output) + ".log";
  command.insert(command.end(), {"-o", temporary(output)});
  std::vector<char *> words, variables;
  for (std::string &word : command)
    words.push_back(word.data());
  words.push_back(nullptr);
  for (char **variable = environ; *variable; ++variable)
    if (std::strncmp(*variable, "LD_PRELOAD=", 11) != 0)
      variables.push_back(*variable);
  variables.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 2, logPath.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
  pid_t child = 0;
  int status = posix_spawnp(&child, words[0], &actions, nullptr, words.data(), variables.data());
  posix_spawn_file_actions_destroy(&actions);
  if (status == 0)
    waitpid(child, &status, 0);
  log = read(logPath);
  unlink(logPath.c_str());
  return status == 0 && rename(temporary(output).c_str(), output.c_str()) == 0;
}

void replaceAll(std::string &text, const std::string &from, const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

// What macros cannot put into C++'s words.
std::string forHost(std::string source) {
  replaceAll(source, "extern __shared__ __align__(16) unsigned char scratch[];",
             "unsigned char *scratch = hostDynamicShared;");
  replaceAll(source, "asm(\"cvt.f32.f16 %0, %1;\" : \"=f\"(y) : \"h\"(x));", "y = hostFromF16(x);");
  replaceAll(source, "asm(\"cvt.rn.f16.f32 %0, %1;\" : \"=h\"(y) : \"f\"(x));", "y = hostToF16(x);");
  return source;
}

// The table that HostKernel.h describes.
std::string exports(const std::string &source, const std::string &architecture) {
  static const std::regex kernel(R"(__global__ void (?:__launch_bounds__\((\d+)\) )?(\w+)\()");
  static const std::regex declared(R"(\n  __shared__ __align__\(\d+\) unsigned char \w+\[([^\]]*)\];)");
  std::string table, allShared = "0";
  for (std::sregex_iterator at(source.begin(), source.end(), kernel), end; at != end; ++at) {
    const size_t from = size_t(at->position()), to = std::min(source.find("\n}\n", from), source.size());
    std::string shared = "0";
    for (std::sregex_iterator one(source.begin() + long(from), source.begin() + long(to), declared); one != end; ++one)
      shared += " + (" + one->str(1) + " + 31) / 32 * 32";
    allShared += " + " + shared;
    table += "  hostgpu::Entry<&" + at->str(2) + ">::named(\"" + at->str(2) + "\", " +
             ((*at)[1].matched ? at->str(1) : "1024") + ", " + shared + "),\n";
  }
  // Clang takes the variables of a precompiled header for constants where it has seen none in their section since.
  return "\n__shared__ char hostSharedIsWritten;\nstatic constexpr hostgpu::Kernel hostKernels[] = {\n" + table +
         "};\nextern \"C\" __attribute__((visibility(\"default\"))) const hostgpu::Program hostgpu_program = {\"" +
         architecture + "\", sizeof hostKernels / sizeof *hostKernels, hostKernels, hostgpu::staticShared, " +
         allShared + ", hostgpu::runGrid};\n";
}

struct Options {
  std::string architecture = "sm_75";
  std::vector<std::string> flags = {"-O1", "-w", "-fPIC", "-fvisibility=hidden", "-mfma", "-mf16c", "-fno-math-errno"};
  bool contracts = true;

  Result add(const std::string &option) {
    const std::string arch = "--gpu-architecture=", standard = "--std=";
    if (option.compare(0, arch.size(), arch) == 0)
      architecture = option.substr(arch.size());
    else if (option.compare(0, standard.size(), standard) == 0)
      flags.push_back("-std=" + option.substr(standard.size()));
    else if (option == "--fmad=false")
      contracts = false;
    else if (option != "--device-as-default-execution-space" && option != "--split-compile=0")
      return InvalidOption;
    return Success;
  }
};

} // namespace

EXPORT int nvrtcVersion(int *major, int *minor) { return *major = 13, *minor = 0, Success; }
EXPORT int nvrtcCreateProgram(void **made, const char *source, const char *, int headers, const char *const *,
                              const char *const *) {
  if (!source || headers)
    return InvalidInput;
  *made = new Program{source, "", ""};
  return Success;
}
EXPORT int nvrtcDestroyProgram(void **program) {
  delete static_cast<Program *>(*program);
  *program = nullptr;
  return Success;
}
EXPORT const char *nvrtcGetErrorString(int result) {
  return result == Compilation     ? "NVRTC_ERROR_COMPILATION"
         : result == InvalidOption ? "NVRTC_ERROR_INVALID_OPTION"
                                   : "NVRTC_ERROR_INVALID_INPUT";
}
static const Program &of(void *program) { return *static_cast<Program *>(program); }
EXPORT int nvrtcGetProgramLogSize(void *program, size_t *size) { return *size = of(program).log.size() + 1, Success; }
EXPORT int nvrtcGetProgramLog(void *program, char *log) { return std::strcpy(log, of(program).log.c_str()), Success; }
EXPORT int nvrtcGetCUBINSize(void *program, size_t *size) {
  return *size = of(program).cubin.size(), of(program).cubin.empty() ? InvalidProgram : Success;
}
EXPORT int nvrtcGetCUBIN(void *program, char *cubin) {
  return std::memcpy(cubin, of(program).cubin.data(), of(program).cubin.size()), Success;
}

EXPORT int nvrtcCompileProgram(void *handle, int count, const char *const *given) {
  Program &program = *static_cast<Program *>(handle);
  Options options;
  for (int i = 0; i < count; ++i)
    if (Result result = options.add(given[i])) {
      program.log = "unrecognized option " + std::string(given[i]);
      return result;
    }
  options.flags.push_back(options.contracts ? "-ffp-contract=fast" : "-ffp-contract=off");
  const std::string sanitizer = environment("HOSTGPU_SANITIZER", "");
  if (!sanitizer.empty())
    options.flags.insert(options.flags.end(), {"-fsanitize=" + sanitizer, "-shared-libsan"});
  if (sanitizer == "address") // which does not look at declared shared memory; stacks are fibers'
    options.flags.insert(options.flags.end(), {"-fsanitize=array-bounds", "-fsanitize-trap=array-bounds",
                                               "-fsanitize-address-use-after-return=never"});

  static const std::string block = read(HOSTGPU_SOURCES "/HostBlock.h") + read(HOSTGPU_SOURCES "/HostKernel.h");
  std::string key = HOSTGPU_COMPILER + block;
  for (const std::string &flag : options.flags)
    key += flag + "|";
  std::string source = forHost(program.source);
  const size_t kernels = std::min(source.find("\nextern \"C\" __global__"), source.size());
  source += exports(source, options.architecture);
  const std::string common = folder() + "/" + weft::toHex(weft::hash128(key + source.substr(0, kernels)));
  const std::string base = folder() + "/" + weft::toHex(weft::hash128(key + source));
  auto command = [&](const std::vector<std::string> &more) {
    std::vector<std::string> words = {HOSTGPU_COMPILER, "-fno-pch-timestamp"};
    words.insert(words.begin() + 1, "-Xclang");
    words.insert(words.end(), options.flags.begin(), options.flags.end());
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  if (!exists(base + ".so")) {
    if (!exists(common + ".h"))
      write(common + ".h", "#include \"" HOSTGPU_SOURCES "/HostBlock.h\"\n" + source.substr(0, kernels));
    if (!exists(common + ".pch") && !compile(command({"-xc++-header", common + ".h"}), common + ".pch", program.log))
      return Compilation;
    write(base + ".cpp", source.substr(kernels));
    if (!compile(command({"-shared", "-fuse-ld=lld", "-include-pch", common + ".pch", base + ".cpp"}), base + ".so",
                 program.log))
      return Compilation;
  }
  program.cubin = read(base + ".so");
  return Success;
}
