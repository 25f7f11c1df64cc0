#include "client/recent_commits.h"

#include <gtest/gtest.h>

namespace tombolo::client {
namespace {

CommitSummary summary_of(std::int64_t revision, std::size_t keys = 1) {
  CommitSummary summary;
  summary.revision = revision;
  summary.has_keys = true;
  summary.changed.push_back({"c", {}, std::vector<std::int64_t>(keys, revision)});
  return summary;
}

TEST(RecentCommits, HandsOverOurOwnOnceInTheirOrder) {
  RecentCommits commits;
  for (const std::int64_t revision : {5, 6, 7}) {
    commits.announce(revision);
    commits.report(summary_of(revision));
  }
  const auto taken = commits.take(4, 6);
  ASSERT_TRUE(taken);
  EXPECT_FALSE(taken->others);
  ASSERT_EQ(taken->own.size(), 2U);
  EXPECT_EQ(taken->own[1].changed[0].keys, std::vector<std::int64_t>{6});
  EXPECT_EQ(commits.take(6, 7)->own.size(), 1U);
  EXPECT_TRUE(commits.take(7, 7)->own.empty());
}

TEST(RecentCommits, AGapIsAnotherProcessesCommit) {
  RecentCommits commits;
  commits.announce(6);
  commits.report(summary_of(6));
  EXPECT_TRUE(commits.take(4, 6)->others);
  EXPECT_TRUE(commits.take(6, 7)->others);
  commits.announce(8);
  commits.call_off(8);
  EXPECT_TRUE(commits.take(7, 8)->others);
}

TEST(RecentCommits, WhatIsSeenBeforeItIsReportedIsWaitedFor) {
  RecentCommits commits;
  commits.announce(5);
  EXPECT_FALSE(commits.take(4, 5));
  commits.report(summary_of(5));
  commits.announce(6);  // not in the file yet
  const auto taken = commits.take(4, 5);
  ASSERT_TRUE(taken);
  EXPECT_FALSE(taken->others);
  EXPECT_EQ(taken->own.size(), 1U);
}

TEST(RecentCommits, TooManyAreForgottenAndTooManyKeysNotKept) {
  RecentCommits commits;
  const auto count = static_cast<std::int64_t>(RecentCommits::kMaxCommits);
  for (std::int64_t revision = 1; revision <= count + 1; ++revision) {
    commits.announce(revision);
    commits.report(summary_of(revision));
  }
  EXPECT_FALSE(commits.take(0, count)->others);
  EXPECT_TRUE(commits.take(count, count + 1)->others);

  commits.announce(count + 2);
  commits.report(summary_of(count + 2, RecentCommits::kMaxKeys + 1));
  commits.announce(count + 3);
  commits.report(summary_of(count + 3));
  const auto taken = commits.take(count + 1, count + 3);
  ASSERT_EQ(taken->own.size(), 2U);
  EXPECT_FALSE(taken->own[0].has_keys);
  EXPECT_TRUE(taken->own[1].has_keys);
}

}  // namespace
}  // namespace tombolo::client
