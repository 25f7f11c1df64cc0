// What all connectors share: one remote's life on the network thread, with its state for whoever
// asks, the lock that lets one process at a time sync it, retries with backoff, and waiting.
//
// A connector is made and owned by Remotes. What is protected or private runs on the network
// thread; the public functions are thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>

#include "client/engine.h"
#include "client/remote_store.h"
#include "net/network.h"
#include "sync/backoff.h"

#include "tombolo/remote.h"
#include "tombolo/result.h"

namespace tombolo::client {

using Credentials = std::variant<NoAuthentication, Token, BasicCredentials>;

class Connector : public std::enable_shared_from_this<Connector> {
 public:
  Connector(Engine& engine, std::shared_ptr<net::Network> network, RemoteEntry remote,
            RemoteOptions options);
  virtual ~Connector() = default;

  const RemoteEntry& remote() const { return remote_; }

  void start();
  // Ends everything and waits until the network thread is done with it; but where that thread
  // cannot go on before the caller does (this is that thread, or the caller has a write transaction
  // open), it ends as soon as it can.
  void stop();
  void sync_now();
  void pending_changed();
  // Another process, or another Database, may have left something pending.
  void others_committed();
  // Error besides those of Remote: precondition_failed, where stop() would not wait.
  Result<void> wait_until_synced(std::int64_t timeout_ms);

  // Without what is counted in the database, but for `synced`, which holds if nothing is pending.
  RemoteStatus status();

 protected:
  // One attempt: connect, or exchange once. Ends in attempt_failed(), attempt_refused() or
  // exchanged().
  virtual void attempt(const Credentials& credentials) = 0;
  virtual void abandon() = 0;      // drops what is under way, without a word
  virtual void on_sync_now() = 0;  // asked for while an attempt is under way or connected
  virtual void on_pending() = 0;   // a commit left something pending; likewise
  // Whether there may be something pending since it was last looked at, or an attempt began.
  virtual bool has_new_pending() = 0;
  virtual bool is_connected() const = 0;  // whether an attempt is under way or a connection stands

  void attempt_failed(const Error& error, std::int64_t at_least_ms = 0);  // tries again later
  void attempt_refused(const Error& error);                               // until somebody acts
  void exchanged();  // both sides are equal, as far as this exchange saw
  void exchange_incomplete(const Error& error);  // it is over, and they are not until somebody acts
  void schedule_attempt(std::int64_t delay_ms);
  // Nothing is under way until `delay_ms` have passed, or until there is something to send.
  void rest(std::optional<std::int64_t> delay_ms);
  void set_state(RemoteState state);
  void note_error(const Error& error);  // something failed, and goes on being tried
  void publish(Event::Type type, std::int64_t sent = 0, std::int64_t received = 0,
               std::optional<Error> error = {});
  void count(std::int64_t sent, std::int64_t received);
  bool stopped() const { return stopped_; }

  Engine& engine() const { return engine_; }
  const RemoteOptions& options() const { return options_; }
  net::Network& network() { return *network_; }
  net::Executor& executor() { return *network_->executor(); }
  sync::Backoff& backoff() { return backoff_; }

  // Runs `work` on the network thread unless the connector is stopped before.
  void post(std::function<void()> work);
  net::TimerId schedule(std::int64_t delay_ms, std::function<void()> work);

 private:
  void take_up_pending();
  std::int64_t wish();  // asks for an exchange; its number
  bool may_wait();
  void try_attempt();
  Result<bool> take_lock();
  Result<Credentials> credentials();

  Engine& engine_;
  const std::shared_ptr<net::Network> network_;
  const RemoteEntry remote_;
  const RemoteOptions options_;

  // On the network thread.
  sync::Backoff backoff_;
  std::shared_ptr<void> lock_;  // held: this process syncs the remote
  net::TimerId timer_ = 0;
  bool stopped_ = false;
  std::int64_t heard_ = 0;  // wishes that have reached this thread
  bool rests_ = false;

  std::mutex mutex_;  // for what follows
  std::condition_variable changed_;
  bool disconnected_ = false;  // `status_` says so and stays
  RemoteStatus status_;
  std::int64_t wanted_ = 0;    // exchanges asked for
  std::int64_t begun_ = 0;     // of them, those that the current attempt answers
  std::int64_t finished_ = 0;  // and those that were answered
  std::int64_t refused_ = 0;   // or that nobody will answer before somebody acts

 protected:
  void answer_wishes();  // what is asked for up to now is what this attempt answers
};

}  // namespace tombolo::client
