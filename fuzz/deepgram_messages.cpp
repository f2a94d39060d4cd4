// What Deepgram's sockets say, read: any bytes are an error or a message, and no more.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "providers/deepgram/connect.hpp"
#include "providers/deepgram/listen_protocol.hpp"
#include "providers/deepgram/speak_protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley::deepgram;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto heard = read_heard(text); heard && (heard->confidence < 0 || heard->confidence > 1)) std::abort();
  (void)read_said(text);
  parley::net::ClientResponse answer;
  answer.body = text;
  (void)refusal_text(answer);
  std::size_t whole = 0;
  for (const auto& message : speak_messages(text)) whole += message.size();
  if (whole < size && text.find_first_not_of(" \t\r\n") != std::string_view::npos) std::abort();  // text was lost
  return 0;
}
