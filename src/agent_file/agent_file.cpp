#include "agent_file/agent_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json.hpp>

#include "agent_file/address.hpp"
#include "agent_file/checker.hpp"
#include "agent_file/read_settings.hpp"
#include "agent_file/template.hpp"
#include "agent_file/tree.hpp"

namespace parley::agent_file {

namespace json = boost::json;

struct AgentFile::Content {
  std::string name;
  std::string folder;
  ProviderRegistry providers;
  yaml::Node root;  // its texts are templates of what the calls bring
  WorkerSettings worker;
  std::vector<std::string> secrets;
  std::vector<std::string> files;
};

namespace {

// Absolute: whoever uses the settings may stand elsewhere.
std::string folder_of(const std::string& path) {
  std::error_code none;
  const auto absolute = std::filesystem::absolute(path, none);
  return none ? std::string() : absolute.parent_path().lexically_normal().string();
}

Error missing_error(const std::vector<std::string>& missing) {
  return {Errc::not_found,
          fmt::format("this call has no {}: the agent file needs {}, or a default for {}", fmt::join(missing, ", no "),
                      missing.size() == 1 ? "it" : "them", missing.size() == 1 ? "it" : "each")};
}

std::string in_one_line(std::string text) {
  for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n', at)) text.replace(at, 1, "; ");
  return text;
}

// What a call may not change. `shape` and `patch` are of one mapping.
void find_settled(const Shape& shape, const json::object& patch, const std::string& path,
                  std::vector<std::string>& found) {
  for (const Shape& part : shape.parts) {
    const auto* value = part.key.empty() ? nullptr : patch.if_contains(part.key);
    if (!value) continue;
    const bool holds_settled = part.form == Shape::Form::mapping && std::ranges::any_of(part.parts, &Shape::settled);
    if (const auto* inside = value->if_object(); inside && holds_settled) {
      find_settled(part, *inside, path + part.key + ".", found);
    } else if (part.settled || holds_settled) {
      found.push_back(path + part.key);
    }
  }
}

// One text of an address.
Result<std::string> filled(const std::string& text, const json::object& call, std::vector<std::string>& missing) {
  const auto parsed = Template::parse(text);
  if (!parsed) return fail(parsed.error());
  return parsed->fill([&call](const std::string& variable) { return value_in_call(call, variable); }, missing);
}

// Once the call is over, nobody can be told that its work cannot be done.
void check_on_end(const WorkerSettings& worker, const json::object& call, yaml::Mistakes& mistakes) {
  for (std::size_t i = 0; i < worker.on_end.size(); ++i) {
    const auto* hook = std::get_if<HttpHookSettings>(&worker.on_end[i]);
    if (!hook) continue;
    if (const auto target = fill_in(hook->http, call); !target)
      mistakes.add({.path = fmt::format("on_end[{}].http", i), .message = target.error().message()});
  }
}

// Slots that the file does not name have the local providers, and a name alone becomes a mapping, which a patch can add to.
void complete_providers(yaml::Node& root) {
  ProviderChoice local;
  or_local(local);
  const auto complete = [&root](ProviderSlot slot, const ProviderSpec& spec) {
    const std::string key(to_string(slot));
    yaml::Node* node = root.find(key);
    if (!node) {
      node = &root.entries.emplace_back();
      node->key = key;
    }
    if (node->is_list() || (*node)["provider"]) return;
    yaml::Node name = node->is_scalar() ? *node : yaml::Node::from_json(json::string(spec.provider));
    name.key = "provider";
    if (!node->is_mapping())
      *node = {.kind = yaml::Node::Kind::mapping, .place = node->place, .key = key, .key_place = node->key_place};
    node->entries.push_back(std::move(name));
  };
  complete(ProviderSlot::vad, local.vad.front());
  complete(ProviderSlot::stt, local.stt.front());
  complete(ProviderSlot::llm, local.llm.front());
  complete(ProviderSlot::tts, local.tts.front());
}

}  // namespace

std::expected<AgentFile, yaml::Mistakes> AgentFile::load(const std::string& path, const ProviderRegistry& providers,
                                                         const Environment& environment) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxBytes + 1, '\0');
  if (file) {
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad() || (text.empty() && errno != 0)) {
    yaml::Mistakes mistakes(path);
    mistakes.add({.message = fmt::format("the agent file \"{}\" cannot be read: {}", path, std::strerror(errno))});
    return std::unexpected(std::move(mistakes));
  }
  return parse(text, path, providers, environment);
}

std::expected<AgentFile, yaml::Mistakes> AgentFile::parse(std::string_view text, const std::string& name,
                                                          const ProviderRegistry& providers,
                                                          const Environment& environment) {
  yaml::Mistakes mistakes(name);
  if (text.size() > kMaxBytes) {
    mistakes.add({{1, 1}, {}, fmt::format("expected an agent file of at most {} KiB", kMaxBytes / KiB)});
    return std::unexpected(std::move(mistakes));
  }
  auto root = yaml::parse(text, mistakes);
  if (!root) return std::unexpected(std::move(mistakes));
  auto content = std::make_shared<Content>();
  content->name = name;
  content->folder = folder_of(name);
  content->providers = providers;
  Checker checker(content->providers, content->folder, &environment, mistakes);
  checker.check(*root);
  if (!mistakes.empty()) return std::unexpected(std::move(mistakes));
  content->root = std::move(*root);
  complete_providers(content->root);
  content->worker = read_worker(content->root, content->providers, content->folder);
  content->secrets = std::move(checker.secrets);
  std::ranges::sort(content->secrets);
  content->secrets.erase(std::ranges::unique(content->secrets).begin(), content->secrets.end());
  content->files = {name};
  for (const auto& file : checker.files) {
    if (std::ranges::find(content->files, file) == content->files.end()) content->files.push_back(file);
  }
  return AgentFile(std::move(content));
}

