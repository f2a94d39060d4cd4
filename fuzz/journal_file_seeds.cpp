// First inputs: a whole journal, and the data of each type after the byte that chooses it.
#include <boost/json/serialize.hpp>

#include "job/record.hpp"
#include "seed_file.hpp"

using namespace parley;
using namespace parley::job;

int main(int, char** argv) {
  const std::string folder = argv[1];
  const CallStarted started{.info = {{"agent", "reception"}}, .hooks = {"CA_1/on_end/1", "CA_1/on_end/2"}};
  const boost::json::object said{{"item", {{"type", "message"}, {"role", "user"}, {"text", "table for 4"}}}};
  const boost::json::object call{
      {"item", {{"type", "function_call"}, {"call_id", "FC_1"}, {"name", "book"}, {"arguments", "{\"people\":4}"}}}};
  const std::pair<std::uint8_t, boost::json::object> parts[] = {
      {0, to_json(started)},
      {2, ending_json({StopCause::caller_hung_up, "BYE"})},
      {3, ended_json({})},
      {4, to_json(ProcessExit{.code = 0, .signal = 9, .detail = "killed"})},
      {5, {{"key", "booking"}, {"value", {{"people", 4}}}}},
      {6, {{"transcript", boost::json::array{}}, {"usage", {{"tokens", 1}}}}},
      {7, {{"hooks", {"CA_1/on_end/1"}}}},
      {10, {{"key", "CA_1/on_end/1"}, {"error", "503"}}},
      {13, said},
      {13, call},
      {15, {{"digit", "5"}}}};
  std::string journal;
  std::uint64_t sequence = 0;
  for (const auto& [type, data] : parts) {
    const auto name = "data" + std::to_string(sequence);
    fuzz::write_seed(folder, name, as_bytes(static_cast<char>(type) + boost::json::serialize(data)));
    journal += *encode_record({.type = "event", .sequence = ++sequence, .call_id = "CA_1", .data = data});
  }
  fuzz::write_seed(folder, "journal", as_bytes(journal));
}
