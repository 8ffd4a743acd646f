#include "runtime/Buffer.h"
#include "runtime/cuda/Streams.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

using namespace weft;

TEST(Cuda, WithoutADeviceEveryCallIsAClearError) {
  if (cuda::isAvailable())
    GTEST_SKIP() << "this machine has a GPU";
  EXPECT_FALSE(cuda::unavailableReason().empty());
  EXPECT_EQ(cuda::deviceCount(), 0);
  try {
    Buffer::allocate(16, {DeviceKind::CUDA, 0});
    FAIL();
  } catch (const std::runtime_error &error) {
    EXPECT_EQ(std::string(error.what()).find("[cuda] CUDA is not available: "), 0u) << error.what();
  }
  EXPECT_THROW(cuda::deviceInfo(0), std::runtime_error);
  EXPECT_THROW(cuda::synchronize(0), std::runtime_error);
  int value = 0;
  EXPECT_THROW(copyMemory(&value, {DeviceKind::CUDA, 0}, &value, Device(), 4), std::runtime_error);
}

TEST(Cuda, MemoryGoesThereAndBack) {
  if (!cuda::isAvailable())
    GTEST_SKIP() << "no GPU: " << cuda::unavailableReason();
  Device gpu{DeviceKind::CUDA, 0};
  EXPECT_GT(cuda::deviceInfo(0).totalBytes, 0u);
  EXPECT_THROW(cuda::deviceInfo(cuda::deviceCount()), std::runtime_error);
  std::vector<int> values(1000), back(1000);
  for (int i = 0; i < 1000; ++i)
    values[i] = i * i;
  BufferRef a = Buffer::allocate(4000, gpu), b = Buffer::allocate(4000, gpu);
  copyMemory(a->data(), gpu, values.data(), Device(), 4000);
  copyMemory(b->data(), gpu, a->data(), gpu, 4000);
  copyMemory(back.data(), Device(), b->data(), gpu, 4000);
  EXPECT_EQ(values, back);
  EXPECT_THROW(Buffer::allocate(size_t(1) << 46, gpu), OutOfMemory);
}
