// The shape of an agent file: its keys, what each may be, and what it is for. One description, from which the checks, the
// JSON schema and the defaults that both tell are made.
#pragma once

#include <string>
#include <vector>

#include <parley/option.hpp>
#include <parley/providers.hpp>

namespace parley::agent_file {

struct Shape {
  enum class Form {
    value,       // as `value` says
    mapping,     // of the keys in `parts`
    names,       // a mapping of names to what `parts` has one of
    list,        // of what `parts` has one of
    either,      // one of `parts`, told apart by what it looks like
    providers,   // a name, a mapping with a provider and its options (beside the keys in `parts`), or a list of those
    parameters,  // a JSON schema of an object
  };

  Form form = Form::value;
  std::string key{};   // in its mapping
  std::string help{};  // one or two sentences
  bool required = false;
  Option value{};
  std::vector<Shape> parts{};
  std::size_t least = 0;  // entries of a list or of names
  std::size_t most = 100;
  std::vector<std::string> taken{};        // of names: none of these, in capitals or not; Parley sets them
  std::vector<std::string> exactly_one{};  // of a mapping: of these keys
  std::string chosen_by{};                 // of a mapping among others in `either`: when it has this key
  ProviderSlot slot = ProviderSlot::llm;   // of providers
  bool settled = false;                    // the worker's own: no call can override it
  bool fixed = false;                      // it holds no variable of a call, only env.* and secret.*
  bool holds_secrets = false;              // values of env.* in it are secret
};

// The whole file.
const Shape& file_shape();

namespace limits {
constexpr std::size_t kMaxTools = 64;  // of an agent
constexpr std::size_t kMaxAgents = 32;
constexpr std::size_t kMaxHooks = 32;
constexpr std::size_t kMaxHeaders = 32;
}  // namespace limits

}  // namespace parley::agent_file
