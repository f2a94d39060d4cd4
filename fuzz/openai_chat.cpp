// The events of an LLM's answer: any bytes, one event a line.
#include <string_view>

#include "providers/openai/chat_protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  parley::openai::ChatReader reader;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    if (!reader.push(line)) break;
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  (void)reader.end();
  (void)parley::openai::error_message({reinterpret_cast<const char*>(data), size});
  return 0;
}
