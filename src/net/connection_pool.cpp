#include "net/connection_pool.hpp"

#include <algorithm>
#include <iterator>

namespace parley::net {

Result<ByteStream::Step> ClientConnection::pull() {
  constexpr std::size_t kReadBytes = 16 * KiB;
  char buffer[kReadBytes];
  const auto step = stream->try_read(buffer);
  if (!step || step->want != Want::nothing) return step;
  const auto fed = step->bytes > 0 ? reader.feed({buffer, step->bytes}) : reader.feed_end();
  if (fed) return step;
  return fail(step->bytes > 0 ? Errc::protocol : Errc::unavailable, fed.error().detail);
}

Task<Result<void>> ClientConnection::advance(Deadline deadline) {
  const auto step = pull();
  if (!step) co_return fail(step.error());
  if (step->want != Want::nothing) {
    immediate_reads_ = 0;
    co_return co_await stream->ready(step->want, deadline);
  }
  if (++immediate_reads_ >= kMaxImmediateReads) {
    immediate_reads_ = 0;
    co_await yield();
  }
  co_return Result<void>{};
}

std::unique_ptr<ClientConnection> ConnectionPool::take(const std::string& key) {
  // The youngest is the most likely to be alive.
  for (auto it = idle_.rbegin(); it != idle_.rend();) {
    if (it->connection->key != key) {
      ++it;
      continue;
    }
    auto connection = std::move(it->connection);
    it = std::make_reverse_iterator(idle_.erase(std::next(it).base()));
    if (!connection->stream->quiet()) continue;
    connection->reused = true;
    return connection;
  }
  return nullptr;
}

void ConnectionPool::give(std::unique_ptr<ClientConnection> connection) {
  const auto same = [&](const Idle& one) { return one.connection->key == connection->key; };
  if (std::ranges::count_if(idle_, same) >= static_cast<std::ptrdiff_t>(kMaxIdleOfOneKey)) {
    idle_.erase(std::ranges::find_if(idle_, same));
  } else if (idle_.size() >= kMaxIdle) {
    idle_.pop_front();
  }
  idle_.push_back({.connection = std::move(connection), .until = loop_.now() + kIdleLimit});
  if (!armed()) loop_.arm(*this, idle_.front().until);
}

void ConnectionPool::fire() {
  while (!idle_.empty() && idle_.front().until <= loop_.now()) idle_.pop_front();
  if (!idle_.empty()) loop_.arm(*this, idle_.front().until);
}

}  // namespace parley::net
