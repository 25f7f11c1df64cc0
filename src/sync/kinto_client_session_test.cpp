#include "sync/kinto_client_session.h"

#include <deque>
#include <gtest/gtest.h>
#include <map>

namespace tombolo::sync {
namespace {

using protocol::kinto::ObjectAnswer;

struct Answer {
  int status = 200;
  std::string body = {};
  std::string etag = {};
  bool more = false;
  std::int64_t wait_ms = 0;
  std::optional<ErrorCode> failure = {};  // no answer comes
};

const char kHello[] =
    R"({"http_api_version":"1.23","settings":{"batch_max_requests":3,"readonly":false}})";

std::string list_of(std::int64_t first, std::int64_t last) {
  std::string body = R"({"data":[)";
  for (std::int64_t tag = first; tag <= last; ++tag) {
    if (tag != first) body += ",";
    body +=
        R"({"id":"r)" + std::to_string(tag) + R"(","last_modified":)" + std::to_string(tag) + "}";
  }
  return body + "]}";
}

std::string batch_of(const std::vector<std::string>& answers) {
  std::string body = R"({"responses":[)";
  for (std::size_t i = 0; i < answers.size(); ++i) body += (i != 0 ? "," : "") + answers[i];
  return body + "]}";
}

std::string accepted(const std::string& id, int tag) {
  return R"({"status":201,"body":{"data":{"id":")" + id + R"(","last_modified":)" +
         std::to_string(tag) + "}}}";
}

std::string answered(int status) {
  return R"({"status":)" + std::to_string(status) + R"(,"body":{"message":"no"}})";
}

// A host whose server answers from a script, and whose pending records are a list.
class KintoClientSessionTest : public ::testing::Test, public KintoClientHost {
 protected:
  void exchange(std::vector<std::string> collections = {"c"}, bool discover = false) {
    collections_ = std::move(collections);
    KintoClientSession session(*this, {.bucket = "b", .discover = discover, .page_size = 3});
    session.start();
    while (!requests_.empty()) {
      requests_.pop_front();
      ASSERT_FALSE(script_.empty()) << "no answer is left for " << log_.back();
      const Answer answer = script_.front();
      script_.pop_front();
      if (answer.failure) {
        session.failed({*answer.failure, "no answer"});
        continue;
      }
      session.answered({.status = answer.status,
                        .etag = answer.etag,
                        .has_next_page = answer.more,
                        .wait_ms = answer.wait_ms,
                        .body = answer.body});
    }
    EXPECT_TRUE(session.over());
    EXPECT_TRUE(script_.empty()) << script_.size() << " answers were not asked for";
    ASSERT_TRUE(result_.has_value());
  }
  void script(std::deque<Answer> answers) { script_ = std::move(answers); }
  void pend(const std::string& id, std::optional<std::string> base = {}, bool deleted = false) {
    const std::int64_t key = ++last_key_;
    pending_.push_back({.key = key,
                        .found_at = key,
                        .position = key,
                        .collection = "c",
                        .id = id,
                        .base_version = std::move(base),
                        .deleted = deleted,
                        .data = R"({"id_was":")" + id + "\"}"});
  }

