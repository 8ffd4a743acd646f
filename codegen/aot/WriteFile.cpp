#include "codegen/aot/WriteFile.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <filesystem>
#include <stdexcept>
#include <unistd.h>

using namespace llvm;
namespace fs = llvm::sys::fs;

namespace weft {

[[noreturn]] static void fail(const std::string &path, const std::string &why) {
  throw std::runtime_error("cannot write " + path + ": " + why);
}

// The place that a chain of links leads to, whether or not something is there.
static std::string behindLinks(const std::string &path) {
  std::filesystem::path place = path;
  std::error_code error;
  for (int links = 0; links < 40 && std::filesystem::is_symlink(place, error); ++links)
    place = place.parent_path() / std::filesystem::read_symlink(place, error);
  return place;
}

static std::error_code writeTo(int descriptor, StringRef bytes, bool closes) {
  raw_fd_ostream out(descriptor, closes, /*unbuffered=*/true);
  out << bytes;
  std::error_code error = out.error();
  out.clear_error();
  return error;
}

static void writeInPlace(const std::string &path, StringRef bytes) {
  int descriptor;
  std::error_code error = fs::openFileForWrite(path, descriptor, fs::CD_OpenExisting);
  if (!error)
    error = writeTo(descriptor, bytes, /*closes=*/true);
  if (error)
    fail(path, error.message());
}

void writeFile(const std::string &path, StringRef bytes) {
  if (path == "-") {
    if (std::error_code error = writeTo(STDOUT_FILENO, bytes, /*closes=*/false))
      fail("standard output", error.message());
    return;
  }
  fs::file_status before, there;
  std::error_code missing = fs::status(path, before);
  if (fs::is_directory(before) || sys::path::filename(path) == ".")
    fail(path, "it is a folder; name a file in it");
  std::string place = behindLinks(path);
  // What /dev/stdout stands for may have no name, or none any more.
  bool sameThere = !fs::status(place, there) && fs::equivalent(before, there);
  if (!missing && !(fs::is_regular_file(before) && sameThere))
    return writeInPlace(path, bytes);

  StringRef folder = sys::path::parent_path(place);
  if (!folder.empty() && !fs::is_directory(folder))
    fail(path, "there is no folder " + folder.str() + "; create it first");
  SmallString<256> model(folder.empty() ? "." : folder);
  sys::path::append(model, ".weft-%%%%%%%%%%%%%%%%");
  Expected<fs::TempFile> temporary = fs::TempFile::create(model);
  if (!temporary)
    fail(path, toString(temporary.takeError()));
  std::error_code error = writeTo(temporary->FD, bytes, /*closes=*/false);
  if (!error && !missing)
    error = fs::setPermissions(temporary->FD, before.permissions());
  if (!error)
    error = errorToErrorCode(temporary->keep(place));
  if (error) {
    consumeError(temporary->discard());
    fail(path, error.message());
  }
}

void checkNoSource(const std::string &path, const std::vector<std::string> &sources) {
  for (const std::string &source : sources)
    if (fs::equivalent(path, source) && fs::is_regular_file(path))
      fail(path, "it is what is read; name another file");
}

} // namespace weft
