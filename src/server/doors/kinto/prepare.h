// From the text of a request to a Call: what can be decided and read without the data.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/kinto_batch.h"
#include "server/doors/kinto/exchange.h"

namespace tombolo::server::kinto {

// A call, or why it is refused before anything is looked at.
struct Prepared {
  Call call;
  std::optional<api::ApiError> refusal;
};

Prepared prepare(const DoorContext& door, net::HttpRequest request);

// The items of a batch, as calls with the headers and the identity of the batch. Redirections are
// followed.
api::Checked<std::vector<Prepared>> prepare_batch(const DoorContext& door, const Call& batch);

}  // namespace tombolo::server::kinto
