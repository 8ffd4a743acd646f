#include "runtime/Executable.h"
#include "runtime/KernelCache.h"
#include "runtime/cpu/Features.h"
#include "runtime/cuda/Driver.h"
#include "test/runtime/ProgramBuilder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace weft;

namespace {

// out = a * scalar + b, one task an element.
void scaleAdd(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *) {
  auto *a = static_cast<const int64_t *>(buffers[0]), *b = static_cast<const int64_t *>(buffers[1]);
  auto *out = static_cast<int64_t *>(buffers[2]);
  for (int64_t i = begin; i < end; ++i)
    out[i] = a[i] * scalars[0] + b[i];
}

std::string messageOf(const WeftProgram *program) {
  try {
    Executable::fromProgram(program);
  } catch (const std::runtime_error &error) {
    return error.what();
  }
  return "";
}

std::string contents(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void checkTestProgram(const Executable &executable) {
  std::vector<float> in(1000, 10), out(1000);
  int64_t size = 1000;
  void *inputs[] = {in.data()}, *outputs[] = {out.data()};
  executable.run(inputs, outputs, &size);
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(out[i], 11 + i % 4);
  EXPECT_EQ(executable.outputBytes(0, &size), 4000);
  EXPECT_EQ(executable.outputAlias(0), 0);
  outputs[0] = in.data(); // the donated input
  executable.run(inputs, outputs, &size);
  EXPECT_EQ(in, out);
}

} // namespace

TEST(Extent, Evaluates) {
  int64_t symbols[] = {10, 7, 0, -3};
  EXPECT_EQ(evaluate(fixed(12), nullptr), 12);
  EXPECT_EQ(evaluate(sized(4, 0), symbols), 40);
  EXPECT_EQ(evaluate(sized(1, 0, 4), symbols), 3);
  EXPECT_EQ(evaluate(sized(1, 0, 5), symbols), 2);
  EXPECT_EQ(evaluate(sized(5, 2, 8), symbols), 0);
  EXPECT_EQ(evaluate(sized(2, 3), symbols), -6); // a stride
  EXPECT_EQ(evaluate(sized(6, -1, 8), symbols), 6);
  WeftExtent product{2, 3, 0, {{0, 0, 1}, {1, 0, 2}, {-1, 0, 1}}};
  EXPECT_EQ(evaluate(product, symbols), 2 * 10 * 4);
  WeftExtent divided{2, 4, 0, {{-3, 0, 0}, {0, 0, 0}, {1, 0, 16}, {0, 0, 1}}}; // 2 * ceil(3 * s0 * s1 / 16) * s0
  EXPECT_EQ(evaluate(divided, symbols), 2 * ((3 * 10 * symbols[1] + 15) / 16) * 10);
}

TEST(Executable, RunsOneStepInEveryFormOfExtent) {
  for (WeftExtent grid : {fixed(100), sized(1, 0), sized(10, 0, 10), WeftExtent{1, 2, 0, {{1, 0, 1}, {2, 0, 1}}}}) {
    Builder b;
    b.input(sized(8, 0)).input(sized(8, 0)).output(sized(8, 0));
    b.step(scaleAdd, {0, 1, 2}, {sized(3, 1)}, grid, 0);
    Executable executable(b.finish(3));
    std::vector<int64_t> x(100), y(100), out(100, -1);
    std::iota(x.begin(), x.end(), 0);
    std::iota(y.begin(), y.end(), 1000);
    int64_t symbols[] = {100, 20, 5};
    void *inputs[] = {x.data(), y.data()}, *outputs[] = {out.data()};
    executable.run(inputs, outputs, symbols);
    EXPECT_EQ(executable.outputBytes(0, symbols), 800);
    for (int64_t i = 0; i < 100; ++i)
      ASSERT_EQ(out[i], i * 60 + 1000 + i);
  }
}

TEST(Executable, RunsStepsInOrderOverTemporariesAndConstants) {
  // t1 = 2 x + c (arena), t2 = 3 x + c (arena; one batch with t1), t3 = t1 + t2 (sized at run time), out = 5 t3 + x
  int64_t constant[64];
  std::iota(constant, constant + 64, 0);
  Builder b;
  b.input(sized(8, 0)).output(sized(8, 0)).temporary(fixed(512), 0).constant(constant, 512).temporary(fixed(512), 512);
  b.temporary(sized(8, 0), -1);
  b.step(scaleAdd, {0, 3, 2}, {fixed(2)}, sized(1, 0), 0);
  b.step(scaleAdd, {0, 3, 4}, {fixed(3)}, sized(1, 0), 0);
  b.step(scaleAdd, {2, 4, 5}, {fixed(1)}, sized(1, 0), 1);
  b.step(scaleAdd, {5, 0, 1}, {fixed(5)}, sized(1, 0), 2);
  ExecutablePtr executable = Executable::fromProgram(b.finish(1, 1024));
  auto runOnce = [&] {
    std::vector<int64_t> x(64), out(64);
    std::iota(x.begin(), x.end(), 100);
    int64_t size = 64;
    void *inputs[] = {x.data()}, *outputs[] = {out.data()};
    executable->run(inputs, outputs, &size);
    for (int64_t i = 0; i < 64; ++i)
      ASSERT_EQ(out[i], 5 * (5 * x[i] + 2 * i) + x[i]);
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i)
        runOnce();
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST(Executable, RunsManySteps) {
  // More arguments than fit the stack frame: x -> x + x, 60 times over 40 buffers.
  Builder b;
  b.input(fixed(8)).output(fixed(8));
  for (int i = 0; i < 300; ++i)
    b.temporary(fixed(8), 64 * i);
  for (int i = 0; i < 60; ++i)
    b.step(scaleAdd, {i ? i + 1 : 0, i ? i + 1 : 0, i == 59 ? 1 : i + 2}, {fixed(1)}, fixed(1), i);
  Executable executable(b.finish(0, 64 * 300));
  int64_t x = 1, out = 0;
  void *inputs[] = {&x}, *outputs[] = {&out};
  executable.run(inputs, outputs, nullptr);
  EXPECT_EQ(out, int64_t(1) << 60);
}

TEST(Executable, AGridWithoutTasksRunsNothing) {
  Builder b;
  b.input(sized(8, 0)).output(sized(8, 0));
  b.step([](void *const *, const int64_t *, int64_t, int64_t, void *) { FAIL(); }, {0, 1}, {}, sized(1, 0), 0, 16, 64);
  Executable executable(b.finish(1));
  int64_t size = 0;
  void *none[] = {nullptr};
  executable.run(none, none, &size);
}

TEST(Executable, TooMuchMemoryIsAnErrorBeforeAnythingRuns) {
  Builder b;
  b.input(fixed(8)).output(fixed(8)).temporary(sized(8, 0), -1);
  b.step([](void *const *, const int64_t *, int64_t, int64_t, void *) { FAIL(); }, {0, 1, 2}, {}, fixed(1), 0);
  Executable executable(b.finish(1));
  int64_t value = 0, size = int64_t(1) << 44;
  void *pointers[] = {&value};
  EXPECT_THROW(executable.run(pointers, pointers, &size), OutOfMemory);
}

TEST(Executable, TellsTheProfiler) {
  Builder b;
  b.input(fixed(8)).output(fixed(8));
  b.step(scaleAdd, {0, 0, 1}, {fixed(1)}, fixed(1), 0);
  b.step(scaleAdd, {0, 0, 1}, {fixed(2)}, fixed(1), 0);
  b.steps[1].name = "second";
  Executable executable(b.finish());
  std::string seen;
  StepProfiler profiler{[](void *context, const ProfiledStep &step) {
                          EXPECT_GE(step.nanoseconds, 0);
                          *static_cast<std::string *>(context) +=
                              std::string(step.name) + "@" + step.location + " " + std::to_string(step.bytes) + " ";
                        },
                        &seen};
  int64_t x = 5, out = 0;
  void *inputs[] = {&x}, *outputs[] = {&out};
  setStepProfiler(&profiler);
  executable.run(inputs, outputs, nullptr);
  setStepProfiler(nullptr);
  executable.run(inputs, outputs, nullptr);
  EXPECT_EQ(seen, "kernel@model.py:1 16 second@model.py:1 16 ");
  EXPECT_EQ(out, 15);
}

// out = a, by way of scratch memory for all elements.
void throughScratch(void *const *buffers, const int64_t *scalars, int64_t, int64_t, void *scratch) {
  auto *memory = static_cast<int64_t *>(scratch);
  std::copy_n(static_cast<const int64_t *>(buffers[0]), scalars[0], memory);
  std::copy_n(memory, scalars[0], static_cast<int64_t *>(buffers[1]));
}

TEST(Executable, PlacesTemporariesBySymbols) {
  Builder b;
  b.input(sized(8, 0)).output(sized(8, 0)).output(sized(8, 0));
  // 3 and 4 lie in 5, 8 and 16 times the symbol's value, rounded up to 64, from its beginning.
  b.temporary(sized(8, 0), 8).temporary(sized(8, 0), 16).temporary(sized(24, 0), -1);
  for (int i : {3, 4, 5})
    b.buffers[size_t(i)].alias = 5;
  b.step(scaleAdd, {0, 0, 3}, {fixed(1)}, sized(1, 0), 0); // twice the input
  b.step(scaleAdd, {0, 0, 4}, {fixed(2)}, sized(1, 0), 0); // three times
  b.step(throughScratch, {3, 1}, {sized(1, 0)}, fixed(1), 1);
  b.step(throughScratch, {4, 2}, {sized(1, 0)}, fixed(1), 1);
  WeftExtent scratch = sized(8, 0);
  for (size_t i : {2, 3})
    b.steps[i].scratch = &scratch, b.steps[i].scratchCount = 1;
  Executable executable(b.finish(1));
  for (int64_t size : {2, 9, 1000, 100000}) {
    std::vector<int64_t> in(size_t(size), size), twice(in.size()), thrice(in.size());
    void *inputs[] = {in.data()}, *outputs[] = {twice.data(), thrice.data()};
    executable.run(inputs, outputs, &size);
    EXPECT_EQ(twice, std::vector<int64_t>(in.size(), 2 * size));
    EXPECT_EQ(thrice, std::vector<int64_t>(in.size(), 3 * size));
  }
}

TEST(Executable, RejectsMalformedPrograms) {
  auto valid = [] {
    Builder b;
    b.input(fixed(8)).output(fixed(8));
    b.step(scaleAdd, {0, 0, 1}, {fixed(1)}, fixed(1), 0);
    return b;
  };
  {
    Builder b = valid();
    b.program.abiVersion = 77;
    EXPECT_NE(messageOf(b.finish()).find("launch plan version 77"), std::string::npos);
  }
  {
    Builder b = valid();
    b.order[0][1] = 9;
    b.steps[0].buffers = b.order[0].data();
    EXPECT_NE(messageOf(b.finish()).find("step 0 names buffer 9"), std::string::npos);
  }
  {
    Builder b = valid();
    b.steps[0].grid = sized(1, 3);
    EXPECT_NE(messageOf(b.finish(2)).find("names symbol 3 of 2"), std::string::npos);
  }
  {
    Builder b = valid();
    b.temporary(sized(8, 0), 0).buffers.back().alias = 1;
    EXPECT_NE(messageOf(b.finish(1)).find("buffer 2 lies in the memory of one that has none"), std::string::npos);
  }
  {
    Builder b = valid();
    b.steps[0].kernel = nullptr;
    EXPECT_NE(messageOf(b.finish()).find("it calls 'kernel', which this run time lacks"), std::string::npos);
  }
}

// A function of a library: what it needs is known when sizes are.
TEST(Executable, FindsLibrariesFunctionsByTheirNames) {
  Builder b;
  b.input(sized(4, 0)).output(sized(4, 0));
  b.step(nullptr, {0, 1}, {sized(1, 0)}, fixed(1), 0);
  const WeftProgram *program = b.finish(1);
  EXPECT_THROW(Executable::fromProgram(program), std::runtime_error); // there is no table
  Executable::setExternTable([](const char *name) -> ExternFunction {
    if (std::string(name) != "kernel")
      return {nullptr, nullptr};
    return {[](void *const *buffers, const int64_t *scalars, int64_t, int64_t, void *scratch) {
              auto *reversed = static_cast<int32_t *>(scratch);
              auto *in = static_cast<const int32_t *>(buffers[0]);
              std::reverse_copy(in, in + scalars[0], reversed);
              std::copy_n(reversed, scalars[0], static_cast<int32_t *>(buffers[1]));
            },
            [](const int64_t *scalars) { return scalars[0] * 4; }};
  });
  ExecutablePtr executable = Executable::fromProgram(program);
  std::vector<int32_t> in(5000), out(5000);
  std::iota(in.begin(), in.end(), 0);
  void *input = in.data(), *output = out.data();
  int64_t count = 5000;
  executable->run(&input, &output, &count);
  std::reverse(in.begin(), in.end());
  EXPECT_EQ(out, in);
  Executable::setExternTable(nullptr);
}

TEST(Executable, RefusesCodeThatThisProcessorCannotRun) {
  Builder b;
  b.input(fixed(8)).output(fixed(8));
  b.step(scaleAdd, {0, 0, 1}, {fixed(1)}, fixed(1), 0);
  b.program.target = "x86-64 imaginary";
  b.program.features = hostFeatures();
  EXPECT_EQ(messageOf(b.finish()), "");
  b.program.features = ~uint64_t(0);
  std::string message = messageOf(b.finish());
  EXPECT_NE(message.find("cannot run code for x86-64 imaginary: it lacks "), std::string::npos) << message;
  EXPECT_NE(message.find("feature 63; compile for an older processor, such as "), std::string::npos) << message;
  EXPECT_NE(message.find("weft-aot --cpu="), std::string::npos) << message;
}

TEST(Executable, LoadsFilesAndBytes) {
  checkTestProgram(*Executable::load(WEFT_TEST_PROGRAM));
  std::string bytes = contents(WEFT_TEST_PROGRAM);
  // Each load is a library of its own, also when a descriptor's number comes back.
  ExecutablePtr first = Executable::loadBytes(bytes.data(), bytes.size());
  ExecutablePtr second = Executable::loadBytes(bytes.data(), bytes.size());
  EXPECT_NE(&first->program(), &second->program());
  checkTestProgram(*first);
  first.reset();
  checkTestProgram(*second);
}

TEST(Executable, NamesWhatCannotBeLoaded) {
  auto message = [](auto load) -> std::string {
    try {
      load();
    } catch (const std::runtime_error &error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message([] { Executable::load("/no/such/file.so"); }).find("'/no/such/file.so'"), std::string::npos);
  EXPECT_NE(message([] { Executable::loadBytes("not an ELF file", 15); }).find("cannot load compiled code"),
            std::string::npos);
  EXPECT_NE(message([] { Executable::load("libdl.so.2"); }).find("does not export weft_program"), std::string::npos);
}

TEST(Executable, LoadsFromTheCache) {
  std::string pattern = (std::filesystem::temp_directory_path() / "weft-cache-XXXXXX").string();
  std::string folder = mkdtemp(pattern.data());
  KernelCache cache({folder, true, 1 << 24});
  ASSERT_TRUE(cache.store("so", "key", contents(WEFT_TEST_PROGRAM)));
  checkTestProgram(*Executable::load(cache.pathOf("so", "key")));
  std::filesystem::remove_all(folder);
}

TEST(Executable, OfCudaNeedsADevice) {
  if (cuda::isAvailable())
    GTEST_SKIP() << "this machine has a GPU";
  Builder b;
  b.input(fixed(8)).output(fixed(8));
  b.step(nullptr, {0, 1}, {}, fixed(1), 0);
  b.steps.back().blockThreads = 32; // of the image, no library's function
  b.program.cubin = "image";
  EXPECT_EQ(messageOf(b.finish()).find("[cuda] CUDA is not available: "), 0u);
}

TEST(Executable, LooksAtChecksBeforeItWritesToInputs) {
  Builder b;
  b.input(fixed(8)).input(fixed(8)).output(fixed(8), 0).temporary(fixed(8), 0);
  b.step(scaleAdd, {1, 1, 3}, {fixed(0)}, fixed(1), 0); // broken = y
  b.step(scaleAdd, {0, 1, 2}, {fixed(1)}, fixed(1), 1); // x += y
  WeftCheck check{3, 0, "y is not 0"};
  b.program.checkCount = 1;
  b.program.checks = &check;
  b.program.checkedSteps = 1;
  Executable executable(b.finish(0, 64));
  int64_t x = 5, y = 0;
  void *inputs[] = {&x, &y}, *outputs[] = {&x};
  executable.run(inputs, outputs, nullptr);
  EXPECT_EQ(x, 5);
  for (bool profiled : {false, true}) {
    StepProfiler profiler{[](void *, const ProfiledStep &) {}, nullptr};
    setStepProfiler(profiled ? &profiler : nullptr);
    y = 1;
    try {
      executable.run(inputs, outputs, nullptr);
      ADD_FAILURE() << "it ran";
    } catch (const CheckFailed &failed) {
      EXPECT_EQ(failed.check, 0);
      EXPECT_STREQ(failed.what(), "y is not 0");
    }
    EXPECT_EQ(x, 5);
  }
  setStepProfiler(nullptr);
  check.buffer = 4;
  EXPECT_NE(messageOf(b.finish(0, 64)).find("check 0 names buffer 4"), std::string::npos);
}

TEST(Executable, KeepsWhatItsFirstStepsMade) {
  Builder b;
  b.input(fixed(8)).input(fixed(8)).output(fixed(8));
  b.buffers.push_back({WEFT_KEPT, -1, fixed(8), 0, nullptr});
  b.step(scaleAdd, {0, 0, 3}, {fixed(2)}, fixed(1), 0); // kept = 3 * weight
  b.step(scaleAdd, {3, 1, 2}, {fixed(1)}, fixed(1), 0); // out = kept + x, though of the same batch number
  b.program.keptBytes = 64;
  b.program.keptSteps = 1;
  Executable executable(b.finish());
  EXPECT_EQ(executable.keptInputs(), std::vector<int>{0});
  int64_t weight = 5, x = 100, out = 0;
  void *inputs[] = {&weight, &x}, *outputs[] = {&out};
  auto run = [&](KeptResults *kept) {
    executable.run(inputs, outputs, nullptr, kept);
    return out;
  };
  KeptResults kept, others;
  EXPECT_EQ(run(nullptr), 115);
  EXPECT_EQ(run(&kept), 115);
  weight = 7, x = 200;
  EXPECT_EQ(run(&kept), 215);
  EXPECT_EQ(run(&others), 221);
  EXPECT_EQ(run(nullptr), 221);
}

// What most runs leave out does not make them long.
TEST(Executable, IsNotLongForWhatItKeeps) {
  for (bool keeps : {false, true}) {
    Builder b;
    b.input(fixed(1 << 20)).input(fixed(8)).output(fixed(8));
    b.buffers.push_back({WEFT_KEPT, -1, fixed(8), 0, nullptr});
    b.step(scaleAdd, {0, 0, 3}, {fixed(2)}, fixed(1), 0);
    b.step(scaleAdd, {3, 1, 2}, {fixed(1)}, fixed(1), 0);
    b.program.keptBytes = 64;
    b.program.keptSteps = keeps;
    EXPECT_EQ(Executable(b.finish()).takesLong(nullptr), !keeps);
  }
}

// A forked child does not have the thread that was making what is kept.
TEST(Executable, IsRunInAChildThatAFirstRunLeftBehind) {
  static std::atomic<bool> begun{false}, mayGoOn{false};
  static const auto slow = [](void *const *buffers, const int64_t *, int64_t, int64_t, void *) {
    begun = true;
    while (!mayGoOn)
      std::this_thread::yield();
    *static_cast<int64_t *>(buffers[1]) = 3 * *static_cast<int64_t *>(buffers[0]);
  };
  Builder b;
  b.input(fixed(8)).input(fixed(8)).output(fixed(8));
  b.buffers.push_back({WEFT_KEPT, -1, fixed(8), 0, nullptr});
  b.step(slow, {0, 3}, {}, fixed(1), 0); // kept = 3 * weight
  b.step(scaleAdd, {3, 1, 2}, {fixed(1)}, fixed(1), 0);
  b.program.keptBytes = 64;
  b.program.keptSteps = 1;
  Executable executable(b.finish());
  KeptResults kept;
  int64_t weight = 5, x = 100;
  auto run = [&] {
    int64_t out = 0;
    void *inputs[] = {&weight, &x}, *outputs[] = {&out};
    executable.run(inputs, outputs, nullptr, &kept);
    return out;
  };
  std::thread first([&] { EXPECT_EQ(run(), 115); });
  while (!begun)
    std::this_thread::yield();
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(20);
    mayGoOn = true;
    _exit(run() == 115 && run() == 115 ? 0 : 1);
  }
  mayGoOn = true;
  first.join();
  EXPECT_EQ(run(), 115);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}
