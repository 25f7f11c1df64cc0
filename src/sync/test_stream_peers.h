// For tests: a server's log and a client's log in memory, each behind one end of the protocol, and
// the queues of frames between them.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "core/operation.h"
#include "protocol/operation_json.h"
#include "sync/stream_client_session.h"
#include "sync/stream_server_session.h"

namespace tombolo::sync::testing {

inline core::Operation make_operation(const std::string& node, std::int64_t sequence_number,
                                      std::int64_t wall_ms, const std::string& title) {
  core::Operation operation;
  operation.node = node;
  operation.collection = "todos";
  operation.record = "rec-" + std::to_string(sequence_number % 7);
  operation.data = Object{{"title", title}};
  operation.timestamp = {wall_ms, 0, node};
  operation.sequence_number = sequence_number;
  operation.id = *core::operation_id(operation);
  return operation;
}

// The sum of the first halves of the ids, modulo 2^128.
class FingerprintSum {
 public:
  void add(const std::string& id) {
    const std::string bytes = from_hex(std::string_view(id).substr(0, 32)).value();
    unsigned carry = 0;
    for (std::size_t at = 16; at-- > 0;) {
      const unsigned sum = sum_[at] + static_cast<unsigned char>(bytes[at]) + carry;
      sum_[at] = static_cast<std::uint8_t>(sum);
      carry = sum >> 8;
    }
  }
  std::string text() const { return to_hex(sum_); }

 private:
  std::array<std::uint8_t, 16> sum_{};
};

struct LogEntry {
  std::string id;
  std::string node;
  std::int64_t sequence_number = 0;
  std::string body;
};

// The log of one bucket.
class MemoryLog {
 public:
  // False: it was there.
  bool append(const core::Operation& operation, std::string body) {
    if (!ids_.insert(operation.id).second) return false;
    if (timelines_.empty() || timelines_.back().second != life()) {
      timelines_.emplace_back(end() + 1, life());
    }
    entries_.push_back({operation.id, operation.node, operation.sequence_number, std::move(body)});
    core::observe(vector_, operation.node, operation.sequence_number);
    fingerprint_.add(operation.id);
    return true;
  }

  // As a server that is started again: what it writes belongs to another timeline.
  void restart() { ++lives_; }

  // As a server that is restored from a backup of its first `size` operations.
  void cut(std::size_t size) {
    const std::vector<LogEntry> kept(entries_.begin(),
                                     entries_.begin() + static_cast<std::ptrdiff_t>(size));
    auto timelines = std::move(timelines_);
    std::erase_if(timelines, [&](const auto& row) { return row.first > std::ssize(kept); });
    const int lives = lives_;
    *this = {};
    for (const LogEntry& entry : kept) {
      append(*protocol::parse_operation_json(entry.body), entry.body);
    }
    timelines_ = std::move(timelines);
    lives_ = lives + 1;
  }

  std::string life() const { return "life-" + std::to_string(lives_); }
  std::string timeline() const { return timelines_.empty() ? "" : timelines_.back().second; }
  bool continues(const std::string& timeline, std::int64_t sequence) const {
    for (std::size_t at = 0; at < timelines_.size(); ++at) {
      if (timelines_[at].second != timeline) continue;
      return at + 1 == timelines_.size() || sequence < timelines_[at + 1].first;
    }
    return false;
  }

  std::int64_t end() const { return static_cast<std::int64_t>(entries_.size()); }
  const std::vector<LogEntry>& entries() const { return entries_; }
  const std::set<std::string>& ids() const { return ids_; }
  protocol::Proof proof() const { return {fingerprint_.text(), end()}; }
  const core::VersionVector& vector() const { return vector_; }

  DeliveryPage page(const DeliveryRequest& request) const {
    DeliveryPage page;
    page.after = page.last = request.after;
    std::size_t bytes = 0;
    while (page.last < end() && page.operations.size() < request.max_operations) {
      const LogEntry& entry = entries_[static_cast<std::size_t>(page.last)];
      if (bytes > 0 && bytes + entry.body.size() > request.max_bytes) break;
      bytes += entry.body.size();
      page.operations.push_back({++page.last, entry.node, entry.body});
    }
    page.at_end = page.last >= end();
    if (page.at_end) page.proof = proof();
    return page;
  }

 private:
  std::vector<LogEntry> entries_;
  std::vector<std::pair<std::int64_t, std::string>> timelines_;  // first sequence, life
  int lives_ = 1;
  std::set<std::string> ids_;
  core::VersionVector vector_;
  FingerprintSum fingerprint_;
};

// The server's end of one connection.
class ServerEnd final : public StreamServerHost {
 public:
  ServerEnd(MemoryLog& log, StreamServerOptions options, StreamServerSession::Now now)
      : log_(log), session(*this, std::move(options), now) {}

  void receive(std::string_view frame, StreamServerSession::Now now) {
    session.text_received(frame, now);
    if (opening_) {
      opening_ = false;
      if (refusal) {
        session.refused(*refusal);
      } else {
        session.opened(grant(), now);
      }
    }
    pump(now);
  }

