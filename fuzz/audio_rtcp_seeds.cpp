// First inputs: compounds of every kind that is read, and of kinds that are skipped.
#include "audio/rtcp.hpp"
#include "seed_file.hpp"

using namespace parley;

int main(int, char** argv) {
  const std::string folder = argv[1];
  const ReportBlock block{1, 25, -3, 0x0001FFFE, 480, 0xABCD1234, 65536};
  auto compound = build_sender_report({2, to_ntp(WallTime(1'800'000'000'000ms)), 48000, 100, 8000, {block}}, "caller");
  fuzz::write_seed(folder, "sender_report", compound);
  fuzz::write_seed(folder, "receiver_report", build_receiver_report({2, {block, block, block}}, "a longer name"));
  const Bytes goodbye{0x81, 203, 0, 3, 0, 0, 0, 2, 4, 'd', 'o', 'n', 'e', 0, 0, 0};
  const Bytes nack{0x81, 205, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 5, 0, 0};
  const Bytes padded{0xA1, 203, 0, 2, 0, 0, 0, 2, 0, 0, 0, 4};
  for (const auto& part : {nack, goodbye, padded}) compound.insert(compound.end(), part.begin(), part.end());
  fuzz::write_seed(folder, "all_kinds", compound);
}
