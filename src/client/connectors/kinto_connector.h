// The kinto connector: drives sync::KintoClientSession over HTTP and gives it the local records.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "client/connectors/connector.h"
#include "net/network.h"
#include "sync/kinto_client_session.h"

namespace tombolo::client {

// Where a kinto remote is: "http://host/v1" (the user's default bucket) or
// "http://host/v1/buckets/main".
struct KintoLocation {
  std::string root;  // "http://host/v1"
  std::string bucket;
};
Result<KintoLocation> parse_kinto_url(const std::string& url);

class KintoConnector final : public Connector, public sync::KintoClientHost {
 public:
  // `location` comes from the remote's URL.
  KintoConnector(Engine& engine, std::shared_ptr<net::Network> network, RemoteEntry remote,
                 RemoteOptions options, KintoLocation location);
  ~KintoConnector() override;

 private:
  // One exchange.
  struct Exchange {
    std::int64_t number = 0;  // no other has it, while an address may come again
    std::unique_ptr<sync::KintoClientSession> session;
    std::string authorization;
    net::RequestId request = 0;
    bool again = false;  // something came up meanwhile: exchange once more
    std::int64_t sent = 0;
    std::int64_t received = 0;
  };

  void attempt(const Credentials& credentials) override;
  void abandon() override;
  void on_sync_now() override;
  void on_pending() override;
  bool has_new_pending() override;
  Result<bool> look_for_pending();
  bool is_connected() const override { return exchange_ != nullptr; }

  bool is_exchange(std::int64_t number) const { return exchange_ && exchange_->number == number; }
  void responded(Result<net::ClientResponse> response);
  void finish(const Result<void>& result, std::int64_t wait_ms);
  void succeeded(bool again, std::int64_t wait_ms);

  void send(sync::KintoRequest request) override;
  void ended(const Result<void>& result, std::int64_t wait_ms) override;
  Result<std::vector<std::string>> collections(std::span<const std::string> found) override;
  Result<std::int64_t> newest_position() override;
  Result<std::int64_t> read_cursor(std::string_view collection) override;
  Result<void> apply_page(std::string_view collection,
                          std::span<const protocol::kinto::ObjectAnswer> records,
                          std::int64_t cursor) override;
  Result<void> finish_recovery(std::string_view collection, const sync::Recovery& recovery,
                               std::int64_t cursor) override;
  Result<std::vector<sync::PendingRecord>> read_pending(
      std::size_t max_records, std::size_t max_bytes, const sync::PushBarriers& barriers) override;
  Result<void> prepare_push(std::span<sync::PendingRecord> records) override;
  Result<void> apply_outcomes(std::span<const sync::PushOutcome> outcomes) override;

  // A write transaction, while this database knows the remote.
  template <typename Work>
  auto write(Work&& work, Durability durability = Durability::full)
      -> std::invoke_result_t<Work, WriteSession&>;
  Result<void> check_known(WriteSession& session) const;
  std::string server() const;  // to whom a cursor belongs

  const KintoLocation location_;
  const std::unique_ptr<net::HttpClient> http_;
  std::unique_ptr<Exchange> exchange_;
  std::int64_t last_exchange_ = 0;
  // When it was last looked at what is pending: the log's newest position, and the dead letters.
  std::int64_t taken_up_ = 0;
  std::int64_t dead_letters_ = 0;
  bool is_blind_ = false;            // it could not be looked
  std::set<std::int64_t> suspects_;  // records that had to wait in the last exchange
  bool refused_once_ = false;        // the credentials of the last exchange
};

}  // namespace tombolo::client
