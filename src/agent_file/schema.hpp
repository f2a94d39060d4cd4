// The agent file for editors: a JSON schema (draft 2020-12), made of its shape and of what the providers say of themselves.
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include <parley/providers.hpp>

namespace parley::agent_file {

boost::json::object schema(const ProviderRegistry& providers);
// Indented, for people and for comparing, with a line break at its end.
std::string schema_text(const ProviderRegistry& providers);

}  // namespace parley::agent_file
