#include "runtime/Hash.h"

#include <cstdio>
#include <cstring>

namespace weft {
namespace {

constexpr uint64_t kFirst = 0x87c37b91114253d5u, kSecond = 0x4cf5ad432745937fu;

uint64_t rotate(uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }
uint64_t mixFirst(uint64_t k) { return rotate(k * kFirst, 31) * kSecond; }
uint64_t mixSecond(uint64_t k) { return rotate(k * kSecond, 33) * kFirst; }

uint64_t finish(uint64_t k) {
  k = (k ^ (k >> 33)) * 0xff51afd7ed558ccdu;
  k = (k ^ (k >> 33)) * 0xc4ceb9fe1a85ec53u;
  return k ^ (k >> 33);
}

} // namespace

Hash128 hash128(std::string_view bytes, uint64_t seed) {
  uint64_t a = seed, b = seed, words[2];
  const char *at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 16; at += 16, left -= 16) {
    std::memcpy(words, at, 16);
    a = (rotate(a ^ mixFirst(words[0]), 27) + b) * 5 + 0x52dce729;
    b = (rotate(b ^ mixSecond(words[1]), 31) + a) * 5 + 0x38495ab5;
  }
  // The rest, as if followed by zeros: those mix to zero.
  words[0] = words[1] = 0;
  if (left)
    std::memcpy(words, at, left);
  b ^= mixSecond(words[1]);
  a ^= mixFirst(words[0]);
  a ^= bytes.size();
  b ^= bytes.size();
  a += b;
  b += a;
  a = finish(a);
  b = finish(b);
  a += b;
  b += a;
  return {a, b};
}

std::string toHex(Hash128 hash) {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.low),
                static_cast<unsigned long long>(hash.high));
  return text;
}

} // namespace weft
