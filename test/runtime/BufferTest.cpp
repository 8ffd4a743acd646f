#include "runtime/Buffer.h"
#include "runtime/SizeClass.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <thread>
#include <vector>

using namespace weft;

TEST(SizeClass, EveryRequestFitsItsClassAndClassesAreTight) {
  int last = -1;
  for (size_t bytes = 1; bytes < (size_t(1) << 22); bytes += bytes < 70000 ? 1 : 4097) {
    SizeClass c = sizeClassOf(bytes);
    ASSERT_GE(c.bytes, bytes);
    ASSERT_EQ(c.bytes % 64, 0u);
    ASSERT_EQ(classBytes(c.index), c.bytes);
    ASSERT_TRUE(c.index == 0 || classBytes(c.index - 1) < bytes) << bytes;
    ASSERT_GE(c.index, last);
    last = c.index;
  }
  EXPECT_EQ(sizeClassOf(0).bytes, 64u);
  EXPECT_LT(sizeClassOf(kMaxClassBytes).index, kSizeClassCount);
}

TEST(Buffer, IsAlignedAndWritable) {
  for (size_t bytes : {size_t(0), size_t(1), size_t(100), size_t(70000), size_t(5) << 20, (size_t(9) << 20) + 1}) {
    BufferRef buffer = Buffer::allocate(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->data()) % 64, 0u);
    EXPECT_EQ(buffer->bytes(), bytes);
    std::memset(buffer->data(), 7, bytes);
  }
}

TEST(Buffer, FreedMemoryIsUsedAgain) {
#ifdef WEFT_ADDRESS_SANITIZER
  GTEST_SKIP() << "under AddressSanitizer nothing is kept";
#endif
  for (size_t bytes : {size_t(256), size_t(1) << 20, size_t(8) << 20}) {
    BufferRef first = Buffer::allocate(bytes);
    void *data = first->data();
    first = BufferRef();
    EXPECT_EQ(Buffer::allocate(bytes)->data(), data);
  }
  EXPECT_GT(cachedBytes(), size_t(8) << 20);
  releaseCachedMemory();
  EXPECT_EQ(cachedBytes(), 0u);
}

TEST(Buffer, CountsReferences) {
  static int deleted;
  deleted = 0;
  char memory[64];
  BufferRef a = Buffer::external(
      memory, 64, Device(), [](void *context) { deleted += *static_cast<int *>(context); }, new int(3));
  EXPECT_TRUE(a->isUnique());
  EXPECT_EQ(a->data(), memory);
  BufferRef b = a, c = std::move(b);
  EXPECT_FALSE(a->isUnique());
  EXPECT_FALSE(b);
  a = c;
  c = BufferRef();
  EXPECT_EQ(deleted, 0);
  EXPECT_TRUE(a->isUnique());
  a = BufferRef();
  EXPECT_EQ(deleted, 3);
}

TEST(Buffer, OutOfMemoryNamesTheSize) {
  size_t bytes = size_t(1) << 46;
  try {
    Buffer::allocate(bytes);
    FAIL();
  } catch (const OutOfMemory &error) {
    EXPECT_EQ(error.bytes, bytes);
    EXPECT_NE(std::string(error.what()).find("64.0 TiB (70368744177664 bytes)"), std::string::npos) << error.what();
  }
  EXPECT_THROW(Buffer::allocate(~size_t(0)), OutOfMemory);
}

TEST(Buffer, ThreadsShareTheAllocator) {
  // Blocks are freed by another thread than took them, and no block has two owners.
  std::vector<BufferRef> handed(8 * 200);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        handed[t * 200 + i] = Buffer::allocate(size_t(64) << (i % 12));
        *static_cast<int *>(handed[t * 200 + i]->data()) = t * 200 + i;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  std::set<void *> distinct;
  for (int i = 0; i < 8 * 200; ++i) {
    EXPECT_EQ(*static_cast<int *>(handed[i]->data()), i);
    distinct.insert(handed[i]->data());
  }
  EXPECT_EQ(distinct.size(), handed.size());
}

TEST(CopyMemory, OnTheCpu) {
  char from[] = "weft", to[5] = "";
  copyMemory(to, Device(), from, Device(), 5);
  EXPECT_STREQ(to, "weft");
}
