#include "net/http_parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>
#include <utility>

namespace tombolo::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;
using ErrorValue = boost::system::error_code;

std::string_view view_of(string_view text) {
  return {text.data(), text.size()};
}

// Why a message was refused by a rule of ours, next to Beast's own errors.
struct Refusal {
  int status = 0;
  std::string_view problem;
};

Refusal refusal_of(const ErrorValue& code) {
  using http::error;
  if (code == error::header_limit) return {431, "the request line and headers are too large"};
  if (code == error::body_limit) return {413, "the body is too large"};
  if (code == error::bad_version) return {505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  if (code == error::bad_method) return {400, "the method is not a token"};
  if (code == error::bad_target) return {400, "the target holds a character that it may not"};
  if (code == error::bad_content_length) return {400, "Content-Length is not one number"};
  if (code == error::bad_transfer_encoding) return {400, "Transfer-Encoding and Content-Length"};
  if (code == error::bad_chunk) return {400, "a chunk of the body is malformed"};
  if (code == error::bad_field || code == error::bad_value) {
    return {400, "a header field is malformed"};
  }
  return {400, "this is not an HTTP/1.1 message"};
}

// What both kinds of message have in common.
template <bool is_request>
class Collector : public http::basic_parser<is_request> {
 public:
  Collector(std::size_t header_bytes, std::size_t header_fields, std::size_t body_bytes)
      : header_fields_(header_fields) {
    this->header_limit(static_cast<std::uint32_t>(header_bytes));
    this->body_limit(body_bytes);
    this->eager(true);
  }

  ParseOutcome feed(std::string_view bytes) {
    ErrorValue error;
    ParseOutcome outcome;
    // Beast aborts when the last chunk comes again with less than all of "0\r\n\r\n". No chunked
    // body ends in fewer bytes, so waiting for them delays nothing.
    const bool in_chunks = this->is_header_done() && this->chunked() && !this->is_done();
    if (in_chunks && bytes.size() < kLastChunkBytes) return outcome;
    outcome.used = this->put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    if (error == http::error::need_more) error = {};
    if (error) {
      const Refusal why = refusal.status != 0 ? refusal : refusal_of(error);
      outcome.kind = ParseOutcome::Kind::failed;
      outcome.status = why.status;
      outcome.problem = why.problem;
    } else if (this->is_done()) {
      outcome.kind = ParseOutcome::Kind::complete;
    }
    return outcome;
  }

  HttpHeaders headers;
  std::string body;
  Refusal refusal;

 protected:
  void refuse(int status, std::string_view problem, ErrorValue& error) {
    refusal = {status, problem};
    error = http::error::bad_value;
  }

  void on_field_impl(http::field, string_view name, string_view value, ErrorValue& error) override {
    if (is_past_headers_) return;  // a trailer: allowed, and of no use here
    if (headers.size() >= header_fields_) {
      return refuse(431, "there are too many header fields", error);
    }
    headers.add(view_of(name), view_of(value));
  }

  void on_header_impl(ErrorValue& error) override {
    is_past_headers_ = true;
    // Another coding than chunked would leave the end of the message open (RFC 9112 section 6.1),
    // and one beneath it would be handed on undone.
    const auto coding = headers.get("Transfer-Encoding");
    if (coding && !(this->chunked() && equal_header_names(*coding, "chunked"))) {
      refuse(501, "only the transfer coding chunked is known here", error);
    }
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorValue&) override {}

  std::size_t on_body_impl(string_view part, ErrorValue&) override {
    body.append(part.data(), part.size());
    return part.size();
  }

  void on_chunk_header_impl(std::uint64_t, string_view, ErrorValue&) override {}

  std::size_t on_chunk_body_impl(std::uint64_t, string_view part, ErrorValue&) override {
    body.append(part.data(), part.size());
    return part.size();
  }

  void on_finish_impl(ErrorValue&) override {}
  void on_request_impl(http::verb, string_view, string_view, int, ErrorValue&) override {}
  void on_response_impl(int, string_view, int, ErrorValue&) override {}

 private:
  static constexpr std::size_t kLastChunkBytes = 5;

  const std::size_t header_fields_;
  bool is_past_headers_ = false;
};

class RequestCollector final : public Collector<true> {
 public:
  explicit RequestCollector(const HttpLimits& limits)
      : Collector(limits.header_bytes, limits.header_fields, limits.body_bytes),
        target_bytes_(limits.target_bytes) {}

  HttpRequest request;

 private:
  void on_request_impl(http::verb, string_view method, string_view target, int version,
                       ErrorValue& error) override {
    version_ = version;
    if (target.size() > target_bytes_) return refuse(414, "the target is too long", error);
    request.set_method(view_of(method));
    request.set_target(origin_form_of(view_of(target)));
  }

  void on_header_impl(ErrorValue& error) override {
    Collector::on_header_impl(error);
    if (error) return;
    std::size_t hosts = 0;
    for (std::size_t index = 0; index < headers.size(); ++index) {
      if (equal_header_names(headers[index].name, "Host")) ++hosts;
    }
    if (hosts > 1 || (hosts == 0 && version_ >= 11)) {
      refuse(400, "a request needs exactly one Host header", error);
    }
  }

  // A target with scheme and authority is the same as its path and query (RFC 9112 section 3.2.2).
  static std::string_view origin_form_of(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (!target.starts_with(scheme)) continue;
      const std::size_t path = target.find_first_of("/?", scheme.size());
      return path == std::string_view::npos ? "/" : target.substr(path);
    }
    return target;
  }

  const std::size_t target_bytes_;
  int version_ = 0;
};

