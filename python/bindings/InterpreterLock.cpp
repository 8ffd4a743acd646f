// The interpreter's lock as the run time lets go of it around what takes long, and Ctrl-C meanwhile.
#include "python/bindings/PyTensor.h"
#include "runtime/BlockingRegion.h"

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

void acquire(void *released) {
  callingPython([&] { PyEval_RestoreThread(static_cast<PyThreadState *>(released)); });
}

// Python runs signal handlers on the main thread.
bool mayInterrupt() { return getpid() == pid_t(syscall(SYS_gettid)); }

} // namespace

void bindInterpreterLock() {
  static const HostLock lock{release, acquire, mayInterrupt};
  setHostLock(&lock);
}

} // namespace weft::python
