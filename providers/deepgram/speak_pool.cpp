#include "providers/deepgram/speak_pool.hpp"

#include "providers/deepgram/connect.hpp"
#include "providers/deepgram/speak_protocol.hpp"

namespace parley::deepgram {

Task<std::expected<std::unique_ptr<SpeakSocket>, ProviderError>> SpeakPool::take() {
  while (!idle_.empty()) {
    auto socket = std::move(idle_.back());
    idle_.pop_back();
    const bool young = loop_.now() - socket->opened_at < kMaxAge;
    if (!young || !socket->can_flush(loop_.now()) || !co_await alive(*socket)) continue;
    socket->reused = true;
    co_return std::move(socket);
  }
  co_return co_await open();
}

Task<std::expected<std::unique_ptr<SpeakSocket>, ProviderError>> SpeakPool::open() {
  auto connected = co_await client_.connect(scope_, request_, loop_.in(kConnectLimit));
  if (!connected) co_return std::unexpected(provider_error(connected.error()));
  auto socket = std::make_unique<SpeakSocket>();
  socket->socket = std::move(*connected);
  socket->opened_at = loop_.now();
  co_return std::move(socket);
}

// Reads what came while nobody listened, which is nothing, or that the server has gone.
Task<bool> SpeakPool::alive(SpeakSocket& socket) {
  for (;;) {
    const auto message = co_await socket.socket->receive(Deadline(loop_.now()));
    if (!message) co_return message.error().code() == Errc::timeout;
    if (message->binary) co_return false;  // it speaks though nobody asked it to
  }
}

void SpeakPool::give(std::unique_ptr<SpeakSocket> socket) {
  if (scope_.stopping()) return;
  if (idle_.size() >= kMaxIdle) idle_.erase(idle_.begin());
  idle_.push_back(std::move(socket));
}

void SpeakPool::clear(std::unique_ptr<SpeakSocket> socket) {
  if (!scope_.stopping()) (void)scope_.spawn("clear", silence(*this, std::move(socket)));
}

Task<void> SpeakPool::silence(SpeakPool& pool, std::unique_ptr<SpeakSocket> socket) {
  const auto deadline = pool.loop_.in(kClearLimit);
  if (!co_await socket->socket->send({.binary = false, .data = std::string(kClear)}, deadline)) co_return;
  for (;;) {
    const auto message = co_await socket->socket->receive(deadline);
    if (!message) co_return;
    if (message->binary) continue;
    const auto said = read_said(message->data);
    if (!said || said->type == Said::Type::error) co_return;
    if (said->type == Said::Type::cleared) break;
  }
  pool.give(std::move(socket));
}

}  // namespace parley::deepgram
