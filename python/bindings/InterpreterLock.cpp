// The interpreter's lock as the run time lets go of it around what takes long, and Ctrl-C meanwhile.
#include "frontend/executables/Background.h"
#include "python/bindings/PyTensor.h"
#include "runtime/BlockingRegion.h"

#include <atomic>
#include <sys/syscall.h>
#include <unistd.h>

namespace py = pybind11;

namespace weft::python {
namespace {

// A thread without a state of this interpreter's, and one that works for a sub-interpreter, hold no lock of ours.
bool holdsLock() {
  PyThreadState *state = PyGILState_GetThisThreadState();
  return state && state == py::detail::get_thread_state_unchecked();
}

void *release() {
  if (!holdsLock())
    return nullptr;
  return PyEval_SaveThread();
}

void checkInterrupt() {
  if (holdsLock() && PyErr_CheckSignals() != 0)
    throw py::error_already_set();
}

std::atomic<bool> hasEnded{false}; // the interpreter

bool isEnding() {
#if PY_VERSION_HEX >= 0x030D0000
  return Py_IsFinalizing();
#else
  return _Py_IsFinalizing();
#endif
}

// Python runs signal handlers, and ends, on the main thread.
bool isMainThread() { return getpid() == pid_t(syscall(SYS_gettid)); }

void acquire(void *released) {
  if (hasEnded || (isEnding() && !isMainThread())) // the thread's state may be gone
    sleepForEver();
  callingPython([&] { PyEval_RestoreThread(static_cast<PyThreadState *>(released)); });
}

} // namespace

[[noreturn]] void sleepForEver() {
  for (;;)
    pause();
}

void bindInterpreterLock() {
  static const HostLock lock{release, acquire, checkInterrupt, isMainThread};
  setHostLock(&lock);
  Py_AtExit([] { // before the compiler's static objects go, which daemon threads may be using
    hasEnded = true;
    endBackground();
  });
}

} // namespace weft::python
