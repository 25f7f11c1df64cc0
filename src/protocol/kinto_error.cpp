#include "protocol/kinto_error.h"

#include <algorithm>
#include <utility>

#include "base/json.h"

namespace tombolo::protocol::kinto {
namespace {

ApiError plain(int status, ErrorNumber number, std::string title, std::string message) {
  ApiError error;
  error.status = status;
  error.number = number;
  error.title = std::move(title);
  error.message = std::move(message);
  return error;
}

ApiError not_found(ErrorNumber number, std::string_view id, std::string_view resource_name) {
  ApiError error = plain(404, number, "Not Found", "");
  error.details = Object{{"id", id}, {"resource_name", resource_name}};
  return error;
}

std::string message_of(const ErrorDetail& detail) {
  if (!detail.name) return detail.location + ": " + detail.description;
  if (detail.description.find(*detail.name) != std::string::npos) return detail.description;
  return *detail.name + " in " + detail.location + ": " + detail.description;
}

}  // namespace

std::string error_body(const ApiError& error) {
  Object body{
      {"code", error.status}, {"errno", static_cast<int>(error.number)}, {"error", error.title}};
  if (!error.message.empty()) body.set("message", error.message);
  if (!error.details.is_null()) body.set("details", error.details);
  std::string out;
  append_json(out, body);
  return out;
}

ApiError invalid_parameters(std::vector<ErrorDetail> details) {
  std::stable_sort(details.begin(), details.end(),
                   [](const ErrorDetail& left, const ErrorDetail& right) {
                     return left.name.value_or("None") < right.name.value_or("None");
                   });
  ApiError error = plain(400, ErrorNumber::invalid_parameters, "Invalid parameters",
                         details.empty() ? "" : message_of(details.front()));
  Array list;
  for (const ErrorDetail& detail : details) {
    list.push_back(Object{{"location", detail.location},
                          {"name", detail.name ? Value(*detail.name) : Value()},
                          {"description", detail.description}});
  }
  error.details = std::move(list);
  return error;
}

ApiError invalid_parameter(std::string location, std::optional<std::string> name,
                           std::string description) {
  return invalid_parameters({{std::move(location), std::move(name), std::move(description)}});
}

ApiError bad_request(std::string message) {
  return plain(400, ErrorNumber::invalid_parameters, "Bad Request", std::move(message));
}

ApiError invalid_content(int status, std::string header, std::string description) {
  ApiError error = invalid_parameter("header", std::move(header), std::move(description));
  error.status = status;
  return error;
}

ApiError unauthenticated() {
  return plain(401, ErrorNumber::missing_authentication, "Unauthorized",
               "Please authenticate yourself to use this endpoint.");
}

ApiError forbidden() {
  return plain(403, ErrorNumber::forbidden, "Forbidden", "This user cannot access this resource.");
}

ApiError unknown_url() {
  return plain(404, ErrorNumber::unknown_resource, "Not Found",
               "The resource you are looking for could not be found.");
}

ApiError unknown_version() {
  return plain(404, ErrorNumber::unknown_version, "Not Found",
               "The requested API version is not available on this server.");
}

ApiError unknown_object(std::string_view id, std::string_view resource_name) {
  return not_found(ErrorNumber::unknown_object, id, resource_name);
}

ApiError unknown_parent(std::string_view id, std::string_view resource_name) {
  return not_found(ErrorNumber::unknown_resource, id, resource_name);
}

ApiError method_not_allowed() {
  return plain(405, ErrorNumber::method_not_allowed, "Method Not Allowed",
               "Method not allowed on this endpoint.");
}

ApiError modified_meanwhile(Value existing, std::optional<std::int64_t> timestamp) {
  ApiError error = plain(412, ErrorNumber::modified_meanwhile, "Precondition Failed",
                         "Resource was modified meanwhile");
  if (!existing.is_null()) error.details = Object{{"existing", std::move(existing)}};
  error.timestamp = timestamp;
  return error;
}

ApiError body_too_large(std::string message) {
  return plain(413, ErrorNumber::body_too_large, "Request Entity Too Large", std::move(message));
}

ApiError internal_error() {
  return plain(500, ErrorNumber::undefined, "Internal Server Error",
               "The server met a problem that it did not expect; its log says which.");
}

ApiError backend_unavailable() {
  return plain(503, ErrorNumber::backend, "Service Unavailable",
               "Service temporary unavailable due to overloading or maintenance, please retry "
               "later.");
}

}  // namespace tombolo::protocol::kinto