  void send(KintoRequest request) override {
    log_.push_back(request.method + " " + request.target);
    bodies_.push_back(request.body);
    for (const auto& [name, value] : request.headers) log_.back() += " " + name + "=" + value;
    requests_.push_back(std::move(request));
  }
  void ended(const Result<void>& result, std::int64_t wait_ms) override {
    EXPECT_FALSE(result_.has_value()) << "an exchange ends once";
    result_ = result;
    wait_ms_ = wait_ms;
  }
  Result<std::vector<std::string>> collections(std::span<const std::string> found) override {
    found_.assign(found.begin(), found.end());
    return collections_;
  }
  Result<std::int64_t> read_cursor(std::string_view collection) override {
    return cursors_[std::string(collection)];
  }
  Result<void> apply_page(std::string_view collection, std::span<const ObjectAnswer> records,
                          std::int64_t cursor) override {
    for (const ObjectAnswer& record : records) applied_.push_back(record.id);
    if (cursor != 0) cursors_[std::string(collection)] = cursor;
    return {};
  }
  Result<void> finish_recovery(std::string_view collection, const Recovery& recovery,
                               std::int64_t cursor) override {
    recoveries_.push_back(recovery);
    cursors_[std::string(collection)] = cursor;
    return {};
  }
  Result<std::int64_t> newest_position() override {
    std::int64_t newest = 0;
    for (const PendingRecord& record : pending_) newest = std::max(newest, record.found_at);
    return newest;
  }
  Result<std::vector<PendingRecord>> read_pending(std::size_t max_records, std::size_t,
                                                  const PushBarriers& barriers) override {
    std::vector<PendingRecord> records;
    for (const PendingRecord& record : pending_) {
      const bool barred = record.found_at <= barriers.after || record.found_at > barriers.until ||
                          barriers.records.contains(record.key) ||
                          barriers.collections.contains(record.collection);
      if (!barred && records.size() < max_records) records.push_back(record);
    }
    return records;
  }
  Result<void> prepare_push(std::span<PendingRecord> records) override {
    prepared_ += records.size();
    for (PendingRecord& record : pending_) record.deleted = record.deleted || removes_;
    return {};
  }
  Result<void> apply_outcomes(std::span<const PushOutcome> outcomes) override {
    if (grows_) pend("more");
    for (const PushOutcome& outcome : outcomes) {
      outcomes_.emplace_back(outcome.record->id, outcome.kind);
      if (outcome.kind == PushOutcome::Kind::refused) reasons_.push_back(outcome.code);
      const std::int64_t key = outcome.record->key;
      if (outcome.kind == PushOutcome::Kind::undone) continue;
      if (outcome.kind == PushOutcome::Kind::contested) {
        for (PendingRecord& record : pending_) {
          if (record.key == key) record.base_version = std::to_string(outcome.remote.last_modified);
        }
        continue;
      }
      std::erase_if(pending_, [&](const PendingRecord& record) { return record.key == key; });
    }
    return {};
  }

  std::deque<Answer> script_;
  std::deque<KintoRequest> requests_;
  std::vector<std::string> log_;
  std::vector<std::string> bodies_;
  std::vector<std::string> collections_;
  std::vector<std::string> found_;
  std::map<std::string, std::int64_t> cursors_;
  std::vector<std::string> applied_;
  std::vector<Recovery> recoveries_;
  std::vector<PendingRecord> pending_;
  std::int64_t last_key_ = 0;
  std::size_t prepared_ = 0;
  bool grows_ = false;    // somebody writes while something is pushed
  bool removes_ = false;  // or removes it all
  std::vector<std::pair<std::string, PushOutcome::Kind>> outcomes_;
  std::vector<std::string> reasons_;
  std::optional<Result<void>> result_;
  std::int64_t wait_ms_ = 0;
};

using Kind = PushOutcome::Kind;
const std::string kRecords = "GET /buckets/b/collections/c/records?_sort=last_modified&_limit=3";

TEST_F(KintoClientSessionTest, ReadsInTheOrderOfChangePageByPageAndKeepsThePlace) {
  script({{.body = kHello},
          {.body = list_of(1, 3), .etag = "\"9\"", .more = true},
          {.body = list_of(4, 6), .etag = "\"9\"", .more = true},
          {.body = list_of(7, 7), .etag = "\"9\""}});
  exchange();
  EXPECT_TRUE(*result_);
  EXPECT_EQ(applied_.size(), 7u);
  EXPECT_EQ(log_[1], kRecords);
  EXPECT_EQ(log_[2], kRecords + "&_since=%223%22");
  EXPECT_EQ(log_[3], kRecords + "&_since=%226%22");
  EXPECT_EQ(cursors_["c"], 9);
}

TEST_F(KintoClientSessionTest, AsksOnlyForNewsAndTakesNotModifiedForNone) {
  cursors_["c"] = 9;
  script({{.body = kHello}, {.status = 304}});
  exchange();
  EXPECT_TRUE(*result_);
  EXPECT_EQ(log_[1], kRecords + "&_since=%229%22 If-None-Match=\"9\"");
}

TEST_F(KintoClientSessionTest, PushesWithPreconditionsInBatchesOfTheServersSizeAndReadsAgain) {
  pend("new");
  pend("known", "5");
  pend("deleted", "6", true);
  pend("fourth");
  script({{.body = kHello},
          {.body = list_of(1, 0), .etag = "\"1\""},
          {.body = batch_of({accepted("new", 10), accepted("known", 11), accepted("deleted", 12)})},
          {.body = batch_of({accepted("fourth", 13)})},
          {.status = 304}});
  exchange();
  EXPECT_TRUE(*result_);
  EXPECT_EQ(bodies_[2],
            R"({"requests":[{"method":"PUT","path":"/buckets/b/collections/c/records/new",)"
            R"("headers":{"If-None-Match":"*"},"body":{"data":{"id_was":"new"}}},)"
            R"({"method":"PUT","path":"/buckets/b/collections/c/records/known",)"
            R"("headers":{"If-Match":"\"5\""},"body":{"data":{"id_was":"known"}}},)"
            R"({"method":"DELETE","path":"/buckets/b/collections/c/records/deleted",)"
            R"("headers":{"If-Match":"\"6\""}}]})");
  EXPECT_TRUE(pending_.empty());
  EXPECT_EQ(log_.back().substr(0, kRecords.size()), kRecords) << "what others wrote meanwhile";
}

