// The program of the process tests: it answers with what it was offered, and misbehaves as its call's metadata says.
//
//   {"on_answer": "refuse" | "throw" | "block" | "crash" | "hang"}
//   {"in_call": "block" | "crash" | "exit" | "eat" | "swallow_term"}     when an offer says "go" (a second offer)
//   {"on_join": "gone" | "crash" | "hang"}                              in a LiveKit room
//   {"on_close": "hang" | "block" | "throw"}   {"on_dispose": "hang" | "block"}
//   {"talk": N}   N events a second
#pragma once

#include "job/hooks.hpp"
#include "job/program.hpp"

namespace parley {

job::ProgramFactory test_program();

// Hooks that append a line with their key to a file in `folder`: "hook.log". One of them hangs, or kills its process, the
// first time, when its call's data says so.
std::shared_ptr<const job::HookRegistry> test_hooks(std::string folder);

}  // namespace parley