class ResponseCollector final : public Collector<false> {
 public:
  ResponseCollector(std::size_t header_bytes, std::size_t body_bytes, bool has_no_body)
      : Collector(header_bytes, kMaxFields, body_bytes) {
    this->skip(has_no_body);
  }

  int status = 0;

 private:
  static constexpr std::size_t kMaxFields = 500;

  void on_response_impl(int code, string_view, int, ErrorValue&) override { status = code; }
};

}  // namespace

struct RequestParser::Implementation {
  std::optional<RequestCollector> collector;
};

RequestParser::RequestParser(const HttpLimits& limits)
    : implementation_(std::make_unique<Implementation>()) {
  restart(limits);
}

RequestParser::~RequestParser() = default;

void RequestParser::restart(const HttpLimits& limits) {
  implementation_->collector.emplace(limits);
}

ParseOutcome RequestParser::feed(std::string_view bytes) {
  return implementation_->collector->feed(bytes);
}

bool RequestParser::has_headers() const {
  return implementation_->collector->is_header_done();
}

bool RequestParser::expects_continue() const {
  return implementation_->collector->headers.has_token("Expect", "100-continue");
}

bool RequestParser::keeps_alive() const {
  return implementation_->collector->keep_alive();
}

HttpRequest RequestParser::take() {
  RequestCollector& collector = *implementation_->collector;
  HttpRequest request = std::move(collector.request);
  request.headers = std::move(collector.headers);
  request.body = std::move(collector.body);
  return request;
}

struct ResponseParser::Implementation {
  std::size_t header_bytes;
  std::size_t body_bytes;
  bool has_no_body;
  bool has_begun = false;
  std::optional<ResponseCollector> collector;

  void restart() { collector.emplace(header_bytes, body_bytes, has_no_body); }
};

ResponseParser::ResponseParser(std::size_t max_header_bytes, std::size_t max_body_bytes,
                               bool has_no_body)
    : implementation_(std::make_unique<Implementation>(
          Implementation{max_header_bytes, max_body_bytes, has_no_body, false, std::nullopt})) {
  implementation_->restart();
}

ResponseParser::~ResponseParser() = default;

ParseOutcome ResponseParser::feed(std::string_view bytes) {
  implementation_->has_begun = implementation_->has_begun || !bytes.empty();
  std::size_t used = 0;
  for (;;) {
    ParseOutcome outcome = implementation_->collector->feed(bytes.substr(used));
    used += outcome.used;
    outcome.used = used;
    const int status = implementation_->collector->status;
    const bool is_interim = status >= 100 && status < 200 && status != 101;
    if (outcome.kind != ParseOutcome::Kind::complete || !is_interim) return outcome;
    implementation_->restart();
  }
}

ParseOutcome ResponseParser::finish() {
  ErrorValue error;
  implementation_->collector->put_eof(error);
  if (!error && implementation_->collector->is_done()) {
    return {ParseOutcome::Kind::complete, 0, 0, {}};
  }
  return {ParseOutcome::Kind::failed, 0, 0, "the server closed in the middle of its answer"};
}

bool ResponseParser::has_begun() const {
  return implementation_->has_begun;
}
bool ResponseParser::keeps_alive() const {
  return implementation_->collector->keep_alive();
}
int ResponseParser::status() const {
  return implementation_->collector->status;
}
HttpHeaders ResponseParser::take_headers() {
  return std::move(implementation_->collector->headers);
}
std::string ResponseParser::take_body() {
  return std::move(implementation_->collector->body);
}

}  // namespace tombolo::net