TEST_F(KintoClientSessionTest, WhatWasMadeAndDeletedHereIsNotSent) {
  pend("never-seen", {}, true);
  script({{.body = kHello}, {.body = list_of(1, 0), .etag = "\"1\""}});
  exchange();
  EXPECT_TRUE(*result_);
  EXPECT_EQ(outcomes_, (decltype(outcomes_){{"never-seen", Kind::unneeded}}));
}

TEST_F(KintoClientSessionTest, ContestedRecordsAreRebasedAndPushedAgain) {
  pend("r", "5");
  script({{.body = kHello},
          {.body = list_of(1, 0), .etag = "\"5\""},
          {.body = batch_of({R"({"status":412,"body":{"details":{"existing":)"
                             R"({"id":"r","last_modified":8,"x":1}}}})"})},
          {.body = batch_of({accepted("r", 9)})},
          {.status = 304}});
  exchange();
  EXPECT_TRUE(*result_);
  EXPECT_EQ(outcomes_, (decltype(outcomes_){{"r", Kind::contested}, {"r", Kind::accepted}}));
  EXPECT_NE(bodies_[3].find(R"("If-Match":"\"8\"")"), std::string::npos);
}

TEST_F(KintoClientSessionTest, ARecordThatOthersNeverStopChangingWaitsForTheNextExchange) {
  pend("hot", "5");
  pend("calm");
  std::deque<Answer> answers{{.body = kHello}, {.body = list_of(1, 0), .etag = "\"5\""}};
  const std::string contest =
      R"({"status":412,"body":{"details":{"existing":{"id":"hot","last_modified":8}}}})";
  answers.push_back({.body = batch_of({contest, accepted("calm", 7)})});
  for (int i = 0; i < 20; ++i) answers.push_back({.body = batch_of({contest})});
  answers.push_back({.status = 304});
  script(std::move(answers));
  exchange();
  ASSERT_FALSE(*result_);
  EXPECT_EQ(result_->error().code, ErrorCode::unavailable);
  EXPECT_EQ(pending_.size(), 1u);
}

TEST_F(KintoClientSessionTest, RefusedRecordsStopNobody) {
  pend("forbidden");
  pend("hidden");  // its id is taken by a record that we may not see
  pend("good");
  script({{.body = kHello},
          {.body = list_of(1, 0), .etag = "\"5\""},
          {.body = batch_of({answered(403), answered(412), accepted("good", 7)})},
          {.status = 304}});
  exchange();
  EXPECT_TRUE(*result_);
  EXPECT_EQ(outcomes_, (decltype(outcomes_){{"forbidden", Kind::refused},
                                            {"hidden", Kind::refused},
                                            {"good", Kind::accepted}}));
  EXPECT_EQ(reasons_, (std::vector<std::string>{"HTTP_403", "HTTP_412"}));
}

TEST_F(KintoClientSessionTest, ABatchThatIsRefusedWholeIsSentInParts) {
  pend("good");
  pend("bad");
  script({{.body = kHello},
          {.body = list_of(1, 0), .etag = "\"5\""},
          {.status = 400, .body = R"({"message":"broken"})"},
          {.body = batch_of({accepted("good", 6)})},
          {.status = 400, .body = R"({"message":"broken"})"},
          {.status = 304}});
  exchange();
  EXPECT_TRUE(*result_);
  EXPECT_EQ(outcomes_, (decltype(outcomes_){{"good", Kind::accepted}, {"bad", Kind::refused}}));
}

TEST_F(KintoClientSessionTest, ARecordThatMakesTheServerFailWaitsAndTheOthersPass) {
  pend("poison");
  pend("good");
  script({{.body = kHello},
          {.body = list_of(1, 0), .etag = "\"5\""},
          {.status = 500, .body = "{}"},
          {.status = 500, .body = "{}"},
          {.body = batch_of({accepted("good", 6)})},
          {.status = 304}});
  exchange();
  ASSERT_FALSE(*result_) << "not everything is there";
  EXPECT_EQ(pending_.size(), 1u);
  EXPECT_EQ(outcomes_, (decltype(outcomes_){{"good", Kind::accepted}}));
}

TEST_F(KintoClientSessionTest, AServerThatLostItsHistoryIsReadAnewBeforeAnythingIsDecided) {
  cursors_["c"] = 9;
  script({{.body = kHello},
          {.body = list_of(1, 0), .etag = "\"5\""},  // its time is before ours
          {.body = list_of(1, 3), .etag = "\"5\"", .more = true},
          {.body = list_of(4, 5), .etag = "\"5\""}});
  exchange();
  EXPECT_TRUE(*result_);
  ASSERT_EQ(recoveries_.size(), 1u);
  EXPECT_EQ(recoveries_[0].listed.size(), 5u);
  EXPECT_FALSE(recoveries_[0].keep_all);
  EXPECT_EQ(recoveries_[0].server_tag, 5);
  EXPECT_EQ(cursors_["c"], 5);
}

TEST_F(KintoClientSessionTest, AFlushedServerGetsEverythingAgain) {
  cursors_["c"] = 9;
  script({{.body = kHello},
          {.body = list_of(1, 0), .etag = "\"20\""},  // time moved, and left nothing behind
          {.body = list_of(1, 0), .etag = "\"20\""}});
  exchange();
  ASSERT_EQ(recoveries_.size(), 1u);
  EXPECT_TRUE(recoveries_[0].keep_all);
  EXPECT_EQ(cursors_["c"], 20);
}

TEST_F(KintoClientSessionTest, MakesTheBucketAndTheCollectionThatItsWritesNeed) {
  pend("r");
  script({{.body = kHello},
          {.status = 403, .body = R"({"message":"forbidden"})"},
          {.status = 403, .body = R"({"message":"forbidden"})"},
          {.status = 201, .body = "{}"},
          {.status = 201, .body = "{}"},
          {.body = batch_of({accepted("r", 6)})},
          {.body = list_of(1, 1), .etag = "\"6\""}});
  exchange();
  EXPECT_TRUE(*result_);
  EXPECT_EQ(log_[2], "PUT /buckets/b/collections/c If-None-Match=*");
  EXPECT_EQ(log_[3], "PUT /buckets/b If-None-Match=*");
  EXPECT_EQ(log_[4], log_[2]);
}

TEST_F(KintoClientSessionTest, ACollectionThatMayNotBeReadIsNotSynced) {
  script({{.body = kHello}, {.status = 403, .body = R"({"message":"forbidden"})"}});
  exchange();
  ASSERT_FALSE(*result_);
  EXPECT_EQ(result_->error().code, ErrorCode::permission_denied);
}

TEST_F(KintoClientSessionTest, ACollectionThatNobodyMadeIsEmpty) {
  script({{.body = kHello}, {.status = 404, .body = R"({"message":"unknown"})"}});
  exchange();
  EXPECT_TRUE(*result_);
}

TEST_F(KintoClientSessionTest, FindsTheCollectionsOfTheBucket) {
  script({{.body = kHello}, {.body = list_of(1, 3), .more = true}, {.body = list_of(4, 4)}});
  exchange({}, true);
  EXPECT_TRUE(*result_);
  EXPECT_EQ(found_, (std::vector<std::string>{"r1", "r2", "r3", "r4"}));
}

TEST_F(KintoClientSessionTest, ABucketThatMayNotBeReadIsNoSuccess) {
  script({{.body = kHello}, {.status = 403, .body = "{}"}});
  exchange({}, true);
  ASSERT_FALSE(*result_);
  EXPECT_EQ(result_->error().code, ErrorCode::permission_denied);
}

TEST_F(KintoClientSessionTest, EndsWhereNothingMakesSense) {
  const auto code_after = [&](Answer answer) {
    result_.reset();
    script({std::move(answer)});
    exchange();
    return result_->error().code;
  };
  EXPECT_EQ(code_after({.status = 200, .body = "<html>"}), ErrorCode::protocol);
  EXPECT_EQ(code_after({.status = 200, .body = R"({"hello":"world"})"}), ErrorCode::unsupported);
  EXPECT_EQ(code_after({.status = 404, .body = "{}"}), ErrorCode::unsupported);
  EXPECT_EQ(code_after({.status = 401, .body = "{}"}), ErrorCode::unauthenticated);
  EXPECT_EQ(code_after({.status = 503, .body = "{}", .wait_ms = 7'000}), ErrorCode::unavailable);
  EXPECT_EQ(wait_ms_, 7'000);
}

TEST_F(KintoClientSessionTest, AnswersThatBreakTheContractAreErrorsNotData) {
  const auto code_after = [&](const std::string& list, bool more = false) {
    result_.reset();
    script({{.body = kHello}, {.body = list, .etag = "\"5\"", .more = more}});
    exchange();
    return result_->error().code;
  };
  EXPECT_EQ(code_after(R"({"data":{}})"), ErrorCode::protocol);
  EXPECT_EQ(code_after(R"({"data":[1]})"), ErrorCode::protocol);
  EXPECT_EQ(code_after(R"({"data":[{"id":"x"}]})"), ErrorCode::protocol);
  EXPECT_EQ(code_after(R"({"data":[{"id":"x","last_modified":9e18}]})"), ErrorCode::protocol);
  EXPECT_EQ(code_after(R"({"data":[]})", true), ErrorCode::protocol);
  EXPECT_TRUE(applied_.empty());
}

TEST_F(KintoClientSessionTest, AReadOnlyServerIsReadAndWritesWait) {
  pend("r");
  script({{.body = R"({"http_api_version":"1.23","settings":{"readonly":true}})"},
          {.body = list_of(1, 2), .etag = "\"5\""}});
  exchange();
  ASSERT_FALSE(*result_);
  EXPECT_EQ(applied_.size(), 2u);
  EXPECT_EQ(pending_.size(), 1u);
  EXPECT_EQ(prepared_, 0u) << "what was never sent is not in doubt";
}

const std::string kEmpty = R"({"data":[]})";

TEST_F(KintoClientSessionTest, AConflictInABatchUndidAllOfItWhateverTheOthersWereAnswered) {
  pend("a");
  pend("b");
  script({{.body = kHello},
          {.body = kEmpty, .etag = "\"1\""},
          {.body = batch_of({accepted("a", 5), answered(409)})},
          {.body = batch_of({accepted("a", 6)})},
          {.body = batch_of({answered(409)})},
          {.body = batch_of({accepted("b", 7)})},
          {.status = 304}});
  exchange();
  EXPECT_TRUE(*result_);
  EXPECT_EQ(outcomes_, (decltype(outcomes_){{"a", Kind::undone},
                                            {"b", Kind::undone},
                                            {"a", Kind::accepted},
                                            {"b", Kind::undone},
                                            {"b", Kind::accepted}}));
}

TEST_F(KintoClientSessionTest, CredentialsThatAreNotTakenForAWriteBuryNothing) {
  pend("a");
  pend("b");
  script({{.body = kHello},
          {.body = kEmpty, .etag = "\"1\""},
          {.body = batch_of({accepted("a", 5), answered(401)})}});
  exchange();
  ASSERT_FALSE(*result_);
  EXPECT_EQ(result_->error().code, ErrorCode::unauthenticated);
  EXPECT_EQ(outcomes_, (decltype(outcomes_){{"a", Kind::accepted}}));
}

TEST_F(KintoClientSessionTest, PagesWithoutProgressEndTheReadingOfTheirCollectionAlone) {
  cursors_["c"] = 9;
  script({{.body = kHello},
          {.body = list_of(7, 9), .etag = "\"20\"", .more = true},
          {.body = list_of(1, 1), .etag = "\"1\""}});
  exchange({"c", "d"});
  ASSERT_FALSE(*result_);
  EXPECT_EQ(result_->error().code, ErrorCode::protocol);
  EXPECT_EQ(cursors_["c"], 9);
  EXPECT_EQ(applied_, (std::vector<std::string>{"r1"}));
}

TEST_F(KintoClientSessionTest, PagesThatGoBackAreNotBelieved) {
  script({{.body = kHello},
          {.body = R"({"data":[{"id":"x","last_modified":5},{"id":"y","last_modified":4}]})",
           .etag = "\"9\"",
           .more = true}});
  exchange();
  EXPECT_FALSE(*result_);
  EXPECT_TRUE(applied_.empty());
}

TEST_F(KintoClientSessionTest, AListOfCollectionsWithoutAnEndIsLeft) {
  script({{.body = kHello},
          {.body = list_of(1, 3), .more = true},
          {.body = list_of(1, 3), .more = true}});
  exchange({}, true);
  ASSERT_FALSE(*result_);
  EXPECT_EQ(result_->error().code, ErrorCode::protocol);
}

TEST_F(KintoClientSessionTest, ACollectionThatMakesTheServerFailStopsNoOther) {
  script(
      {{.body = kHello}, {.status = 500, .body = "{}"}, {.body = list_of(1, 2), .etag = "\"2\""}});
  exchange({"c", "d"});
  EXPECT_FALSE(*result_);
  EXPECT_EQ(applied_.size(), 2u);
}

TEST_F(KintoClientSessionTest, ARecordThatCannotBeKeptHereHoldsTheCursorAndNothingElse) {
  const std::string strange = R"({"data":[{"id":")" + std::string(2'000, 'x') +
                              R"(","last_modified":4},{"id":"y","last_modified":5}]})";
  script({{.body = kHello}, {.body = strange, .etag = "\"5\""}});
  exchange();
  ASSERT_FALSE(*result_) << "not everything is here";
  EXPECT_EQ(applied_, (std::vector<std::string>{"y"}));
  EXPECT_EQ(cursors_["c"], 0);
}

