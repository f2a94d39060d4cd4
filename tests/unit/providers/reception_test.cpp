#include "providers/scripted/dialogue.hpp"

#include <gmock/gmock.h>

#include <random>
#include <set>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace parley {
namespace {

using namespace std::chrono;
using testing::HasSubstr;

// A Saturday.
constexpr auto kNow = local_days{2026y / November / 21} + 18h;

// A call to the reception example, turn by turn.
class Call {
 public:
  explicit Call(std::vector<std::string> tools = {"book_table", "end_call"}, std::uint64_t seed = 0)
      : tools_(std::move(tools)), state_(dialogue().begin(seed)) {}

  static const Dialogue& dialogue() {
    static const auto loaded = Dialogue::load(PARLEY_RECEPTION);
    if (!loaded) throw std::runtime_error(loaded.error().message());
    return *loaded;
  }

  const DialogueReply& say(std::string_view text) {
    reply_ = dialogue().respond(state_, text, context());
    return reply_;
  }
  const DialogueReply& returns(std::string_view tool, std::string_view json, bool is_error = false) {
    reply_ = dialogue().tool_returned(state_, tool, boost::json::parse(json), is_error, context());
    return reply_;
  }
  std::string calls() const {
    std::string all;
    for (const auto& call : reply_.calls) all += call.tool + boost::json::serialize(call.arguments);
    return all;
  }
  DialogueState& state() { return state_; }

 private:
  DialogueContext context() const { return {kNow, tools_}; }

