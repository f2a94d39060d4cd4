#include "providers/moonshine/stutter.hpp"

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(Stutter, TailThatRepeatsItself_IsSaidOnce) {
  EXPECT_EQ(without_stutter("When are you open-in-in-in-in-in"), "When are you open-in");
  EXPECT_EQ(without_stutter("a table for four for four for four for four"), "a table for four");
  EXPECT_EQ(without_stutter("Thank you. Thank you. Thank you. Thank you. Thank you."), "Thank you");
  EXPECT_EQ(without_stutter("the the the the"), "the");
}

TEST(Stutter, PartOfAGroupAtTheEnd_DoesNotHideIt) {
  EXPECT_EQ(without_stutter("and so on and so on and so on and so on and so"), "and so on and so");
}

TEST(Stutter, WhatPeopleSay_StaysAsItIs) {
  for (const auto* text : {"", "no", "no, no, no", "no no no I mean yes", "very very very very good", "one two three", " - ", "...", "bye bye"}) {
    EXPECT_EQ(without_stutter(text), text);
  }
}

}  // namespace
}  // namespace parley