TEST_F(KintoClientSessionTest, ARecordMayBeAsDeepAsADatabaseKeepsIt) {
  const auto nested = [](const std::string& id, int tag, std::size_t levels) {
    return R"({"id":")" + id + R"(","last_modified":)" + std::to_string(tag) + R"(,"x":)" +
           std::string(levels, '[') + std::string(levels, ']') + "}";
  };
  script({{.body = kHello},
          {.body = R"({"data":[)" + nested("deep", 4, 127) + "]}", .etag = "\"4\""}});
  exchange();
  EXPECT_TRUE(*result_);
  result_.reset();
  script({{.body = kHello},
          {.body = R"({"data":[)" + nested("deeper", 5, 128) + "," + nested("z", 6, 1) + "]}",
           .etag = "\"6\""}});
  exchange();
  EXPECT_FALSE(*result_);
  EXPECT_EQ(applied_, (std::vector<std::string>{"deep", "z"}));
}

TEST_F(KintoClientSessionTest, APageThatIsTooLargeIsAskedForInParts) {
  script({{.body = kHello},
          {.failure = ErrorCode::limit_exceeded},
          {.body = list_of(1, 1), .etag = "\"1\""}});
  exchange();
  EXPECT_TRUE(*result_);
  EXPECT_EQ(log_.back(), "GET /buckets/b/collections/c/records?_sort=last_modified&_limit=1");
}

