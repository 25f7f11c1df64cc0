#include "client/connectors/kinto_connector.h"

#include <algorithm>
#include <charconv>

#include "base/percent_encoding.h"
#include "base/planted_fault.h"
#include "base/text.h"
#include "client/log_access.h"
#include "client/outbox.h"
#include "client/rebase.h"
#include "client/recovery.h"
#include "client/remote_store.h"
#include "net/url.h"

namespace tombolo::client {
namespace {

constexpr std::string_view kBuckets = "/buckets/";
constexpr std::string_view kRecordsScope = "records/";
constexpr std::int64_t kMaxWaitMs = 24LL * 3600 * 1000;  // however long the server wants us away

// Seconds, as in Retry-After and Backoff; a date or nonsense is no wait.
std::int64_t seconds_in_ms(std::optional<std::string_view> header) {
  std::int64_t seconds = 0;
  if (header) std::from_chars(header->data(), header->data() + header->size(), seconds);
  return std::clamp<std::int64_t>(seconds, 0, kMaxWaitMs / 1000) * 1000;
}

std::string authorization_of(const Credentials& credentials) {
  if (const auto* token = std::get_if<Token>(&credentials)) return "Bearer " + token->token;
  if (const auto* basic = std::get_if<BasicCredentials>(&credentials)) {
    return "Basic " + to_base64(basic->user + ":" + basic->password);
  }
  return {};
}

// What trying again does not heal.
bool needs_somebody(ErrorCode code) {
  return code == ErrorCode::unauthenticated || code == ErrorCode::unsupported ||
         code == ErrorCode::invalid_argument;
}

}  // namespace

Result<KintoLocation> parse_kinto_url(const std::string& url) {
  const auto parsed = net::parse_url(url);
  if (!parsed) return fail(parsed);
  std::string path = parsed->target;
  while (path.ends_with('/')) path.pop_back();
  KintoLocation location{.root = {}, .bucket = "default"};
  if (const std::size_t buckets = path.find(kBuckets); buckets != std::string::npos) {
    location.bucket = percent_decode(path.substr(buckets + kBuckets.size()));
    path.resize(buckets);
  }
  const bool good = !location.bucket.empty() && is_utf8(location.bucket) &&
                    location.bucket.find('/') == std::string::npos &&
                    path.find('?') == std::string::npos;
  if (!good) {
    return fail(ErrorCode::invalid_argument,
                "\"" + url +
                    "\" is no URL of a kinto remote: it is http://host/v1 or "
                    "http://host/v1/buckets/BUCKET");
  }
  if (path.empty()) path = "/v1";
  location.root = parsed->scheme + "://" + parsed->authority() + path;
  return location;
}

KintoConnector::KintoConnector(Engine& engine, std::shared_ptr<net::Network> network,
                               RemoteEntry remote, RemoteOptions options, KintoLocation location)
    : Connector(engine, std::move(network), std::move(remote), std::move(options)),
      location_(std::move(location)),
      http_(this->network().http_client({.ca_file = this->options().ca_file})) {}

KintoConnector::~KintoConnector() = default;

Result<void> KintoConnector::check_known(WriteSession& session) const {
  const auto remotes = session.catalog().remotes();
  if (!remotes) return fail(remotes);
  for (const RemoteEntry& known : **remotes) {
    const bool same = known.key == remote().key && known.name == remote().name &&
                      known.kind == remote().kind && known.collections == remote().collections;
    if (same) return {};
  }
  return fail(ErrorCode::invalid_argument,
              "the remote \"" + remote().name + "\" was forgotten meanwhile: connect it again");
}

template <typename Work>
auto KintoConnector::write(Work&& work, Durability durability)
    -> std::invoke_result_t<Work, WriteSession&> {
  return engine().write(
      [&](WriteSession& session) -> std::invoke_result_t<Work, WriteSession&> {
        if (auto known = check_known(session); !known) return fail(known);
        return work(session);
      },
      durability);
}

// However it is reached: with or without TLS, with or without a slash at the end.
std::string KintoConnector::server() const {
  const std::string& root = location_.root;
  const std::size_t scheme = root.find("://");
  return root.substr(scheme == std::string::npos ? 0 : scheme + 3) + std::string(kBuckets) +
         location_.bucket;
}

void KintoConnector::attempt(const Credentials& credentials) {
  answer_wishes();
  exchange_ = std::make_unique<Exchange>();
  exchange_->number = ++last_exchange_;
  exchange_->authorization = authorization_of(credentials);
  exchange_->session = std::make_unique<sync::KintoClientSession>(
      *this, sync::KintoClientOptions{.bucket = location_.bucket,
                                      .discover = options().collections.empty(),
                                      .suspects = std::move(suspects_)});
  suspects_.clear();
  (void)has_new_pending();  // all of it is this exchange's
  set_state(RemoteState::syncing);
  publish(Event::Type::sync_started);
  exchange_->session->start();
}

void KintoConnector::abandon() {
  const std::unique_ptr<Exchange> exchange = std::move(exchange_);
  if (exchange) http_->cancel(exchange->request);
}

void KintoConnector::on_sync_now() {
  exchange_->again = true;
}

void KintoConnector::on_pending() {
  exchange_->again = true;
}

bool KintoConnector::has_new_pending() {
  const Result<bool> found = look_for_pending();
  // What cannot be read may be something new; but that is said once.
  const bool was_blind = std::exchange(is_blind_, !found);
  return found ? *found : !was_blind;
}

Result<bool> KintoConnector::look_for_pending() {
  auto reader = engine().reader();
  if (!reader) return fail(reader);
  const ReadConnection read = (*reader)->access();
  const auto newest = client::newest_position(read);
  if (!newest) return fail(newest);
  const auto pending = has_pending(read, remote().bit(), taken_up_, *newest);
  if (!pending) return fail(pending);
  const auto letters = count_dead_letters(read, remote().key);
  if (!letters) return fail(letters);
  taken_up_ = std::max(taken_up_, *newest);
  // A dead letter that is tried again is as old as it was.
  const bool fewer_letters = std::exchange(dead_letters_, *letters) > *letters;
  return *pending || fewer_letters;
}

void KintoConnector::send(sync::KintoRequest request) {
  net::ClientRequest http;
  http.method = std::move(request.method);
  http.url = location_.root + request.target;
  http.body = std::move(request.body);
  for (const auto& [name, value] : request.headers) http.headers.add(name, value);
  if (!exchange_->authorization.empty()) {
    http.headers.add("Authorization", exchange_->authorization);
  }
  http.headers.add("Accept", "application/json");
  exchange_->request = http_->send(
      std::move(http), [weak = weak_from_this(), this, number = exchange_->number](auto response) {
        const auto self = weak.lock();
        if (self && !stopped() && is_exchange(number)) responded(std::move(response));
      });
}

void KintoConnector::responded(Result<net::ClientResponse> response) {
  if (!response) return exchange_->session->failed(response.error());
  const net::HttpHeaders& headers = response->headers;
  exchange_->session->answered({.status = response->status,
                                .etag = headers.get("ETag").value_or(""),
                                .has_next_page = headers.contains("Next-Page"),
                                .wait_ms = std::max(seconds_in_ms(headers.get("Backoff")),
                                                    seconds_in_ms(headers.get("Retry-After"))),
                                .body = response->body});
}

// Called from inside the session, which therefore ends later.
void KintoConnector::ended(const Result<void>& result, std::int64_t wait_ms) {
  post([this, number = exchange_->number, result, wait_ms] {
    if (is_exchange(number)) finish(result, wait_ms);
  });
}

void KintoConnector::finish(const Result<void>& result, std::int64_t wait_ms) {
  const std::unique_ptr<Exchange> exchange = std::move(exchange_);
  suspects_ = exchange->session->put_off();
  std::optional<Error> error;
  if (!result) error = result.error();
  publish(Event::Type::sync_finished, exchange->sent, exchange->received, error);
  if (!error) return succeeded(exchange->again, wait_ms);
  error->message += " (" + location_.root + ")";
  // Credentials that are asked for may have grown old on the way: new ones get a chance.
  const bool asks = std::holds_alternative<CredentialsCallback>(options().authentication);
  const bool old = error->code == ErrorCode::unauthenticated && asks && !refused_once_;
  refused_once_ = old;
  if (needs_somebody(error->code) && !old) return attempt_refused(*error);
  attempt_failed(*error, wait_ms);
}

void KintoConnector::succeeded(bool again, std::int64_t wait_ms) {
  (void)write([&](WriteSession& session) { return note_synced(session, remote().key); });
  exchanged();
  refused_once_ = false;
  // Left alone, as the server asks, also by new writes.
  if (wait_ms > 0 && (again || options().automatic)) return schedule_attempt(wait_ms);
  if (again) return rest(0);
  const std::int64_t poll_ms = options().poll_interval_ms;
  const bool polls = options().automatic && poll_ms > 0;
  rest(polls ? std::optional(poll_ms) : std::nullopt);
}

Result<std::vector<std::string>> KintoConnector::collections(std::span<const std::string> found) {
  return write([&](WriteSession& session) {
    std::vector<std::string> names = options().collections;
    if (names.empty()) names.assign(found.begin(), found.end());
    return adopt_collections(session, remote(), names);
  });
}

Result<std::int64_t> KintoConnector::newest_position() {
  return write([](WriteSession& session) {
    return client::newest_position({session.store().connection(), session.store().cache()});
  });
}

// A cursor counts for one server, and stands for it from the first exchange on. Records that rest
// on another one's versions become our own, to be compared with what this one has.
Result<std::int64_t> KintoConnector::read_cursor(std::string_view collection) {
  return write([&](WriteSession& session) -> Result<std::int64_t> {
    const ReadConnection read{session.store().connection(), session.store().cache()};
    const std::string scope = std::string(kRecordsScope) + std::string(collection);
    const auto text = client::read_cursor(read, remote().key, server(), scope);
    if (!text) return fail(text);
    if (*text) {
      std::int64_t tag = 0;
      std::from_chars((*text)->data(), (*text)->data() + (*text)->size(), tag);
      return tag;
    }
    const auto entry = session.catalog().collection(collection);
    if (!entry) return fail(entry);
    const Result<bool> based = has_based_records(session, **entry);
    if (!based) return fail(based);
    if (*based) {
      if (auto done = release_collection(session, **entry); !done) return fail(done);
    }
    if (auto done = forget_cursors(session, remote().key, scope); !done) return fail(done);
    if (auto done = write_cursor(session, remote().key, server(), scope, "0"); !done) {
      return fail(done);
    }
    return 0;
  });
}

Result<void> KintoConnector::apply_page(std::string_view collection,
                                        std::span<const protocol::kinto::ObjectAnswer> records,
                                        std::int64_t cursor) {
  const auto count_of = static_cast<std::int64_t>(records.size());
  exchange_->received += count_of;
  count(0, count_of);
  const auto move_cursor = [&](WriteSession& session) -> Result<void> {
    if (cursor == 0) return {};
    return write_cursor(session, remote().key, server(),
                        std::string(kRecordsScope) + std::string(collection),
                        std::to_string(cursor));
  };
  // In two transactions: the page that a crash or a full disk keeps out will never be asked for
  // again.
  if (planted(PlantedFault::cursor_before_page)) {
    if (auto done = write(move_cursor, Durability::relaxed); !done) return done;
  }
  // A power loss takes the page and its cursor together.
  const auto apply = [&](WriteSession& session) -> Result<void> {
    session.set_origin(remote().name);
    const auto entry = session.catalog().collection(collection);
    if (!entry) return fail(entry);
    for (const protocol::kinto::ObjectAnswer& record : records) {
      auto done = rebase(session, **entry, record, options().conflict_policy);
      if (!done) return done;
    }
    return move_cursor(session);
  };
  return write(apply, Durability::relaxed);
}

Result<void> KintoConnector::finish_recovery(std::string_view collection,
                                             const sync::Recovery& recovery, std::int64_t cursor) {
  return write([&](WriteSession& session) -> Result<void> {
    session.set_origin(remote().name);
    const auto entry = session.catalog().collection(collection);
    if (!entry) return fail(entry);
    auto done = recover_collection(session, **entry, recovery, options().conflict_policy);
    if (!done) return done;
    return write_cursor(session, remote().key, server(),
                        std::string(kRecordsScope) + std::string(collection),
                        std::to_string(cursor));
  });
}

Result<std::vector<sync::PendingRecord>> KintoConnector::read_pending(
    std::size_t max_records, std::size_t max_bytes, const sync::PushBarriers& barriers) {
  return write([&](WriteSession& session) {
    return read_pending_records(session, remote(), max_records, max_bytes, barriers);
  });
}

Result<void> KintoConnector::prepare_push(std::span<sync::PendingRecord> records) {
  return write([&](WriteSession& session) { return client::prepare_push(session, records); });
}

Result<void> KintoConnector::apply_outcomes(std::span<const sync::PushOutcome> outcomes) {
  const auto sent = static_cast<std::int64_t>(
      std::count_if(outcomes.begin(), outcomes.end(), [](const sync::PushOutcome& outcome) {
        return outcome.kind == sync::PushOutcome::Kind::accepted;
      }));
  exchange_->sent += sent;
  count(sent, 0);
  return write([&](WriteSession& session) {
    session.set_origin(remote().name);
    return apply_push_outcomes(session, remote(), options().conflict_policy, outcomes);
  });
}

}  // namespace tombolo::client
