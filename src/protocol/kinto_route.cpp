#include "protocol/kinto_route.h"

#include <array>
#include <span>

#include "base/percent_encoding.h"
#include "base/text.h"

namespace tombolo::protocol::kinto {
namespace {

// The longest path has six segments after the version; one more shows that a path is longer.
constexpr std::size_t kMaxSegments = 8;

using Segments = std::span<const std::string_view>;

Segments split(std::string_view path, std::array<std::string_view, kMaxSegments>& room) {
  std::size_t count = 0;
  while (!path.empty() && count < room.size()) {
    path.remove_prefix(1);  // the slash
    const std::size_t end = path.find('/');
    room[count++] = path.substr(0, end);
    path.remove_prefix(end == std::string_view::npos ? path.size() : end);
  }
  return Segments(room).first(count);
}

bool is_text(std::string_view decoded) {
  return is_utf8(decoded) && decoded.find('\0') == std::string_view::npos;
}

bool is_version_prefix(std::string_view segment) {
  if (segment.size() < 2 || segment[0] != 'v') return false;
  for (const char character : segment.substr(1)) {
    if (character < '0' || character > '9') return false;
  }
  return true;
}

Route redirect(std::string location, bool slash_only) {
  Route route;
  route.endpoint = Endpoint::redirect;
  route.location = std::move(location);
  route.slash_only = slash_only;
  return route;
}

struct Utility {
  std::string_view name;
  Endpoint endpoint;
};
constexpr std::array<Utility, 5> kUtilities = {{
    {"batch", Endpoint::batch},
    {"__flush__", Endpoint::flush},
    {"__heartbeat__", Endpoint::heartbeat},
    {"__lbheartbeat__", Endpoint::load_balancer_heartbeat},
    {"__version__", Endpoint::version},
}};

Checked<Route> route_utility(std::string_view name) {
  for (const Utility& utility : kUtilities) {
    if (utility.name != name) continue;
    Route route;
    route.endpoint = utility.endpoint;
    return route;
  }
  return refuse(unknown_url());
}

// `segments` start with "buckets".
Checked<Route> route_resource(Segments segments) {
  constexpr std::array<std::string_view, 3> kNames = {"buckets", "collections", "records"};
  if (segments.size() > 2 * kNames.size()) return refuse(unknown_url());
  Route route;
  const std::array<std::string*, 3> ids = {&route.bucket, &route.collection, &route.record};
  for (std::size_t at = 0; at < segments.size(); ++at) {
    if (at % 2 == 0) {
      if (segments[at] != kNames[at / 2]) return refuse(unknown_url());
      continue;
    }
    if (segments[at].empty()) return refuse(unknown_url());
    *ids[at / 2] = percent_decode(segments[at]);
  }
  route.kind = static_cast<ResourceKind>((segments.size() - 1) / 2);
  route.endpoint = segments.size() % 2 == 0 ? Endpoint::object : Endpoint::list;
  return route;
}

}  // namespace

std::string_view name_of(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::bucket:
      return "bucket";
    case ResourceKind::collection:
      return "collection";
    case ResourceKind::record:
      return "record";
  }
  return "";
}

const std::string& Route::object_id() const {
  if (kind == ResourceKind::record) return record;
  return kind == ResourceKind::collection ? collection : bucket;
}

Checked<Route> route_path(std::string_view path) {
  const bool is_encoded = path.find('%') != std::string_view::npos;
  if (!(is_encoded ? is_text(percent_decode(path)) : is_text(path))) {
    return refuse(bad_request("Invalid URL path."));
  }
  if (path.empty() || path.front() != '/') return refuse(unknown_url());

  std::array<std::string_view, kMaxSegments> room;
  Segments segments = split(path, room);
  if (segments[0] != kVersionPrefix) {
    if (is_version_prefix(segments[0])) return refuse(unknown_version());
    return redirect("/" + std::string(kVersionPrefix) + std::string(path), false);
  }
  if (segments.size() == 1) return redirect(std::string(path) + "/", true);
  if (segments.size() == 2 && segments[1].empty()) return Route{};
  if (path.back() == '/') {
    while (path.back() == '/') path.remove_suffix(1);
    return redirect(std::string(path), true);
  }

  segments = segments.subspan(1);
  if (segments[0] == "buckets") return route_resource(segments);
  if (segments.size() > 1) return refuse(unknown_url());
  return route_utility(segments[0]);
}

std::string_view allowed_methods(const Route& route) {
  switch (route.endpoint) {
    case Endpoint::batch:
    case Endpoint::flush:
      return "POST, OPTIONS";
    case Endpoint::list:
      return "GET, HEAD, POST, DELETE, OPTIONS";
    case Endpoint::object:
      return "GET, HEAD, PUT, PATCH, DELETE, OPTIONS";
    case Endpoint::hello:
    case Endpoint::heartbeat:
    case Endpoint::load_balancer_heartbeat:
    case Endpoint::version:
    case Endpoint::redirect:
      return "GET, HEAD, OPTIONS";
  }
  return "";
}

std::string parent_path(ResourceKind kind, std::string_view bucket, std::string_view collection) {
  std::string path;
  if (kind == ResourceKind::bucket) return path;
  path.append("/buckets/").append(bucket);
  if (kind == ResourceKind::record) path.append("/collections/").append(collection);
  return path;
}

std::string endpoint_path(const Route& route) {
  std::string path = parent_path(route.kind, route.bucket, route.collection);
  path.append("/").append(name_of(route.kind)).append("s");
  if (route.endpoint == Endpoint::object)
    path.append("/").append(percent_encode(route.object_id()));
  return path;
}

}  // namespace tombolo::protocol::kinto
