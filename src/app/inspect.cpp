#include "app/inspect.hpp"

#include <algorithm>
#include <iostream>
#include <ranges>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "job/journal.hpp"
#include "job/journal_timeline.hpp"

namespace parley::app {

namespace {

constexpr std::size_t kListed = 20;
constexpr int kFound = 0;
constexpr int kNotFound = 2;

std::vector<job::JournalEntry> newest_last(std::vector<job::JournalEntry> entries) {
  std::ranges::sort(entries, {}, &job::JournalEntry::modified);
  return entries;
}

std::string_view state_of(const job::JournalEntry& entry) {
  return entry.settled ? "ended" : entry.locked ? "going on" : "its work afterwards is not done";
}

std::string in_words(const boost::json::object& call) {
  const auto state = std::string_view(call.at("state").as_string());
  const auto* turns = call.if_contains("turns");
  auto end = job::outcome_in_words(call);
  if (state != "ended") end = end == "going on" ? std::string(state) : fmt::format("{}; {}", end, state);
  const auto* began = call.if_contains("started_at");
  const auto* length = call.if_contains("duration_s");
  return fmt::format("{}  {}  {:8.1f} s  {:>3} turns  {}", std::string_view(call.at("call").as_string()),
                     began ? std::string_view(began->as_string()) : "", length ? length->as_double() : 0, turns ? turns->to_number<std::size_t>() : 0, end);
}

// The latest ones, newest last.
int list_calls(job::Disk& disk, const std::string& folder, const std::vector<job::JournalEntry>& entries, bool as_json) {
  const auto skipped = entries.size() > kListed ? entries.size() - kListed : 0;
  boost::json::array calls;
  for (const auto& entry : entries | std::views::drop(skipped)) {
    const auto contents = job::read_journal(disk, folder, entry.call_id);
    auto call = contents ? job::call_summary(*contents) : boost::json::object{{"outcome", "unreadable"}, {"detail", contents.error().message()}};
    call["call"] = entry.call_id;
    call["state"] = state_of(entry);
    call["bytes"] = entry.bytes;
    calls.push_back(std::move(call));
  }
  if (as_json) {
    std::cout << boost::json::serialize(boost::json::object{{"calls", std::move(calls)}, {"older", skipped}}) << '\n';
    return kFound;
  }
  if (calls.empty()) std::cout << "no calls yet\n";
  for (const auto& call : calls) std::cout << in_words(call.as_object()) << '\n';
  if (skipped) std::cout << fmt::format("({} older ones)\n", skipped);
  return kFound;
}

bool is_about(const job::JournalContents& contents, std::string_view wanted) {
  return std::ranges::any_of(contents.records, [&](const auto& r) { return r.attempt_id.starts_with(wanted); });
}

// The newest call whose id, or one of whose attempts' ids, begins like this.
std::optional<job::JournalContents> find_call(job::Disk& disk, const std::string& folder,
                                              const std::vector<job::JournalEntry>& entries, std::string_view wanted) {
  for (const auto& entry : entries | std::views::reverse) {
    const bool by_call = entry.call_id.starts_with(wanted);
    if (!by_call && !wanted.starts_with("AJ_")) continue;
    auto contents = job::read_journal(disk, folder, entry.call_id);
    if (contents && (by_call || is_about(*contents, wanted))) return std::move(*contents);
  }
  return std::nullopt;
}

}  // namespace

int run_inspect(const InspectOptions& options) {
  const auto folder = options.state_dir + "/calls";
  const auto disk = job::system_disk();
  auto listed = job::list_journals(*disk, folder);
  if (!listed) {
    std::cerr << fmt::format("no calls in {} ({}); --state-dir says where else to look\n", folder, listed.error().message());
    return kNotFound;
  }
  const auto entries = newest_last(std::move(*listed));
  if (options.call.empty()) return list_calls(*disk, folder, entries, options.json);
  const auto contents = find_call(*disk, folder, entries, options.call);
  if (!contents) {
    std::cerr << fmt::format("no call {} in {}; `parley inspect` alone lists them\n", options.call, folder);
    return kNotFound;
  }
  if (options.json) {
    std::cout << boost::json::serialize(job::timeline_json(*contents)) << '\n';
  } else {
    std::cout << job::timeline_text(*contents);
  }
  return kFound;
}

}  // namespace parley::app
