#include "server/doors/kinto/redirect.h"

namespace tombolo::server::kinto {
namespace {

constexpr std::int64_t kCachedSeconds = 3600;

}  // namespace

net::HttpResponse redirect_answer(const KintoSection& settings, const Call& call,
                                  std::string_view query, std::int64_t now_ms) {
  std::string location = origin_of(settings, call) + call.route.location;
  if (!query.empty()) location.append("?").append(query);
  net::HttpResponse response;
  response.status = 307;
  response.headers.add("Location", location);
  response.headers.add("Content-Type", "text/plain; charset=UTF-8");
  if (call.route.slash_only) {
    response.headers.add("Cache-Control", "max-age=" + std::to_string(kCachedSeconds));
    response.headers.add("Expires", api::http_date_of(now_ms + kCachedSeconds * 1000));
  }
  response.body = "307 Temporary Redirect: the resource is at " + location + "\n";
  return response;
}

}  // namespace tombolo::server::kinto