json::object AgentFile::summary() const {
  const auto names = [](const std::vector<ProviderSpec>& specs) {
    json::array array;
    for (const auto& spec : specs) {
      if (std::ranges::find(array, json::value(json::string(spec.provider))) == array.end())
        array.push_back(json::string(spec.provider));
    }
    return array;
  };
  const auto strings = [](const std::vector<std::string>& texts) {
    json::array array;
    for (const auto& text : texts) array.push_back(json::string(text));
    return array;
  };
  const auto& worker = content_->worker;
  yaml::Node root = content_->root;
  std::vector<std::string> agents, tools, needs;
  for (const auto& agent : root["agents"].entries) agents.push_back(agent.key);
  for (const auto& tool : root["tools"].items) tools.push_back(name_of_tool(tool));
  (void)fill_in_all(root, {}, needs);
  return {{"name", worker.name},
          {"providers",
           {{"vad", names(worker.providers.vad)},
            {"stt", names(worker.providers.stt)},
            {"llm", names(worker.providers.llm)},
            {"tts", names(worker.providers.tts)}}},
          {"tools", strings(tools)},
          {"agents", strings(agents)},
          {"on_call", worker.on_call.has_value()},
          {"on_end", worker.on_end.size()},
          {"needs", strings(needs)}};
}

const WorkerSettings& AgentFile::worker() const noexcept { return content_->worker; }
const std::vector<std::string>& AgentFile::secrets() const noexcept { return content_->secrets; }
const std::vector<std::string>& AgentFile::files() const noexcept { return content_->files; }

Result<CallSettings> AgentFile::for_call(const Call& call) const { return settings_for(call, nullptr); }
Result<CallSettings> AgentFile::for_call(const Call& call, const json::object& overrides) const {
  return settings_for(call, &overrides);
}

Result<CallSettings> AgentFile::settings_for(const Call& call, const json::object* overrides) const {
  yaml::Node root = content_->root;
  yaml::Mistakes mistakes(content_->name);
  if (overrides) {
    std::vector<std::string> settled;
    find_settled(file_shape(), *overrides, {}, settled);
    for (const auto& path : settled)
      mistakes.add({.path = path, .message = "settled when the worker started; it cannot be changed for one call"});
    merge_patch(root, *overrides);
    complete_providers(root);
  }
  // The worker's own: they are filled in where they are used.
  yaml::Node on_end = root["on_end"];
  std::erase_if(root.entries, [](const yaml::Node& entry) { return entry.key == "on_call" || entry.key == "on_end"; });
  const auto call_json = to_json(call);
  std::vector<std::string> missing;
  if (!fill_in_all(root, call_json, missing) || !fill_in_all(on_end, call_json, missing)) {
    return fail(Errc::overloaded,
                fmt::format("what this call brings into the agent file is more than {} KiB", kMaxFilled / KiB));
  }
  if (!missing.empty()) return fail(missing_error(missing));
  Checker(content_->providers, content_->folder, nullptr, mistakes).check(root);
  check_on_end(content_->worker, call_json, mistakes);
  if (!mistakes.empty()) return fail(Errc::invalid_argument, in_one_line(mistakes.text()));
  return read_call(root, content_->providers, content_->folder, call);
}

Result<HttpTarget> fill_in(const HttpTarget& target, const json::object& call) {
  std::vector<std::string> missing;
  HttpTarget result{.timeout = target.timeout};
  const auto fill = [&](const std::string& text, std::string& to) -> Result<void> {
    auto done = filled(text, call, missing);
    if (!done) return fail(done.error());
    to = std::move(*done);
    return {};
  };
  if (auto done = fill(target.url, result.url); !done) return fail(done.error());
  if (auto done = fill(target.signing_secret, result.signing_secret); !done) return fail(done.error());
  for (const auto& [name, text] : target.headers) {
    auto& header = result.headers.emplace_back(name, std::string());
    if (auto done = fill(text, header.second); !done) return fail(done.error());
    if (mistake_in({.type = Option::Type::line}, json::string(header.second))) {
      return fail(
          Errc::invalid_argument,
          fmt::format(
              "the header {} cannot be sent: what the call brings into it has line breaks or control characters",
              name));
    }
  }
  if (!missing.empty()) return fail(missing_error(missing));
  if (mistake_in({.type = Option::Type::uri}, json::string(result.url))) {
    return fail(Errc::invalid_argument,
                "the address, with the call's variables filled in, is none that begins with http:// or https://");
  }
  if (auto elsewhere = mistake_in_path(result.url)) return fail(Errc::invalid_argument, std::move(*elsewhere));
  return result;
}

Result<HttpTarget> fill_in(const HttpTarget& target, const Call& call) { return fill_in(target, to_json(call)); }

}  // namespace parley::agent_file
