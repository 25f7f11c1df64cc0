#include "sim/server_machine.h"

#include <optional>
#include <utility>

#include "base/check.h"

namespace tombolo::sim {
namespace {

constexpr const char* kFile = "server.db";
constexpr std::int64_t kQuietMs = 50;

}  // namespace

ServerMachine::ServerMachine(World& world, Internet& internet, const Plan& plan)
    : Machine(world, kServer), plan_(plan), chance_(random_for(world.seed(), "server")) {
  internet.serve(*this, [this](net::HttpRequest&& request, net::HttpResponder responder) {
    core_->handle(std::move(request), std::move(responder));
  });
}

ServerMachine::~ServerMachine() {
  kept_up_ = false;
  die(Death::killed);
}

bool ServerMachine::start() {
  server::SqliteStorageOptions storage;
  storage.path = kFile;
  storage.vfs = disk().vfs();
  storage.lock = false;
  auto core = server::ServerCore::open(plan_.configuration, storage, clock(), random(), logger_);
  if (!core) return false;
  core_ = std::move(*core);
  committing_ = false;
  core_->writer().set_wake([this] { wake(); });
  core_->writer().set_on_poisoned([this](const Error&) {
    // As the program does it: it ends, to be started again.
    world().after_us(1, [this, life = lives()] {
      if (is_up() && life == lives()) die(Death::killed);
    });
  });
  if (on_up_) on_up_();
  return true;
}

void ServerMachine::drop() {
  core_.reset();
}

void ServerMachine::on_down(Death) {
  if (!kept_up_) return;
  world().after_ms(static_cast<std::int64_t>(50 + chance_.below(5'000)), [this] {
    if (kept_up_) boot();
  });
}

void ServerMachine::restore(const Disk::Snapshot& snapshot) {
  die(Death::killed);
  disk().restore(snapshot);
}

void ServerMachine::wake() {
  if (std::exchange(committing_, true)) return;
  process()->post([this] { commit(); });
}

// One group in each turn, as far as there are any; then, after a while, the log is seen to.
void ServerMachine::commit() {
  committing_ = false;
  if (core_->writer().commit_pending()) core_->writer().maintain(false);
  if (!disk().powered()) return;
  if (core_->writer().pending() > 0) return wake();
  process()->cancel(quiet_);
  quiet_ = process()->schedule(kQuietMs, [this] { core_->writer().maintain(true); });
}

net::HttpResponse ServerMachine::ask(std::string_view method, const std::string& target,
                                     const std::string& token, const std::string& body) {
  TOMBOLO_CHECK(is_up(), "only a running server can be asked");
  std::optional<net::HttpResponse> answer;
  net::HttpRequest request(method, target);
  request.headers.add("Authorization", "Bearer " + token);
  if (!body.empty()) request.headers.add("Content-Type", "application/json");
  request.body = body;
  core_->handle(std::move(request), net::HttpResponder::to([&](net::HttpResponse response) {
                  answer = std::move(response);
                }));
  while (!answer && core_->writer().commit_pending()) {
  }
  TOMBOLO_CHECK(answer.has_value(), "the server answers");
  return std::move(*answer);
}

}  // namespace tombolo::sim
