// Work that nobody waits for: one piece after the other, on a thread that lives while there is some. And what that
// work, and whatever else compiles, has to do with forks and the end of the process.
#pragma once
#include <functional>

namespace weft {

// `work` must not throw. What has not begun when the process ends is never done, nor in a forked child.
void runInBackground(std::function<void()> work);
// Until there is none left.
void waitForBackground();
// Before the process ends: forgets what has not begun, and lets nobody compile any more.
void endBackground();

// While one lives, this thread may be in the compiler, whose locks a fork and whose static objects the end of the
// process must not meet: both wait until there is none. Then a thread that asks for one sleeps, when the process ends
// for ever; but not the one that forks or ends it.
class CompilerUse {
public:
  CompilerUse();
  ~CompilerUse();
  CompilerUse(const CompilerUse &); // for another thread
  CompilerUse &operator=(const CompilerUse &) = delete;
};

} // namespace weft
