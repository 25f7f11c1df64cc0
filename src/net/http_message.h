// HTTP messages as the handlers of the server and the callers of the client see them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tombolo::net {

enum class HttpMethod { get, head, post, put, patch, delete_, options, other };

HttpMethod http_method_of(std::string_view name);  // case-sensitive, as RFC 9110 section 9.1 says

// The reason phrase of a status, e.g. "Not Found"; "Unknown" for one that has none.
std::string_view reason_of(int status);

// Whether two header names are equal, ignoring the case of ASCII letters.
bool equal_header_names(std::string_view left, std::string_view right);

struct HeaderField {
  std::string_view name;
  std::string_view value;
};

// An ordered list of header fields, kept in one buffer as they stand on the wire. The views it
// gives live until the list is changed, moved or destroyed.
class HttpHeaders {
 public:
  // Appends a field. CR, LF and NUL in `value` become spaces, so that no value can end its line.
  void add(std::string_view name, std::string_view value);
  // Appends the fields of another list.
  void append(const HttpHeaders& others);
  // Replaces every field of that name by one.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  void clear();

  // The value of the first field of that name (any case).
  std::optional<std::string_view> get(std::string_view name) const;
  bool contains(std::string_view name) const { return get(name).has_value(); }
  // Whether a comma-separated field (all fields of that name together) lists `token`, in any case.
  bool has_token(std::string_view name, std::string_view token) const;

  std::size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }
  HeaderField operator[](std::size_t index) const;

  // "Name: value\r\n" of every field.
  std::string_view text() const { return text_; }

 private:
  struct Position {
    std::uint32_t begin;
    std::uint32_t name_size;
    std::uint32_t value_size;
  };
  std::string text_;
  std::vector<Position> fields_;
};

// A request. Views it gives live until the request is changed, moved or destroyed.
class HttpRequest {
 public:
  HttpRequest() = default;
  HttpRequest(std::string_view method, std::string_view target);

  HttpMethod method() const { return method_; }
  std::string_view method_name() const { return method_name_; }
  void set_method(std::string_view name);

  std::string_view target() const { return target_; }  // as sent, undecoded: "/v1/x%20y?a=1"
  std::string_view path() const { return std::string_view(target_).substr(0, path_size_); }
  std::string_view query() const;  // what follows '?', without it
  void set_target(std::string_view target);

  HttpHeaders headers;
  std::string body;
  // The address of the peer, e.g. "127.0.0.1", without its port; empty for a request made in
  // process.
  std::string remote_address;

 private:
  HttpMethod method_ = HttpMethod::get;
  std::string method_name_ = "GET";
  std::string target_ = "/";
  std::size_t path_size_ = 1;
};

// A body: a text of its own, or one that many responses share.
class HttpBody {
 public:
  HttpBody() = default;
  HttpBody(std::string text) : own_(std::move(text)) {}  // NOLINT: meant to convert
  HttpBody(const char* text) : own_(text) {}             // NOLINT
  HttpBody(std::shared_ptr<const std::string> text) : shared_(std::move(text)) {}  // NOLINT

  std::string_view view() const { return shared_ ? std::string_view(*shared_) : own_; }
  std::size_t size() const { return view().size(); }

  // Gives the text away as shared; the body is empty afterwards.
  std::shared_ptr<const std::string> release();

 private:
  std::string own_;
  std::shared_ptr<const std::string> shared_;
};

// An answer. The server adds Content-Length, Date and Connection; it drops the body where HTTP has
// none (HEAD, 204, 304), keeping the length of what a GET would have answered for HEAD.
struct HttpResponse {
  int status = 200;
  HttpHeaders headers = {};
  HttpBody body = {};
};

}  // namespace tombolo::net
