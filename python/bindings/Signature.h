// The parameters of a Python callable of ours, and its arguments by position and by name. What does not fit is a
// TypeError of the package's form: `[transpose] dim0 must be an int; got str; its parameters are (self, dim0, dim1)`.
#pragma once
#include "python/bindings/PyTensor.h"

#include <string>
#include <vector>

namespace weft::python {

// What an argument may be; kinds combine. As in PyTorch a bool is no int, and an int is no bool.
enum Kinds : uint32_t {
  kAnything = 0,
  kTensor = 1 << 0,
  kNumber = 1 << 1, // int, float or bool, of Python or NumPy
  kArray = 1 << 2,  // an object with the buffer protocol
  kInt = 1 << 3,    // or what has __index__
  kFloat = 1 << 4,  // or what has __float__ or __index__
  kBool = 1 << 5,
  kInts = 1 << 6,    // a sequence of ints
  kTensors = 1 << 7, // a sequence of tensors
  kString = 1 << 8,
  kDType = 1 << 9, // or Python's float, int and bool
  kDevice = 1 << 10,
  kCallable = 1 << 11,
  kNone = 1 << 12,
  kOperand = kTensor | kNumber | kArray,
};
bool isOfKinds(PyObject *value, uint32_t kinds);

struct Parameter {
  pybind11::str name;
  pybind11::object fallback; // null: the argument must be given
  uint32_t kinds = kAnything;
  bool keywordOnly = false;
  // It takes all further positional arguments, as a tuple; the parameters after it are keyword-only.
  bool takesRest = false;
};

class Signature {
public:
  Signature(std::string name, std::vector<Parameter> parameters);

  // The arguments of a call in the order of the parameters, borrowed, with the fallbacks of those not given: values[]
  // has room for all. Throws where they do not fit. Gives the tuple of the rest, if any: the caller keeps it alive.
  pybind11::object bind(PyObject *const *arguments, Py_ssize_t given, PyObject *keywords, PyObject **values) const;

  bool has(const char *parameter) const;
  int size() const { return int(parameters.size()); }
  const std::vector<Parameter> &all() const { return parameters; }
  const std::string &op() const { return name; }
  // A TypeError about the arguments, which names the parameters.
  [[noreturn]] void fail(const std::string &what) const;
  // The argument is not what it must be.
  [[noreturn]] void failKind(const Parameter &parameter, PyObject *value) const;

  // Errors from within may be of others' code, and are left as they are.
  bool runsOtherCode = false;

private:
  int find(PyObject *keyword) const; // -1: there is no such parameter

  std::string name;
  std::vector<Parameter> parameters;
  int positional = 0; // how many can be given by position
  bool hasRest = false;
};

} // namespace weft::python
