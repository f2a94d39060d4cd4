// What happens to an agent file's tree before it becomes one call's settings.
#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "yaml/node.hpp"

namespace parley::agent_file {

// Fills in every text of `node`; names of variables that the call does not have, and that have no default, are added to
// `missing`. False: it would be more than AgentFile::kMaxFilled.
bool fill_in_all(yaml::Node& node, const boost::json::object& call, std::vector<std::string>& missing);

// Only defaults, and whether they were enough: for what is loaded before any call.
bool fill_in_defaults(yaml::Node& node);

// RFC 7396. What comes out of the patch stands nowhere, and its texts are no templates: fill_in_all() leaves them as they are.
void merge_patch(yaml::Node& target, const boost::json::object& patch);

}  // namespace parley::agent_file
