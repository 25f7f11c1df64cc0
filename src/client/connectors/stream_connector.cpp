#include "client/connectors/stream_connector.h"

#include <charconv>

#include "base/planted_fault.h"
#include "base/text.h"
#include "client/ingest.h"
#include "client/log_access.h"
#include "client/unreadable_operations.h"
#include "protocol/operation_json.h"

namespace tombolo::client {
namespace {

constexpr std::int64_t kTickMs = 500;
constexpr std::int64_t kStartOverPauseMs = 60'000;  // between two comparisons of everything
// Scopes of the remote's cursors: how far the server's log was read; how far it had come when it
// took operations of ours last; and how far it was when everything was begun anew, up to where our
// own operations are asked for too.
constexpr std::string_view kWatermark = "watermark";
constexpr std::string_view kReached = "reached";
constexpr std::string_view kRecovery = "recovery";
constexpr std::size_t kRetriedAtOnce = 100;  // operations that could not be read

// A place as a cursor: "17", or "17@timeline".
std::string text_of(const sync::LogPlace& place) {
  const std::string sequence = std::to_string(place.sequence);
  return place.timeline.empty() ? sequence : sequence + "@" + place.timeline;
}

std::int64_t number_in(const std::optional<std::string>& text) {
  std::int64_t number = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

sync::LogPlace place_in(const std::optional<std::string>& text) {
  const std::size_t at = text ? text->find('@') : std::string::npos;
  return {number_in(text), at == std::string::npos ? std::string() : text->substr(at + 1)};
}

// Whether an operation was refused for what it is, so that it will be every time; else the disk or
// the database is to blame, and it may go better later.
bool is_about_operation(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::invalid_data:
    case ErrorCode::limit_exceeded:
    case ErrorCode::unsupported:
    case ErrorCode::conflict:
      return true;
    default:
      return false;
  }
}

}  // namespace

StreamConnector::~StreamConnector() = default;

sync::StreamClientSession::Now StreamConnector::now() const {
  const Clock& clock = *engine().environment().clock;
  return {clock.monotonic_ms(), clock.wall_ms()};
}

// What an earlier version of this program could not read, this one may.
Result<void> StreamConnector::retry_unreadable(std::string_view server) {
  std::int64_t after = 0;
  for (;;) {
    Result<std::vector<KeptOperation>> kept;
    {
      auto reader = engine().reader();
      if (!reader) return fail(reader);
      kept = read_unreadable((*reader)->access(), remote().key, server, after, kRetriedAtOnce);
    }
    if (!kept) return fail(kept);
    if (kept->empty()) return {};
    for (const KeptOperation& one : *kept) {
      after = one.key;
      const Result<core::Operation> operation = protocol::parse_operation_json(one.body);
      if (!operation) continue;
      auto done = engine().write([&](WriteSession& session) -> Result<void> {
        session.set_origin(remote().name);
        auto applied = ingest(session, *operation, remote().bit());
        return applied ? forget_unreadable(session, one.key) : applied;
      });
      if (!done && !is_about_operation(done.error())) return done;
    }
  }
}

Result<sync::StreamClientOptions> StreamConnector::session_options(const Credentials& credentials) {
  Result<std::string> server;
  {
    auto reader = engine().reader();
    if (!reader) return fail(reader);
    server = last_server((*reader)->access(), remote().key);
  }
  if (!server) return fail(server);
  if (auto done = retry_unreadable(*server); !done) return fail(done);
  auto reader = engine().reader();
  if (!reader) return fail(reader);
  const ReadConnection read = (*reader)->access();
  sync::StreamClientOptions session;
  auto node = read.cache.get("SELECT n.id FROM state JOIN nodes n USING (node_key)");
  if (!node) return fail(node);
  auto id = (*node)->query_one([](const store::Row& row) { return std::string(row.text(0)); });
  if (!id) return fail(id);
  session.node = id->value_or("");
  session.server = *server;
  auto vector = read_version_vector(read);
  if (!vector) return fail(vector);
  session.version_vector = std::move(*vector);
  const auto watermark = read_cursor(read, remote().key, *server, kWatermark);
  if (!watermark) return fail(watermark);
  session.reached = place_in(*watermark);
  session.watermark = session.reached.sequence;
  const auto reached = read_cursor(read, remote().key, *server, kReached);
  if (!reached) return fail(reached);
  if (sync::LogPlace beyond = place_in(*reached); beyond.sequence > session.watermark) {
    session.reached = std::move(beyond);
  }
  const auto recovery = read_cursor(read, remote().key, *server, kRecovery);
  if (!recovery) return fail(recovery);
  session.lacks_own_history = session.watermark < number_in(*recovery);
  session.batch_operations =
      engine().environment().upload_batch_operations.value_or(session.batch_operations);
  if (const auto* token = std::get_if<Token>(&credentials)) session.auth_token = token->token;
  UuidGenerator tags(*engine().environment().clock, *engine().environment().random);
  session.tag = tags.next();
  if (started_over_at_ms_ >= 0) {
    session.start_over_not_before_ms = started_over_at_ms_ + kStartOverPauseMs;
  }
  return session;
}

void StreamConnector::attempt(const Credentials& credentials) {
  if (std::holds_alternative<BasicCredentials>(credentials)) {
    return attempt_refused(
        {ErrorCode::invalid_argument, "a stream remote takes a token, not a user and a password"});
  }
  Result<sync::StreamClientOptions> session = session_options(credentials);
  if (!session) return attempt_failed(session.error());
  link_ = std::make_unique<Link>();
  link_->number = ++last_link_;
  answer_wishes();
  {
    auto reader = engine().reader();
    const auto server = reader ? last_server((*reader)->access(), remote().key)
                               : Result<std::string>(std::string());
    link_->server = server.value_or("");
  }
  net::WebSocketConnectOptions connect;
  connect.url = remote().url;
  connect.ca_file = options().ca_file;
  link_->connecting = network().connect_websocket(
      std::move(connect), [weak = weak_from_this(), this, session = std::move(*session)](
                              Result<net::OpenedWebSocket> done) mutable {
        const auto self = weak.lock();
        if (!self || stopped() || !link_) return;
        if (done) return opened(std::move(*done), std::move(session));
        link_.reset();
        const bool refused = done.error().code == ErrorCode::invalid_argument ||
                             done.error().code == ErrorCode::unsupported ||
                             done.error().code == ErrorCode::unauthenticated ||
                             done.error().code == ErrorCode::permission_denied;
        if (refused) return attempt_refused(done.error());
        attempt_failed(done.error());
      });
}

void StreamConnector::opened(net::OpenedWebSocket opened, sync::StreamClientOptions session) {
  Link* const link = link_.get();
  link->connection = std::move(opened.connection);
  link->session = std::make_unique<sync::StreamClientSession>(*this, std::move(session));
  const auto guarded = [weak = weak_from_this(), this, number = link->number](auto&& work) {
    const auto self = weak.lock();
    if (self && !stopped() && is_link(number)) work();
  };
  net::WebSocketCallbacks callbacks;
  callbacks.on_text = [=, this](std::string_view frame) {
    guarded([&] {
      link_->session->text_received(frame, now());
      after_event();
    });
  };
  callbacks.on_binary = [=, this](std::string_view) {
    guarded([&] { link_->session->binary_received(); });
  };
  callbacks.on_heartbeat = [=, this] { guarded([&] { link_->session->heard(now()); }); };
  callbacks.on_close = [=, this](std::uint16_t code, std::string_view reason) {
    guarded([&] {
      if (!link_->error) {
        link_->error = Error{ErrorCode::unavailable, "the connection to " + remote().url +
                                                         " ended (" + std::to_string(code) + " " +
                                                         std::string(reason) + ")"};
      }
      ended(link_->retry);
    });
  };
  link->connection->set_callbacks(std::move(callbacks));
  link->session->opened(now());
  keep_ticking();
}

// After whatever may have changed the facts.
void StreamConnector::after_event() {
  if (!link_ || !link_->session) return;
  link_->is_done = false;
  look();
  if (link_) keep_ticking();
}

// Notices the end of an exchange.
void StreamConnector::look() {
  if (link_->other_server) return switch_server();
  upload_more();
  if (link_->ask && link_->session->ask(now())) {
    link_->ask = false;
    return answer_wishes();
  }
  const sync::Connection connection = link_->session->connection();
  if (connection == sync::Connection::syncing) return set_state(RemoteState::syncing);
  if (connection != sync::Connection::streaming || link_->session->has_batch_in_flight()) return;
  Result<sync::StatusFacts> facts = this->facts();
  if (!facts) return;
  if (is_synced(*facts)) {
    link_->is_done = true;
    finish_exchange({});
    return exchanged();
  }
  const std::int64_t unreadable = std::exchange(facts->unreadable_operations, 0);
  if (!is_synced(*facts)) return set_state(RemoteState::syncing);
  const Error error{ErrorCode::unsupported,
                    std::to_string(unreadable) + " of the operations of " + remote().url +
                        " cannot be read by this version of Tombolo. They are kept: update it, "
                        "and connect again"};
  link_->is_done = true;
  finish_exchange(error);
  exchange_incomplete(error);
}

// While time alone can change something: an idle device is left asleep.
void StreamConnector::keep_ticking() {
  if (link_->timer != 0 || (link_->is_done && link_->session->is_at_rest())) return;
  link_->timer = schedule(kTickMs, [this, number = link_->number] {
    if (!is_link(number)) return;
    link_->timer = 0;
    link_->session->tick(now());
    after_event();
  });
}

// Posted, so that what was sent just now leaves before the next batch is read, secured and encoded.
void StreamConnector::upload_more() {
  if (!link_->session->can_upload_more()) return;
  post([this, number = link_->number] {
    if (is_link(number)) link_->session->upload_more(now());
  });
}

void StreamConnector::finish_exchange(const std::optional<Error>& error) {
  if (!std::exchange(link_->exchange_open, false)) return;
  publish(Event::Type::sync_finished, std::exchange(link_->sent, 0),
          std::exchange(link_->received, 0), error);
  if (error) return;
  (void)engine().write([&](WriteSession& session) { return note_synced(session, remote().key); });
}

Result<sync::StatusFacts> StreamConnector::facts() {
  const sync::StreamClientSession& session = *link_->session;
  sync::StatusFacts facts;
  facts.connection = session.connection();
  facts.block = session.block();
  facts.watermark = session.watermark();
  facts.server_sequence = session.server_sequence();
  facts.server_proof = session.server_proof();
  if (auto done = count_unsettled(facts); !done) return fail(done);
  if (facts.pending_operations > 0) return facts;  // not synced, whatever else
  auto local = fingerprint();
  if (!local) return fail(local);
  facts.local_fingerprint = std::move(*local);
  if (auto done = count_unsettled(facts); !done)
    return fail(done);  // what came meanwhile is pending
  return facts;
}

Result<void> StreamConnector::count_unsettled(sync::StatusFacts& facts) {
  auto reader = engine().reader();
  if (!reader) return fail(reader);
  const auto pending = count_pending((*reader)->access(), remote().bit());
  if (!pending) return fail(pending);
  facts.pending_operations = *pending;
  const auto unreadable = count_unreadable((*reader)->access(), remote().key);
  if (!unreadable) return fail(unreadable);
  facts.unreadable_operations = *unreadable;
  return {};
}

// A wish is answered by what the server has from now on, so it is asked.
void StreamConnector::on_sync_now() {
  link_->ask = true;
  after_event();
}

void StreamConnector::on_pending() {
  if (!link_->session) return;
  link_->session->pending_changed(now());
  after_event();
}

// The watermark was another server's: everything of ours may be new to this one, also when it was
// here before, because what was written in the meantime went to the other one.
void StreamConnector::switch_server() {
  link_->other_server = false;
  const std::string server = link_->server;
  auto done = engine().write([&](WriteSession& session) -> Result<void> {
    if (auto set = set_last_server(session, remote().key, server); !set) return set;
    return make_pending_above(session, remote(), {});
  });
  if (!done) link_->error = done.error();
  close(1000, "starting over", true);
}

void StreamConnector::ended(bool retry) {
  const std::unique_ptr<Link> link = std::move(link_);
  if (!link) return;
  executor().cancel(link->timer);
  if (link->session) link->session->closed();
  if (link->exchange_open) {
    publish(Event::Type::sync_finished, link->sent, link->received, link->error);
  }
  publish(Event::Type::disconnected, 0, 0, link->error);
  const Error error = link->error.value_or(
      Error{ErrorCode::unavailable, "the connection to " + remote().url + " ended"});
  if (retry) {
    attempt_failed(error);
  } else {
    attempt_refused(error);
  }
}

void StreamConnector::abandon() {
  const std::unique_ptr<Link> link = std::move(link_);
  if (!link) return;
  executor().cancel(link->timer);
  link->connecting.cancel();
  if (link->session) link->session->closed();
  if (link->connection) {
    link->connection->set_callbacks({});
    link->connection->close(1000, "disconnected");
    publish(Event::Type::disconnected);
  }
}

// The session ends when something of ours fails; that, and not the end, is what went wrong.
Result<void> StreamConnector::remember(Result<void> done) {
  if (!done) link_->error = done.error();
  return done;
}

void StreamConnector::send_text(std::string_view frame) {
  link_->connection->send_text(frame);
}

void StreamConnector::ping() {
  link_->connection->ping();
}

std::size_t StreamConnector::unacknowledged_bytes() {
  return link_->connection->unacknowledged_bytes();
}

// Called from inside the session, which therefore ends later; the server's own close may come
// first.
void StreamConnector::close(std::uint16_t code, std::string_view reason, bool retry) {
  if (!link_->error) link_->error = Error{ErrorCode::unavailable, std::string(reason)};
  link_->retry = retry;
  link_->connection->close(code, reason);
  post([this, number = link_->number, retry] {
    if (is_link(number)) ended(retry);
  });
}

Result<std::vector<sync::PendingOperation>> StreamConnector::read_pending(
    std::int64_t position, std::size_t max_operations, std::size_t max_bytes) {
  auto reader = engine().reader();
  if (!reader) return fail(reader);
  const auto logged = client::read_pending((*reader)->access(), remote().bit(), position,
                                           max_operations, max_bytes);
  if (!logged) return fail(logged);
  if (!logged->empty()) {
    if (auto secured = remember(engine().secure()); !secured) return fail(secured);
  }
  std::vector<sync::PendingOperation> pending;
  std::size_t bytes = 0;
  for (const LoggedOperation& one : *logged) {
    std::string body = protocol::operation_json(one.operation);
    bytes += body.size();
    if (!pending.empty() && bytes > max_bytes) break;
    link_->positions[one.operation.id] = one.position;
    pending.push_back({.position = one.position,
                       .id = one.operation.id,
                       .sequence_number = one.operation.sequence_number,
                       .wall_ms = one.operation.timestamp.wall_ms,
                       .body = std::move(body)});
  }
  return pending;
}

Result<void> StreamConnector::mark_acknowledged(std::span<const std::string> operation_ids,
                                                const sync::LogPlace& reached) {
  std::vector<std::int64_t> positions;
  for (const std::string& id : operation_ids) {
    if (const auto found = link_->positions.find(id); found != link_->positions.end()) {
      positions.push_back(found->second);
      link_->positions.erase(found);
    }
  }
  if (positions.empty()) return {};
  // Lost in a power loss, they are sent again, and the server knows them.
  const auto take = [&](WriteSession& session) -> Result<void> {
    auto done = acknowledge(session, remote().bit(), positions);
    if (!done || reached.sequence == 0) return done;
    return write_cursor(session, remote().key, link_->server, kReached, text_of(reached));
  };
  return remember(engine().write(take, Durability::relaxed));
}

Result<void> StreamConnector::bury(const sync::Refusal& refusal) {
  const auto found = link_->positions.find(refusal.operation_id);
  if (found == link_->positions.end()) return {};
  const std::int64_t position = found->second;
  link_->positions.erase(found);
  return remember(engine().write([&](WriteSession& session) {
    return client::bury(session, remote(), position, refusal.code, refusal.message);
  }));
}

// An operation that is refused for what it is is put aside with the rest that cannot be read: what
// it may have written is taken back with its transaction, and the batch is applied without it.
Result<void> StreamConnector::apply(sync::DownloadedBatch& batch) {
  const auto move_cursor = [&](WriteSession& session) {
    return write_cursor(session, remote().key, link_->server, kWatermark, text_of(batch.watermark));
  };
  // In two transactions: the batch that a crash or a full disk keeps out will never be asked for
  // again.
  if (planted(PlantedFault::cursor_before_page)) {
    if (auto done = engine().write(move_cursor, Durability::relaxed); !done) return done;
  }
  for (;;) {
    std::optional<Error> refusal;
    // Lost in a power loss, they come again: the watermark is lost with them.
    const auto take = [&](WriteSession& session) -> Result<void> {
      session.set_origin(remote().name);
      while (const sync::DownloadedOperation* downloaded = batch.next()) {
        const core::Operation& operation = downloaded->operation;
        if (!remote().names(operation.collection)) continue;
        auto done = ingest(session, operation, remote().bit());
        if (done) continue;
        if (is_about_operation(done.error())) refusal = done.error();
        return done;
      }
      if (auto done = keep(session, batch.unreadable); !done) return done;
      return move_cursor(session);
    };
    auto done = engine().write(take, Durability::relaxed);
    if (!done && !refusal) note_error(done.error());
    if (done || !refusal) return done;
    batch.put_aside(std::move(refusal->message));
  }
}

Result<void> StreamConnector::keep(WriteSession& session,
                                   std::span<const sync::UnreadableOperation> operations) {
  for (const sync::UnreadableOperation& one : operations) {
    if (!one.collection.empty() && !remote().names(one.collection)) continue;
    auto done = keep_unreadable(session, remote().key, link_->server, one.id, one.body, one.reason);
    if (!done) return done;
  }
  return {};
}

Result<void> StreamConnector::start_over(const core::VersionVector& server_vector,
                                         std::int64_t server_sequence) {
  started_over_at_ms_ = now().monotonic_ms;
  return remember(engine().write([&](WriteSession& session) -> Result<void> {
    auto done = make_pending_above(session, remote(), server_vector);
    if (done) done = forget_unreadable(session, remote().key, link_->server);
    if (done) done = write_cursor(session, remote().key, link_->server, kWatermark, "0");
    if (done) done = write_cursor(session, remote().key, link_->server, kReached, "0");
    if (!done) return done;
    return write_cursor(session, remote().key, link_->server, kRecovery,
                        std::to_string(server_sequence));
  }));
}

Result<std::optional<std::string>> StreamConnector::fingerprint() {
  if (!remote().collections.empty()) return std::nullopt;  // the server's covers them all
  auto reader = engine().reader();
  if (!reader) return fail(reader);
  const Result<std::string> held = fingerprint_of((*reader)->access(), remote());
  if (!held) return fail(held);
  const auto kept = fingerprint_of_unreadable((*reader)->access(), remote().key, link_->server);
  if (!kept) return fail(kept);
  if (!*kept) return std::nullopt;
  const std::string bytes = from_hex(*held).value_or("");
  core::Fingerprint sum = **kept;
  sum.add({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  return to_hex(sum.bytes());
}

void StreamConnector::event(sync::ClientEvent event, std::int64_t count_of, std::string_view text) {
  using sync::ClientEvent;
  switch (event) {
    case ClientEvent::connected:
      link_->other_server = !link_->server.empty() && link_->server != text;
      if (link_->server.empty()) {
        (void)engine().write(
            [&](WriteSession& session) { return set_last_server(session, remote().key, text); });
      }
      link_->server = text;
      link_->exchange_open = true;
      set_state(RemoteState::syncing);
      publish(Event::Type::connected);
      publish(Event::Type::sync_started);
      return;
    case ClientEvent::batch_received:
      link_->received += count_of;
      return count(0, count_of);
    case ClientEvent::batch_sent:
      set_state(RemoteState::syncing);
      link_->exchange_open = true;
      return;
    case ClientEvent::batch_acknowledged:
      link_->sent += count_of;
      return count(count_of, 0);
    case ClientEvent::authentication_failed:
      link_->error = Error{ErrorCode::unauthenticated, std::string(text)};
      return;
    case ClientEvent::schema_mismatch:
      link_->error = Error{ErrorCode::unsupported, std::string(text)};
      return;
    case ClientEvent::server_error:
      link_->error = Error{ErrorCode::protocol, std::string(text)};
      return;
    case ClientEvent::apply_failed:  // apply() has said why; the server sends it again
    case ClientEvent::initial_sync_done:
    case ClientEvent::clock_skew:
    case ClientEvent::server_restored:
    case ClientEvent::diverged:
    case ClientEvent::unreadable_operation:
      return;
  }
}

}  // namespace tombolo::client
