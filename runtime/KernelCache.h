// Compiled programs and other results kept on disk between runs.
//
// An entry is a file <hash of the key>.<kind> in one folder: the payload, then a footer (magic, version, payload
// length, hash of the key, checksum). The footer stands at the end so that a cached shared object can be opened by the
// dynamic loader as it is. Files are written beside their place and renamed into it, so processes never see a part of
// one. A damaged entry counts as absent and is removed. When the folder cannot be written, one line on stderr says so
// and the work goes on without the cache.
//
// Environment: WEFT_CACHE_DIR (else $XDG_CACHE_HOME/weft, else ~/.cache/weft), WEFT_CACHE_SIZE ("500M", "1GiB", bytes;
// default 1 GiB; the entries longest unused go first), WEFT_CACHE=0 (off).
#pragma once
#include "runtime/Hash.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace weft {

class KernelCache {
public:
  struct Options {
    std::string directory;
    bool enabled = true;
    uint64_t maxBytes = uint64_t(1) << 30;
  };
  static Options optionsFromEnvironment();
  // The process's cache, made from the environment at first use.
  static KernelCache &global();

  explicit KernelCache(Options options);

  // Kinds are short lower-case words and become the file's extension; "so" is that of executables.
  // The payload stored under (kind, key); none on a miss, for whatever reason.
  std::optional<std::string> find(std::string_view kind, std::string_view key);
  // Returns whether the entry is on disk now. Never throws for want of space or rights.
  bool store(std::string_view kind, std::string_view key, std::string_view payload);

  // Executables: the path of a verified shared object for Executable::load; none on a miss.
  std::optional<std::string> findExecutable(std::string_view key);
  // The path of the stored file; none when it could not be stored: then use Executable::loadBytes.
  std::optional<std::string> storeExecutable(std::string_view key, std::string_view elf);
  // Removes the entry, for a file that proved unusable after it was found.
  void remove(std::string_view kind, std::string_view key);

  bool isEnabled() const { return options.enabled; }
  const std::string &directory() const { return options.directory; }

private:
  std::string pathOf(std::string_view kind, Hash128 hash) const;
  void warnOnce(const std::string &what);
  void evict(uint64_t added);

  Options options;
  std::atomic<bool> writable{true};
  std::atomic<bool> warned{false};
  std::mutex mutex; // of the two below
  bool sizeKnown = false;
  uint64_t totalBytes = 0; // by this process's last look plus what it stored since
};

} // namespace weft
