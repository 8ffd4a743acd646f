#include "runtime/KernelCache.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace weft;
namespace fs = std::filesystem;

namespace {

class Cache : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "weft-cache-XXXXXX").string();
    folder = mkdtemp(pattern.data());
  }
  void TearDown() override {
    fs::permissions(folder, fs::perms::owner_all);
    fs::remove_all(folder);
  }
  KernelCache::Options options(uint64_t maxBytes = 1 << 20) {
    return {(folder / "deep" / "down").string(), true, maxBytes};
  }
  std::vector<fs::path> files() {
    std::vector<fs::path> found;
    for (auto &entry : fs::recursive_directory_iterator(folder))
      if (entry.is_regular_file())
        found.push_back(entry.path());
    return found;
  }
  fs::path folder;
};

std::string payloadOf(int i) { return std::string(500 + i * 37 % 5000, char('a' + i % 26)) + std::to_string(i); }

} // namespace

TEST(Hash, AgreesWithThePublishedFunction) {
  // MurmurHash3_x64_128 with seed 0, as its author's code and well-known ports compute it.
  EXPECT_EQ(toHex(hash128("")), "00000000000000000000000000000000");
  EXPECT_EQ(toHex(hash128("hello")), "cbd8a7b341bd9b025b1e906a48ae1d19");
  EXPECT_EQ(toHex(hash128("The quick brown fox jumps over the lazy dog")), "e34bbc7bbc071b6c7a433ca9c49a9347");
}

TEST_F(Cache, KeepsEntriesByKindAndKey) {
  KernelCache cache(options());
  EXPECT_FALSE(cache.find("graph", "key"));
  EXPECT_TRUE(cache.store("graph", "key", "value"));
  EXPECT_TRUE(cache.store("graph", "empty", ""));
  EXPECT_EQ(cache.find("graph", "key"), "value");
  EXPECT_EQ(cache.find("graph", "empty"), "");
  EXPECT_FALSE(cache.find("so", "key"));
  EXPECT_FALSE(cache.find("graph", "other"));
  EXPECT_TRUE(cache.store("graph", "key", "newer"));
  EXPECT_EQ(KernelCache(options()).find("graph", "key"), "newer");
  cache.remove("graph", "key");
  EXPECT_FALSE(cache.find("graph", "key"));
}

TEST_F(Cache, DamagedEntriesAreMissesAndRemoved) {
  KernelCache cache(options());
  for (int damage = 0; damage < 4; ++damage) {
    ASSERT_TRUE(cache.store("graph", "key", payloadOf(1)));
    fs::path file = files().at(0);
    auto size = fs::file_size(file);
    if (damage == 0) {
      fs::resize_file(file, size - 1);
    } else if (damage == 1) {
      fs::resize_file(file, 0);
    } else {
      std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
      stream.seekp(damage == 2 ? 100 : long(size) - 5);
      stream.put('!');
    }
    EXPECT_FALSE(cache.find("graph", "key")) << damage;
    EXPECT_TRUE(files().empty()) << damage;
  }
}

TEST_F(Cache, AnEntryUnderAnotherNameIsNotBelieved) {
  KernelCache cache(options());
  ASSERT_TRUE(cache.store("graph", "one", "1"));
  fs::path one = files().at(0);
  fs::rename(one, one.parent_path() / (toHex(hash128("two")) + ".graph"));
  EXPECT_FALSE(cache.find("graph", "two"));
}

TEST_F(Cache, ProcessesMayWriteAndReadAtOnce) {
  std::vector<pid_t> children;
  for (int c = 0; c < 4; ++c) {
    pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      KernelCache cache(options(40 << 10)); // small enough that they evict all the while
      int wrong = 0;
      for (int i = 0; i < 400; ++i) {
        int k = (i * 7 + c) % 20;
        std::string key = "key" + std::to_string(k);
        if (auto found = cache.find("graph", key))
          wrong += *found != payloadOf(k);
        else
          wrong += !cache.store("graph", key, payloadOf(k));
      }
      _exit(wrong ? 1 : 0);
    }
    children.push_back(child);
  }
  for (pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  for (const fs::path &file : files())
    EXPECT_EQ(file.filename().string().find(".tmp."), std::string::npos);
}

