// Work that nobody waits for: one piece after the other, on a thread that lives while there is some.
#pragma once
#include <functional>

namespace weft {

// `work` must not throw. It is finished before the process forks; what has not begun when it ends is never done.
void runInBackground(std::function<void()> work);
// Until there is none left.
void waitForBackground();
// Forgets what has not begun and waits for what has.
void endBackground();

} // namespace weft