  StreamGrant grant() const {
    StreamGrant grant{server_node, log_.vector(), position(), "", "", false};
    if (!knows_timelines) return grant;
    grant.timeline = log_.timeline();
    grant.next_timeline = log_.life();
    grant.restored = !client_place_.timeline.empty() && client_place_.sequence > 0 &&
                     !log_.continues(client_place_.timeline, client_place_.sequence);
    return grant;
  }

  LogPosition position() const {
    return {log_.end(), sees_all ? std::optional(log_.proof()) : std::nullopt};
  }

  // Commits the oldest batch that waits; false when there is none.
  bool commit() {
    if (uploads.empty()) return false;
    Upload upload = std::move(uploads.front());
    uploads.pop_front();
    UploadOutcome outcome;
    for (UploadedOperation& uploaded : upload.operations) {
      const std::optional<std::string> code = rejection_of(uploaded.operation);
      if (code) {
        outcome.rejections.push_back({uploaded.operation.id, uploaded.operation.collection,
                                      uploaded.operation.record, *code, rejection_message, false});
        continue;
      }
      log_.append(uploaded.operation, std::move(uploaded.body));
    }
    outcome.log = position();
    session.committed(upload.token, outcome);
    return true;
  }

  void log_grew(StreamServerSession::Now now) {
    session.operations_committed(log_.end());
    pump(now);
  }

  void pump(StreamServerSession::Now now) {
    while (const std::optional<DeliveryRequest> wanted = session.wanted()) {
      DeliveryPage page = log_.page(*wanted);
      if (!sees_all) page.proof.reset();
      session.operations_read(page, now);
    }
  }

  void open(const protocol::Handshake& handshake) override {
    opening_ = true;
    const std::int64_t client_watermark = handshake.last_delivery_sequence.value_or(0);
    client_place_ = {handshake.timeline_sequence.value_or(client_watermark),
                     handshake.timeline.value_or("")};
    if (on_handshake) on_handshake(handshake);
  }
  void submit(Upload upload) override { uploads.push_back(std::move(upload)); }
  Result<LogPosition> read_log_position() override { return position(); }
  void send_text(std::string_view frame) override { out.emplace_back(frame); }
  void send_batch(const protocol::OperationBatch& batch, bool) override {
    out.push_back(encode(batch));
  }
  bool can_send() const override { return writable; }
  void pause_reading() override { paused = true; }
  void resume_reading() override { paused = false; }
  void close(std::uint16_t code, std::string_view reason) override {
    close_code = code;
    close_reason = reason;
  }

 private:
  std::optional<std::string> rejection_of(const core::Operation& operation) const {
    if (rejected_collections.contains(operation.collection)) return "VALIDATION_ERROR";
    const auto rejected = rejected_records.find(operation.record);
    if (rejected == rejected_records.end()) return std::nullopt;
    return rejected->second;
  }

  MemoryLog& log_;
  bool opening_ = false;
  LogPlace client_place_;

 public:
  std::deque<std::string> out;
  std::deque<Upload> uploads;
  std::string server_node = "server";
  std::map<std::string, std::string> rejected_records;  // record id -> code
  std::set<std::string> rejected_collections;
  std::string rejection_message = "no";
  std::optional<Error> refusal;
  bool sees_all = true;  // else it is given no proof
  bool knows_timelines = true;
  std::function<void(const protocol::Handshake&)> on_handshake;
  bool writable = true;
  bool paused = false;
  std::uint16_t close_code = 0;
  std::string close_reason;
  StreamServerSession session;
};

// A client's database.
class MemoryClient final : public StreamClientHost {
 public:
  struct Entry {
    core::Operation operation;
    std::string body;
    bool pending = false;
    bool dead = false;
  };

  explicit MemoryClient(std::string node_id) : node(std::move(node_id)) {}

  void write(std::int64_t wall_ms, const std::string& title) {
    const std::int64_t number = core::seen(vector(), node) + 1;
    core::Operation operation = make_operation(node, number, wall_ms, title);
    std::string body = protocol::operation_json(operation);
    written.insert(operation.id);
    add(std::move(operation), std::move(body), true);
  }

  StreamClientSession& connect(StreamClientSession::Now now) {
    out.clear();
    closed = false;
    pings = 0;
    StreamClientOptions options;
    options.node = node;
    options.server = server;
    options.version_vector = vector();
    options.watermark = watermark;
    options.reached = reached;
    options.tag = node + "." + std::to_string(++connections);
    options.batch_operations = 3;
    options.max_operation_bytes = max_operation_bytes;
    options.lacks_own_history = watermark < recover_until;
    options.start_over_not_before_ms = start_over_not_before_ms;
    session = std::make_unique<StreamClientSession>(*this, std::move(options));
    session->opened(now);
    return *session;
  }

  StatusFacts facts() {
    StatusFacts facts;
    if (session) facts.connection = session->connection();
    facts.pending_operations =
        std::count_if(log.begin(), log.end(), [](const Entry& entry) { return entry.pending; });
    facts.unreadable_operations = static_cast<std::int64_t>(unreadable.size());
    facts.local_fingerprint = *fingerprint();
    if (session) {
      facts.watermark = session->watermark();
      facts.server_sequence = session->server_sequence();
      facts.server_proof = session->server_proof();
    }
    return facts;
  }

