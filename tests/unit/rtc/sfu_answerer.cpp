#include "sfu_answerer.hpp"

#include <rtc/rtc.hpp>

#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>

namespace parley::rtc::test {

namespace {

using namespace std::chrono_literals;

Bytes bytes_of(const ::rtc::binary& data) {
  Bytes bytes(data.size());
  if (!bytes.empty()) std::memcpy(bytes.data(), data.data(), data.size());
  return bytes;
}

::rtc::Configuration config() {
  ::rtc::Configuration config;
  config.bindAddress = "127.0.0.1";
  config.disableAutoNegotiation = true;
  config.forceMediaTransport = true;
  return config;
}

}  // namespace

struct SfuAnswerer::State : std::enable_shared_from_this<State> {
  using Connection = ::rtc::PeerConnection;

  State() : connection(std::make_unique<Connection>(config())) {}

  void listen() {
    const auto weak = weak_from_this();
    connection->onGatheringStateChange([weak](Connection::GatheringState state) {
      if (state == Connection::GatheringState::Complete) with(weak, [](State& s) { s.gathered = true; });
    });
    connection->onStateChange([weak](Connection::State state) {
      const bool ended = state == Connection::State::Disconnected || state == Connection::State::Failed || state == Connection::State::Closed;
      if (ended) with(weak, [](State& s) { s.over = true; });
    });
    connection->onTrack([weak](const std::shared_ptr<::rtc::Track>& track) {
      if (const auto self = weak.lock()) self->take(track);
    });
    connection->onDataChannel([weak](const std::shared_ptr<::rtc::DataChannel>& channel) {
      if (const auto self = weak.lock()) self->take(channel);
    });
  }

  template <class Function>
  static void with(const std::weak_ptr<State>& weak, Function function) {
    const auto self = weak.lock();
    if (!self) return;
    const std::lock_guard lock(self->mutex);
    function(*self);
    self->changed.notify_all();
  }

  void take(const std::shared_ptr<::rtc::Track>& track) {
    auto media = track->description();
    if (media.direction() == ::rtc::Description::Direction::SendOnly) {
      media.addSSRC(ssrc_of(media.mid()), "sfu", "PA_1|TR_" + media.mid(), "TR_" + media.mid());
      track->setDescription(media);
    }
    track->onMessage([weak = weak_from_this(), mid = media.mid()](const ::rtc::binary& data) {
      with(weak, [&](State& s) { s.packets[mid].push_back(bytes_of(data)); });
    }, [](const std::string&) {});
    const std::lock_guard lock(mutex);
    tracks[media.mid()] = track;
  }

  void take(const std::shared_ptr<::rtc::DataChannel>& channel) {
    const auto label = channel->label();
    channel->onMessage([weak = weak_from_this(), label](const ::rtc::binary& data) {
      with(weak, [&](State& s) { s.messages[label].push_back(bytes_of(data)); });
    }, [](const std::string&) {});
    const std::lock_guard lock(mutex);
    channels[label] = channel;
  }

  template <class Map>
  auto find(const Map& map, const std::string& key) const {
    const std::lock_guard lock(mutex);
    const auto it = map.find(key);
    return it == map.end() ? typename Map::mapped_type{} : it->second;
  }

  std::unique_ptr<Connection> connection;
  mutable std::mutex mutex;
  std::condition_variable changed;
  bool gathered = false, over = false;
  std::map<std::string, std::shared_ptr<::rtc::Track>> tracks;
  std::map<std::string, std::shared_ptr<::rtc::DataChannel>> channels;
  std::map<std::string, std::vector<Bytes>> packets, messages;
};

SfuAnswerer::SfuAnswerer() : state_(std::make_shared<State>()) { state_->listen(); }

SfuAnswerer::~SfuAnswerer() {
  auto& s = *state_;
  s.connection->resetCallbacks();  // first: from here on no track and no channel is added
  for (const auto& [mid, track] : s.tracks) track->resetCallbacks();
  for (const auto& [label, channel] : s.channels) channel->resetCallbacks();
  s.connection->close();
  s.tracks.clear();
  s.channels.clear();
  s.connection.reset();
}

std::string SfuAnswerer::answer(const std::string& offer) {
  auto& s = *state_;
  s.connection->setRemoteDescription({offer, ::rtc::Description::Type::Offer});
  s.connection->setLocalDescription(::rtc::Description::Type::Answer);
  std::unique_lock lock(s.mutex);
  s.changed.wait_for(lock, 5s, [&] { return s.gathered; });
  lock.unlock();
  return std::string(*s.connection->localDescription());
}

std::uint32_t SfuAnswerer::ssrc_of(const std::string& mid) { return 1'000 + static_cast<std::uint32_t>(std::stoul(mid)); }

void SfuAnswerer::add_candidate(const std::string& candidate) { state_->connection->addRemoteCandidate(::rtc::Candidate(candidate)); }

std::uint16_t SfuAnswerer::port() const {
  auto candidate = state_->connection->localDescription()->candidates().at(0);
  candidate.resolve(::rtc::Candidate::ResolveMode::Simple);
  return candidate.port().value();
}

bool SfuAnswerer::send_packet(const std::string& mid, ByteView packet) {
  const auto track = state_->find(state_->tracks, mid);
  try {
    return track && track->isOpen() && track->send(reinterpret_cast<const std::byte*>(packet.data()), packet.size());
  } catch (const std::exception&) {
    return false;
  }
}

bool SfuAnswerer::send_data(const std::string& label, ByteView message) {
  const auto channel = state_->find(state_->channels, label);
  if (!channel || !channel->isOpen()) return false;
  channel->send(reinterpret_cast<const std::byte*>(message.data()), message.size());
  return true;
}

void SfuAnswerer::open_channel(const std::string& label) { state_->take(state_->connection->createDataChannel(label)); }

bool SfuAnswerer::channel_closed(const std::string& label) const {
  const auto channel = state_->find(state_->channels, label);
  return channel && channel->isClosed();
}

void SfuAnswerer::close() { state_->connection->close(); }

bool SfuAnswerer::data_open() const {
  const auto reliable = state_->find(state_->channels, "_reliable");
  const auto lossy = state_->find(state_->channels, "_lossy");
  return reliable && reliable->isOpen() && lossy && lossy->isOpen();
}

bool SfuAnswerer::over() const {
  const std::lock_guard lock(state_->mutex);
  return state_->over;
}

std::vector<Bytes> SfuAnswerer::packets(const std::string& mid) const { return state_->find(state_->packets, mid); }
std::vector<Bytes> SfuAnswerer::messages(const std::string& label) const { return state_->find(state_->messages, label); }

}  // namespace parley::rtc::test
