// How much of the memory that this machine, or the container around this process, has is in use.
//
// Thread: any; no state. Reads a few small files of the kernel.
#pragma once

#include <string_view>

namespace parley::worker {

// 0 to 1; the page cache, which gives way, is not in use. The narrowest limit counts: the machine's, or that of any cgroup
// (version 2) from ours upwards. 0: nothing could be read.
double memory_use() noexcept;

// Of the machine, from /proc/meminfo.
double memory_use_of_machine(std::string_view meminfo) noexcept;
// Of one cgroup, from its memory.current, memory.max and memory.stat; 0: it has no limit.
double memory_use_of_cgroup(std::string_view current, std::string_view max, std::string_view stat) noexcept;

}  // namespace parley::worker