TEST_F(Cache, WorksWithoutAFolderItCanWrite) {
  // A file where the folder should be: not even root can write there.
  std::ofstream(folder / "file") << "in the way";
  KernelCache cache({(folder / "file" / "cache").string(), true, 1 << 20});
  testing::internal::CaptureStderr();
  EXPECT_FALSE(cache.store("graph", "a", "1"));
  EXPECT_FALSE(cache.store("graph", "b", "2"));
  EXPECT_FALSE(cache.find("graph", "a"));
  std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  EXPECT_NE(text.find("cannot be written (Not a directory)"), std::string::npos) << text;
}

TEST_F(Cache, AFailedWriteLeavesNothing) {
  // A limit on file sizes makes the write fail half way, as a full disk does.
  testing::internal::CaptureStderr();
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    rlimit limit{1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    KernelCache cache(options());
    bool failed = !cache.store("graph", "key", std::string(5000, 'x'));
    _exit(failed && !cache.find("graph", "key") ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("cannot be written (File too large)"), std::string::npos);
  EXPECT_TRUE(files().empty());
}

TEST_F(Cache, EvictsWhatWasLongestUnused) {
  KernelCache cache(options(10000));
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(cache.store("graph", "key" + std::to_string(i), std::string(1000, 'x')));
    fs::last_write_time(folder / "deep" / "down" / (toHex(hash128("key" + std::to_string(i))) + ".graph"),
                        fs::file_time_type::clock::now() - std::chrono::hours(100 - i));
  }
  EXPECT_TRUE(cache.find("graph", "key0")); // a use makes it young again
  for (int i = 8; i < 11; ++i)
    ASSERT_TRUE(cache.store("graph", "key" + std::to_string(i), std::string(1000, 'x')));
  uint64_t total = 0;
  for (const fs::path &file : files())
    total += fs::file_size(file);
  EXPECT_LE(total, 10000u);
  EXPECT_TRUE(cache.find("graph", "key0"));
  EXPECT_FALSE(cache.find("graph", "key1"));
  EXPECT_FALSE(cache.find("graph", "key2"));
  EXPECT_TRUE(cache.find("graph", "key10"));
  EXPECT_FALSE(cache.store("graph", "too large", std::string(20000, 'x')));
}

TEST_F(Cache, LeavesOtherFilesAlone) {
  fs::create_directories(folder / "deep" / "down");
  std::ofstream(folder / "deep" / "down" / "notes.txt") << std::string(100000, 'x');
  KernelCache cache(options(10000));
  for (int i = 0; i < 30; ++i)
    cache.store("graph", std::to_string(i), std::string(1000, 'x'));
  EXPECT_TRUE(fs::exists(folder / "deep" / "down" / "notes.txt"));
  EXPECT_TRUE(cache.find("graph", "29"));
}

TEST_F(Cache, TheSizeIsTheFoldersWhoeverWrites) {
  KernelCache one(options(10000)), other(options(10000));
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE((i % 2 ? one : other).store("graph", std::to_string(i), std::string(1000, 'x')));
  uint64_t total = 0;
  for (const fs::path &file : files())
    total += fs::file_size(file);
  EXPECT_LE(total, 10000u);
}

TEST_F(Cache, WhatWasJustStoredStaysWhateverTheClockSays) {
  KernelCache cache(options(10000));
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(cache.store("graph", std::to_string(i), std::string(1000, 'x')));
    fs::last_write_time(cache.pathOf("graph", std::to_string(i)),
                        fs::file_time_type::clock::now() + std::chrono::hours(100)); // the clock is set back
  }
  ASSERT_TRUE(cache.store("graph", "new", std::string(1000, 'x')));
  EXPECT_TRUE(cache.find("graph", "new"));
}

