// HTTP messages of strangers: requests as a server reads them, answers as a client does. The first byte says which, and how
// the rest is cut into reads: whatever the cuts, the outcome is the same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/http_parser.hpp"

namespace {

using namespace parley::net;

constexpr HttpLimits kLimits{.header_bytes = 1024, .body_bytes = 2048, .fields = 16};

// The whole messages, in a form that can be compared. Where garbage begins may be seen sooner or later.
std::string read_requests(std::string_view bytes, std::size_t step) {
  RequestReader reader(kLimits);
  std::string seen;
  std::string body;
  while (true) {
    const auto fed = reader.feed(bytes.substr(0, step));
    bytes.remove_prefix(std::min(step, bytes.size()));
    body += reader.take_body();
    while (fed && reader.done()) {
      seen += reader.head().method + " " + reader.head().target + " " + body + (reader.keep_alive() ? " keep\n" : " close\n");
      for (const auto& field : reader.head().fields) seen += field.name + ":" + field.value + "\n";
      body.clear();
      reader.next();
      if (!reader.feed({})) return seen;
      body += reader.take_body();
    }
    if (body.size() > kLimits.body_bytes) std::abort();
    if (!fed) return seen;
    if (bytes.empty()) return seen;
  }
}

std::string read_response(std::string_view bytes, std::size_t step, bool head) {
  ResponseReader reader(kLimits);
  reader.expect(head ? "HEAD" : "GET");
  std::string body;
  while (!bytes.empty() && !reader.done()) {
    if (!reader.feed(bytes.substr(0, step))) return "none";
    bytes.remove_prefix(std::min(step, bytes.size()));
    body += reader.take_body();
    if (body.size() > kLimits.body_bytes) std::abort();
  }
  if (!reader.done() && !reader.feed_end()) return "none";
  body += reader.take_body();
  if (head && !body.empty()) std::abort();
  return std::to_string(reader.head().status) + body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::size_t step = 1 + data[0] / 4u;
  switch (data[0] % 4) {
    case 0:
    case 1:
      if (read_requests(bytes, step) != read_requests(bytes, 1)) std::abort();
      break;
    case 2: (void)read_response(bytes, step, true); break;
    default:
      if (read_response(bytes, step, false) != read_response(bytes, 1, false)) std::abort();
      break;
  }
  return 0;
}
