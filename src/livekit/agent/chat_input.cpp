#include "livekit/agent/chat_input.hpp"

namespace parley::livekit {

ChatInput::ChatInput(Scope& parent, RoomPort& room, std::function<bool(std::string_view)> is_caller, std::function<void(std::string)> said,
                     Logger logger)
    : loop_(parent.loop()),
      is_caller_(std::move(is_caller)),
      said_(std::move(said)),
      logger_(std::move(logger)),
      streams_(room.text_streams("lk.chat")),
      scope_(parent, "chat", 1) {
  (void)scope_.spawn("listen", listen());
}

Task<void> ChatInput::listen() {
  for (;;) {
    auto stream = co_await streams_.pop(Deadline::bounded_by_scope());
    if (!stream) co_return;
    const auto& sender = (*stream)->info().sender;
    if (!is_caller_(sender)) continue;
    auto text = co_await (*stream)->read_all(loop_.in(kReadWithin), kMaxText);
    if (!text) {
      logger_.warn("a text of {} is not answered: {}", sender, text.error().message());
    } else if (!text->empty()) {
      said_(std::move(*text));
    }
  }
}

}  // namespace parley::livekit
