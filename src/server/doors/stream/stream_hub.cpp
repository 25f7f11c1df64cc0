#include "server/doors/stream/stream_hub.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "server/doors/stream/stream_session.h"

namespace tombolo::server::stream {
namespace {

constexpr std::int64_t kTickMs = 500;
// Of one commit that is passed on as it comes; a larger one is read from the log, in pages, by each
// session when it can take more.
constexpr std::size_t kMaxDirectOperations = 500;
constexpr std::size_t kMaxDirectBytes = 1 << 20;
constexpr std::size_t kMaxCachedFrames = 8;

// What a commit added to the log.
std::optional<StreamNews> news_of(Readers& readers, const std::shared_ptr<net::Executor>& executor,
                                  const FeedEvent& event) {
  if (event.operations == nullptr || event.operations->empty()) return std::nullopt;
  StreamNews news;
  sync::DeliveryPage& page = news.page;
  page.after = event.first_sequence - 1;
  page.last = event.last_sequence;
  page.at_end = true;
  page.operations.reserve(event.operations->size());
  news.author = event.operations->front().node;
  std::size_t bytes = 0;
  for (const FeedOperation& operation : *event.operations) {
    bytes += operation.body.size();
    if (operation.node != news.author) news.author = {};
    page.operations.push_back({operation.delivery_sequence, operation.node, operation.body});
  }
  news.is_small = page.operations.size() <= kMaxDirectOperations && bytes <= kMaxDirectBytes;
  if (!news.is_small && news.author.empty()) return std::nullopt;
  const auto transaction = readers.begin(executor);
  if (!transaction) return std::nullopt;
  news.permissions_generation = (*transaction)->permissions_generation();
  const Result<BucketLog> log = (*transaction)->bucket_log(event.bucket);
  if (log && log->delivery_sequence == event.last_sequence) {
    news.log = *log;
    page.proof = proof_of(*log, LogView());
  }
  return news;
}

}  // namespace

StreamHub::StreamHub(const DoorContext& context, std::shared_ptr<net::Executor> executor,
                     std::string tag)
    : context_(context), executor_(std::move(executor)), tag_(std::move(tag)) {}

StreamHub::~StreamHub() = default;

sync::StreamServerSession::Now StreamHub::now() const {
  return {context_.clock.monotonic_ms(), context_.clock.wall_ms()};
}

void StreamHub::add(std::shared_ptr<net::WebSocketConnection> connection, std::string bucket,
                    Identity identity) {
  auto session = std::make_shared<StreamSession>(*this, std::move(connection), std::move(bucket),
                                                 std::move(identity));
  buckets_[session->bucket()].push_back(session);
  ++session_count_;
  session->start();
  if (!ticking_) schedule_tick();
}

void StreamHub::remove(const StreamSession& session) {
  if (take(session) != nullptr) --session_count_;
}

void StreamHub::move(StreamSession& session, std::string bucket) {
  std::shared_ptr<StreamSession> moved = take(session);
  if (moved == nullptr) return;
  session.set_bucket(bucket);
  buckets_[std::move(bucket)].push_back(std::move(moved));
}

// Out of the list of its bucket.
std::shared_ptr<StreamSession> StreamHub::take(const StreamSession& session) {
  const auto bucket = buckets_.find(session.bucket());
  if (bucket == buckets_.end()) return nullptr;
  Sessions& sessions = bucket->second;
  const auto found = std::find_if(sessions.begin(), sessions.end(),
                                  [&](const auto& other) { return other.get() == &session; });
  if (found == sessions.end()) return nullptr;
  std::swap(*found, sessions.back());
  std::shared_ptr<StreamSession> taken = std::move(sessions.back());
  sessions.pop_back();
  if (sessions.empty()) buckets_.erase(bucket);
  return taken;
}

void StreamHub::announce(const FeedEvent& event) {
  const auto bucket = buckets_.find(event.bucket);
  if (bucket == buckets_.end()) return;
  const Sessions sessions = bucket->second;  // one that ends removes itself from the list
  const std::optional<StreamNews> news = news_of(context_.readers, executor_, event);
  announcing_ = true;
  for (const std::shared_ptr<StreamSession>& session : sessions) {
    session->announce(event.last_sequence, news ? &*news : nullptr);
  }
  announcing_ = false;
  frames_.clear();
}

net::SharedFrame StreamHub::shared_frame(const protocol::OperationBatch& batch) {
  for (const CachedFrame& cached : frames_) {
    if (cached.message_id == batch.message_id && cached.is_final == batch.is_final &&
        cached.batch_index == batch.batch_index) {
      return cached.frame;
    }
  }
  net::SharedFrame frame = net::make_text_frame(encode(batch));
  if (announcing_ && frames_.size() < kMaxCachedFrames) {
    frames_.push_back({batch.message_id, batch.is_final, batch.batch_index, frame});
  }
  return frame;
}

void StreamHub::close_all() {
  const auto buckets = buckets_;
  for (const auto& [name, sessions] : buckets) {
    for (const auto& session : sessions) session->close(net::kCloseGoingAway, "server stopping");
  }
}

void StreamHub::schedule_tick() {
  ticking_ = true;
  executor_->schedule(kTickMs, [weak = weak_from_this()] {
    if (const std::shared_ptr<StreamHub> hub = weak.lock()) hub->tick();
  });
}

void StreamHub::tick() {
  ticking_ = false;
  if (buckets_.empty()) return;
  const auto buckets = buckets_;
  for (const auto& [name, sessions] : buckets) {
    for (const auto& session : sessions) session->tick();
  }
  schedule_tick();
}

}  // namespace tombolo::server::stream
