// A call's journal over several processes: lock, sequence, bounds, terminal record, the files of a directory.
#include <boost/json/parse.hpp>

#include "fixture.hpp"
#include "job/journal_retention.hpp"

namespace parley::job {
namespace {

using Journals = OnDisk;

TEST_F(Journals, NextWriter_GoesOnWithTheSequence_OnANewLine) {
  Process job(world, disk, "job");
  job.begin_journal();
  job.journal->append("a");
  job.journal->append("b");
  ASSERT_TRUE(sync(job));
  job.die();
  disk.overwrite(journal_path(kDirectory, kCall),
                 *disk.content(journal_path(kDirectory, kCall)) + "J1 000000");  // died in a line

  Process supervisor(world, disk, "supervisor");
  supervisor.begin_journal("");
  supervisor.journal->append(record_type::kAttemptExited, to_json(ProcessExit{.signal = 9}));
  ASSERT_TRUE(sync(supervisor));
  const auto left = contents();
  ASSERT_EQ(left.records.size(), 3u);
  EXPECT_EQ(left.damaged, 1u);
  EXPECT_EQ(left.missing, 0u);
  EXPECT_EQ(left.records[2].sequence, 3u);
  EXPECT_EQ(left.records[2].attempt_id, "");
}

TEST_F(Journals, LockedByItsJob_IsRefusedToEveryoneElse_UntilTheJobIsDead) {
  Process job(world, disk, "job");
  job.begin_journal();
  Process supervisor(world, disk, "supervisor");
  const auto refused = open_journal(*supervisor.disk, kDirectory, kCall);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::refused);
  EXPECT_TRUE(list_journals(*supervisor.disk, kDirectory)->at(0).locked);
  job.die();
  EXPECT_FALSE(list_journals(*supervisor.disk, kDirectory)->at(0).locked);
  EXPECT_TRUE(open_journal(*supervisor.disk, kDirectory, kCall));
}

TEST_F(Journals, ReadingNeedsNoLock) {
  Process job(world, disk, "job");
  job.begin_journal();
  job.journal->append("a");
  ASSERT_TRUE(sync(job));
  Process reader(world, disk, "inspect");
  EXPECT_EQ(read_journal(*reader.disk, kDirectory, kCall)->records.size(), 1u);
  EXPECT_EQ(read_journal(*reader.disk, kDirectory, "CA_none").error().code(), Errc::not_found);
  EXPECT_EQ(read_journal(*reader.disk, kDirectory, "../../etc/passwd").error().code(), Errc::invalid_argument);
}

TEST_F(Journals, NewJournal_SurvivesAPowerCut_FromItsFirstMoment) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    sim::SimDisk fragile{Random(seed), world.clock()};
    (void)create_journal(*fragile.process("supervisor"), kDirectory, kCall);
    fragile.power_cut();
    EXPECT_TRUE(fragile.content(journal_path(kDirectory, kCall))) << "seed " << seed;
  }
}

TEST_F(Journals, Events_AreRedacted_WhatIsRememberedIsNot) {
  Process job(world, disk, "job");
  job.begin_journal();
  job.journal->append("user_input_transcribed", {{"transcript", "table for 4"}});
  job.journal->remember("booking", {{"people", 4}});
  ASSERT_TRUE(sync(job));
  const auto bytes = *disk.content(journal_path(kDirectory, kCall));
  EXPECT_EQ(bytes.find("for 4"), std::string::npos);
  EXPECT_EQ(contents().records[0].data.at("transcript"), "table for *");
  EXPECT_EQ(job.journal->so_far().record().at("data").at("booking").at("people"), 4);
}

// Keeps what it is given.
struct Copies final : JournalMirror {
  void add(std::string_view record) override { records.emplace_back(record); }
  Task<void> flush(Deadline) override { co_return; }
  MirrorHealth health() const override { return {}; }
  std::vector<std::string> records;
};

