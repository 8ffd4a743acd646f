// Short cuts past the Python body of a function. What a call asks that is not plain, and every mistake, is the body's.
#pragma once
#include "python/bindings/Signature.h"

namespace weft::python {

// Gets the arguments by the function's parameters, each of its kind. A new reference; null, without a Python error: the
// body is to run.
using PlainCase = PyObject *(*)(PyObject *const *values);
PlainCase plainCase(const std::string &name);

} // namespace weft::python
