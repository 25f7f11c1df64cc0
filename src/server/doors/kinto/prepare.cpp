#include "server/doors/kinto/prepare.h"

#include "base/percent_encoding.h"
#include "base/text.h"
#include "server/doors/kinto/default_bucket.h"

namespace tombolo::server::kinto {
namespace {

bool has_body(net::HttpMethod method) {
  return method == net::HttpMethod::post || method == net::HttpMethod::put ||
         method == net::HttpMethod::patch;
}

std::string_view name_of(net::HttpMethod method) {
  switch (method) {
    case net::HttpMethod::get:
      return "GET";
    case net::HttpMethod::head:
      return "HEAD";
    case net::HttpMethod::post:
      return "POST";
    case net::HttpMethod::put:
      return "PUT";
    case net::HttpMethod::patch:
      return "PATCH";
    case net::HttpMethod::delete_:
      return "DELETE";
    case net::HttpMethod::options:
      return "OPTIONS";
    case net::HttpMethod::other:
      break;
  }
  return "";
}

api::Checked<void> check_method(const DoorContext& door, const Call& call) {
  const std::string_view name = name_of(call.method);
  const bool allowed =
      !name.empty() && api::allowed_methods(call.route).find(name) != std::string_view::npos;
  const bool writes = !call.is_read() && call.method != net::HttpMethod::options;
  const bool is_batch = call.route.endpoint == api::Endpoint::batch;
  if (!allowed || (door.configuration.kinto.readonly && writes && !is_batch)) {
    return api::refuse(api::method_not_allowed());
  }
  return {};
}

api::Checked<void> negotiate(Call& call) {
  if (has_body(call.method)) {
    const auto kind = api::check_content_type(call.headers.get("Content-Type"),
                                              call.method == net::HttpMethod::patch);
    if (!kind) return api::refuse(kind);
    call.patch_kind = *kind;
  }
  return api::check_accept(call.headers.get("Accept"));
}

// Everything but the body. `path` and `query` as they were sent.
api::Checked<void> read_call(const DoorContext& door, Call& call, std::string_view path,
                             std::string_view query) {
  api::Checked<api::Route> route = api::route_path(path);
  if (!route) return api::refuse(route);
  call.route = std::move(*route);
  if (call.route.endpoint == api::Endpoint::redirect || call.method == net::HttpMethod::options) {
    return {};
  }
  const auto method = check_method(door, call);
  if (!method) return method;
  const auto negotiated = negotiate(call);
  if (!negotiated) return negotiated;
  call.parameters = api::parse_query_string(query);
  call.preconditions =
      api::parse_preconditions(call.headers.get("If-Match"), call.headers.get("If-None-Match"));
  return resolve_default_bucket(door, call);
}

Prepared prepare_item(const DoorContext& door, const Call& batch, api::BatchItem item) {
  Prepared prepared;
  Call& call = prepared.call;
  call.method = net::http_method_of(item.method);
  call.host = batch.host;
  call.headers = batch.headers;
  call.identity = batch.identity;
  for (const auto& [name, value] : item.headers) {
    call.headers.set(name, value);
    if (net::equal_header_names(name, "Authorization")) {
      call.identity = door.authenticator.identify(value);
    }
  }
  const std::size_t question = item.path.find('?');
  std::string path = item.path.substr(0, question);
  const std::string query =
      question == std::string::npos ? std::string() : item.path.substr(question + 1);
  // At most one redirection for the version and one for the slash.
  for (int redirections = 0; redirections <= 2; ++redirections) {
    const auto read = read_call(door, call, path, query);
    if (!read) {
      prepared.refusal = read.error();
      break;
    }
    if (call.route.endpoint != api::Endpoint::redirect) break;
    path = call.route.location;
  }
  call.path = percent_decode(path);
  if (!is_utf8(call.path)) call.path = path;  // it is told in JSON
  call.body = item.body ? std::move(*item.body) : Value(Object());
  return prepared;
}

}  // namespace

Prepared prepare(const DoorContext& door, net::HttpRequest request) {
  Prepared prepared;
  Call& call = prepared.call;
  call.method = request.method();
  call.host = request.headers.get("Host").value_or("");
  call.headers = std::move(request.headers);
  call.identity = door.authenticator.identify(call.headers.get("Authorization").value_or(""));
  const auto read = read_call(door, call, request.path(), request.query());
  if (!read) {
    prepared.refusal = read.error();
  } else if (has_body(call.method)) {
    call.body = api::parse_body(request.body);
  }
  return prepared;
}

api::Checked<std::vector<Prepared>> prepare_batch(const DoorContext& door, const Call& batch) {
  if (!batch.body) return api::refuse(batch.body);
  auto items = api::read_batch(
      *batch.body, static_cast<std::size_t>(door.configuration.kinto.batch_max_requests));
  if (!items) return api::refuse(items);
  std::vector<Prepared> prepared;
  for (api::BatchItem& item : *items) {
    prepared.push_back(prepare_item(door, batch, std::move(item)));
  }
  return prepared;
}

}  // namespace tombolo::server::kinto
