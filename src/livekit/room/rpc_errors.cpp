#include "livekit/room/rpc_errors.hpp"

#include <parley/base/utf8.hpp>

namespace parley::livekit {

namespace {

std::string_view words_for(std::uint32_t code) noexcept {
  switch (code) {
    case RpcError::kUnsupportedMethod: return "Method not supported at destination";
    case RpcError::kRecipientNotFound: return "Recipient not found";
    case RpcError::kRequestTooLarge: return "Request payload too large";
    case RpcError::kUnsupportedServer: return "RPC not supported by server";
    case RpcError::kUnsupportedVersion: return "Unsupported RPC version";
    case RpcError::kConnectionTimeout: return "Connection timeout";
    case RpcError::kResponseTimeout: return "Response timeout";
    case RpcError::kRecipientDisconnected: return "Recipient disconnected";
    case RpcError::kResponseTooLarge: return "Response payload too large";
    case RpcError::kSendFailed: return "Failed to send";
    default: return "Application error in method handler";
  }
}

}  // namespace

RpcError built_in(std::uint32_t code, std::string data) { return {code, std::string(words_for(code)), std::move(data)}; }

RpcError from_proto(const proto::RpcError& error) {
  return {error.code(), std::string(first_characters(error.message(), RpcError::kMaxMessageBytes)),
          std::string(first_characters(error.data(), RpcError::kMaxErrorDataBytes))};
}

void to_proto(const RpcError& error, proto::RpcError& out) {
  out.set_code(error.code == 0 ? RpcError::kApplication : error.code);
  out.set_message(std::string(first_characters(valid_utf8(error.message), RpcError::kMaxMessageBytes)));
  out.set_data(std::string(first_characters(valid_utf8(error.data), RpcError::kMaxErrorDataBytes)));
}

}  // namespace parley::livekit
