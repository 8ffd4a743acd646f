#include "runtime/KernelCache.h"
#include "runtime/OwnFolder.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace weft {
namespace {

constexpr char kMagic[8] = {'w', 'e', 'f', 't', 'k', 'c', '\r', '\n'};
constexpr uint32_t kVersion = 1;
constexpr time_t kTouchSeconds = 3600;     // a hit renews an entry's time at most this often
constexpr uint64_t kLooks = 64;            // at the folder's size, while this process writes as much as it may hold
constexpr time_t kAbandonedSeconds = 3600; // a temporary file this old belongs to a process that died

struct Footer {
  char magic[8];
  uint32_t version;
  uint32_t reserved;
  uint64_t payloadBytes;
  Hash128 key;
  Hash128 checksum; // of the payload, with the key's hash as seed
};
static_assert(sizeof(Footer) == 56, "written as it is");

class File {
public:
  explicit File(int descriptor) : descriptor(descriptor) {}
  ~File() {
    if (descriptor >= 0)
      close(descriptor);
  }
  File(const File &) = delete;
  int descriptor;
};

bool writeAll(int descriptor, const void *data, size_t bytes) {
  const char *at = static_cast<const char *>(data);
  while (bytes > 0) {
    ssize_t n = write(descriptor, at, bytes);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    at += n;
    bytes -= size_t(n);
  }
  return true;
}

bool readAll(int descriptor, std::string &to) {
  size_t done = 0;
  while (done < to.size()) {
    ssize_t n = read(descriptor, &to[done], to.size() - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    done += size_t(n);
  }
  return true;
}

// As mkdir -p, for the user alone.
bool makeDirectories(const std::string &path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST)
    return true;
  size_t slash = path.find_last_of('/');
  if (errno != ENOENT || slash == std::string::npos || slash == 0 || !makeDirectories(path.substr(0, slash)))
    return false;
  return mkdir(path.c_str(), 0700) == 0 || errno == EEXIST;
}

bool parseSize(const char *text, uint64_t &bytes) {
  char *end = nullptr;
  double value = std::strtod(text, &end);
  static const std::pair<const char *, double> units[] = {
      {"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"T", double(uint64_t(1) << 40)}};
  if (end == text || !(value >= 0 && value < 1e18))
    return false;
  std::string unit(end);
  for (auto &[name, factor] : units)
    for (const char *suffix : {"", "B", "iB"})
      if (unit == std::string(name) + suffix) {
        bytes = uint64_t(value * factor);
        return true;
      }
  return false;
}

// The payload when the file is a whole entry of that key, written by this user. Nothing of another file is read: it may
// be a pipe that never ends, or huge.
std::optional<std::string> payloadOf(int descriptor, const struct stat &status, Hash128 key, uint64_t maxBytes) {
  bool own = S_ISREG(status.st_mode) && status.st_uid == geteuid() && !(status.st_mode & (S_IWGRP | S_IWOTH));
  uint64_t bytes = uint64_t(status.st_size);
  Footer footer;
  if (!own || bytes < sizeof footer || bytes > maxBytes ||
      pread(descriptor, &footer, sizeof footer, off_t(bytes - sizeof footer)) != sizeof footer ||
      std::memcmp(footer.magic, kMagic, sizeof kMagic) || footer.version != kVersion ||
      footer.payloadBytes != bytes - sizeof footer || footer.key != key)
    return std::nullopt;
  std::string payload(size_t(footer.payloadBytes), 0);
  if (!readAll(descriptor, payload) || footer.checksum != hash128(payload, key.low))
    return std::nullopt;
  return payload;
}

} // namespace

KernelCache::Options KernelCache::optionsFromEnvironment() {
  Options options;
  auto get = [](const char *name) {
    const char *value = std::getenv(name);
    return std::string(value ? value : "");
  };
  if (std::string directory = get("WEFT_CACHE_DIR"); !directory.empty())
    options.directory = directory;
  else if (std::string cache = get("XDG_CACHE_HOME"); !cache.empty())
    options.directory = cache + "/weft";
  else if (std::string home = get("HOME"); !home.empty())
    options.directory = home + "/.cache/weft";
  options.enabled = get("WEFT_CACHE") != "0";
  if (std::string size = get("WEFT_CACHE_SIZE"); !size.empty() && !parseSize(size.c_str(), options.maxBytes))
    std::fprintf(stderr, "weft: WEFT_CACHE_SIZE='%s' is not a size such as 500M or 2GiB; using 1GiB\n", size.c_str());
  return options;
}

KernelCache &KernelCache::global() {
  static KernelCache *cache = new KernelCache(optionsFromEnvironment());
  return *cache;
}

KernelCache::KernelCache(Options given) : options(std::move(given)) {
  if (options.enabled && options.directory.empty()) {
    options.enabled = false;
    warnOnce("there is no place for the kernel cache (neither HOME nor XDG_CACHE_HOME is set)");
  }
}

void KernelCache::warnOnce(const std::string &what) {
  if (!warned.exchange(true))
    std::fprintf(
        stderr,
        "weft: %s; going on without it: set WEFT_CACHE_DIR to a folder that you alone may write, or WEFT_CACHE=0\n",
        what.c_str());
}

bool KernelCache::isOurs() {
  std::lock_guard<std::mutex> lock(mutex);
  if (refused)
    return false;
  if (place.empty()) {
    char *real = realpath(options.directory.c_str(), nullptr);
    if (!real)
      return false; // not there yet
    place = real;
    std::free(real);
  }
  struct stat status;
  if (stat(place.c_str(), &status) != 0)
    return false;
  if (status.st_dev == device && status.st_ino == inode)
    return true;
  if (std::string why = whyNotOwn(place); !why.empty()) {
    refused = true;
    warnOnce("the kernel cache in '" + options.directory + "' might hold another user's code: " + why);
    return false;
  }
  device = status.st_dev;
  inode = status.st_ino;
  return true;
}

std::string KernelCache::pathOf(std::string_view kind, Hash128 hash) const {
  return place + "/" + toHex(hash) + "." + std::string(kind);
}

std::optional<std::string> KernelCache::find(std::string_view kind, std::string_view key) {
  if (!options.enabled || !isOurs())
    return std::nullopt;
  Hash128 hash = hash128(key);
  std::string path = pathOf(kind, hash);
  File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status;
  if (file.descriptor < 0 || fstat(file.descriptor, &status) != 0)
    return std::nullopt;
  std::optional<std::string> payload = payloadOf(file.descriptor, status, hash, options.maxBytes);
  if (!payload)
    unlink(path.c_str());
  else if (std::time(nullptr) - status.st_mtime > kTouchSeconds)
    futimens(file.descriptor, nullptr); // eviction goes by this time; a failure only makes it less exact
  return payload;
}

bool KernelCache::store(std::string_view kind, std::string_view key, std::string_view payload) {
  if (!options.enabled || !writable.load(std::memory_order_relaxed))
    return false;
  Hash128 hash = hash128(key);
  Footer footer{};
  std::memcpy(footer.magic, kMagic, sizeof kMagic);
  footer.version = kVersion;
  footer.payloadBytes = payload.size();
  footer.key = hash;
  footer.checksum = hash128(payload, hash.low);
  uint64_t bytes = payload.size() + sizeof footer;
  if (bytes > options.maxBytes)
    return false;

  static std::atomic<unsigned> counter{0};
  bool stored = false;
  int error = 0;
  if (makeDirectories(options.directory)) {
    if (!isOurs())
      return false;
    std::string temporary = place + "/.tmp." + std::to_string(getpid()) + "." + std::to_string(counter++);
    File file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    stored = file.descriptor >= 0 && writeAll(file.descriptor, payload.data(), payload.size()) &&
             writeAll(file.descriptor, &footer, sizeof footer) &&
             rename(temporary.c_str(), pathOf(kind, hash).c_str()) == 0;
    error = errno;
    if (!stored && file.descriptor >= 0)
      unlink(temporary.c_str());
  } else {
    error = errno;
  }
  if (!stored) {
    writable = false;
    warnOnce("the kernel cache in '" + options.directory + "' cannot be written (" + std::strerror(error) + ")");
    return false;
  }
  evict(bytes, pathOf(kind, hash));
  return true;
}

void KernelCache::remove(std::string_view kind, std::string_view key) {
  if (options.enabled && isOurs())
    unlink(pathOf(kind, hash128(key)).c_str());
}

// Keeps the folder within its size: when it is passed, the entries longest unused go until a quarter is free, but never
// `kept`, which was just stored. What other processes store is seen whenever this one has added a small part of the
// size.
void KernelCache::evict(uint64_t added, const std::string &kept) {
  std::lock_guard<std::mutex> lock(mutex);
  addedBytes += added;
  if (looked && addedBytes <= options.maxBytes / kLooks)
    return;
  DIR *directory = opendir(place.c_str());
  if (!directory)
    return;
  struct Entry {
    timespec time;
    uint64_t bytes;
    std::string path;
  };
  std::vector<Entry> entries;
  uint64_t total = 0;
  while (dirent *entry = readdir(directory)) {
    std::string name = entry->d_name;
    bool isTemporary = name.compare(0, 5, ".tmp.") == 0;
    // Other people's files are none of our business.
    bool isEntry = name.size() > 33 && name[32] == '.' && name.find_first_not_of("0123456789abcdef") == 32;
    struct stat status;
    std::string path = place + "/" + name;
    if ((!isEntry && !isTemporary) || lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
      continue;
    if (isTemporary && std::time(nullptr) - status.st_mtime > kAbandonedSeconds)
      unlink(path.c_str());
    if (!isEntry)
      continue;
    if (path != kept)
      entries.push_back({status.st_mtim, uint64_t(status.st_size), path});
    total += uint64_t(status.st_size);
  }
  closedir(directory);
  if (total > options.maxBytes) {
    std::sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) {
      return std::pair(a.time.tv_sec, a.time.tv_nsec) < std::pair(b.time.tv_sec, b.time.tv_nsec);
    });
    for (size_t i = 0; i < entries.size() && total > options.maxBytes / 4 * 3; ++i)
      if (unlink(entries[i].path.c_str()) == 0)
        total -= entries[i].bytes;
  }
  addedBytes = 0;
  looked = true;
}

} // namespace weft
