#include "providers/scripted/slots.hpp"

#include <gmock/gmock.h>

#include <random>

#include <boost/json/serialize.hpp>

#include "providers/scripted/numbers.hpp"

namespace parley::scripted {
namespace {

using namespace std::chrono;

// A Saturday.
constexpr LocalMinutes kNow = local_days{2026y / November / 21} + 18h;
constexpr TimeRange kEvening{17h, 22h};

std::string shown(const std::optional<Found>& found) {
  return found ? boost::json::serialize(to_json(found->value)) : "-";
}

struct Case {
  const char* said;
  const char* value;
};

Words heard(const char* said) { return spoken_words(said); }
Taken nothing(const Words& words) { return Taken(words.size(), false); }

TEST(SpokenWords, WhatARecogniserWrites_BecomesPlainWords) {
  const auto plain = [](std::string_view text) {
    std::string joined;
    for (const Word& word : spoken_words(text)) joined += (joined.empty() ? "" : " ") + word.text;
    return joined;
  };
  EXPECT_EQ(plain("Um, it's seven o'clock p.m. - OK?"), "its seven oclock pm ok");
  EXPECT_EQ(plain("7pm, 7:30, 7.30, 1,200 and 21st"), "7 pm 7:30 7:30 1200 and 21st");
  EXPECT_EQ(plain("7:30pm twenty-five"), "7:30 pm twenty five");
  EXPECT_EQ(plain("bed & breakfast"), "bed and breakfast");
  EXPECT_EQ(plain("I’d like…"), "id like");
  EXPECT_EQ(plain(" \t\n"), "");
  EXPECT_EQ(spoken_words("O'Brien")[0].spoken, "O'Brien");
}

TEST(SpokenWords, EndlessText_IsBounded) {
  EXPECT_EQ(spoken_words(std::string(100'000, 'a')).size(), 1U);
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "word ";
  EXPECT_EQ(spoken_words(many).size(), kMaxSpokenWords);
}

TEST(Numbers, AsPeopleSayThem) {
  const std::pair<const char*, int> cases[] = {{"zero", 0},
                                               {"four", 4},
                                               {"twelve", 12},
                                               {"twenty five", 25},
                                               {"ninety", 90},
                                               {"a hundred", 100},
                                               {"two hundred and six", 206},
                                               {"42", 42},
                                               {"nineteen hundred", 1900}};
  for (const auto& [said, value] : cases) {
    const auto number = cardinal_at(heard(said), 0);
    ASSERT_TRUE(number) << said;
    EXPECT_EQ(number->value, value) << said;
    EXPECT_EQ(number->words, heard(said).size()) << said;
  }
  EXPECT_FALSE(cardinal_at(heard("people"), 0));
  EXPECT_FALSE(cardinal_at(heard("for"), 0));
  EXPECT_FALSE(cardinal_at(heard("99999999999999999999"), 0));
  EXPECT_EQ(cardinal_at(heard("for"), 0, Homophones::yes)->value, 4);
}

TEST(Numbers, OrdinalsOfAMonth) {
  const std::pair<const char*, int> cases[] = {{"first", 1},         {"third", 3}, {"twelfth", 12}, {"twentieth", 20},
                                               {"twenty first", 21}, {"31st", 31}, {"2nd", 2}};
  for (const auto& [said, value] : cases) EXPECT_EQ(ordinal_at(heard(said), 0)->value, value) << said;
  EXPECT_FALSE(ordinal_at(heard("32nd"), 0));
  EXPECT_FALSE(ordinal_at(heard("five"), 0));
}

TEST(Numbers, EveryNumberInWords_IsUnderstoodAgain) {
  for (int value = 0; value <= 999; ++value) {
    const auto again = cardinal_at(spoken_words(cardinal_words(value)), 0);
    ASSERT_TRUE(again) << value;
    EXPECT_EQ(again->value, value) << cardinal_words(value);
  }
  for (int value = 1; value <= 31; ++value) EXPECT_EQ(ordinal_at(spoken_words(ordinal_words(value)), 0)->value, value);
}

TEST(People, SaidWithTheWordsAroundThem_AreSure) {
  const Case cases[] = {
      {"a table for four", "4"},
      {"for 4", "4"},
      {"four people", "4"},
      {"for people", "4"},
      {"to people please", "2"},
      {"a table for to", "2"},
      {"a table for for", "4"},
      {"table four two", "2"},
      {"two of us", "2"},
      {"there are six of us", "6"},
      {"the two of us", "2"},
      {"a party of six", "6"},
      {"a group of about ten", "10"},
      {"we are five", "5"},
      {"we'll be three", "3"},
      {"just me", "1"},
      {"only me", "1"},
      {"I'll be on my own", "1"},
      {"me and my wife", "2"},
      {"just me and my wife", "2"},
      {"my husband and I", "2"},
      {"me and two friends", "3"},
      {"a couple", "2"},
      {"two adults and three children", "5"},
      {"we are two adults and three kids", "5"},
      {"half a dozen", "6"},
      {"for twenty five people", "25"},
      {"for four at seven", "4"},
      {"at seven for four", "4"},
      {"a table tomorrow at seven for two", "2"},
  };
  for (const auto& [said, value] : cases)
    EXPECT_EQ(shown(find_people(heard(said), nothing(heard(said)), 0, true)), value) << said;
}

TEST(People, OtherNumbers_AreNone) {
  for (const char* said :
       {"at seven", "for seven thirty", "for seven o'clock", "for 7 pm", "seven", "tomorrow", "for the fifth",
        "for tomorrow", "for dinner", "in four days", "for 0 people", "for nine hundred people", ""}) {
    EXPECT_EQ(shown(find_people(heard(said), nothing(heard(said)), 0, true)), "-") << said;
  }
  EXPECT_EQ(shown(find_people(heard("for seven"), nothing(heard("for seven")), 0, false)), "-");
}

TEST(People, Bare_CountWhenAskedFor) {
  const Case cases[] = {{"four", "4"},           {"for", "4"},         {"to", "2"},           {"too", "2"},
                        {"uh five please", "5"}, {"six I think", "6"}, {"maybe twelve", "12"}};
  for (const auto& [said, value] : cases)
    EXPECT_EQ(shown(find_bare_people(heard(said), nothing(heard(said)), 0)), value) << said;
}

TEST(Time, SaidAsATime_IsSure) {
  const Case cases[] = {
      {"at seven", "\"19:00\""},
      {"seven o'clock", "\"19:00\""},
      {"7 pm", "\"19:00\""},
      {"7 p.m.", "\"19:00\""},
      {"seven p m", "\"19:00\""},
      {"19:30", "\"19:30\""},
      {"7:30", "\"19:30\""},
      {"7.30 p.m.", "\"19:30\""},
      {"half past seven", "\"19:30\""},
      {"half pass seven", "\"19:30\""},
      {"half seven", "\"19:30\""},
      {"quarter to eight", "\"19:45\""},
      {"a quarter past eight", "\"20:15\""},
      {"quarter till nine", "\"20:45\""},
      {"ten past seven", "\"19:10\""},
      {"twenty to nine", "\"20:40\""},
      {"five minutes to eight", "\"19:55\""},
      {"seven thirty", "\"19:30\""},
      {"seven oh five", "\"19:05\""},
      {"seven forty five", "\"19:45\""},
      {"nineteen thirty", "\"19:30\""},
      {"at nineteen hundred", "\"19:00\""},
      {"at 1930", "\"19:30\""},
      {"around eight", "\"20:00\""},
      {"by six", "\"18:00\""},
      {"at ate", "\"20:00\""},
      {"noon", "\"12:00\""},
      {"at midday", "\"12:00\""},
      {"midnight", "\"00:00\""},
      {"half past noon", "\"12:30\""},
      {"seven in the evening", "\"19:00\""},
      {"eleven in the morning", "\"11:00\""},
      {"10 am", "\"10:00\""},
      {"twelve pm", "\"12:00\""},
      {"twelve am", "\"00:00\""},
      {"for four at seven", "\"19:00\""},
      {"tomorrow at eight for four people", "\"20:00\""},
      {"at seven on the fifth", "\"19:00\""},
  };
  for (const auto& [said, value] : cases)
    EXPECT_EQ(shown(find_time(heard(said), nothing(heard(said)), 0, kEvening)), value) << said;
}

TEST(Time, OtherNumbers_AreNone) {
  for (const char* said : {"seven", "for four", "four people", "seven people", "at seven people", "25:00", "7:99",
                           "the fifth", "in two weeks", "five of seven", ""}) {
    EXPECT_EQ(shown(find_time(heard(said), nothing(heard(said)), 0, kEvening)), "-") << said;
  }
}

TEST(Time, TheHalfOfTheDay_FollowsTheHoursOfTheHouse) {
  EXPECT_EQ(shown(find_time(heard("at nine"), nothing(heard("at nine")), 0, {8h, 17h})), "\"09:00\"");
  EXPECT_EQ(shown(find_time(heard("at nine"), nothing(heard("at nine")), 0, {17h, 23h})), "\"21:00\"");
  EXPECT_EQ(shown(find_time(heard("at nine"), nothing(heard("at nine")), 0, {})), "\"21:00\"");
  EXPECT_EQ(shown(find_time(heard("tomorrow morning at nine"), nothing(heard("tomorrow morning at nine")), 0, {})),
            "\"09:00\"");
}

TEST(Time, Bare_CountsWhenAskedFor) {
  const Case cases[] = {{"seven", "\"19:00\""},
                        {"seven please", "\"19:00\""},
                        {"730", "\"19:30\""},
                        {"for seven", "\"19:00\""},
                        {"four people", "-"}};
  for (const auto& [said, value] : cases)
    EXPECT_EQ(shown(find_bare_time(heard(said), nothing(heard(said)), 0, kEvening)), value) << said;
}

TEST(Time, Spoken_IsHowPeopleSayIt) {
  EXPECT_EQ(time_value(19h).spoken, "seven o'clock");
  EXPECT_EQ(time_value(19h + 30min).spoken, "half past seven");
  EXPECT_EQ(time_value(19h + 45min).spoken, "a quarter to eight");
  EXPECT_EQ(time_value(12h + 15min).spoken, "a quarter past twelve");
  EXPECT_EQ(time_value(12h).spoken, "noon");
  EXPECT_EQ(time_value(24h).spoken, "midnight");
  EXPECT_EQ(time_value(23h + 45min).spoken, "a quarter to midnight");
  EXPECT_EQ(time_value(19h + 5min).spoken, "seven oh five");
  EXPECT_EQ(time_value(20h + 40min).spoken, "eight forty");
}

TEST(Day, Said_IsADate) {
  const Case cases[] = {
      {"today", "\"2026-11-21\""},
      {"tonight at eight", "\"2026-11-21\""},
      {"this evening", "\"2026-11-21\""},
      {"tomorrow", "\"2026-11-22\""},
      {"to morrow", "\"2026-11-22\""},
      {"the day after tomorrow", "\"2026-11-23\""},
      {"on Friday", "\"2026-11-27\""},
      {"next Friday", "\"2026-11-27\""},
      {"this coming Sunday", "\"2026-11-22\""},
      {"Saturday", "\"2026-11-28\""},
      {"Friday the 27th", "\"2026-11-27\""},
      {"Wednesday the twenty fifth of November", "\"2026-11-25\""},
      {"the fifth of December", "\"2026-12-05\""},
      {"December fifth", "\"2026-12-05\""},
      {"December the 5th", "\"2026-12-05\""},
      {"5 December", "\"2026-12-05\""},
      {"on december 5 at seven", "\"2026-12-05\""},
      {"the fifth", "\"2026-12-05\""},
      {"the twenty second", "\"2026-11-22\""},
      {"the thirty first", "\"2026-12-31\""},
      {"January second", "\"2027-01-02\""},
      {"the first of March", "\"2027-03-01\""},
      {"may fifth", "\"2027-05-05\""},
      {"February twenty ninth", "-"},
      {"in three days", "\"2026-11-24\""},
      {"in two weeks", "\"2026-12-05\""},
      {"in a week", "\"2026-11-28\""},
      {"christmas eve", "\"2026-12-24\""},
      {"New Year's Eve", "\"2026-12-31\""},
      {"Valentine's day", "\"2027-02-14\""},
  };
  for (const auto& [said, value] : cases)
    EXPECT_EQ(shown(find_day(heard(said), nothing(heard(said)), 0, kNow)), value) << said;
}

TEST(Day, OtherWords_AreNone) {
  for (const char* said : {"may I ask something", "the first floor", "the second one", "march on", "at seven",
                           "one second", "in a minute", ""}) {
    EXPECT_EQ(shown(find_day(heard(said), nothing(heard(said)), 0, kNow)), "-") << said;
  }
}

TEST(Day, Spoken_IsRelativeOrWhole) {
  EXPECT_EQ(day_value(2026y / November / 21, kNow).spoken, "today");
  EXPECT_EQ(day_value(2026y / November / 22, kNow).spoken, "tomorrow");
  EXPECT_EQ(day_value(2026y / November / 27, kNow).spoken, "on Friday, the twenty-seventh of November");
}

TEST(Name, Announced_IsSure) {
  const Case cases[] = {
      {"My name is Anna Smith.", "\"Anna Smith\""},
      {"my name's peter", "\"Peter\""},
      {"The name is O'Brien", "\"O'Brien\""},
      {"under Miller please", "\"Miller\""},
      {"under the name of de Vries", "\"De Vries\""},
      {"book it under Johnson for tomorrow", "\"Johnson\""},
      {"a table for Smith at seven", "\"Smith\""},
      {"the name is S M I T H", "\"Smith\""},
      {"my name is Maria Garcia and I would like a table", "\"Maria Garcia\""},
  };
  for (const auto& [said, value] : cases)
    EXPECT_EQ(shown(find_name(heard(said), nothing(heard(said)), 0)), value) << said;
  for (const char* said :
       {"a table for dinner", "for Friday", "for four", "what is your name", "Anna", "for December", ""}) {
    EXPECT_EQ(shown(find_name(heard(said), nothing(heard(said)), 0)), "-") << said;
  }
}

TEST(Name, Bare_CountsWhenAskedFor) {
  const Case cases[] = {{"Anna", "\"Anna\""},
                        {"anna smith please", "\"Anna Smith\""},
                        {"It's Jo.", "\"Jo\""},
                        {"I'm Peter", "\"Peter\""},
                        {"this is Bob speaking", "\"Bob Speaking\""},
                        {"yes, Kowalski", "\"Kowalski\""},
                        {"B O B", "\"Bob\""},
                        {"what do you mean", "-"},
                        {"I don't know", "-"},
                        {"7", "-"}};
  for (const auto& [said, value] : cases)
    EXPECT_EQ(shown(find_bare_name(heard(said), nothing(heard(said)), 0)), value) << said;
}

TEST(Phone, Digits_HoweverTheyAreSaid) {
  const Case cases[] = {
      {"five five five oh one double zero", "\"5550100\""},
      {"555 0100", "\"5550100\""},
      {"it's 0 30, 55 50 100", "\"0305550100\""},
      {"plus one five five five zero one zero zero", "\"+15550100\""},
      {"oh one triple five twenty five", "\"0155525\""},
      {"eight hundred five five five one two", "\"80055512\""},
      {"four people at seven", "-"},
      {"12345678901234567890", "-"},
  };
  for (const auto& [said, value] : cases)
    EXPECT_EQ(shown(find_phone(heard(said), nothing(heard(said)), 0)), value) << said;
  EXPECT_EQ(find_phone(heard("5550100"), nothing(heard("5550100")), 0)->value.spoken, "5 5 5, 0 1 0 0");
}

TEST(Slots, AnyWords_AreReadWithoutHarm) {
  const char* const vocabulary[] = {"for",      "four",  "at",      "seven",  "thirty", "the",    "fifth",  "of",
                                    "december", "a",     "quarter", "to",     "half",   "past",   "in",     "two",
                                    "weeks",    "me",    "and",     "my",     "name",   "is",     "double", "hundred",
                                    "7:30",     "25th",  "pm",      "next",   "friday", "people", "plus",   "oh",
                                    "99",       "10000", ":",       "twenty", "one",    "not",    "we",     "are"};
  std::mt19937 random(11);
  for (int round = 0; round < 20'000; ++round) {
    std::string said;
    for (std::size_t i = random() % 12; i > 0; --i)
      said += std::string(vocabulary[random() % std::size(vocabulary)]) + " ";
    const Words words = spoken_words(said);
    const Taken taken = nothing(words);
    for (const auto& found : {find_people(words, taken, 0, true), find_time(words, taken, 0, kEvening),
                              find_day(words, taken, 0, kNow), find_name(words, taken, 0), find_phone(words, taken, 0),
                              find_bare_people(words, taken, 0), find_bare_time(words, taken, 0, kEvening),
                              find_bare_day(words, taken, 0, kNow), find_bare_name(words, taken, 0)}) {
      if (found) {
        ASSERT_LT(found->begin, found->end) << said;
        ASSERT_LE(found->end, words.size()) << said;
      }
    }
  }
}

}  // namespace
}  // namespace parley::scripted
