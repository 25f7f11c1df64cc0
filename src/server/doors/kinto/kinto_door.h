// The Kinto door: Kinto's HTTP API v1 (Kinto API 1.23), for kinto.js, kinto-http and everything
// else that speaks it.
//
// A read is answered from a snapshot on the connection's own I/O thread. A write runs as one work
// of the Writer: permissions and preconditions are evaluated in the same transaction as the change,
// one request after the other, so that no request ever fails because of another one at the same
// time (the API's 409 does not occur). A batch is one work.
//
// It answers every path; doors with paths of their own are asked before it.
#pragma once

#include <vector>

#include "server/door.h"
#include "server/doors/kinto/one_time_tokens.h"
#include "server/doors/kinto/prepare.h"

namespace tombolo::server::kinto {

// The executors of its connections must have stopped when it ends.
class KintoDoor final : public Door {
 public:
  explicit KintoDoor(const DoorContext& context) : context_(context) {}

  bool handle(net::HttpRequest& request, net::HttpResponder& responder) override;

 private:
  struct Exchange;

  void serve(Exchange& exchange);
  bool answer_from_snapshot(Exchange& exchange);
  void send(Exchange& exchange) const;
  void submit(Exchange&& exchange);
  Answer run(Scope& scope, const Exchange& exchange);
  Answer run_call(Scope& scope, const Prepared& prepared);
  Answer run_batch(Scope& scope, const std::vector<Prepared>& items);
  net::HttpResponse finished(const Call& call, net::HttpResponse response) const;
  net::HttpResponse refused(const Call& call, const api::ApiError& error) const;
  net::HttpResponse preflight(const Prepared& prepared) const;

  DoorContext context_;
  OneTimeTokens tokens_;  // the writer's thread
};

}  // namespace tombolo::server::kinto
