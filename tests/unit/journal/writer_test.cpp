// The rules of the writer, on a disk that is full, slow, broken or without power.
#include <boost/json/serialize.hpp>

#include "fixture.hpp"

namespace parley::job {
namespace {

using WriterOnDisk = OnDisk;

constexpr std::string_view kEvent = "agent_state_changed";

std::uint64_t lost_in_gaps(const JournalContents& contents) {
  std::uint64_t lost = 0;
  for (const auto& r : contents.records) {
    if (r.type == record_type::kGap) lost += r.data.at("lost").to_number<std::uint64_t>();
  }
  return lost;
}

TEST_F(WriterOnDisk, Append_NeverWaits_AndReachesTheFileInOrder) {
  Process job(world, disk, "job");
  job.begin_journal();
  const auto before = disk.operations();
  for (int i = 0; i < 10; ++i) job.journal->append(kEvent, {{"n", i}});
  EXPECT_EQ(disk.operations(), before) << "the caller touched the disk";
  ASSERT_TRUE(sync(job));
  ASSERT_EQ(contents().records.size(), 10u);
  EXPECT_EQ(contents().missing, 0u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(contents().records[static_cast<std::size_t>(i)].data.at("n"), i);
  EXPECT_LE(disk.operations() - before, 3u) << "what waits together is written together";
}

TEST_F(WriterOnDisk, PowerCut_KeepsWhatWasSynced) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    sim::SimDisk fragile{Random(seed), world.clock()};
    Process job(world, fragile, "job" + std::to_string(seed));
    auto opened = create_journal(*job.disk, kDirectory, kCall);
    job.journal =
        std::make_unique<Journal>(job.loop, job.writer->writer(), *std::move(opened), JournalConfig{.call_id = kCall});
    job.journal->append(kEvent, {{"n", 1}});
    ASSERT_TRUE(sync(job));
    job.journal->append(kEvent, {{"n", 2}});
    world.run_for(1ms);  // written, not synced
    fragile.power_cut();
    const auto left = parse_journal(fragile.content(journal_path(kDirectory, kCall)).value_or(""));
    ASSERT_GE(left.records.size(), 1u) << "seed " << seed;
    EXPECT_EQ(left.records[0].data.at("n"), 1);
  }
}

TEST_F(WriterOnDisk, RequestedSync_IsDoneOnce_HoweverOftenItIsAskedFor) {
  Process job(world, disk, "job");
  job.begin_journal();
  job.journal->append(kEvent);
  for (int i = 0; i < 5; ++i) job.journal->request_sync();
  world.run_for(100ms);
  EXPECT_EQ(job.writer->writer().health().syncs, 1u);
}

TEST_F(WriterOnDisk, SlowDisk_DelaysTheSyncOnly_AndTheDeadlineHolds) {
  disk.set_sync_time(10s);
  Process job(world, disk, "job");
  job.begin_journal();
  job.journal->append(kEvent);
  const auto began = world.now();
  const auto synced = sync(job, 2s);
  ASSERT_FALSE(synced);
  EXPECT_EQ(synced.error().code(), Errc::timeout);
  EXPECT_LT(world.now() - began, 2100ms);
  world.run_for(20s);
  EXPECT_EQ(job.writer->writer().health().syncs, 1u);
}

TEST_F(WriterOnDisk, FullDisk_HoldsRecordsUntilSpaceReturns_NothingIsLost) {
  Process job(world, disk, "job");
  job.begin_journal();
  job.journal->append(kEvent, {{"n", 0}});
  ASSERT_TRUE(sync(job));
  disk.set_free_bytes(40);  // less than a line: the first write is cut in the middle
  for (int i = 1; i <= 20; ++i) job.journal->append(kEvent, {{"n", i}});
  const auto synced = sync(job);
  ASSERT_FALSE(synced);
  EXPECT_EQ(synced.error().code(), Errc::overloaded);
  EXPECT_TRUE(job.writer->writer().health().disk_full);
  EXPECT_EQ(job.log->with("the disk under the journals is full"), 1u);

  disk.set_free_bytes(1 * MiB);
  world.run_for(JournalWriter::kRetryPeriod + 100ms);
  EXPECT_FALSE(job.writer->writer().health().disk_full);
  EXPECT_EQ(job.log->with("journals can be written again"), 1u);
  ASSERT_EQ(contents().records.size(), 21u);
  EXPECT_EQ(contents().damaged, 0u);
  EXPECT_EQ(contents().missing, 0u);
  EXPECT_EQ(job.journal->lost(), 0u);
}

TEST_F(WriterOnDisk, DiskFullForLong_LosesWhatIsBeyondTheBound_AndMarksTheGap) {
  Process job(world, disk, "job");
  job.begin_journal();
  disk.set_free_bytes(0);
  const std::string text(1000, 'x');
  constexpr int kEvents = 400;  // more than kMaxHeldBytes
  for (int i = 0; i < kEvents; ++i) {
    job.journal->append(kEvent, {{"text", text}});
    world.run_for(1ms);
  }
  const auto lost = job.writer->writer().health().records_lost;
  EXPECT_GT(lost, 0u);
  disk.set_free_bytes(10 * MiB);
  job.journal->append(kEvent, {{"text", "after"}});
  ASSERT_TRUE(sync(job));
  const auto left = contents();
  EXPECT_EQ(lost_in_gaps(left), lost);
  EXPECT_EQ(left.missing, lost);
  EXPECT_EQ(left.damaged, 0u);
  EXPECT_EQ(left.records.back().data.at("text"), "after");
  EXPECT_EQ(left.records.at(left.records.size() - 2).type, record_type::kGap)
      << "the gap stands where the records are missing";
  EXPECT_EQ(job.log->with("the disk under the journals is full"), 1u) << "told once";
}

TEST_F(WriterOnDisk, WriteErrorInTheMiddleOfALine_CostsThatLine_AndSaysSo) {
  Process job(world, disk, "job");
  job.begin_journal();
  job.journal->append(kEvent, {{"n", 1}});
  ASSERT_TRUE(sync(job));
  disk.fail_next_appends(1);
  job.journal->append(kEvent, {{"n", 2}});
  world.run_for(10ms);
  EXPECT_TRUE(job.writer->writer().health().trouble);
  job.journal->append(kEvent, {{"n", 3}});
  ASSERT_TRUE(sync(job));
  const auto left = contents();
  ASSERT_EQ(left.records.size(), 3u);
  EXPECT_EQ(left.records[1].type, record_type::kGap);
  EXPECT_EQ(left.records[1].data.at("lost"), 1);
  EXPECT_EQ(left.records[2].data.at("n"), 3);
  EXPECT_FALSE(job.writer->writer().health().trouble);
}

TEST_F(WriterOnDisk, FailedSync_IsReported_NotTakenForDone) {
  Process job(world, disk, "job");
  job.begin_journal();
  job.journal->append(kEvent);
  disk.fail_next_syncs(1);
  const auto synced = sync(job);
  ASSERT_FALSE(synced);
  EXPECT_EQ(synced.error().code(), Errc::io);
  EXPECT_EQ(job.writer->writer().health().failed_syncs, 1u);
  EXPECT_TRUE(job.writer->writer().health().trouble);
  ASSERT_TRUE(sync(job));
  EXPECT_FALSE(job.writer->writer().health().trouble);
  EXPECT_EQ(contents().records.back().type, record_type::kGap)
      << "a reader can tell that records before it may be missing";
}

TEST_F(WriterOnDisk, FullQueue_RefusesAtOnce_CountsAndMarks) {
  Process job(world, disk, "job");
  job.begin_journal();
  const std::string text(64 * KiB, 'x');
  for (int i = 0; i < 200; ++i) job.journal->append(kEvent, {{"text", text}});  // 12.5 MiB, and the disk had no turn
  EXPECT_GT(job.journal->lost(), 0u);
  EXPECT_LE(job.writer->writer().health().queued_bytes, JournalWriter::kMaxQueuedBytes);
  job.journal->append(record_type::kAttemptEnded);
  const auto lost_now = job.journal->lost();
  world.run_for(1s);
  job.journal->append(record_type::kHooksDue);
  ASSERT_TRUE(sync(job));
  EXPECT_EQ(lost_in_gaps(contents()), lost_now);
  EXPECT_EQ(contents().missing, lost_now);
}

TEST_F(WriterOnDisk, QueueThatIsBeingEmptied_TakesMore) {
  Process job(world, disk, "job");
  job.begin_journal();
  for (int i = 0; i < 3000; ++i) {
    job.journal->append(kEvent, {{"n", i}});
    if (i % 1000 == 999) world.run_for(4 * sim::SimWriter::kAppendTime);  // a part of it is written
  }
  world.run_for(1s);
  EXPECT_EQ(job.journal->lost(), 0u);
  EXPECT_EQ(job.writer->writer().health().queued_bytes, 0u);
  EXPECT_EQ(contents().records.size(), 3000u);
}

TEST_F(WriterOnDisk, NoFile_LosesEverything_ButSyncSaysSoAndTheRecordIsThere) {
  Process job(world, disk, "job");
  job.journal =
      std::make_unique<Journal>(job.loop, job.writer->writer(), OpenJournal{}, JournalConfig{.call_id = kCall});
  job.journal->append("conversation_item_added",
                      {{"item", {{"type", "message"}, {"role", "user"}, {"text", "hello"}}}});
  const auto synced = sync(job);
  ASSERT_FALSE(synced);
  EXPECT_EQ(synced.error().code(), Errc::io);
  EXPECT_EQ(job.writer->writer().health().records_lost, 1u);
  EXPECT_EQ(job.journal->so_far().transcript().size(), 1u);
}

TEST_F(WriterOnDisk, LogLines_GoThroughTheSameHands_AfterTheJournal) {
  Process job(world, disk, "job");
  job.begin_journal();
  const Logger log(job.writer->writer().log_sink());
  log.info("first");
  job.journal->append(kEvent);
  log.info("second");
  EXPECT_EQ(job.log->lines.size(), 0u) << "nothing is written where it is said";
  world.run_for(10ms);
  EXPECT_EQ(job.log->lines, (std::vector<std::string>{"first", "second"}));
}

TEST_F(WriterOnDisk, MoreLogLinesThanFit_AreDroppedCountedAndTold) {
  Process job(world, disk, "job");
  const Logger log(job.writer->writer().log_sink());
  for (std::size_t i = 0; i < JournalWriter::kMaxLogLines + 10; ++i) log.info("line {}", i);
  world.run_for(1s);
  EXPECT_EQ(job.writer->writer().health().log_lines_lost, 10u);
  EXPECT_EQ(job.log->with("10 log lines were dropped"), 1u);
  EXPECT_EQ(job.log->lines.size(), JournalWriter::kMaxLogLines + 1);
}

TEST_F(WriterOnDisk, LogLinesAfterTheWritersEnd_AreWrittenAtOnce) {
  Process job(world, disk, "job");
  const Logger log(job.writer->writer().log_sink());
  job.writer.reset();
  log.info("last words");
  EXPECT_EQ(job.log->lines, (std::vector<std::string>{"last words"}));
}

TEST_F(WriterOnDisk, LettingGo_FinishesWhatIsQueued_ThenFreesTheLock) {
  Process job(world, disk, "job");
  job.begin_journal();
  for (int i = 0; i < 5; ++i) job.journal->append(kEvent);
  job.journal.reset();
  EXPECT_TRUE(*job.disk->locked(journal_path(kDirectory, kCall)));
  world.run_for(10ms);
  EXPECT_FALSE(*job.disk->locked(journal_path(kDirectory, kCall)));
  EXPECT_EQ(contents().records.size(), 5u);
}

}  // namespace
}  // namespace parley::job
