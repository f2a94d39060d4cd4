// Where `make setup` put the model files.
#pragma once

#include <string>
#include <string_view>

namespace parley::test {

// "<cache>/models/<name>": the cache is $PARLEY_CACHE, or parley under $XDG_CACHE_HOME or ~/.cache.
std::string model_path(std::string_view name);

}  // namespace parley::test
