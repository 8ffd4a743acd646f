// Guards on Python objects: what a trace read, to be found unchanged before a replay. Checking one is a look-up and a
// comparison of pointers; only numbers and strings are compared by value. It never runs Python.
#pragma once
#include "python/bindings/PyTensor.h"

#include <unordered_map>

namespace weft::python {

enum class GuardKind : int {
  DictItem,   // holder[key] is value
  DictAbsent, // key not in holder
  Length,     // len(holder) == number
  ListItem,   // holder[number] is value
  Cell,       // the closure cell holds value
  Slot,       // what the slot whose descriptor is key holds is value; NotImplemented: nothing
  TypeMember, // what the type (or a base) has under key is value
  Items,      // what iterating over the holder gives are the elements of value; of types that run no Python for it
  FloatItem,  // holder[key] is a float, or a tuple of as many floats as value; not 0 where the number is not 0
  DictKeys,   // the dict's keys are those of value, in that order
  DictValues, // its values are; where looking up a key could run Python
  Function,   // the function's code, defaults and keyword defaults are those of value
  Type,       // the object's type is value
  Bases,      // the type's order of look-up is value
  Unchanged,  // the type and its bases are as when the guard was made
  Bare,       // the tensor has no attributes that a user set
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
  explicit GuardSet(pybind11::list guards);
  // Whether all hold. Quick where the dicts have not changed since the last time.
  bool hold();
  // The index of the first that does not hold, or -1.
  int firstBroken() const;
  std::vector<int> broken() const; // the indices of all that do not
  int size() const { return int(guards.size()); }
  // For the garbage collector.
  int traverse(visitproc visit, void *arg) const;
  void clear();
  // Makes a guard of kind DictItem, on a float or a tuple of floats, hold for all floats, or for all but 0.
  void acceptAnyFloat(int index, bool butZero) {
    guards.at(size_t(index)).kind = GuardKind::FloatItem;
    guards[size_t(index)].number = butZero;
  }

private:
  // The guards on what one dict holds, by number. They hold for as long as the dict has the version at which they held.
  struct OfDict {
    PyObject *dict;
    uint64_t version = 0; // 0: not known to hold
    std::vector<int> members;
  };

  std::vector<Guard> guards;
  std::vector<OfDict> dicts;
  std::vector<int> others; // that are not on a dict
};

// The structure of a call's arguments or result: containers with tensors, and other leaves by value or identity.
struct Pattern {
  enum class Kind { Tensor, Value, Tuple, List, Dict };
  Kind kind = Kind::Value;
  int index = 0;          // Tensor: which
  bool isComplex = false; // Tensor: what is in the list is the real one of its pairs
  pybind11::object value; // Value; Dict: the tuple of keys; Tuple: its type, if that is a named one; Tensor: its type
  std::vector<Pattern> children;

  // Reads an object; tensors go to `tensors`, each once, complex ones as the real ones of their pairs. `why`: set where
  // the pattern does not say all of it, since containers are nested too deeply or, with `mustBeNew`, something else
  // holds one of its lists or dicts, too: what build() makes would then be another one.
  static Pattern of(PyObject *object, std::vector<Tensor> &tensors, std::string &why, bool mustBeNew = false);
  // Whether an object has this structure; its tensors go to `tensors` at their index. False where one of the pattern's
  // tensors is two. Where two are one, the caller must find out.
  bool matches(PyObject *object, Tensor *tensors) const;
  bool childrenMatch(PyObject *const *items, Py_ssize_t count, Tensor *tensors) const;
  // The object with these tensors.
  pybind11::object build(const std::vector<Tensor> &tensors) const;
  // A leaf whose state the pattern does not describe: empty if there is none, else its type's name.
  std::string opaqueLeaf() const;
  int traverse(visitproc visit, void *arg) const; // for the garbage collector
};

// notMadeByHand(), and traverse() and clear() for the garbage collector. T is held by std::shared_ptr.
template <class T> pybind11::custom_type_setup collected() {
  return pybind11::custom_type_setup([](PyHeapTypeObject *heapType) {
    notMadeByHand().value(heapType);
    PyTypeObject &type = heapType->ht_type;
    static auto of = [](PyObject *self) -> T * {
      auto holder = reinterpret_cast<pybind11::detail::instance *>(self)->get_value_and_holder();
      return holder.holder_constructed() ? static_cast<T *>(holder.value_ptr()) : nullptr;
    };
    type.tp_flags |= Py_TPFLAGS_HAVE_GC;
    type.tp_traverse = [](PyObject *self, visitproc visit, void *arg) {
      Py_VISIT(Py_TYPE(self));
      T *object = of(self);
      return object ? object->traverse(visit, arg) : 0;
    };
    type.tp_clear = [](PyObject *self) {
      if (T *object = of(self))
        object->clear();
      return 0;
    };
  });
}

} // namespace weft::python