TEST_F(KintoClientSessionTest, ARecordThatBreaksTheConnectionLetsTheOthersPass) {
  pend("poison");
  pend("good");
  script({{.body = kHello},
          {.body = kEmpty, .etag = "\"1\""},
          {.failure = ErrorCode::unavailable},
          {.failure = ErrorCode::unavailable},
          {.body = batch_of({accepted("good", 6)})},
          {.status = 304}});
  exchange();
  EXPECT_FALSE(*result_);
  EXPECT_EQ(outcomes_, (decltype(outcomes_){{"good", Kind::accepted}}));
}

TEST_F(KintoClientSessionTest,
       TheRemovalOfWhatWasNotAnsweredWaitsUntilItIsKnownWhetherTheServerHasIt) {
  pend("a");
  pend("b");
  removes_ = true;
  script(
      {{.body = kHello}, {.body = kEmpty, .etag = "\"1\""}, {.failure = ErrorCode::unavailable}});
  exchange();
  EXPECT_FALSE(*result_);
  EXPECT_TRUE(outcomes_.empty());
  EXPECT_EQ(pending_.size(), 2U);
}

TEST_F(KintoClientSessionTest, WhatIsWrittenWhileWePushWaitsForTheNextRound) {
  pend("a");
  grows_ = true;
  std::deque<Answer> answers{{.body = kHello}};
  for (int round = 0; round < 20; ++round) {
    answers.push_back({.body = kEmpty, .etag = "\"1\""});
    answers.push_back({.body = batch_of({accepted(round == 0 ? "a" : "more", 5)})});
  }
  script(std::move(answers));
  exchange();
  EXPECT_TRUE(*result_) << "everything that was there at its begin has been exchanged";
}

