// What readers of descriptions ask of a section.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rtc/description.hpp"

namespace parley::rtc {

// Errc::invalid_argument.
std::unexpected<Error> unusable(std::string why);

inline bool has(const SdpSection& section, std::string_view name) { return find_attribute(section.attributes, name) != nullptr; }

// Port 0 without bundle-only (RFC 8843 section 6).
bool is_refused(const SdpSection& section);

// The payload type of "opus/48000/2" among the section's formats.
std::optional<std::uint8_t> find_opus(const SdpSection& section);

Direction find_direction(const SdpSession& session, const SdpSection& section);

// The mids of the BUNDLE group in which `mid` is.
std::vector<std::string_view> bundle_of(const SdpSession& session, std::string_view mid);

// What stands in the section itself, in the session part, or, for a bundled section, in one whose transport it shares.
Result<TransportParameters> read_transport(const SdpSession& session, std::size_t index);

}  // namespace parley::rtc
