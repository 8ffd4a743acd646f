// The interpreter's lock as the run time lets go of it around what takes long, and Ctrl-C meanwhile.
#include "python/bindings/PyTensor.h"
#include "runtime/BlockingRegion.h"

#include <cxxabi.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace py = pybind11;

namespace weft::python {
namespace {

// A thread without a state of this interpreter's, and one that works for a sub-interpreter, hold no lock of ours.
void *release() {
  PyThreadState *state = PyGILState_GetThisThreadState();
  if (!state || state != py::detail::get_thread_state_unchecked())
    return nullptr;
  if (PyErr_CheckSignals() != 0)
    throw py::error_already_set();
  return PyEval_SaveThread();
}

// When the interpreter has ended, a daemon thread that asks for the lock must never go on. Python up to 3.13 ends it by
// unwinding its stack, which no destructor lets pass; from 3.14 on it sleeps for ever, and so it does here.
void acquire(void *released) {
  try {
    PyEval_RestoreThread(static_cast<PyThreadState *>(released));
  } catch (const abi::__forced_unwind &) {
    for (;;)
      pause();
  }
}

// Python runs signal handlers on the main thread.
bool mayInterrupt() { return getpid() == pid_t(syscall(SYS_gettid)); }

} // namespace

void bindInterpreterLock() {
  static const HostLock lock{release, acquire, mayInterrupt};
  setHostLock(&lock);
}

} // namespace weft::python
