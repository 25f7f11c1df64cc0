// HTTP/1.1 messages out of bytes. The grammar is Boost.Beast's parser, kept inside one source file;
// what is added are the limits, and the rules of RFC 9112 that protect from request smuggling.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "net/http_message.h"
#include "net/http_server.h"

namespace tombolo::net {

struct ParseOutcome {
  enum class Kind { need_more, complete, failed };
  Kind kind = Kind::need_more;
  std::size_t used =
      0;           // bytes taken off the front; what is left must come again, with more behind it
  int status = 0;  // failed: what to answer
  std::string_view problem;  // failed: a sentence for the person who wrote the client
};

// Parses one request after the other.
class RequestParser {
 public:
  explicit RequestParser(const HttpLimits& limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  void restart(const HttpLimits& limits);  // for the next request
  ParseOutcome feed(std::string_view bytes);

  bool has_headers() const;  // the body is being read, or all is there
  bool expects_continue()
      const;                 // with the headers: the peer waits for 100 before it sends the body
  bool keeps_alive() const;  // with the headers
  HttpRequest take();        // once complete

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

// Parses one answer. Interim answers (1xx, but 101) are passed over.
class ResponseParser {
 public:
  // `has_no_body`: the answer to HEAD.
  ResponseParser(std::size_t max_header_bytes, std::size_t max_body_bytes, bool has_no_body);
  ~ResponseParser();
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  ParseOutcome feed(std::string_view bytes);
  // The peer ended its side: complete when the body was to last until then.
  ParseOutcome finish();

  bool has_begun() const;    // a byte of the answer has come
  bool keeps_alive() const;  // once complete
  int status() const;
  HttpHeaders take_headers();
  std::string take_body();

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace tombolo::net
