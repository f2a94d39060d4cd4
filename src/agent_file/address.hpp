// What a call may bring into an address: a part of it, never where it leads.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <parley/option.hpp>

#include "agent_file/template.hpp"

namespace parley::agent_file {

// How what a call brings into a value of `option` is written there. A target of a telephone that is one variable and nothing
// else is that variable's own: then it is as it is, and must be a target.
Encoding encoding_in(const Option& option, const Template& text);

// Of an address of a server, with env.* and secret.* filled in: a variable of a call that stands before its path. Nothing: there
// is none.
std::optional<std::string> mistake_before_path(const Option& option, const Template& text);

// Of one with everything filled in: a call brought "." or ".." as a name in its path, which servers take for a way up. Nothing:
// it did not.
std::optional<std::string> mistake_in_path(std::string_view url);

}  // namespace parley::agent_file
