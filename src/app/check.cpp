#include "app/check.hpp"

#include <ostream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json.hpp>

#include "agent_file/agent_file.hpp"
#include "agent_file/schema.hpp"
#include "ipc/exit_code.hpp"

namespace parley::app {

namespace json = boost::json;

namespace {

json::object as_json(const yaml::Mistakes& mistakes) {
  json::array all;
  for (const auto& mistake : mistakes.all()) {
    const bool elsewhere = !mistake.file.empty();
    const auto place = elsewhere ? mistake.there : mistake.place;
    all.push_back({{"file", elsewhere ? mistake.file : mistakes.file()},
                   {"line", place.line},
                   {"column", place.column},
                   {"path", mistake.path},
                   {"message", mistake.message}});
  }
  return {{"ok", false}, {"file", mistakes.file()}, {"mistakes", std::move(all)}, {"more", mistakes.more()}};
}

std::string joined(const json::value& names) {
  std::string text;
  for (const auto& name : names.as_array()) text += (text.empty() ? "" : ", ") + std::string(name.as_string());
  return text;
}

// "agent.yaml is good: agent "reception", stt moonshine, llm scripted; tools book_table, end_call; on_call; 2 hooks".
std::string in_words(const std::string& file, const json::object& summary) {
  std::string text = fmt::format("{} is good: agent \"{}\"", file, std::string_view(summary.at("name").as_string()));
  for (const auto& [slot, names] : summary.at("providers").as_object()) {
    if (!names.as_array().empty()) text += fmt::format(", {} {}", std::string_view(slot), joined(names));
  }
  if (!summary.at("tools").as_array().empty()) text += "; tools " + joined(summary.at("tools"));
  if (!summary.at("agents").as_array().empty()) text += "; hands over to " + joined(summary.at("agents"));
  if (summary.at("on_call").as_bool()) text += "; asks on_call";
  const auto hooks = summary.at("on_end").to_number<std::size_t>();
  if (hooks > 0) text += fmt::format("; {} hook{} after the call", hooks, hooks == 1 ? "" : "s");
  if (!summary.at("needs").as_array().empty()) text += "; every call must bring " + joined(summary.at("needs"));
  return text;
}

}  // namespace

int run_check(const CheckOptions& options, const ProviderRegistry& providers, std::ostream& out, std::ostream& err) {
  const auto file =
      agent_file::AgentFile::load(options.file, providers, agent_file::Environment::of_process(options.secrets_folder));
  if (!file) {
    if (options.json) {
      out << json::serialize(as_json(file.error())) << '\n';
    } else {
      err << file.error().text() << '\n';
    }
    return static_cast<int>(ipc::ExitCode::usage);
  }
  auto summary = file->summary();
  if (options.json) {
    summary["ok"] = true;
    summary["file"] = options.file;
    out << json::serialize(summary) << '\n';
  } else {
    out << in_words(options.file, summary) << '\n';
  }
  return static_cast<int>(ipc::ExitCode::ok);
}

int run_schema(const ProviderRegistry& providers, std::ostream& out) {
  out << agent_file::schema_text(providers);
  return static_cast<int>(ipc::ExitCode::ok);
}

}  // namespace parley::app
