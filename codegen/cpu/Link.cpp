#include "codegen/cpu/Link.h"

#include "lld/Common/Driver.h"
#include "llvm/Support/raw_ostream.h"

#include <mutex>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

LLD_HAS_DRIVER(elf)

namespace weft::cpu {

namespace {

// A file that lives in memory and has a path of its own while it is open.
class MemoryFile {
public:
  MemoryFile() : descriptor(memfd_create("weft", MFD_CLOEXEC)) {
    if (descriptor < 0)
      throw std::runtime_error("[codegen] no memory file for the linker");
  }
  ~MemoryFile() { close(descriptor); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor); }

  void write(const std::string &bytes) {
    for (size_t done = 0; done < bytes.size();) {
      ssize_t count = ::write(descriptor, bytes.data() + done, bytes.size() - done);
      if (count <= 0)
        throw std::runtime_error("[codegen] no memory for the linker's input");
      done += count;
    }
  }

private:
  int descriptor;
};

std::string readAndRemove(const std::string &path) {
  std::string bytes;
  FILE *file = fopen(path.c_str(), "rb");
  if (!file)
    throw std::runtime_error("[codegen] the linker wrote nothing to " + path);
  char part[1 << 16];
  while (size_t count = fread(part, 1, sizeof part, file))
    bytes.append(part, count);
  fclose(file);
  unlink(path.c_str());
  return bytes;
}

// lld writes beside the output and renames, so the output is a name in a directory of temporary files.
std::string temporaryName() {
  const char *directory = getenv("TMPDIR");
  std::string name = std::string(directory && *directory ? directory : "/tmp") + "/weft-XXXXXX";
  int descriptor = mkstemp(name.data());
  if (descriptor < 0)
    throw std::runtime_error("[codegen] cannot write " + name + "; set TMPDIR to a folder that can be written");
  close(descriptor);
  return name;
}

} // namespace

std::string linkShared(const std::vector<std::string> &objects, const std::vector<std::string> &more) {
  static std::mutex mutex; // lld has global state
  std::lock_guard<std::mutex> lock(mutex);
  std::vector<MemoryFile> files(objects.size());
  std::string output = temporaryName();
  std::vector<std::string> arguments{"ld.lld", "-shared", "--threads=1", "--build-id=none", "-z", "defs", "-o", output};
  for (size_t i = 0; i < objects.size(); ++i) {
    files[i].write(objects[i]);
    arguments.push_back(files[i].path());
  }
  arguments.insert(arguments.end(), more.begin(), more.end());
  std::vector<const char *> pointers;
  for (const std::string &argument : arguments)
    pointers.push_back(argument.c_str());
  std::string messages;
  llvm::raw_string_ostream out(messages);
  lld::Result result = lld::lldMain(pointers, llvm::nulls(), out, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode) {
    unlink(output.c_str());
    throw std::runtime_error("[codegen] linking failed: " + messages);
  }
  return readAndRemove(output);
}

} // namespace weft::cpu