  core::VersionVector vector() const {
    core::VersionVector vector;
    for (const Entry& entry : log) {
      core::observe(vector, entry.operation.node, entry.operation.sequence_number);
    }
    return vector;
  }

  void send_text(std::string_view frame) override { out.emplace_back(frame); }
  void ping() override { ++pings; }
  std::size_t unacknowledged_bytes() override { return unacknowledged; }
  void close(std::uint16_t, std::string_view reason, bool retry) override {
    closed = true;
    close_reason = reason;
    close_retry = retry;
  }
  Result<std::vector<PendingOperation>> read_pending(std::int64_t position, std::size_t count,
                                                     std::size_t) override {
    ++reads_of_pending;
    std::vector<PendingOperation> pending;
    for (std::size_t at = static_cast<std::size_t>(position);
         at < log.size() && pending.size() < count; ++at) {
      const Entry& entry = log[at];
      if (!entry.pending) continue;
      pending.push_back({static_cast<std::int64_t>(at) + 1, entry.operation.id,
                         entry.operation.sequence_number, entry.operation.timestamp.wall_ms,
                         entry.body});
    }
    return pending;
  }
  Result<void> mark_acknowledged(std::span<const std::string> ids, const LogPlace& place) override {
    for (const std::string& id : ids) log[index.at(id)].pending = false;
    reached = place;
    return {};
  }
  Result<void> bury(const Refusal& refusal) override {
    Entry& entry = log[index.at(refusal.operation_id)];
    entry.pending = false;
    entry.dead = true;
    buried.push_back(refusal);
    return {};
  }
  Result<void> apply(DownloadedBatch& batch) override {
    if (apply_failure) return std::unexpected<Error>(*apply_failure);
    while (const DownloadedOperation* downloaded = batch.next()) {
      const auto known = index.find(downloaded->operation.id);
      if (known != index.end()) {
        log[known->second].pending = false;  // the server has it
      } else {
        add(downloaded->operation, std::string(downloaded->body), false);
      }
    }
    for (const UnreadableOperation& one : batch.unreadable) {
      unreadable.emplace(one.id, one.body);
    }
    watermark = batch.watermark.sequence;
    note_reached(batch.watermark);
    return {};
  }
  Result<void> start_over(const core::VersionVector& server_vector,
                          std::int64_t server_sequence) override {
    recover_until = server_sequence;
    ++times_started_over;
    for (Entry& entry : log) {
      const bool lacks =
          entry.operation.sequence_number > core::seen(server_vector, entry.operation.node);
      if (lacks && !entry.dead) entry.pending = true;
    }
    watermark = 0;
    reached = {};
    return {};
  }
  Result<std::optional<std::string>> fingerprint() override {
    if (!keeps_fingerprint) return std::optional<std::string>();
    FingerprintSum sum;
    for (const Entry& entry : log) {
      if (!entry.pending && !entry.dead) sum.add(entry.operation.id);
    }
    for (const auto& [id, body] : unreadable) sum.add(id);
    return std::optional<std::string>(sum.text());
  }
  void event(ClientEvent event, std::int64_t, std::string_view text) override {
    events.emplace_back(event, text);
  }

  void note_reached(const LogPlace& place) {
    if (place.sequence >= reached.sequence) reached = place;
  }

  bool saw(ClientEvent wanted) const {
    return std::any_of(events.begin(), events.end(),
                       [&](const auto& event) { return event.first == wanted; });
  }
  std::set<std::string> ids() const {
    std::set<std::string> ids;
    for (const auto& [id, at] : index) ids.insert(id);
    return ids;
  }

  const std::string node;
  std::vector<Entry> log;
  std::map<std::string, std::size_t> index;
  std::set<std::string> written;
  std::vector<Refusal> buried;
  std::map<std::string, std::string> unreadable;  // id -> body
  std::string server;                             // that the watermark is of, if a test says so
  std::int64_t watermark = 0;
  LogPlace reached;  // what the server's log is known to have come to
  std::int64_t recover_until = 0;
  std::int64_t start_over_not_before_ms = INT64_MIN;
  int times_started_over = 0;
  bool keeps_fingerprint = true;
  std::size_t max_operation_bytes = 1 << 20;
  std::optional<Error> apply_failure;
  int connections = 0;
  int pings = 0;  // that nobody answered
  std::size_t unacknowledged = 0;
  int reads_of_pending = 0;
  std::unique_ptr<StreamClientSession> session;
  std::deque<std::string> out;
  std::vector<std::pair<ClientEvent, std::string>> events;
  bool closed = true;
  bool close_retry = true;
  std::string close_reason;

 private:
  void add(core::Operation operation, std::string body, bool pending) {
    index.emplace(operation.id, log.size());
    log.push_back({std::move(operation), std::move(body), pending, false});
  }
};

}  // namespace tombolo::sync::testing
