// A kernel.load that is there for the cache: nothing uses what it reads, and its place may be in no buffer. A target
// that asks for memory ahead of time does so; any other may leave it out.
#pragma once

namespace weft::kernel {

inline constexpr const char *kPrefetch = "kernel.prefetch"; // a unit attribute

} // namespace weft::kernel
