// Guards on Python objects: what a trace read, to be found unchanged before a replay. Checking one is a look-up and a
// comparison of pointers; only numbers and strings are compared by value.
#pragma once
#include "python/bindings/PyTensor.h"

namespace weft::python {

enum class GuardKind : int {
  DictItem,   // holder[key] is value
  DictAbsent, // key not in holder
  Length,     // len(holder) == number
  ListItem,   // holder[number] is value
  Cell,       // the closure cell holds value
  Attribute,  // getattr(holder, key) is value
  TypeMember, // what the type (or a base) has under key is value
  SetEquals,  // the set's elements are those of value
  FloatItem,  // holder[key] is a float
};

struct Guard {
  GuardKind kind;
  pybind11::object holder, key, value;
  Py_ssize_t number = 0;
  bool holds() const;
};

// Identity, or for immutable values (numbers, strings, tuples of such) equality of type and value; floats by their
// bits.
bool sameValue(PyObject *expected, PyObject *actual);

class GuardSet {
public:
  // Tuples (kind, holder, key or number, value).
  explicit GuardSet(pybind11::sequence guards);
  // The index of the first that does not hold, or -1.
  int firstBroken() const;
  int size() const { return int(guards.size()); }
  // Makes a guard of kind DictItem, on a float, hold for all floats.
  void acceptAnyFloat(int index) { guards.at(size_t(index)).kind = GuardKind::FloatItem; }

private:
  std::vector<Guard> guards;
};

// The structure of a call's arguments or result: containers with tensors, and other leaves by value or identity.
struct Pattern {
  enum class Kind { Tensor, Value, Tuple, List, Dict };
  Kind kind = Kind::Value;
  int index = 0;          // Tensor: which
  pybind11::object value; // Value; Dict: the tuple of keys
  std::vector<Pattern> children;

  // Reads an object; tensors go to `tensors`, each once.
  static Pattern of(PyObject *object, std::vector<Tensor> &tensors);
  // Whether an object has this structure; its tensors go to `tensors` at their index. False where two of the pattern's
  // tensors are one or the other way round.
  bool matches(PyObject *object, Tensor *tensors) const;
  // The object with these tensors.
  pybind11::object build(const std::vector<Tensor> &tensors) const;
  // A leaf whose state the pattern does not describe: empty if there is none, else its type's name.
  std::string opaqueLeaf() const;
};

} // namespace weft::python
