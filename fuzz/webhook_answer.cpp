// What a tool's server answers, and the header by which a request is known: any bytes.
#include <string_view>

#include "webhook/signature.hpp"
#include "webhook/tool_answer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto answer = parley::webhook::read_tool_answer(text)) {
    if (answer->actions.size() > parley::webhook::ToolAnswer::kMaxActions) __builtin_trap();
  }
  const auto split = text.substr(0, text.find('\n'));
  if (parley::webhook::verify({.secret = "s"}, split, text, std::chrono::sys_seconds{})) __builtin_trap();  // nobody guesses it
  return 0;
}