TEST_F(Journals, Mirror_GetsWhatIsWritten_AsItIsWritten_Redacted) {
  Process job(world, disk, "job");
  Copies copies;
  job.journal = std::make_unique<Journal>(job.loop, job.writer->writer(), *create_journal(*job.disk, kDirectory, kCall),
                                          JournalConfig{.call_id = kCall, .mirror = &copies});
  job.journal->append("user_input_transcribed", {{"transcript", "4111"}});
  job.journal->append(record_type::kHooksDue);
  ASSERT_TRUE(sync(job));
  ASSERT_EQ(copies.records.size(), 2u);
  EXPECT_NE(copies.records[0].find(R"("transcript":"****")"), std::string::npos) << copies.records[0];
  std::string file;
  for (const auto& record : copies.records) file += fmt::format("J1 {:08x} {:08x} {}\n", record.size(), crc32c(as_bytes(record)), record);
  EXPECT_EQ(*disk.content(journal_path(kDirectory, kCall)), file);
  job.journal.reset();  // before its mirror
}

TEST_F(Journals, Mirror_GetsWhatTheDiskRefuses) {
  Process job(world, disk, "job");
  Copies copies;
  job.journal = std::make_unique<Journal>(job.loop, job.writer->writer(), OpenJournal{}, JournalConfig{.call_id = kCall, .mirror = &copies});
  job.journal->append("close");
  EXPECT_EQ(copies.records.size(), 1u);
  job.journal.reset();
}

TEST_F(Journals, CallThatSaysTooMuch_KeepsItsEnd) {
  Process job(world, disk, "job");
  job.journal =
      std::make_unique<Journal>(job.loop, job.writer->writer(), *create_journal(*job.disk, kDirectory, kCall),
                                JournalConfig{.call_id = kCall, .attempt_id = "AJ_1", .max_bytes = 10 * KiB});
  for (int i = 0; i < 200; ++i) job.journal->append("agent_state_changed", {{"text", std::string(100, 'x')}});
  job.journal->append(record_type::kAttemptEnding, ending_json({StopCause::caller_hung_up, {}}));
  job.journal->append(record_type::kAttemptEnded, ended_json({}));
  ASSERT_TRUE(sync(job));
  const auto left = contents();
  EXPECT_LT(disk.content(journal_path(kDirectory, kCall))->size(), 12 * KiB);
  EXPECT_EQ(left.records.back().type, record_type::kAttemptEnded);
  EXPECT_EQ(left.missing, 0u);
  EXPECT_EQ(std::ranges::count(left.records, std::string(record_type::kGap), &JournalRecord::type), 1);
  EXPECT_EQ(job.log->with("has 1"), 1u) << "told once";
}

