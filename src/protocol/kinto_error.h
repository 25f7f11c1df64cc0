// Errors of the Kinto API (Kinto API 1.23, "Error responses"): an HTTP status, a stable number
// ("errno"), a short title, and details for programs and for people.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tombolo/value.h"

namespace tombolo::protocol::kinto {

// The "errno" of the answer. (Not called errno, which is a macro of C.)
enum class ErrorNumber : int {
  missing_authentication = 104,
  invalid_parameters = 107,
  unknown_object = 110,
  unknown_resource = 111,  // an unknown URL, or an unknown parent of the object
  body_too_large = 113,
  modified_meanwhile = 114,
  method_not_allowed = 115,
  unknown_version = 116,
  forbidden = 121,
  backend = 201,
  undefined = 999,
};

// One thing that is wrong with a request.
struct ErrorDetail {
  std::string location;             // "body", "querystring", "header" or "path"
  std::optional<std::string> name;  // the field, parameter or header
  std::string description;
};

struct ApiError {
  int status = 500;
  ErrorNumber number = ErrorNumber::undefined;
  std::string title;    // "error" in the answer
  std::string message;  // left out when empty
  Value details;        // left out when null
  // The current timestamp of what the request was about, where the answer carries it as ETag.
  std::optional<std::int64_t> timestamp;
  std::string cause;  // for the log, never sent
};

// The value, or the answer that refuses the request.
template <typename T>
using Checked = std::expected<T, ApiError>;

[[nodiscard]] inline std::unexpected<ApiError> refuse(ApiError error) {
  return std::unexpected<ApiError>(std::move(error));
}

// Passes the refusal of another Checked on.
template <typename T>
[[nodiscard]] std::unexpected<ApiError> refuse(const Checked<T>& checked) {
  return std::unexpected<ApiError>(checked.error());
}

// The JSON body of the answer.
std::string error_body(const ApiError& error);

// 400 with everything that is wrong (at least one); the message is made from the first by name.
ApiError invalid_parameters(std::vector<ErrorDetail> details);
ApiError invalid_parameter(std::string location, std::optional<std::string> name,
                           std::string description);
// 400 with a message and no details.
ApiError bad_request(std::string message);
// 406 and 415, in the form of invalid_parameters.
ApiError invalid_content(int status, std::string header, std::string description);

ApiError unauthenticated();                                                    // 401
ApiError forbidden();                                                          // 403
ApiError unknown_url();                                                        // 404, 111
ApiError unknown_version();                                                    // 404, 116
ApiError unknown_object(std::string_view id, std::string_view resource_name);  // 404, 110
ApiError unknown_parent(std::string_view id, std::string_view resource_name);  // 404, 111
ApiError method_not_allowed();                                                 // 405
// 412. `existing` is the object as the client would read it, or null when there is none.
ApiError modified_meanwhile(Value existing, std::optional<std::int64_t> timestamp);
ApiError body_too_large(std::string message);  // 413
ApiError internal_error();                     // 500
ApiError backend_unavailable();                // 503

}  // namespace tombolo::protocol::kinto
