#include <parley/job.hpp>

namespace parley {

boost::json::object to_json(const Call& call) {
  constexpr std::string_view kSip = "sip.";
  boost::json::object attributes, sip;
  for (const auto& [name, value] : call.participant.attributes) {
    attributes[name] = value;
    if (name.starts_with(kSip)) sip[name.substr(kSip.size())] = value;
  }
  return {{"id", call.id},
          {"job_id", call.attempt_id},
          {"room", call.room.empty() ? boost::json::value() : boost::json::value(call.room)},
          {"participant", {{"identity", call.participant.identity}, {"attributes", std::move(attributes)}}},
          {"sip", std::move(sip)},
          {"metadata", call.metadata}};
}

}  // namespace parley
