#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "yaml/node.hpp"

namespace parley::yaml {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string mistakes_of(std::string_view text) {
  Mistakes mistakes("f.yaml");
  (void)parse(text, mistakes);
  return mistakes.text();
}

Node parsed(std::string_view text) {
  Mistakes mistakes("f.yaml");
  auto node = parse(text, mistakes);
  EXPECT_TRUE(node) << mistakes.text();
  EXPECT_TRUE(mistakes.empty()) << mistakes.text();
  return node.value_or(Node{});
}

TEST(Yaml, Values_KnowWhereTheyStand) {
  const auto root = parsed("a: 1\nb:\n  - x\n  - {c: \"y\"}\n");
  EXPECT_EQ(root["a"].place, (Place{1, 4}));
  EXPECT_EQ(root.entries[1].key_place, (Place{2, 1}));
  EXPECT_EQ(root["b"].items[0].place, (Place{3, 5}));
  EXPECT_EQ(root["b"].items[1]["c"].place, (Place{4, 9}));
  EXPECT_FALSE(root["nothing"]);
}

TEST(Yaml, PlainValues_AreWhatTheyLookLike_AndQuotedOnesTexts) {
  const auto root =
      parsed("[1, -2, 1.5, true, false, null, ~, , on, yes, 0123, +15550100, 1e400, '1', \"true\", 0x10, .5, 7d]");
  const boost::json::array expected = {1,     -2,     1.5,      true,    false, nullptr, nullptr, nullptr, "on",
                                       "yes", "0123", 15550100, "1e400", "1",   "true",  "0x10",  ".5",    "7d"};
  // Between two commas of a flow sequence there may be nothing.
  auto all = root.to_json().as_array();
  EXPECT_EQ(boost::json::serialize(all), boost::json::serialize(expected));
}

TEST(Yaml, JsonBecomesATreeAndComesBack) {
  const auto value = boost::json::parse(R"({"a": ["1", 1, 1.5, true, null, {"b": "null"}], "": {}})");
  EXPECT_EQ(Node::from_json(value).to_json(), value);
}

TEST(Yaml, AKeyThatStandsTwice_IsAMistakeWithTheFirstOnesLine) {
  EXPECT_EQ(mistakes_of("a: 1\nb: 2\na: 3\n"), "f.yaml:3:1: \"a\" only once in a mapping, it stands in line 1 already");
}

TEST(Yaml, AVariableWithoutQuotes_IsToldThatItNeedsThem) {
  EXPECT_THAT(mistakes_of("a: {{env.X}}\n"), testing::AllOf(StartsWith("f.yaml:1:5: "), HasSubstr("in quotes")));
}

TEST(Yaml, ADefaultWhoseQuotesBreakTheText_IsToldWhatToWrite) {
  const auto whole = HasSubstr("(put the whole text in quotes: \"... {{name | default: '...'}}\")");
  const auto single = HasSubstr("(inside double quotes it is {{name | default: '...'}}, with single ones)");
  EXPECT_THAT(mistakes_of("a: Hello {{b | default: \"you\"}}\n"), whole);
  EXPECT_THAT(mistakes_of("a: It's {{b | default: \"you\"}}\n"), whole);
  EXPECT_THAT(mistakes_of("{a: \"{{b}}\", c: Hello {{b | default: \"you\"}}}\n"), whole);
  EXPECT_THAT(mistakes_of("a: \"Hello {{b | default: \"you\"}}\"\n"), single);
  EXPECT_THAT(mistakes_of("a: \"say \\\"x\\\" {{b | default: \"you\"}}\"\n"), single);
  EXPECT_THAT(mistakes_of("a: 'Hello {{b | default: 'you'}}'\n"),
              HasSubstr("(inside single quotes it is {{name | default: \"...\"}}, with double ones)"));
  EXPECT_THAT(mistakes_of("a: [1, 2\nb: 3\n"), testing::Not(HasSubstr("quotes")));
}

TEST(Yaml, ALineIndentedWithATab_IsNamed) {
  EXPECT_EQ(mistakes_of("a:\n  b: 1\n\tc: 2\n"),
            "f.yaml:3:1: expected YAML: this line is indented with a tab, use spaces");
}

TEST(Yaml, BrokenYaml_SaysWhere) {
  EXPECT_THAT(mistakes_of("a: [1, 2\nb: 3\n"), StartsWith("f.yaml:2:2: expected YAML: "));
}

TEST(Yaml, TagsAndSecondDocuments_AreMistakes) {
  EXPECT_THAT(mistakes_of("a: !env X\n"), HasSubstr("without a tag"));
  EXPECT_THAT(mistakes_of("a: !!map {}\n"), HasSubstr("without a tag"));
  EXPECT_EQ(mistakes_of("a: !!str 5\n"), "");
  EXPECT_THAT(mistakes_of("a: 1\n---\nb: 2\n"), testing::AllOf(StartsWith("f.yaml:"), HasSubstr("one document")));
}

TEST(Yaml, AliasesAreCopies_AndAnAliasToItselfIsAMistake) {
  const auto root = parsed("a: &x {k: 1}\nb: *x\n");
  EXPECT_EQ(root["b"]["k"].text, "1");
  EXPECT_THAT(mistakes_of("a: &x [*x]\n"), HasSubstr("part of"));
}

TEST(Yaml, ABombOfAliases_IsRefusedBeforeItGrows) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 20; ++i) {
    std::string line;
    for (int k = 0; k < 8; ++k) line += (k ? ", *a" : "*a") + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + line + "]\n";
  }
  EXPECT_THAT(mistakes_of(bomb), HasSubstr("aliases counted"));
  std::string wide = "a: &a " + std::string(200'000, 'x') + "\nb: [*a";
  for (int i = 0; i < 2000; ++i) wide += ", *a";
  EXPECT_THAT(mistakes_of(wide + "]\n"), HasSubstr("aliases counted"));
}

