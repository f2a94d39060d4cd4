#include <gmock/gmock.h>

#include <parley/base/log.hpp>

namespace parley {
namespace {

class Kept final : public LogSink {
 public:
  void write(const LogLine& line) noexcept override {
    text += std::string(line.message);
    for (const auto& field : line.fields) text += " " + field.name + "=" + field.value;
    text += "\n";
  }
  std::string text;
};

TEST(RedactingSink, SecretsInMessagesAndFields_BecomeStars) {
  const auto kept = std::make_shared<Kept>();
  const Logger logger = Logger(redacting_sink(kept, {"sk-secret", "other-one"})).with("header", "Bearer sk-secret").with("call", "CA_1");
  logger.info("posted sk-secret and sk-secret, then other-one");
  logger.info("nothing to hide");
  EXPECT_EQ(kept->text, "posted *** and ***, then *** header=Bearer *** call=CA_1\nnothing to hide header=Bearer *** call=CA_1\n");
}

TEST(RedactingSink, ASecretThatIsPartOfAnother_LeavesNoRestOfIt) {
  const auto kept = std::make_shared<Kept>();
  Logger(redacting_sink(kept, {"secret", "secret-and-more"})).info("secret-and-more, secret");
  EXPECT_EQ(kept->text, "***, ***\n");
}

TEST(RedactingSink, AShortSecret_IsLeftAlone) {
  const auto kept = std::make_shared<Kept>();
  Logger(redacting_sink(kept, {"", "a", "hello"})).info("a call says hello");
  EXPECT_EQ(kept->text, "a call says hello\n");
}

}  // namespace
}  // namespace parley
