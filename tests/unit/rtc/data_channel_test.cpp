// Data channels over libdatachannel as it is patched: SCTP starts with the first of them, and ends with the library.
#include <rtc/rtc.hpp>

#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;

// Two connections in this process, each with the other's candidates.
class Pair {
 public:
  Pair() : caller_(config()), callee_(config()) {
    introduce(caller_, callee_);
    introduce(callee_, caller_);
  }
  ~Pair() {
    caller_.close();
    callee_.close();
    caller_.resetCallbacks();
    callee_.resetCallbacks();
  }

  // "ping" one way and "pong" back, over a new channel.
  bool talk(const std::string& label) {
    const auto heard = std::make_shared<Heard>();
    callee_.onDataChannel([](std::shared_ptr<rtc::DataChannel> channel) {
      channel->onMessage([channel](auto message) {
        if (std::holds_alternative<std::string>(message)) channel->send(std::get<std::string>(message) + " pong");
      });
    });
    const auto channel = caller_.createDataChannel(label);
    channel->onOpen([weak = std::weak_ptr(channel)] {
      if (const auto open = weak.lock()) open->send("ping");
    });
    channel->onMessage([heard](auto message) {
      const std::lock_guard lock(heard->mutex);
      heard->text = std::get<std::string>(message);
      heard->changed.notify_all();
    });
    std::unique_lock lock(heard->mutex);
    const bool answered = heard->changed.wait_for(lock, 20s, [&] { return heard->text == "ping pong"; });
    lock.unlock();
    channel->close();
    return answered;
  }

 private:
  struct Heard {
    std::mutex mutex;
    std::condition_variable changed;
    std::string text;
  };

  static rtc::Configuration config() {
    rtc::Configuration config;
    config.bindAddress = "127.0.0.1";
    return config;
  }
  static void introduce(rtc::PeerConnection& one, rtc::PeerConnection& other) {
    one.onLocalDescription([&other](rtc::Description description) { other.setRemoteDescription(std::move(description)); });
    one.onLocalCandidate([&other](rtc::Candidate candidate) { other.addRemoteCandidate(std::move(candidate)); });
  }

  rtc::PeerConnection caller_, callee_;
};

TEST(DataChannel, MessagesGoBothWays_AndOverASecondChannel) {
  Pair pair;
  EXPECT_TRUE(pair.talk("first"));
  EXPECT_TRUE(pair.talk("second"));
}

TEST(DataChannel, LibraryThatWasEndedAndBegunAgain_StartsSctpAgain) {
  for (int time = 0; time < 3; ++time) {
    {
      Pair pair;
      EXPECT_TRUE(pair.talk("again")) << time;
    }
    ASSERT_EQ(rtc::Cleanup().wait_for(20s), std::future_status::ready) << time;
  }
}

}  // namespace
