// Our own candidates on their way to the server: held back until release(), then told as they are found.
//
// A server that knows them before libdatachannel has stored the server's fingerprint can finish the DTLS handshake too
// early, and the connection is lost to "certificate verify failed".
//
// Thread: any. Bound: kMaxCandidates.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "rtc/sfu_connection.hpp"

namespace parley::rtc {

class LocalCandidates {
 public:
  // `advertised`: addresses told in the place of our own ones.
  LocalCandidates(Mailbox<SfuEvent>::Sender sender, std::vector<std::string> advertised)
      : sender_(std::move(sender)), advertised_(std::move(advertised)) {}

  void found(std::string_view line);  // "candidate:..."
  void complete();
  void release();
  void only_relayed(bool only);  // before any is found

 private:
  void tell(std::string line);

  const Mailbox<SfuEvent>::Sender sender_;
  const std::vector<std::string> advertised_;
  std::mutex mutex_;
  std::vector<std::string> held_;
  std::size_t told_ = 0;  // or held
  bool released_ = false;
  bool only_relayed_ = false;
  bool complete_ = false;
  bool advertised_told_ = false;
};

}  // namespace parley::rtc