  std::vector<std::string> tools_;
  DialogueState state_;
  DialogueReply reply_;
};

struct Turn {
  const char* said;
  const char* expected;  // a part of the reply
};

void converse(std::initializer_list<Turn> turns, const char* calls = "") {
  Call call;
  std::string seen;
  for (const auto& [said, expected] : turns) {
    const auto& reply = call.say(said);
    EXPECT_THAT(reply.text, HasSubstr(expected)) << "said: " << said;
    seen += call.calls();
  }
  EXPECT_EQ(seen, calls);
}

TEST(Reception, ABookingAskedForStepByStep_IsMadeAndTheCallEnds) {
  Call call;
  EXPECT_EQ(call.say("Hi, I'd like to book a table.").text, "With pleasure. For how many people?");
  EXPECT_EQ(call.say("Four, please.").text, "Which day would you like to come?");
  EXPECT_EQ(call.say("Tomorrow.").text, "At what time?");
  EXPECT_EQ(call.say("Half past seven.").text, "And what is your name, please?");
  EXPECT_EQ(call.say("Anna Smith.").text,
            "So that is a table for four people, tomorrow at half past seven, for Anna Smith. Is that right?");
  EXPECT_EQ(call.say("Yes, please.").text, "Very good.");
  EXPECT_EQ(call.calls(), R"(book_table{"people":4,"day":"2026-11-22","time":"19:30","name":"Anna Smith"})");
  EXPECT_THAT(call.returns("book_table", R"({"table": 7})").text,
              HasSubstr("It is booked: four people, tomorrow at half past seven."));
  EXPECT_THAT(call.say("No, thanks, that's all.").text, HasSubstr("Goodbye!"));
  EXPECT_EQ(call.calls(), "end_call{}");
  EXPECT_EQ(call.returns("end_call", "null").text, "");
}

TEST(Reception, EverythingInOneSentence_IsOnlyConfirmed) {
  converse({{"I would like to book a table for four people tomorrow at seven under Johnson.",
             "So that is a table for four people, tomorrow at seven o'clock, for Johnson. Is that right?"},
            {"That's right.", "Very good."}},
           R"(book_table{"people":4,"day":"2026-11-22","time":"19:00","name":"Johnson"})");
}

TEST(Reception, AnyOrderOfAnswers_FillsTheBooking) {
  converse({{"book a table", "For how many people?"},
            {"on friday at seven thirty", "How many of you will there be?"},
            {"the name is Lee", "for how many people"},
            {"just me and my wife",
             "a table for two people, on Friday, the twenty-seventh of November at half past seven, for Lee"},
            {"correct", "Very good."}},
           R"(book_table{"people":2,"day":"2026-11-27","time":"19:30","name":"Lee"})");
}

TEST(Reception, Corrections_AreTakenWheneverTheyCome) {
  converse({{"A table for four tomorrow at seven, please.", "And what is your name, please?"},
            {"No, make it five people.", "Under which name"},
            {"Smith", "five people, tomorrow at seven o'clock, for Smith"},
            {"No, not tomorrow, on Friday.", "five people, on Friday, the twenty-seventh of November at seven o'clock"},
            {"and at eight, not at seven",
             "five people, on Friday, the twenty-seventh of November at eight o'clock, for Smith"},
            {"Actually the name is Schmidt.", "for Schmidt"},
            {"Six people instead of five.", "six people"},
            {"yes", ""}},
           R"(book_table{"people":6,"day":"2026-11-27","time":"20:00","name":"Schmidt"})");
}

TEST(Reception, SelfCorrectionWithinASentence_TheLastCounts) {
  converse({{"a table for four no sorry five people tomorrow at seven under Kim", "five people, tomorrow at seven"}});
  converse({{"book a table for tomorrow, no, for Friday at eight for two under Kim",
             "two people, on Friday, the twenty-seventh of November at eight"}});
  converse(
      {{"book a table", "how many"}, {"four no five", "Which day"}, {"tomorrow at seven under Kim", "five people"}});
}

TEST(Reception, ABareNumberAsACorrection_ChangesWhatWasSaidLast) {
  converse({{"a table for four tomorrow", "At what time"},
            {"seven", "name"},
            {"no make it eight", "name"},
            {"Kim", "four people, tomorrow at eight"}});
  converse({{"a table for four tomorrow at seven under Kim", "four people"},
            {"no, make it five", "five people, tomorrow at seven"}});
}

TEST(Reception, NoToTheConfirmation_AsksWhatToChange) {
  converse({{"a table for four tomorrow at seven under Kim", "Is that right?"},
            {"No.", "What shall I change?"},
            {"The time.", "time"},
            {"a quarter to eight", "four people, tomorrow at a quarter to eight, for Kim. Shall I book it?"},
            {"No, that's wrong.", "What is not right yet?"},
            {"It should be three people", "three people, tomorrow at a quarter to eight"},
            {"perfect", ""}},
           R"(book_table{"people":3,"day":"2026-11-22","time":"19:45","name":"Kim"})");
}

TEST(Reception, NoThatsRight_IsAYes) {
  converse({{"a table for four tomorrow at seven under Kim", "Is that right?"}, {"no no that's right", "Very good."}},
           R"(book_table{"people":4,"day":"2026-11-22","time":"19:00","name":"Kim"})");
}

TEST(Reception, AQuestionInTheMiddle_IsAnsweredAndTheBookingGoesOn) {
  converse(
      {{"I want a table for three", "Which day"},
       {"Are you open on Sundays?", "We are open every evening but Monday, from five o'clock until half past eleven."},
       {"Then Sunday", "time"},
       {"Do you have parking?", "car park right across the street, and it is free after six in the evening. "},
       {"eight", "name"},
       {"What was the question?", "name"},
       {"Lopez", "three people, tomorrow at eight o'clock, for Lopez"},
       {"what's on the menu?", "Shall I book it?"},
       {"go ahead", "Very good."}},
      R"(book_table{"people":3,"day":"2026-11-22","time":"20:00","name":"Lopez"})");
}

TEST(Reception, ValuesOutOfBounds_AreRefusedAndAskedForAgain) {
  converse({{"a table for twenty people", "up to twelve people"},
            {"twelve then", "Which day"},
            {"on Monday", "We are closed on Mondays"},
            {"Tuesday", "time"},
            {"at eleven pm", "from five o'clock until half past nine"},
            {"noon", "from five o'clock until half past nine"},
            {"nine", "name"},
            {"Okafor", "twelve people, on Tuesday, the twenty-fourth of November at nine o'clock, for Okafor"},
            {"make it thirteen people", "up to twelve people"},
            {"ten", "ten people, on Tuesday"},
            {"yes", ""}},
           R"(book_table{"people":10,"day":"2026-11-24","time":"21:00","name":"Okafor"})");
}

TEST(Reception, NeverMind_EndsTheBooking) {
  converse({{"book a table for two", "Which day"},
            {"Never mind.", "I have booked nothing. Is there anything else"},
            {"no", "Goodbye!"}},
           "end_call{}");
}

TEST(Reception, GoodbyeWithinABooking_EndsTheCall) {
  converse({{"book a table for two", "Which day"}, {"Oh, goodbye then.", "Goodbye!"}}, "end_call{}");
  Call call;
  call.say("book a table for two");
  EXPECT_THAT(call.say("bye").text, testing::EndsWith("Goodbye!"));
}

TEST(Reception, AfterTheBooking_ItCanBeChangedOnceMore) {
  Call call;
  call.say("a table for four tomorrow at seven under Kim");
  call.say("yes");
  call.returns("book_table", "{}");
  EXPECT_THAT(call.say("Actually, make it six people.").text,
              HasSubstr("six people, tomorrow at seven o'clock, for Kim"));
  call.say("yes");
  EXPECT_THAT(call.calls(), HasSubstr("\"people\":6"));
}

TEST(Reception, ASecondBooking_StartsAfresh) {
  Call call;
  call.say("a table for four tomorrow at seven under Kim");
  call.say("yes");
  call.returns("book_table", "{}");
  EXPECT_THAT(call.say("I would like to book another table.").text, HasSubstr("people"));
  EXPECT_TRUE(call.state().slots.empty());
}

TEST(Reception, TheBookIsOutOfReach_TheCallerIsTold) {
  Call call;
  call.say("a table for four tomorrow at seven under Kim");
  call.say("yes");
  EXPECT_THAT(call.returns("book_table", R"("timeout")", true).text, HasSubstr("I could not reach our book"));
}

TEST(Reception, WithoutTheTool_TheCallerIsNotLiedTo) {
  Call call({"end_call"});
  call.say("a table for four tomorrow at seven under Kim");
  EXPECT_THAT(call.say("yes").text, HasSubstr("As this is a demonstration, nobody keeps the book"));
  EXPECT_EQ(call.calls(), "");
}

TEST(Reception, WithoutAnyTool_GoodbyeIsStillSaid) {
  Call call(std::vector<std::string>{});
  EXPECT_THAT(call.say("Goodbye.").text, HasSubstr("Goodbye!"));
  EXPECT_EQ(call.calls(), "");
}

TEST(Reception, PlainQuestions_AreUnderstood) {
  const struct {
    const char* said;
    const char* intent;
  } cases[] = {
      {"Hello?", "hello"},
      {"Good evening!", "hello"},
      {"Hi, how are you?", "how_are_you"},
      {"hello what time do you open", "hours"},
      {"when do you close", "hours"},
      {"What are your opening hours?", "hours"},
      {"how late are you open tonight", "hours"},
      {"are you open on sunday", "hours"},
      {"are you closed on mondays", "hours"},
      {"Where are you?", "location"},
      {"where is the restaurant", "location"},
      {"what's the address", "location"},
      {"How do I get there?", "location"},
      {"where can I park", "parking"},
      {"What's on the menu?", "menu"},
      {"what kind of food do you have", "menu"},
      {"what do you recommend", "menu"},
      {"do you have pizza", "menu"},
      {"Do you have vegan food?", "diets"},
      {"do you have anything vegetarian on the menu", "diets"},
      {"I'm allergic to nuts", "diets"},
      {"is it gluten free", "diets"},
      {"how much is a pizza", "prices"},
      {"Is it expensive?", "prices"},
      {"Can I pay by card?", "payment"},
      {"do you take credit cards", "payment"},
      {"Can I bring my dog?", "dogs"},
      {"do you have a high chair", "children"},
      {"can we sit outside", "terrace"},
      {"Do you deliver?", "takeaway"},
      {"is it wheelchair accessible", "wheelchair"},
      {"can I cancel my reservation", "change_booking"},
      {"are you a robot", "who_are_you"},
      {"Am I talking to a human?", "who_are_you"},
      {"Who is this?", "who_are_you"},
      {"I want to talk to a human", "human"},
      {"can I speak to the manager", "human"},
      {"Tell me a joke!", "joke"},
      {"thanks a lot", "thanks"},
      {"thank you", "thanks"},
      {"What can you do?", "help"},
      {"help", "help"},
      {"is anybody there? can you hear me", "still_here"},
      {"hold on a second", "wait"},
      {"I have a question", "go_on"},
      {"You're funny!", "compliment"},
      {"bye bye", "goodbye"},
      {"okay thank you bye", "goodbye"},
      {"That's all, thank you.", "goodbye"},
      {"have a nice evening", "goodbye"},
      {"see you tomorrow", "goodbye"},
      {"I need a resevation", "book"},
      {"can I book for tonight", "book"},
      {"do you have a table free on Saturday", "book"},
      {"Could we come tonight at 7?", "book"},
  };
  for (const auto& [said, intent] : cases) {
    Call call;
    EXPECT_EQ(call.say(said).intent, intent) << said;
  }
}

TEST(Reception, Jokes_DoNotRepeatUntilAllWereTold) {
  Call call;
  std::set<std::string> jokes = {call.say("tell me a joke").text};
  for (int i = 0; i < 3; ++i) jokes.insert(call.say("yes").text);
  EXPECT_EQ(jokes.size(), 4U);
  EXPECT_THAT(call.say("no").text, HasSubstr("anything else"));
}

TEST(Reception, SayThatAgain_RepeatsTheAnswerAndKeepsTheQuestion) {
  Call call;
  const auto hours = call.say("when do you open").text;
  EXPECT_EQ(call.say("Sorry?").text, hours);
  EXPECT_EQ(call.say("Can you repeat that, please?").text, hours);
  EXPECT_THAT(call.say("no").text, HasSubstr("Goodbye!"));
}

TEST(Reception, NotUnderstood_IsSaidInOtherWordsAndThenHelps) {
  Call call;
  const auto first = call.say("flurb wibble").text;
  const auto second = call.say("wibble flurb").text;
  EXPECT_NE(first, second);
  EXPECT_THAT(call.say("quux").text, HasSubstr("I can book a table for you"));
  EXPECT_EQ(call.say("flurb").intent, "");
}

TEST(Reception, NotUnderstoodAfterAQuestion_TheQuestionStillStands) {
  Call call;
  call.say("when do you open");
  call.say("flurb wibble");
  EXPECT_THAT(call.say("no").text, HasSubstr("Goodbye!"));
}

TEST(Reception, NotUnderstoodWithinABooking_AsksAgainInOtherWords) {
  Call call;
  const auto asked = call.say("book a table").text;
  const auto again = call.say("flurb wibble").text;
  EXPECT_THAT(again, HasSubstr("How many of you will there be?"));
  EXPECT_THAT(asked, testing::Not(HasSubstr("How many of you")));
}

TEST(Reception, HoldOn_WaitsWithoutAskingAgain) {
  converse({{"a table for two", "Which day"}, {"hold on a second", "Take your time."}, {"tomorrow", "At what time?"}});
  Call call;
  call.say("a table for two");
  EXPECT_EQ(call.say("Hold on a second.").text, "Take your time.");
}

TEST(Reception, FillersAndThanks_AreNoReasonToApologise) {
  Call call;
  call.say("a table for two");
  for (const char* said : {"um", "okay", "thank you", "uh, yes"})
    EXPECT_THAT(call.say(said).text, testing::Not(HasSubstr("Sorry"))) << said;
}

TEST(Reception, YesToBooking_StartsIt) {
  converse(
      {{"what do you recommend", "Shall I book you a table?"}, {"Yes, for two people tomorrow.", "At what time?"}});
  converse({{"what do you recommend", "Shall I book you a table?"}, {"yes please", "For how many people?"}});
  converse({{"what do you recommend", "Shall I book you a table?"},
            {"no thank you", "Can I do anything else"},
            {"no", "Goodbye!"}},
           "end_call{}");
}

TEST(Reception, HomophonesOfARecogniser_AreNumbers) {
  converse({{"table for to tonight at ate under Kim", "two people, today at eight o'clock"}});
  converse({{"i need a reservation", "how many"},
            {"for", "Which day"},
            {"to morrow", "time"},
            {"half pass seven", "name"},
            {"Kim", "four people, tomorrow at half past seven"}});
}

TEST(Reception, ValuesWithoutAWordOfBooking_StartOne) {
  converse({{"Tomorrow at seven for four people.", "name"}});
  converse({{"four people", "Which day"}});
}

TEST(Reception, EverySeed_LeadsThroughTheSameBooking) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Call call({"book_table", "end_call"}, seed);
    call.say("book a table for four");
    call.say("tomorrow");
    call.say("at seven");
    EXPECT_THAT(call.say("Kim").text, HasSubstr("four people, tomorrow at seven o'clock, for Kim")) << seed;
    call.say("yes");
    EXPECT_THAT(call.calls(), HasSubstr("book_table")) << seed;
  }
}

