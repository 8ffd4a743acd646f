// Intrusive reference counts: the object carries its count, a Ref is one pointer.
#pragma once
#include <atomic>
#include <cstdint>
#include <utility>

namespace weft {

class RefCounted {
public:
  RefCounted() = default;
  RefCounted(const RefCounted &) = delete;
  RefCounted &operator=(const RefCounted &) = delete;
  void retain() const { count.fetch_add(1, std::memory_order_relaxed); }
  // True when this was the last reference; the caller deletes the object.
  bool release() const {
    // The only owner needs no atomic read-modify-write.
    return count.load(std::memory_order_acquire) == 1 || count.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  // Of a new object, which no other thread knows of yet: retain() without its atomic read-modify-write.
  void retainNew() const { count.store(1, std::memory_order_relaxed); }
  int32_t useCount() const { return count.load(std::memory_order_relaxed); }

private:
  mutable std::atomic<int32_t> count{0};
};

template <class T> class Ref {
public:
  Ref() = default;
  Ref(T *object) : object(object) {
    if (object)
      object->retain();
  }
  static Ref make() {
    T *object = new T;
    object->retainNew();
    return attach(object);
  }
  Ref(const Ref &o) : Ref(o.object) {}
  Ref(Ref &&o) noexcept : object(o.object) { o.object = nullptr; }
  ~Ref() { reset(); }
  Ref &operator=(Ref o) noexcept {
    std::swap(object, o.object);
    return *this;
  }
  void reset() {
    if (T *old = object) {
      object = nullptr;
      if (old->release())
        delete old;
    }
  }
  // Gives the reference up without releasing it, and takes one up that was given up.
  T *detach() { return std::exchange(object, nullptr); }
  static Ref attach(T *object) {
    Ref r;
    r.object = object;
    return r;
  }
  T *get() const { return object; }
  T *operator->() const { return object; }
  T &operator*() const { return *object; }
  explicit operator bool() const { return object; }
  bool operator==(const Ref &o) const { return object == o.object; }
  bool operator!=(const Ref &o) const { return object != o.object; }

private:
  T *object = nullptr;
};

} // namespace weft
