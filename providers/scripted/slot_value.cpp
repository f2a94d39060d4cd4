#include <fmt/format.h>

#include "providers/scripted/slots.hpp"

namespace parley::scripted {

boost::json::value to_json(const SlotValue& value) {
  if (const auto* count = std::get_if<int>(&value.value)) return *count;
  if (const auto* time = std::get_if<std::chrono::minutes>(&value.value)) {
    return boost::json::string(fmt::format("{:02}:{:02}", time->count() / 60, time->count() % 60));
  }
  if (const auto* day = std::get_if<std::chrono::year_month_day>(&value.value)) {
    return boost::json::string(fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day->year()),
                                           static_cast<unsigned>(day->month()), static_cast<unsigned>(day->day())));
  }
  return boost::json::string(std::get<std::string>(value.value));
}

}  // namespace parley::scripted