// A folder that another user made, or may write to, may hold another user's code.
TEST_F(Cache, AFolderThatIsNotOurs) {
  fs::path parent = folder / "deep", place = parent / "down";
  auto refused = [&](const std::string &why) {
    KernelCache cache(options());
    testing::internal::CaptureStderr();
    EXPECT_FALSE(cache.find("graph", "key"));
    EXPECT_FALSE(cache.store("graph", "key", "other"));
    EXPECT_FALSE(cache.find("graph", "key"));
    std::string text = testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
    EXPECT_NE(text.find(why), std::string::npos) << text;
  };
  ASSERT_TRUE(KernelCache(options()).store("graph", "key", "value"));
  for (mode_t mode : {0777, 0720, 01777}) {
    chmod(place.c_str(), mode);
    refused("others may write '" + place.string() + "'");
  }
  chmod(place.c_str(), 0755);
  chmod(parent.c_str(), 0777);
  refused("others may write '" + parent.string() + "' (mode 0777)");
  chmod(parent.c_str(), 01777); // as /tmp: nobody but us may rename what is ours
  EXPECT_EQ(KernelCache(options()).find("graph", "key"), "value");
  if (geteuid() == 0) {
    ASSERT_EQ(chown(place.c_str(), 1234, 0), 0);
    refused("'" + place.string() + "' belongs to user 1234");
  }
}

TEST_F(Cache, EntriesThatAreNotOurs) {
  KernelCache cache(options());
  ASSERT_TRUE(cache.store("graph", "key", "value"));
  std::string path = cache.pathOf("graph", "key"), elsewhere = (folder / "elsewhere").string();
  auto isAMiss = [&](const char *what) {
    EXPECT_FALSE(cache.find("graph", "key")) << what;
    EXPECT_TRUE(cache.store("graph", "key", "value")) << what;
    EXPECT_EQ(cache.find("graph", "key"), "value") << what;
  };
  fs::rename(path, elsewhere);
  fs::create_symlink(elsewhere, path);
  isAMiss("a link");
  fs::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  isAMiss("a pipe");
  fs::resize_file(path, uint64_t(1) << 40);
  isAMiss("a huge file");
  chmod(path.c_str(), 0620);
  isAMiss("a file that others may write");
  if (geteuid() == 0) {
    ASSERT_EQ(chown(path.c_str(), 1234, 0), 0);
    isAMiss("a file of another user");
  }
}

TEST_F(Cache, Disabled) {
  KernelCache::Options off = options();
  off.enabled = false;
  KernelCache cache(off);
  EXPECT_FALSE(cache.store("graph", "key", "value"));
  EXPECT_FALSE(cache.find("graph", "key"));
  EXPECT_TRUE(files().empty());
}

TEST(CacheEnvironment, IsRead) {
  auto with = [](std::vector<std::pair<const char *, const char *>> variables) {
    for (const char *name : {"WEFT_CACHE_DIR", "WEFT_CACHE_SIZE", "WEFT_CACHE", "XDG_CACHE_HOME"})
      unsetenv(name);
    for (auto &[name, value] : variables)
      setenv(name, value, 1);
    return KernelCache::optionsFromEnvironment();
  };
  EXPECT_EQ(with({{"WEFT_CACHE_DIR", "/a/b"}, {"XDG_CACHE_HOME", "/x"}}).directory, "/a/b");
  EXPECT_EQ(with({{"XDG_CACHE_HOME", "/x"}}).directory, "/x/weft");
  EXPECT_EQ(with({{"HOME", "/h"}}).directory, "/h/.cache/weft");
  EXPECT_EQ(with({}).maxBytes, uint64_t(1) << 30);
  EXPECT_EQ(with({{"WEFT_CACHE_SIZE", "500M"}}).maxBytes, uint64_t(500) << 20);
  EXPECT_EQ(with({{"WEFT_CACHE_SIZE", "1.5GiB"}}).maxBytes, uint64_t(3) << 29);
  EXPECT_EQ(with({{"WEFT_CACHE_SIZE", "12345"}}).maxBytes, 12345u);
  testing::internal::CaptureStderr();
  EXPECT_EQ(with({{"WEFT_CACHE_SIZE", "plenty"}}).maxBytes, uint64_t(1) << 30);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("'plenty' is not a size"), std::string::npos);
  EXPECT_FALSE(with({{"WEFT_CACHE", "0"}}).enabled);
  EXPECT_TRUE(with({}).enabled);
}
