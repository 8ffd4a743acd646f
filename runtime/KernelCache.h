// Compiled programs and other results kept on disk between runs.
//
// An entry is a file <hash of the key>.<kind> in one folder: the payload, then a footer (magic, version, payload
// length, hash of the key, checksum). The footer stands at the end so that a cached shared object can be opened by the
// dynamic loader as it is. Files are written beside their place and renamed into it, so processes never see a part of
// one. A damaged entry counts as absent and is removed. When the folder cannot be written, or another user might have
// put something into it (runtime/OwnFolder.h), one line on stderr says so and the work goes on without the cache.
//
// Environment: WEFT_CACHE_DIR (else $XDG_CACHE_HOME/weft, else ~/.cache/weft), WEFT_CACHE_SIZE ("500M", "1GiB", bytes;
// default 1 GiB; of the folder, whoever writes there; the entries longest unused go first), WEFT_CACHE=0 (off).
#pragma once
#include "runtime/Hash.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

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

  // Where the entry lies that was just found or stored. Another process may have evicted it since, and the file system
  // may allow no code to run: what cannot be loaded from there can be loaded from its bytes.
  std::string pathOf(std::string_view kind, std::string_view key) const { return pathOf(kind, hash128(key)); }
  // Removes the entry, for a file that proved unusable after it was found.
  void remove(std::string_view kind, std::string_view key);

  bool isEnabled() const { return options.enabled; }
  const std::string &directory() const { return options.directory; }

private:
  std::string pathOf(std::string_view kind, Hash128 hash) const;
  void warnOnce(const std::string &what);
  bool isOurs();
  void evict(uint64_t added, const std::string &kept);

  Options options;
  std::atomic<bool> writable{true};
  std::atomic<bool> warned{false};
  std::mutex mutex;  // of all below
  std::string place; // the folder's real path, once it is there; does not change any more
  bool refused = false;
  dev_t device = 0; // of the folder that was found to be ours
  ino_t inode = 0;
  bool looked = false;     // at the folder's size
  uint64_t addedBytes = 0; // since then
};

} // namespace weft
