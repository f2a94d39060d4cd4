// The watcher with a worker that says on standard output what happens to it. `dev_watch_under_test FILE` watches;
// `dev_watch_under_test worker FILE` is the worker, which does as the file says.
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

#include "app/dev_watch.hpp"

namespace {

std::string read(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

int work(const std::string& file) {
  const auto content = read(file);
  sigset_t told;
  ::sigemptyset(&told);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&told, signal);
  ::sigprocmask(SIG_BLOCK, &told, nullptr);
  if (content == "ends") return 7;
  if (content == "leaves" && ::fork() == 0) {
    ::setsid();
    for (;;) ::pause();
  }
  std::printf("worker %d %s\n", ::getpid(), content.c_str());
  std::fflush(stdout);
  for (int times = 1;; ++times) {
    int signal = 0;
    (void)::sigwait(&told, &signal);
    std::printf("told %d\n", signal);
    std::fflush(stdout);
    if (content != "stubborn" || times == 2) return 5;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3) return work(argv[2]);
  const std::string file = argv[1];
  return parley::app::run_dev_watch({.command = {argv[0], "worker", file},
                                     .files = [file] { return std::vector{file}; },
                                     .check =
                                         [file] {
                                           if (read(file) != "bad") return true;
                                           std::printf("mistake\n");
                                           std::fflush(stdout);
                                           return false;
                                         },
                                     .grace = std::chrono::milliseconds(100),
                                     .logger = {}});
}
