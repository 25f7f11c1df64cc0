#include "client/connectors/stream_connector.h"

#include <charconv>

#include "client/ingest.h"
#include "client/log_access.h"
#include "protocol/operation_json.h"

namespace tombolo::client {
namespace {

constexpr std::int64_t kTickMs = 500;
constexpr std::int64_t kStartOverPauseMs = 60'000;  // between two comparisons of everything
constexpr std::string_view kWatermark = "watermark";

std::int64_t number_in(const std::optional<std::string>& text) {
  std::int64_t number = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

}  // namespace

StreamConnector::~StreamConnector() = default;

sync::StreamClientSession::Now StreamConnector::now() const {
  const Clock& clock = *engine().environment().clock;
  return {clock.monotonic_ms(), clock.wall_ms()};
}

Result<sync::StreamClientOptions> StreamConnector::session_options(const Credentials& credentials) {
  auto reader = engine().reader();
  if (!reader) return fail(reader);
  const ReadConnection read = (*reader)->access();
  sync::StreamClientOptions session;
  auto node = read.cache.get("SELECT n.id FROM state JOIN nodes n USING (node_key)");
  if (!node) return fail(node);
  auto id = (*node)->query_one([](const store::Row& row) { return std::string(row.text(0)); });
  if (!id) return fail(id);
  session.node = id->value_or("");
  auto vector = read_version_vector(read);
  if (!vector) return fail(vector);
  session.version_vector = std::move(*vector);
  const Result<std::string> server = last_server(read, remote().key);
  if (!server) return fail(server);
  const auto watermark = read_cursor(read, remote().key, *server, kWatermark);
  if (!watermark) return fail(watermark);
  session.watermark = number_in(*watermark);
  if (const auto* token = std::get_if<Token>(&credentials)) session.auth_token = token->token;
  UuidGenerator tags(*engine().environment().clock, *engine().environment().random);
  session.tag = tags.next();
  session.may_start_over =
      started_over_at_ms_ < 0 || now().monotonic_ms - started_over_at_ms_ >= kStartOverPauseMs;
  return session;
}

void StreamConnector::attempt(const Credentials& credentials) {
  Result<sync::StreamClientOptions> session = session_options(credentials);
  if (!session) return attempt_failed(session.error());
  link_ = std::make_unique<Link>();
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
  link_->connecting = net::connect_websocket(
      io_thread(), std::move(connect),
      [weak = weak_from_this(), this,
       session = std::move(*session)](Result<net::OpenedWebSocket> done) mutable {
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
  const auto guarded = [weak = weak_from_this(), this, link](auto&& work) {
    const auto self = weak.lock();
    if (self && !stopped() && link_.get() == link) work();
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
  tick();
}

void StreamConnector::tick() {
  Link* const link = link_.get();
  link->timer = schedule(kTickMs, [this, link] {
    if (link_.get() != link) return;
    link_->session->tick(now());
    after_event();
    if (link_.get() == link) tick();
  });
}

// After whatever may have changed the facts: notices the end of an exchange.
void StreamConnector::after_event() {
  if (!link_ || !link_->session) return;
  if (link_->other_server) return switch_server();
  if (link_->ask && link_->session->ask(now())) {
    link_->ask = false;
    return answer_wishes();
  }
  if (link_->session->connection() != sync::Connection::streaming || !quiet()) return;
  // Everything is here when the watermark is where the server is, or, while the server does not
  // move it over our own operations, when both hold the same operations.
  const auto local = fingerprint();
  const auto& proof = link_->session->server_proof();
  const std::int64_t watermark = link_->session->watermark();
  const std::int64_t server = link_->session->server_sequence();
  const bool equal = proof && local && *local && **local == proof->fingerprint;
  const bool comparable = proof && local && *local && proof->sequence == watermark;
  const bool proven =
      watermark >= server ? equal || !comparable : equal && proof->sequence >= server;
  if (!proven) return;
  if (std::exchange(link_->exchange_open, false)) {
    publish(Event::Type::sync_finished, std::exchange(link_->sent, 0),
            std::exchange(link_->received, 0));
    (void)engine().write([&](WriteSession& session) { return note_synced(session, remote().key); });
  }
  exchanged();
}

// Nothing is under way in either direction, as far as both sides know.
bool StreamConnector::quiet() {
  const sync::StreamClientSession& session = *link_->session;
  if (session.has_batch_in_flight()) return false;
  auto reader = engine().reader();
  if (!reader) return false;
  const auto pending = count_pending((*reader)->access(), remote().bit());
  return pending && *pending == 0;
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
  io().cancel(link->timer);
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
  io().cancel(link->timer);
  link->connecting.cancel();
  if (link->session) link->session->closed();
  if (link->connection) {
    link->connection->set_callbacks({});
    link->connection->close(1000, "disconnected");
    publish(Event::Type::disconnected);
  }
}

void StreamConnector::send_text(std::string_view frame) {
  link_->connection->send_text(frame);
}

// Called from inside the session, which therefore ends later; the server's own close may come
// first.
void StreamConnector::close(std::uint16_t code, std::string_view reason, bool retry) {
  if (!link_->error) link_->error = Error{ErrorCode::unavailable, std::string(reason)};
  link_->retry = retry;
  link_->connection->close(code, reason);
  Link* const link = link_.get();
  post([this, link, retry] {
    if (link_.get() == link) ended(retry);
  });
}

Result<std::vector<sync::PendingOperation>> StreamConnector::read_pending(
    std::int64_t position, std::size_t max_operations, std::size_t max_bytes) {
  auto reader = engine().reader();
  if (!reader) return fail(reader);
  const auto logged = client::read_pending((*reader)->access(), remote().bit(), position,
                                           max_operations, max_bytes);
  if (!logged) return fail(logged);
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
                                                const std::optional<protocol::Proof>&) {
  std::vector<std::int64_t> positions;
  for (const std::string& id : operation_ids) {
    if (const auto found = link_->positions.find(id); found != link_->positions.end()) {
      positions.push_back(found->second);
      link_->positions.erase(found);
    }
  }
  if (positions.empty()) return {};
  // Lost in a power loss, they are sent again, and the server knows them.
  return engine().write(
      [&](WriteSession& session) { return acknowledge(session, remote().bit(), positions); },
      Durability::relaxed);
}

Result<void> StreamConnector::bury(const sync::Refusal& refusal) {
  const auto found = link_->positions.find(refusal.operation_id);
  if (found == link_->positions.end()) return {};
  const std::int64_t position = found->second;
  link_->positions.erase(found);
  return engine().write([&](WriteSession& session) {
    return client::bury(session, remote(), position, refusal.code, refusal.message);
  });
}

Result<void> StreamConnector::apply(sync::DownloadedBatch& batch) {
  // Lost in a power loss, they come again: the watermark is lost with them.
  const auto take = [&](WriteSession& session) -> Result<void> {
    session.set_origin(remote().name);
    while (const sync::DownloadedOperation* downloaded = batch.next()) {
      const core::Operation& operation = downloaded->operation;
      if (!remote().names(operation.collection)) continue;
      auto done = ingest(session, operation, remote().bit());
      if (!done && done.error().code != ErrorCode::invalid_data &&
          done.error().code != ErrorCode::invalid_argument) {
        return done;
      }
    }
    return write_cursor(session, remote().key, link_->server, kWatermark,
                        std::to_string(batch.watermark));
  };
  return engine().write(take, Durability::relaxed);
}

Result<void> StreamConnector::start_over(const core::VersionVector& server_vector) {
  started_over_at_ms_ = now().monotonic_ms;
  return engine().write([&](WriteSession& session) -> Result<void> {
    auto done = make_pending_above(session, remote(), server_vector);
    if (!done) return done;
    return write_cursor(session, remote().key, link_->server, kWatermark, "0");
  });
}

Result<std::optional<std::string>> StreamConnector::fingerprint() {
  if (!remote().collections.empty()) return std::nullopt;  // the server's covers them all
  auto reader = engine().reader();
  if (!reader) return fail(reader);
  Result<std::string> sum = fingerprint_of((*reader)->access(), remote());
  if (!sum) return fail(sum);
  return std::move(*sum);
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
    case ClientEvent::apply_failed:
      link_->error = Error{ErrorCode::protocol, std::string(text)};
      return;
    case ClientEvent::initial_sync_done:
    case ClientEvent::clock_skew:
    case ClientEvent::server_restored:
    case ClientEvent::diverged:
    case ClientEvent::unreadable_operation:
      return;
  }
}

}  // namespace tombolo::client
