#include <parley/option.hpp>

#include <gmock/gmock.h>

#include <parley/async/scope.hpp>
#include <parley/providers.hpp>

#include "sim/world.hpp"

namespace parley {
namespace {

namespace json = boost::json;
using Type = Option::Type;

std::string wrong(const Option& option, const json::value& value) { return mistake_in(option, value).value_or(""); }

TEST(Option, EachType_TakesItsOwnValuesAndNoOthers) {
  EXPECT_EQ(wrong({.type = Type::text}, "a\nb"), "");
  EXPECT_NE(wrong({.type = Type::line}, "a\nb"), "");
  EXPECT_EQ(wrong({.type = Type::boolean}, "on"), "");
  EXPECT_EQ(wrong({.type = Type::boolean}, false), "");
  EXPECT_NE(wrong({.type = Type::boolean}, "yes"), "");
  EXPECT_EQ(wrong({.type = Type::integer}, 5), "");
  EXPECT_NE(wrong({.type = Type::integer}, 5.5), "");
  EXPECT_EQ(wrong({.type = Type::number}, 5.5), "");
  EXPECT_NE(wrong({.type = Type::number}, "5.5"), "");
  EXPECT_EQ(wrong({.type = Type::duration}, "5.5s"), "");
  EXPECT_NE(wrong({.type = Type::duration}, 5.5), "");
  EXPECT_EQ(wrong({.type = Type::size}, "5MB"), "");
  EXPECT_EQ(wrong({.type = Type::size}, 5), "");
  EXPECT_NE(wrong({.type = Type::size}, -5), "");
  EXPECT_EQ(wrong({.type = Type::uri}, "https://example.com/x?y"), "");
  EXPECT_NE(wrong({.type = Type::uri}, "https://"), "");
  EXPECT_NE(wrong({.type = Type::uri}, "file:///etc/passwd"), "");
  EXPECT_EQ(wrong({.type = Type::uri, .one_of = {"tel"}}, "tel:+15550100"), "");
  EXPECT_NE(wrong({.type = Type::uri, .one_of = {"tel"}}, "tel:"), "");
  EXPECT_EQ(wrong({.type = Type::texts}, {"a", "b"}), "");
  EXPECT_NE(wrong({.type = Type::texts, .maximum = 1}, {"a", "b"}), "");
  EXPECT_NE(wrong({.type = Type::texts}, "a"), "");
  EXPECT_EQ(wrong({.type = Type::any}, json::object{{"a", 1}}), "");
}

TEST(Option, WhatCanBeOff_TakesOffAndNullAndFalse) {
  const Option option{.type = Type::duration, .can_be_off = true};
  for (const json::value& off : {json::value("off"), json::value(nullptr), json::value(false)})
    EXPECT_EQ(wrong(option, off), "");
  EXPECT_NE(wrong(option, true), "");
}

class DescribedProvider : public testing::Test {
 protected:
  struct Silent final : Vad {
    std::string_view label() const noexcept override { return "silent"; }
    std::unique_ptr<VadStream> stream(const VadOptions&) override { return nullptr; }
  };

  DescribedProvider() : loop_(world_.add_loop("test")), scope_(loop_, "root") {
    const auto keep = [this](const ProviderEnvironment&, const json::object& options) -> Result<std::shared_ptr<Vad>> {
      given_ = options;
      return std::make_shared<Silent>();
    };
    registry_.add_vad(
        "described", keep,
        ProviderDescription{
            .options = {{.name = "depth", .type = Type::integer, .otherwise = 3, .minimum = 1, .maximum = 5},
                        {.name = "key", .required = true, .secret = true}}});
    registry_.add_vad("free", keep);
  }

  std::string make(const ProviderSpec& spec) {
    const auto made = registry_.make_vad(spec, {scope_, {}});
    return made ? "" : made.error().message();
  }

  sim::World world_{1};
  Loop& loop_;
  Scope scope_;
  ProviderRegistry registry_;
  json::object given_;
};

TEST_F(DescribedProvider, ItsFactory_GetsItsDefaults) {
  EXPECT_EQ(make({"described", {{"key", "k"}}}), "");
  EXPECT_EQ(given_, (json::object{{"key", "k"}, {"depth", 3}}));
}

TEST_F(DescribedProvider, EverythingWrongWithItsOptions_IsOneError) {
  EXPECT_EQ(make({"described", {{"dept", 2}, {"depth", 9}}}),
            "vad provider \"described\": dept: unknown key; did you mean \"depth\"?; depth: expected a whole number "
            "from 1 to 5, found the number 9; key: missing: expected a text");
}

TEST_F(DescribedProvider, OneThatSaysNothing_TakesAnything) {
  EXPECT_EQ(make({"free", {{"x", {1, 2}}}}), "");
  EXPECT_EQ(registry_.description(ProviderSlot::vad, "free"), nullptr);
  EXPECT_THAT(registry_.names(ProviderSlot::vad), testing::ElementsAre("described", "free"));
}

}  // namespace
}  // namespace parley
