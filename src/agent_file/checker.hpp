// An agent file's tree against its shape: every mistake, with its place and the path of its keys.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <parley/providers.hpp>

#include "agent_file/shape.hpp"
#include "agent_file/variables.hpp"
#include "yaml/node.hpp"

namespace parley::agent_file {

// Thread: any. Bound: the tree's.
class Checker {
 public:
  // With an environment: a file as it was read, with variables; env.* and secret.* are filled in while it is checked, and its
  // texts become templates of what is left for the calls. Without: one call's, whose texts are what they are.
  Checker(const ProviderRegistry& providers, std::string folder, const Environment* environment,
          yaml::Mistakes& mistakes)
      : providers_(providers), folder_(std::move(folder)), environment_(environment), mistakes_(mistakes) {}

  void check(yaml::Node& root);

  std::vector<std::string> secrets;
  std::vector<std::string> files;  // that options name

 private:
  struct Around {  // what holds for everything inside
    bool fixed = false;
    bool holds_secrets = false;
  };

  void check(yaml::Node& node, const Shape& shape, const std::string& path, Around around);
  void check_mapping(yaml::Node& node, const Shape& shape, const std::string& path, Around around,
                     const std::vector<std::string>& other_keys = {});
  void check_either(yaml::Node& node, const Shape& shape, const std::string& path, Around around);
  void check_list(yaml::Node& node, const Shape& shape, const std::string& path, Around around);
  void check_names(yaml::Node& node, const Shape& shape, const std::string& path, Around around);
  void check_parameters(yaml::Node& node, const std::string& path, Around around);
  // False: a value that only a call can tell, or a mistake.
  bool check_value(yaml::Node& node, const Option& option, const std::string& path, Around around);

  void check_providers(yaml::Node& node, const Shape& shape, const std::string& path);
  void check_provider(yaml::Node& node, const Shape& shape, const std::string& path, bool first);
  void check_options(yaml::Node& node, const Shape& shape, const std::string& name, const std::string& path);
  void check_described(yaml::Node& node, const ProviderDescription& description, const std::string& path);

  void check_together(const yaml::Node& root);
  void check_agent(const yaml::Node& agent, const yaml::Node& agents, const std::string& path);

  // Every text in it, whatever it is.
  void expand_all(yaml::Node& node, const Option& option, const std::string& path, Around around);
  // False: a variable in it stands for something that only a call can tell, or cannot be.
  bool expand(yaml::Node& node, const Option& option, const std::string& path, Around around);
  void keep_secret(const std::string& text) { secrets.push_back(text); }

  void wrong(const yaml::Node& node, const std::string& path, std::string message) {
    mistakes_.add({node.place, path, std::move(message)});
  }

  const ProviderRegistry& providers_;
  std::string folder_;
  const Environment* environment_;
  yaml::Mistakes& mistakes_;
};

// What a scalar's value is, once its variables are filled in: as if what they gave stood there without quotes, where the
// option is no text. Nothing: it has variables of a call in it (only in a file, `is_file`).
std::optional<boost::json::value> value_of(const yaml::Node& node, const Option& option, bool is_file);

// "book_table", "transfer": as the LLM calls it.
std::string name_of_tool(const yaml::Node& tool);

// As it is, or in `folder`.
std::string resolved_path(const std::string& folder, const std::string& path);

}  // namespace parley::agent_file
