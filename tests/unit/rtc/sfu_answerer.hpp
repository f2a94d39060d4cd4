// The other side of an SfuConnection, scripted: libdatachannel itself, which answers.
//
// Thread: called from one; what comes is counted by the library's threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <parley/base/bytes.hpp>

namespace parley::rtc::test {

class SfuAnswerer {
 public:
  SfuAnswerer();
  ~SfuAnswerer();
  SfuAnswerer(const SfuAnswerer&) = delete;
  SfuAnswerer& operator=(const SfuAnswerer&) = delete;

  // With its candidates. Each section on which it can send gets the SSRC ssrc_of(mid).
  std::string answer(const std::string& offer);
  static std::uint32_t ssrc_of(const std::string& mid);
  void add_candidate(const std::string& candidate);
  std::uint16_t port() const;  // of its first candidate

  bool send_packet(const std::string& mid, ByteView packet);
  bool send_data(const std::string& label, ByteView message);
  void open_channel(const std::string& label);
  bool channel_closed(const std::string& label) const;
  void close();  // says goodbye

  bool data_open() const;
  bool over() const;
  std::vector<Bytes> packets(const std::string& mid) const;  // RTP and RTCP that came
  std::vector<Bytes> messages(const std::string& label) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace parley::rtc::test