TEST_F(KintoClientSessionTest, ACollectionThatWasDeletedThereIsMadeAnewAndFilled) {
  cursors_["c"] = 9;
  script({{.body = kHello}, {.status = 404, .body = "{}"}, {.status = 201, .body = "{}"}});
  exchange();
  EXPECT_TRUE(*result_);
  ASSERT_EQ(recoveries_.size(), 1u);
  EXPECT_TRUE(recoveries_[0].keep_all);
  EXPECT_EQ(cursors_["c"], 0);
}

TEST_F(KintoClientSessionTest, AReadingAnewThatWasCutGoesOnWithWhatItKnew) {
  cursors_["c"] = 9;
  script({{.body = kHello},
          {.body = kEmpty, .etag = "\"5\""},
          {.body = list_of(1, 3), .etag = "\"5\"", .more = true},
          {.status = 503, .body = "{}"}});
  exchange();
  EXPECT_EQ(cursors_["c"], -5);
  result_.reset();
  script({{.body = kHello}, {.body = list_of(1, 3), .etag = "\"700\""}});
  exchange();
  EXPECT_TRUE(*result_);
  ASSERT_EQ(recoveries_.size(), 1u);
  EXPECT_EQ(recoveries_[0].server_tag, 5) << "what is newer than that was lost, not deleted";
}

TEST_F(KintoClientSessionTest, RecordsWhosePathLooksLikeABatchCanBePushed) {
  pend("batch-1");
  script({{.body = kHello},
          {.body = kEmpty, .etag = "\"1\""},
          {.body = batch_of({accepted("batch-1", 5)})},
          {.status = 304}});
  exchange();
  EXPECT_EQ(bodies_[2].find("/batch-1"), std::string::npos);
  EXPECT_NE(bodies_[2].find("/records/%62atch-1"), std::string::npos);
}

}  // namespace
}  // namespace tombolo::sync
