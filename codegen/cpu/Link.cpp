#include "codegen/cpu/Link.h"

#include "lld/Common/Driver.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <stdexcept>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <utility>

LLD_HAS_DRIVER(elf)

namespace weft::cpu {

namespace {

// An open file, which has a path of its own while it is open.
class OpenFile {
public:
  explicit OpenFile(int descriptor) : descriptor(descriptor) {
    if (descriptor < 0)
      throw std::runtime_error(std::string("[codegen] no file in memory for the linker: ") + std::strerror(errno));
  }
  OpenFile(OpenFile &&o) noexcept : descriptor(std::exchange(o.descriptor, -1)) {}
  ~OpenFile() {
    if (descriptor >= 0)
      ::close(descriptor);
  }
  void close() { ::close(std::exchange(descriptor, -1)); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor); }

  int descriptor;
};

OpenFile fileInMemory(const std::string &bytes) {
  OpenFile file(memfd_create("weft", MFD_CLOEXEC));
  for (size_t done = 0; done < bytes.size();) {
    ssize_t count = write(file.descriptor, bytes.data() + done, bytes.size() - done);
    if (count <= 0)
      throw std::runtime_error(std::string("[codegen] no memory for the linker's input: ") + std::strerror(errno));
    done += size_t(count);
  }
  return file;
}

// What is written to path(). It is a pipe, since the linker writes a file through a mapping of it, which ends the
// process when there is no more room for the file.
class Output {
public:
  Output() : Output(openPipe()) {}
  ~Output() {
    if (reader.joinable())
      take();
  }
  std::string path() const { return to.path(); }
  // Once nobody writes any more.
  std::string take() {
    to.close();
    reader.join();
    return std::move(bytes);
  }

private:
  explicit Output(std::pair<int, int> ends)
      : from(ends.first), to(ends.second), reader([this] {
          char part[1 << 16];
          for (ssize_t count; (count = read(from.descriptor, part, sizeof part)) != 0;)
            if (count > 0)
              bytes.append(part, size_t(count));
            else if (errno != EINTR)
              return;
        }) {}
  static std::pair<int, int> openPipe() {
    int ends[2] = {-1, -1};
    (void)pipe2(ends, O_CLOEXEC);
    return {ends[0], ends[1]};
  }

  OpenFile from, to;
  std::string bytes;
  std::thread reader;
};

} // namespace

std::string linkShared(const std::vector<std::string> &objects, const std::vector<std::string> &more,
                       const std::string &versionScript) {
  static std::mutex mutex; // lld has global state
  std::lock_guard<std::mutex> lock(mutex);
  std::vector<OpenFile> files;
  Output output;
  std::vector<std::string> arguments{"ld.lld", "-shared", "--threads=1", "--build-id=none",
                                     "-z",     "defs",    "-o",          output.path()};
  for (const std::string &object : objects) {
    files.push_back(fileInMemory(object));
    arguments.push_back(files.back().path());
  }
  if (!versionScript.empty()) {
    files.push_back(fileInMemory(versionScript));
    arguments.push_back("--version-script=" + files.back().path());
  }
  arguments.insert(arguments.end(), more.begin(), more.end());
  std::vector<const char *> pointers;
  for (const std::string &argument : arguments)
    pointers.push_back(argument.c_str());
  std::string messages;
  llvm::raw_string_ostream out(messages);
  lld::Result result = lld::lldMain(pointers, llvm::nulls(), out, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode)
    throw std::runtime_error("[codegen] linking failed: " + messages);
  return output.take();
}

} // namespace weft::cpu
