// The variables of an agent file: which there are, and where their values come from.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include <parley/base/result.hpp>

namespace parley::agent_file {

// What surrounds the program: env.* and secret.*.
struct Environment {
  static constexpr std::size_t kMaxSecret = 64 * 1024;  // bytes of a secret's file

  std::function<std::optional<std::string>(const std::string& name)> variable;
  std::string secrets_folder;

  // The process's own. Without a folder: $PARLEY_SECRETS, or else /run/secrets.
  static Environment of_process(std::string secrets_folder = {});

  // Of "env.NAME" or "secret.NAME": the content of the file NAME in the folder, without the line break at its end. An error
  // says what to do.
  Result<std::string> value(std::string_view variable_name) const;
};

// env.* and secret.*: known when the file is read, and the same for every call.
bool is_settled(std::string_view variable) noexcept;
bool is_secret(std::string_view variable) noexcept;

// "unknown variable \"cal.id\"; did you mean ..."; nothing: there may be such a variable.
std::optional<std::string> mistake_in_variable(const std::string& name);

// The value of a variable in a call as to_json(Call) and the terminal record tell it. Nothing: it is absent, or empty.
std::optional<std::string> value_in_call(const boost::json::object& call, std::string_view variable);

}  // namespace parley::agent_file
