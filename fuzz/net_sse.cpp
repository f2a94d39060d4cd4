// Event streams of strangers. The first byte says how they are cut into reads: whatever the cuts, the events are the same;
// and what is read can be written, and read again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "net/sse.hpp"

namespace {

using namespace parley::net;

std::vector<SseEvent> read(std::string_view bytes, std::size_t step) {
  SseParser parser;
  std::vector<SseEvent> events;
  while (!bytes.empty()) {
    if (!parser.feed(bytes.substr(0, step))) break;
    bytes.remove_prefix(std::min(step, bytes.size()));
    while (auto event = parser.next()) events.push_back(std::move(*event));
  }
  return events;
}

bool same(const std::vector<SseEvent>& a, const std::vector<SseEvent>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].type != b[i].type || a[i].data != b[i].data || a[i].id != b[i].id) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto events = read(bytes, 1 + data[0]);
  if (!same(events, read(bytes, 1))) std::abort();
  std::string written;
  for (const auto& event : events) {
    if (event.id.empty()) written += "id\n";  // an empty id is written by nobody, but forgets the one before
    written += sse_event(event.id, event.type, event.data);
  }
  if (!same(events, read(written, 64))) std::abort();
  return 0;
}
