#include "job/journal_redaction.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

namespace parley::job {

namespace {

constexpr std::string_view kRedacted = "redacted";

// Strings under these names carry structure, not speech: identifiers, enumerations, times.
constexpr std::array<std::string_view, 17> kStructure = {
    "id",    "type",     "role",  "name",     "state", "old_state", "new_state", "key",
    "label", "provider", "model", "language", "from",  "to",        "item_id",   "created_at", "path"};

constexpr std::array<std::string_view, 4> kDtmfNames = {"digit", "digits", "dtmf", "code"};

bool is_structure(std::string_view name) noexcept {
  return std::ranges::find(kStructure, name) != kStructure.end() || name.ends_with("_id") || name.ends_with("_at");
}

void mask(boost::json::string& text) {
  for (auto& c : text) {
    if (c >= '0' && c <= '9') c = '*';
  }
}

// What a caller said and what went to and from tools: there a number is content, elsewhere it is a measurement.
bool is_content(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 7> kContent = {"arguments", "output",     "result", "text",
                                                        "content",   "transcript", "words"};
  return std::ranges::find(kContent, name) != kContent.end();
}

void mask_digits(boost::json::value& value, bool content) {
  if (auto* text = value.if_string()) {
    mask(*text);
  } else if (value.is_number() && content) {
    value = "*";
  } else if (auto* list = value.if_array()) {
    for (auto& part : *list) mask_digits(part, content);
  } else if (auto* object = value.if_object()) {
    for (auto& [name, part] : *object) {
      if (!content && part.is_string() && is_structure(name)) continue;
      // A transcript that is a list has items, whose texts are content, and whose ids and times are not.
      const bool items = !content && name == "transcript" && part.is_array();
      mask_digits(part, content || (is_content(name) && !items));
    }
  }
}

bool is_dtmf(std::string_view type) noexcept { return type.find("dtmf") != std::string_view::npos; }

void hide_dtmf(boost::json::value& value, bool inside) {
  if (auto* list = value.if_array()) {
    for (auto& part : *list) hide_dtmf(part, inside);
  } else if (auto* object = value.if_object()) {
    const auto* type = object->if_contains("type");
    inside = inside || (type && type->is_string() && is_dtmf(type->get_string()));
    for (auto& [name, part] : *object) {
      const bool pressed = inside && std::ranges::find(kDtmfNames, std::string_view(name)) != kDtmfNames.end();
      if (part.is_object() || part.is_array()) {
        hide_dtmf(part, inside || is_dtmf(name));
      } else if ((pressed || name == "dtmf") && !part.is_null()) {
        part = kRedacted;
      }
    }
  } else if (inside && !value.is_null()) {
    value = kRedacted;
  }
}

}  // namespace

Result<Redaction> Redaction::from_names(std::span<const std::string> names) {
  Redaction redaction{.digits = false, .dtmf = false};
  for (const auto& name : names) {
    if (name == "digits") {
      redaction.digits = true;
    } else if (name == "dtmf") {
      redaction.dtmf = true;
    } else {
      return fail(Errc::invalid_argument,
                  fmt::format("privacy.journal.redact: \"{}\" is unknown: use digits, dtmf", name));
    }
  }
  return redaction;
}

boost::json::object redact(std::string_view type, boost::json::object data, const Redaction& redaction) {
  boost::json::value value(std::move(data));
  if (redaction.dtmf) hide_dtmf(value, is_dtmf(type));
  if (redaction.digits) mask_digits(value, false);
  return std::move(value.get_object());
}

}  // namespace parley::job
