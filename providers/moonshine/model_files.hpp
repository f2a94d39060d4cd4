// Looking at model files before a library does: sherpa-onnx ends the process over files that it does not like.
#pragma once

#include <string>
#include <string_view>

#include <parley/base/result.hpp>

namespace parley {

// A whole ONNX file that mentions `marker`, a name that only the right model has. Every message names the file and says
// what to do.
Result<> check_onnx_file(const std::string& path, std::string_view marker);

// Lines of "<base64 of the token's bytes> <id>", ids counting up from 0.
Result<> check_tokens_file(const std::string& path);

}  // namespace parley
