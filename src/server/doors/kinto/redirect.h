// Redirections: to the version of the API, and away from trailing slashes.
#pragma once

#include <string_view>

#include "server/doors/kinto/exchange.h"

namespace tombolo::server::kinto {

// 307 to the call's route, with the query kept.
net::HttpResponse redirect_answer(const KintoSection& settings, const Call& call,
                                  std::string_view query, std::int64_t now_ms);

}  // namespace tombolo::server::kinto