TEST(Yaml, DeepAndCrowdedFiles_AreRefused) {
  EXPECT_THAT(mistakes_of(std::string(40, '[') + std::string(40, ']')), HasSubstr("nested at most"));
  EXPECT_THAT(mistakes_of(std::string(100'000, '[')), HasSubstr("f.yaml:1:"));
  std::string keys;
  for (int i = 0; i < 1500; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  EXPECT_THAT(mistakes_of(keys), HasSubstr("keys in a mapping"));
}

TEST(Yaml, BytesThatAreNoUtf8_AreAMistake) { EXPECT_NE(mistakes_of("a: \"x\xff\"\n"), ""); }

TEST(Mistakes, ComeInTheOrderOfTheFile_AndAreBounded) {
  Mistakes mistakes("f.yaml");
  mistakes.add({{3, 1}, "c", "third"});
  mistakes.add({{1, 9}, "b", "second"});
  mistakes.add({{1, 2}, {}, "first"});
  EXPECT_EQ(mistakes.text(), "f.yaml:1:2: first\nf.yaml:1:9: b: second\nf.yaml:3:1: c: third");
  for (int i = 0; i < 100; ++i) mistakes.add({{9, 1}, "d", "another"});
  EXPECT_EQ(mistakes.all().size(), Mistakes::kMaxMistakes);
  EXPECT_THAT(mistakes.text(), testing::EndsWith("\nand 53 more"));
}

TEST(Mistakes, OfAnotherFile_HaveTheirOwnPlace) {
  Mistakes mistakes("f.yaml");
  mistakes.add({{2, 1}, "llm.dialogue", "expected a name", "d.yaml", {7, 3}});
  mistakes.add({{}, "greeting.say", "expected text"});
  EXPECT_EQ(mistakes.text(), "greeting.say: expected text\nd.yaml:7:3: expected a name");
}

}  // namespace
}  // namespace parley::yaml
