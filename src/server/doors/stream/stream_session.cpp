#include "server/doors/stream/stream_session.h"

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "base/planted_fault.h"
#include "base/text.h"
#include "protocol/kinto_route.h"

namespace tombolo::server::stream {
namespace {

// Sent and not taken by the peer's system, beyond which nothing more is read for it.
constexpr std::size_t kMaxBufferedBytes = 1 << 20;
constexpr int kPagesPerTurn = 4;             // then the other connections of the thread have theirs
constexpr std::size_t kMaxAuthors = 10'000;  // of a handshake's version vector that are looked up

sync::StreamServerOptions options_for(StreamHub& hub) {
  const StreamSection& settings = hub.context().configuration.stream;
  sync::StreamServerOptions options;
  options.tag = hub.next_session_tag();
  options.view_tag = hub.tag();
  options.max_clock_ahead_ms = settings.max_clock_ahead_ms;
  options.max_operation_bytes = static_cast<std::size_t>(settings.max_operation_bytes);
  return options;
}

UploadLimits limits_for(const StreamHub& hub) {
  const StreamSection& settings = hub.context().configuration.stream;
  return {settings.max_uncommitted_operations, settings.operations_per_second,
          settings.operations_burst};
}

}  // namespace

protocol::Proof proof_of(const BucketLog& log, const LogView& view) {
  return {to_hex(view.fingerprint(log).bytes()), log.delivery_sequence};
}

StreamSession::StreamSession(StreamHub& hub, std::shared_ptr<net::WebSocketConnection> connection,
                             std::string bucket, Identity identity)
    : hub_(hub),
      connection_(std::move(connection)),
      bucket_(std::move(bucket)),
      identity_(std::move(identity)),
      limit_(limits_for(hub), hub.now().monotonic_ms),
      session_(*this, options_for(hub), hub.now()) {}

StreamSession::~StreamSession() = default;

void StreamSession::start() {
  const std::shared_ptr<StreamSession> self = shared_from_this();
  net::WebSocketCallbacks callbacks;
  callbacks.on_text = [self](std::string_view frame) { self->text_received(frame); };
  callbacks.on_binary = [self](std::string_view) { self->session_.binary_received(); };
  callbacks.on_close = [self](std::uint16_t, std::string_view) { self->connection_closed(); };
  callbacks.on_drained = [self] { self->pump(); };
  connection_->set_callbacks(std::move(callbacks));
}

void StreamSession::connection_closed() {
  const std::shared_ptr<StreamSession> self = shared_from_this();
  session_.closed();
  // The connection's callbacks hold this object, and this object the connection.
  if (const auto connection = std::exchange(connection_, nullptr)) connection->set_callbacks({});
  hub_.remove(*this);
}

void StreamSession::text_received(std::string_view frame) {
  session_.text_received(frame, hub_.now());
  if (opening_) answer_handshake();
  pump();
}

void StreamSession::open(const protocol::Handshake& handshake) {
  opening_ = true;
  opening_token_ = handshake.auth_token;
  opening_vector_ = handshake.version_vector;
  const std::int64_t watermark = handshake.last_delivery_sequence.value_or(0);
  opening_place_ = {handshake.timeline_sequence.value_or(watermark),
                    handshake.timeline.value_or("")};
}

void StreamSession::answer_handshake() {
  opening_ = false;
  Result<Identity> identity = identify(opening_token_);
  opening_token_.reset();
  if (!identity) return session_.refused(identity.error());
  identity_ = std::move(*identity);
  if (const Result<void> resolved = resolve_bucket(); !resolved) {
    return session_.refused(resolved.error());
  }
  Result<sync::StreamGrant> granted = grant();
  if (!granted) return session_.refused(granted.error());
  opening_vector_.clear();
  session_.opened(std::move(*granted), hub_.now());
}

// "default" is a bucket of the user's own, as at the Kinto door. What anonymous users make in the
// shared bucket belongs to whom the settings let in, not to everybody for ever.
Result<void> StreamSession::resolve_bucket() {
  const DoorContext& context = hub_.context();
  if (bucket_ == context.configuration.stream.default_bucket) {
    identity_.anonymous_owner = kStreamUsers;
  } else if (bucket_ == protocol::kinto::kDefaultBucketName) {
    if (!identity_.authenticated()) {
      return fail(ErrorCode::unauthenticated,
                  "The default bucket is a user's own: say who you are");
    }
    hub_.move(*this, context.authenticator.default_bucket(identity_));
  }
  return {};
}

// Who the token stands for; without one, who the HTTP request's Authorization header named.
Result<Identity> StreamSession::identify(const std::optional<std::string>& token) const {
  const DoorContext& context = hub_.context();
  if (token && !token->empty()) {
    Identity identity = context.authenticator.authenticate_token(*token);
    if (identity.authenticated()) return identity;
    return fail(ErrorCode::unauthenticated, "Authentication failed");
  }
  if (identity_.authenticated() || context.configuration.stream.open_access) return identity_;
  return fail(ErrorCode::unauthenticated, "Authentication failed");
}

Result<std::optional<LogView>> StreamSession::find_view(ReadTransaction& transaction) const {
  const DoorContext& context = hub_.context();
  const Result<bool> may_create =
      may_create_stream_bucket(context, transaction, identity_, bucket_);
  if (!may_create) return fail(may_create);
  return view_of_log(transaction, context.access, identity_, bucket_, *may_create);
}

// Whether there may be something in the bucket that this identity may read or write.
Result<bool> StreamSession::may_see_some(ReadTransaction& transaction) const {
  const AccessControl& access = hub_.context().access;
  const ObjectPath path = ObjectPath::bucket(bucket_);
  Result<bool> attributes = access.may(transaction, identity_, Permission::attributes, path);
  if (!attributes || *attributes) return attributes;
  const Result<bool> formerly = could_read(transaction, identity_, bucket_);
  if (!formerly || *formerly) return formerly;
  for (const ResourceKind kind : {ResourceKind::collection, ResourceKind::record}) {
    const auto sets = access.visible_sets(transaction, identity_, kind, false);
    if (!sets) return fail(sets);
    if (!sets->empty()) return true;
  }
  return false;
}

// Of the nodes that the client names, and of itself, what the bucket has from them: no other tells
// it anything. Its own number counts only when it came from the same user; else a stranger could
// make the client believe that it had lost operations.
Result<core::VersionVector> StreamSession::known_authors(ReadTransaction& transaction) const {
  core::VersionVector known;
  const auto note = [&](const std::string& node) -> Result<void> {
    const Result<std::optional<Author>> author = transaction.author(bucket_, node);
    if (!author) return fail(author);
    if (!*author || (*author)->sequence_number == 0) return {};
    if (node == session_.node() && (*author)->principal != identity_.owner()) return {};
    known.emplace(node, (*author)->sequence_number);
    return {};
  };
  if (Result<void> done = note(session_.node()); !done) return fail(done);
  if (!view_) return known;
  std::size_t count = 0;
  for (const auto& [node, number] : opening_vector_) {
    if (++count > kMaxAuthors) break;
    if (Result<void> done = note(node); !done) return fail(done);
  }
  return known;
}

Result<sync::StreamGrant> StreamSession::grant() {
  const auto transaction = hub_.context().readers.begin(hub_.executor());
  if (!transaction) return fail(transaction);
  Result<std::optional<LogView>> view = find_view(**transaction);
  if (!view) return fail(view);
  view_ = std::move(*view);
  view_checked_ = (*transaction)->permissions_generation();
  if (!view_) {
    const Result<bool> some = may_see_some(**transaction);
    if (!some) return fail(some);
    if (!*some) {
      return fail(ErrorCode::permission_denied, "You may not read bucket \"" + bucket_ + "\"");
    }
  }
  const Result<BucketLog> log = (*transaction)->bucket_log(bucket_);
  if (!log) return fail(log);
  Result<core::VersionVector> vector = known_authors(**transaction);
  if (!vector) return fail(vector);
  sync::StreamGrant grant;
  grant.server_node = hub_.context().storage.node();
  grant.version_vector = std::move(*vector);
  grant.log.delivery_sequence = log->delivery_sequence;
  if (view_) grant.log.proof = proof_of(*log, *view_);
  if (Result<void> done = grant_timelines(**transaction, grant); !done) return fail(done);
  return grant;
}

Result<void> StreamSession::grant_timelines(ReadTransaction& transaction,
                                            sync::StreamGrant& grant) const {
  Result<std::string> timeline = transaction.timeline(bucket_);
  if (!timeline) return fail(timeline);
  grant.timeline = std::move(*timeline);
  grant.next_timeline = hub_.context().storage.timeline();
  if (opening_place_.sequence <= 0 || opening_place_.timeline.empty()) return {};
  const Result<bool> continues =
      transaction.continues(bucket_, opening_place_.timeline, opening_place_.sequence);
  if (!continues) return fail(continues);
  grant.restored = !*continues;
  return {};
}

Result<sync::LogPosition> StreamSession::read_log_position() {
  const auto transaction = hub_.context().readers.begin(hub_.executor());
  if (!transaction) return fail(transaction);
  const Result<BucketLog> log = (*transaction)->bucket_log(bucket_);
  if (!log) return fail(log);
  sync::LogPosition position{log->delivery_sequence, {}};
  if (view_) position.proof = proof_of(*log, *view_);
  return position;
}

void StreamSession::submit(sync::Upload upload) {
  // Meant to spare the writer a batch that comes again because its acknowledgment was lost. But the
  // numbers of the batches start anew with each session, and what is known is only the node's: the
  // first batches of a new session are acknowledged for those of an earlier one, and never stored.
  if (planted(PlantedFault::ack_without_session) &&
      upload.token <= hub_.stored_uploads(session_.node())) {
    return acknowledge_unstored(upload.token);
  }
  const auto count = static_cast<std::int64_t>(upload.operations.size());
  limit_.submitted(count, hub_.now().monotonic_ms);
  auto work = std::make_shared<StreamUpload>(
      hub_.context(), bucket_, Uploader{identity_, session_.node(), upload.token, budget_},
      std::move(upload.operations));
  WriteRequest request;
  request.lane = budget_.get();
  // What comes after a large batch stays after it.
  request.bulk = bulk_uploads_ > 0 || work->is_large();
  if (request.bulk) ++bulk_uploads_;
  auto tell = [count, token = upload.token, bulk = request.bulk,
               weak = weak_from_this()](const Result<sync::UploadOutcome>& outcome) {
    const std::shared_ptr<StreamSession> session = weak.lock();
    if (session == nullptr) return;
    if (planted(PlantedFault::ack_without_session) && outcome) {
      std::int64_t& stored = session->hub_.stored_uploads(session->session_.node());
      stored = std::max(stored, token);
    }
    if (bulk) --session->bulk_uploads_;
    session->limit_.committed(count);
    session->session_.committed(token, outcome);
    session->update_reading();
    session->pump();
  };
  request.work = [work](WriteContext& context) { return work->run(context); };
  // It is written, and the client hears of it at once. But it is not committed: a power loss or a
  // full disk takes what is acknowledged.
  if (planted(PlantedFault::ack_before_commit)) {
    request.work = [work, tell](WriteContext& context) {
      Result<Progress> progress = work->run(context);
      if (progress == Progress::finished) tell(work->take_outcome());
      return progress;
    };
  }
  request.done = [work, tell = std::move(tell), executor = hub_.executor()](
                     Result<void> done, net::DeliveryBatch& deliveries) {
    if (planted(PlantedFault::ack_before_commit) && done) return;
    Result<sync::UploadOutcome> outcome = fail(ErrorCode::internal, "");
    if (done) {
      outcome = work->take_outcome();
    } else {
      work->note_failure();
      outcome = fail(done);
    }
    deliveries.add(executor, [tell, outcome = std::move(outcome)] { tell(outcome); });
  };
  hub_.context().writer.submit(std::move(request));
  update_reading();
}

// Of PlantedFault::ack_without_session.
void StreamSession::acknowledge_unstored(std::int64_t token) {
  hub_.executor()->post([weak = weak_from_this(), token] {
    const std::shared_ptr<StreamSession> session = weak.lock();
    if (session == nullptr) return;
    Result<sync::LogPosition> log = session->read_log_position();
    if (!log) return session->session_.committed(token, fail(log));
    session->session_.committed(token, sync::UploadOutcome{{}, std::move(*log)});
  });
}

void StreamSession::update_reading() {
  if (connection_ == nullptr) return;
  const bool pause = limit_.is_reached(hub_.now().monotonic_ms) || session_pauses_;
  if (pause == std::exchange(reading_paused_, pause)) return;
  if (pause) {
    connection_->pause_reading();
  } else {
    connection_->resume_reading();
  }
}

void StreamSession::send_text(std::string_view frame) {
  if (connection_ != nullptr) connection_->send_text(frame);
}

void StreamSession::send_batch(const protocol::OperationBatch& batch, bool shareable) {
  if (connection_ == nullptr) return;
  if (shareable && view_ == LogView()) {
    connection_->send_frame(hub_.shared_frame(batch));
  } else {
    connection_->send_text(encode(batch));
  }
}

bool StreamSession::can_send() const {
  return connection_ != nullptr && connection_->buffered_bytes() < kMaxBufferedBytes;
}

void StreamSession::pause_reading() {
  session_pauses_ = true;
  update_reading();
}

void StreamSession::resume_reading() {
  session_pauses_ = false;
  update_reading();
}

void StreamSession::close(std::uint16_t code, std::string_view reason) {
  if (connection_ != nullptr) connection_->close(code, reason);
}

void StreamSession::announce(std::int64_t last_sequence, const StreamNews* news) {
  session_.operations_committed(last_sequence);
  // What is read from the log is checked operation by operation; the news are not, so they are for
  // those who may read the whole bucket. Planted, they are for everybody who listens to it.
  const bool may_read = planted(PlantedFault::unchecked_relay) ||
                        (view_ && news != nullptr && news->permissions_generation == view_checked_);
  // Of what the client wrote itself nothing is sent, however much it is.
  const bool is_own = news != nullptr && !news->author.empty() && news->author == session_.node() &&
                      session_.leaves_out_own(news->page.after);
  const bool fits = news != nullptr && may_read && (news->is_small || is_own);
  const std::optional<sync::DeliveryRequest> wanted =
      fits ? session_.wanted() : std::optional<sync::DeliveryRequest>();
  if (!wanted || wanted->after != news->page.after) return pump();
  if (view_ == LogView()) return session_.operations_read(news->page, hub_.now());
  sync::DeliveryPage page = news->page;
  page.proof.reset();
  if (news->log && view_) page.proof = proof_of(*news->log, *view_);
  session_.operations_read(page, hub_.now());
}

void StreamSession::pump() {
  for (int page = 0; page < kPagesPerTurn; ++page) {
    const std::optional<sync::DeliveryRequest> wanted = session_.wanted();
    if (!wanted || !read_page(*wanted)) return;
  }
  if (pump_queued_ || !session_.wanted()) return;
  pump_queued_ = true;
  hub_.executor()->post([weak = weak_from_this()] {
    const std::shared_ptr<StreamSession> session = weak.lock();
    if (session == nullptr) return;
    session->pump_queued_ = false;
    session->pump();
  });
}

bool StreamSession::read_page(const sync::DeliveryRequest& request) {
  std::deque<std::string> texts;  // what the page's views point to
  sync::DeliveryPage page;
  const auto read = [&]() -> Result<void> {
    const auto transaction = hub_.context().readers.begin(hub_.executor());
    if (!transaction) return fail(transaction);
    if (Result<void> allowed = check_still_allowed(**transaction); !allowed) return allowed;
    return fill_page(request, **transaction, page, texts);
  };
  if (const Result<void> done = read(); !done) {
    close(net::kCloseTryAgainLater, done.error().message);
    return false;
  }
  session_.operations_read(page, hub_.now());
  return true;
}

Result<void> StreamSession::fill_page(const sync::DeliveryRequest& request,
                                      ReadTransaction& transaction, sync::DeliveryPage& page,
                                      std::deque<std::string>& texts) const {
  const Result<BucketLog> log = transaction.bucket_log(bucket_);
  if (!log) return fail(log);
  OperationAccess access(transaction, hub_.context().access, identity_, bucket_);
  std::optional<Error> error;
  std::size_t bytes = 0;
  page.after = request.after;
  page.last = view_ ? view_->start(request.after) : request.after;
  const std::int64_t end = view_ ? view_->end(page.last) : INT64_MAX;
  const auto take = [&](const LoggedOperation& operation) {
    if (operation.delivery_sequence > end) return false;
    if (!view_) {
      const Result<bool> readable = access.may_read(operation);
      if (!readable) error = readable.error();
      if (!readable) return false;
      if (!*readable) {
        page.last = operation.delivery_sequence;
        return true;
      }
    }
    if (bytes > 0 && bytes + operation.body.size() > request.max_bytes) return false;
    page.last = operation.delivery_sequence;
    texts.emplace_back(operation.node);
    texts.emplace_back(operation.body);
    bytes += operation.body.size();
    page.operations.push_back(
        {operation.delivery_sequence, texts[texts.size() - 2], texts[texts.size() - 1]});
    return true;
  };
  const Result<void> done = transaction.operations_after(
      bucket_, page.last, static_cast<std::int64_t>(request.max_operations), take);
  if (!done) return done;
  if (error) return std::unexpected<Error>(std::move(*error));
  if (view_) page.last = view_->start(page.last);  // over what is hidden next
  page.at_end = page.last >= log->delivery_sequence;
  if (page.at_end && view_) page.proof = proof_of(*log, *view_);
  return {};
}

void StreamSession::tick() {
  session_.tick(hub_.now());
  update_reading();
  // Its pings are not read: it is told that we are here, and only slow.
  if (reading_paused_ && connection_ != nullptr) connection_->ping();
  const std::uint64_t commits = hub_.context().storage.commit_count();  // before what is read
  if (session_.streaming() && commits != checked_at_commit_) {
    const auto transaction = hub_.context().readers.begin(hub_.executor());
    const Result<void> allowed = transaction ? check_still_allowed(**transaction) : Result<void>();
    if (!allowed) return close(net::kCloseServiceRestart, allowed.error().message);
    if (transaction) checked_at_commit_ = commits;
  }
  pump();
}

// What was granted at the handshake may have been taken away since, and the log may have been
// emptied. The client learns what holds now when it connects again.
Result<void> StreamSession::check_still_allowed(ReadTransaction& transaction) {
  const std::int64_t generation = transaction.permissions_generation();
  if (generation != view_checked_) {
    const Result<std::optional<LogView>> view = find_view(transaction);
    if (!view) return fail(view);
    if (*view != view_) return fail(ErrorCode::permission_denied, "permissions changed");
    view_checked_ = generation;
  }
  const Result<BucketLog> log = transaction.bucket_log(bucket_);
  if (!log) return fail(log);
  if (log->delivery_sequence < session_.log_position()) {
    return fail(ErrorCode::not_found, "the log was emptied");
  }
  return {};
}

}  // namespace tombolo::server::stream