TEST(Reception, TheSameSeedAndTurns_GiveTheSameAnswers) {
  const auto run = [](std::uint64_t seed) {
    Call call({"end_call"}, seed);
    std::string all;
    for (const char* said : {"hello", "tell me a joke", "flurb", "when do you open", "thanks", "what do you recommend"})
      all += call.say(said).text;
    return all;
  };
  EXPECT_EQ(run(7), run(7));
  std::set<std::string> different;
  for (std::uint64_t seed = 0; seed < 20; ++seed) different.insert(run(seed));
  EXPECT_GT(different.size(), 5U);
}

TEST(Reception, GoingThroughTheTurnsAgain_GivesTheStateBack) {
  const std::vector<std::string> turns = {"a table for four tomorrow", "at seven", "no, at eight", "Kim"};
  Call first;
  for (const auto& turn : turns) first.say(turn);
  Call again;
  for (const auto& turn : turns) again.say(turn);
  EXPECT_EQ(first.say("yes").calls.size(), again.say("yes").calls.size());
  EXPECT_EQ(first.calls(), again.calls());
}

TEST(Reception, RandomWords_NeverBreakIt) {
  const char* const vocabulary[] = {"table",  "for",      "four",  "tomorrow", "at",       "seven",  "yes",    "no",
                                    "cancel", "name",     "is",    "Kim",      "monday",   "twenty", "people", "joke",
                                    "repeat", "thanks",   "bye",   "the",      "time",     "make",   "it",     "not",
                                    "friday", "hold",     "on",    "what",     "\xff\xfe", "?",      "menu",   "never",
                                    "mind",   "actually", "sorry", "half",     "past",     "eight"};
  std::mt19937 random(17);
  for (int round = 0; round < 300; ++round) {
    Call call({"book_table", "end_call"}, random() % 3);
    for (int turn = 0; turn < 15; ++turn) {
      std::string said;
      for (std::size_t i = random() % 7; i > 0; --i)
        said += std::string(vocabulary[random() % std::size(vocabulary)]) + " ";
      const auto reply = call.say(said);
      EXPECT_FALSE(reply.text.empty() && reply.calls.empty()) << said;
      EXPECT_EQ(reply.text.find("{{"), std::string::npos);
      for (const auto& one : reply.calls) {
        if (random() % 2 == 0) call.returns(one.tool, "{}", random() % 2 == 0);
      }
    }
  }
}

}  // namespace
}  // namespace parley