TEST_F(Journals, RecordTooLongForTheFile_IsMissing_TheRestIsThere) {
  Process job(world, disk, "job");
  job.begin_journal();
  job.journal->append("a");
  job.journal->append("b", {{"text", std::string(3 * MiB, 'x')}});
  job.journal->append("c");
  ASSERT_TRUE(sync(job));
  EXPECT_EQ(types(), (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(contents().missing, 1u);
  EXPECT_EQ(job.journal->lost(), 1u);
}

TEST_F(Journals, TerminalRecord_IsWrittenOnce_WhoeverTries) {
  for (const char* name : {"supervisor1", "supervisor2", "supervisor3"}) {
    Process supervisor(world, disk, name);
    supervisor.begin_journal("");
    const bool first = std::string_view(name) == "supervisor1";
    EXPECT_EQ(supervisor.journal->append_terminal(), first) << name;
    EXPECT_FALSE(supervisor.journal->append_terminal());
    ASSERT_TRUE(sync(supervisor));
  }
  EXPECT_EQ(types(), (std::vector<std::string>{"attempt.exited", "call.terminal"}));
}

TEST_F(Journals, TerminalRecord_NeverSaysThatTheCallIsRunning) {
  Process job(world, disk, "job");
  job.begin_journal();
  job.journal->append(record_type::kCallStarted, to_json(CallStarted{}));
  job.journal->append(record_type::kAttemptStarted);
  ASSERT_TRUE(sync(job));
  job.die();
  Process supervisor(world, disk, "supervisor");
  supervisor.begin_journal("");
  supervisor.journal->append_terminal();
  ASSERT_TRUE(sync(supervisor));
  const auto terminal = contents().records.back().data;
  EXPECT_EQ(terminal.at("outcome"), "failed");
  EXPECT_EQ(terminal.at("reason"), "crash");
  EXPECT_EQ(terminal.at("detail"), "nobody saw the end of its process");
}

TEST_F(Journals, LetGo_FreesTheLock_BeforeItReturns) {
  disk.set_sync_time(200ms);
  Process supervisor(world, disk, "supervisor");
  supervisor.begin_journal("");
  supervisor.journal->append("a");
  supervisor.journal->request_sync();
  std::optional<Result<void>> gone;
  ASSERT_TRUE(supervisor.scope->spawn("let go", [](Journal& j, std::optional<Result<void>>& r) -> Task<void> {
    r = co_await j.let_go(j.loop().in(1s));
    j.append("late");
    (void)co_await j.let_go(j.loop().in(1s));
  }(*supervisor.journal, gone)));
  world.run_for(10ms);
  EXPECT_FALSE(gone);
  ASSERT_TRUE(world.run_until([&] { return gone.has_value(); }, 1s));
  EXPECT_TRUE(*gone);
  Process job(world, disk, "job");
  EXPECT_TRUE(open_journal(*job.disk, kDirectory, kCall));
  world.run_for(10ms);
  EXPECT_EQ(types(), (std::vector<std::string>{"a"}));
  EXPECT_EQ(supervisor.journal->lost(), 1u);
  EXPECT_EQ(sync(supervisor).error().code(), Errc::closing);
}

TEST_F(Journals, SettledJournal_IsNoLongerWork_ButCanStillBeRead) {
  Process supervisor(world, disk, "supervisor");
  supervisor.begin_journal("");
  supervisor.journal->append_terminal();
  ASSERT_TRUE(sync(supervisor));
  ASSERT_TRUE(settle_journal(*supervisor.disk, kDirectory, kCall));
  const auto listed = *list_journals(*supervisor.disk, kDirectory);
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_TRUE(listed[0].settled);
  EXPECT_EQ(read_journal(*supervisor.disk, kDirectory, kCall)->records.size(), 2u);
  EXPECT_EQ(open_journal(*supervisor.disk, kDirectory, kCall).error().code(), Errc::not_found);
}

TEST_F(Journals, OtherFilesInTheDirectory_AreNobodysJournal) {
  disk.overwrite(kDirectory + "/.journal", "");
  disk.overwrite(kDirectory + "/notes.txt", "");
  disk.overwrite(kDirectory + "/a b.journal", "");
  disk.overwrite(kDirectory + "/CA_1.journal", "");
  const auto listed = *list_journals(*disk.process("p"), kDirectory);
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].call_id, "CA_1");
}

TEST_F(Journals, Retention_RemovesSettledFilesOnly) {
  const auto p = disk.process("p");
  for (const auto* id : {"CA_1", "CA_2", "CA_3"}) {
    {
      auto file = create_journal(*p, kDirectory, id);
    }
    if (std::string_view(id) != "CA_2") ASSERT_TRUE(settle_journal(*p, kDirectory, id));
  }
  const auto later = world.clock().wall() + std::chrono::hours(8 * 24);
  const auto plan = apply_retention(*p, kDirectory, {}, later);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->unfinished, 1u);
  EXPECT_FALSE(disk.content(settled_path(kDirectory, "CA_1")));
  EXPECT_FALSE(disk.content(settled_path(kDirectory, "CA_3")));
  EXPECT_TRUE(disk.content(journal_path(kDirectory, "CA_2")));
}

}  // namespace
}  // namespace parley::job
