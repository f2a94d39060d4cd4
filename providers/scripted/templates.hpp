// "A table for {{people}}": names between double braces, filled in when it is said.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace parley::scripted {

// False if a {{ has no }}.
bool is_whole_template(std::string_view text);

// The names in it, without spaces around them.
std::vector<std::string> template_names(std::string_view text);

// The text with every name replaced by what `value` gives for it.
std::string filled_in(std::string_view text, const std::function<std::string(std::string_view name)>& value);

}  // namespace parley::scripted
