#include "server/doors/kinto/exchange.h"

namespace tombolo::server::kinto {

std::unexpected<api::ApiError> Scope::ask_for_writer() {
  asked_for_writer_ = true;
  return api::refuse(api::internal_error());
}

std::unexpected<api::ApiError> Scope::ask_for_another_part() {
  asked_for_another_part_ = true;
  return api::refuse(api::internal_error());
}

api::ApiError storage_failure(const Error& error) {
  api::ApiError refusal = api::backend_unavailable();
  refusal.cause = error.message;
  return refusal;
}

std::unexpected<api::ApiError> not_permitted(const Call& call) {
  return api::refuse(call.identity->authenticated() ? api::forbidden() : api::unauthenticated());
}

std::string origin_of(const KintoSection& settings, const Call& call) {
  std::string_view host = settings.http_host.empty() ? call.host : settings.http_host;
  if (host.empty()) host = "localhost";
  return settings.http_scheme + "://" + std::string(host);
}

net::HttpResponse json_answer(int status, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

void set_timestamp(net::HttpResponse& response, std::int64_t timestamp) {
  response.headers.add("ETag", api::etag_of(timestamp));
  response.headers.add("Last-Modified", api::http_date_of(timestamp));
}

net::HttpResponse error_answer(const Call& call, const KintoSection& settings,
                               const api::ApiError& error) {
  net::HttpResponse response = json_answer(error.status, api::error_body(error));
  if (error.status == 401) response.headers.add("WWW-Authenticate", "Basic realm=\"Realm\"");
  if (error.status == 405) response.headers.add("Allow", api::allowed_methods(call.route));
  if (error.status == 503) {
    response.headers.add("Retry-After", std::to_string(settings.retry_after_seconds));
  }
  if (error.timestamp) set_timestamp(response, *error.timestamp);
  return response;
}

ListPath list_path(const api::Route& route) {
  switch (route.kind) {
    case api::ResourceKind::bucket:
      return ListPath::buckets();
    case api::ResourceKind::collection:
      return ListPath::collections(route.bucket);
    case api::ResourceKind::record:
      return ListPath::records(route.bucket, route.collection);
  }
  return ListPath::buckets();
}

ObjectPath object_path(const api::Route& route) {
  return {list_path(route), route.object_id()};
}

ObjectPath collection_path(const api::Route& route) {
  return ObjectPath::collection(route.bucket, route.collection);
}

}  // namespace tombolo::server::kinto
