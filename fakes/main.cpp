// parley_fakes: OpenAI chat and Deepgram's speech sockets on loopback, for tests and for measuring.
//
// Says one line of JSON when it listens. Ends on SIGTERM and SIGINT, and when its standard input, if that is a pipe, is
// closed: whoever started it leaves nothing behind.
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <iostream>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "fakes/server.hpp"

namespace {

using namespace parley;

struct Settings {
  std::string listen = "127.0.0.1:0";
  fakes::Options options;
  std::int64_t first_token_ms = 200, token_ms = 15, stt_final_ms = 150, stt_interim_ms = 300, tts_first_ms = 100;
};

void add_options(CLI::App& app, Settings& s) {
  const auto ms = CLI::Range(std::int64_t{0}, std::int64_t{60'000});
  app.add_option("--listen", s.listen, "ADDRESS:PORT; port 0 is any free one")->capture_default_str();
  app.add_option("--seed", s.options.seed, "what texts and sounds are drawn from")->capture_default_str();
  app.add_option("--api-key", s.options.api_key, "refuse other keys");
  app.add_option("--first-token-ms", s.first_token_ms, "request to the first word of an answer")->check(ms)->capture_default_str();
  app.add_option("--token-ms", s.token_ms, "word to word")->check(ms)->capture_default_str();
  app.add_option("--stt-final-ms", s.stt_final_ms, "end of sound to its transcript")->check(ms)->capture_default_str();
  app.add_option("--stt-interim-ms", s.stt_interim_ms, "sound between interim transcripts")->check(ms)->capture_default_str();
  app.add_option("--tts-first-ms", s.tts_first_ms, "Flush to the first sound")->check(ms)->capture_default_str();
  app.add_option("--tts-speed", s.options.tts_speed, "sound is sent so many times faster than it plays")
      ->check(CLI::Range(1.0, 1000.0))
      ->capture_default_str();
  app.add_option("--characters-a-second", s.options.characters_a_second, "how fast the voice speaks")
      ->check(CLI::Range(1.0, 100.0))
      ->capture_default_str();
}

fakes::Options options_of(const Settings& s) {
  auto options = s.options;
  options.first_token = std::chrono::milliseconds(s.first_token_ms);
  options.token = std::chrono::milliseconds(s.token_ms);
  options.stt_final = std::chrono::milliseconds(s.stt_final_ms);
  options.stt_interim = std::chrono::milliseconds(s.stt_interim_ms);
  options.tts_first = std::chrono::milliseconds(s.tts_first_ms);
  return options;
}

bool is_pipe(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

void read_to_end(boost::asio::posix::stream_descriptor& in, std::array<char, 256>& buffer, boost::asio::io_context& io) {
  in.async_read_some(boost::asio::buffer(buffer), [&](boost::system::error_code failed, std::size_t) {
    if (failed) return io.stop();
    read_to_end(in, buffer, io);
  });
}

int run(const Settings& s) {
  const auto colon = s.listen.rfind(':');
  if (colon == std::string::npos) {
    std::cerr << "--listen: write it as 127.0.0.1:0\n";
    return 2;
  }
  fakes::Server server(options_of(s));
  boost::asio::io_context io(1);
  const auto port = server.listen(io, s.listen.substr(0, colon), static_cast<std::uint16_t>(std::stoul(s.listen.substr(colon + 1))));
  boost::asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&io](boost::system::error_code, int) { io.stop(); });
  boost::asio::posix::stream_descriptor in(io);
  std::array<char, 256> buffer{};
  if (is_pipe(STDIN_FILENO)) {
    in.assign(::dup(STDIN_FILENO));
    read_to_end(in, buffer, io);
  }
  fmt::print(R"({{"port":{},"first_token_ms":{},"token_ms":{},"stt_final_ms":{},"stt_interim_ms":{},"tts_first_ms":{},)"
             R"("tts_speed":{},"characters_a_second":{},"seed":{}}})" "\n",
             port, s.first_token_ms, s.token_ms, s.stt_final_ms, s.stt_interim_ms, s.tts_first_ms, s.options.tts_speed,
             s.options.characters_a_second, s.options.seed);
  std::fflush(stdout);
  io.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Fake providers: OpenAI chat, Deepgram listen and speak.", "parley_fakes");
  Settings settings;
  add_options(app, settings);
  CLI11_PARSE(app, argc, argv);
  try {
    return run(settings);
  } catch (const std::exception& error) {
    std::cerr << "parley_fakes: " << error.what() << '\n';
    return 1;
  }
}
