// HTTP requests, several on one connection: however the bytes are cut, the same requests come out.
// What is wrong with the bytes behind them may be found sooner or later, and told differently. The
// limit on headers counts what has arrived, so it may let pass what comes whole.
#include <algorithm>
#include <string>
#include <vector>

#include "net/http_parser.h"
#include "target.h"

namespace tombolo::net {
namespace {

std::string describe(const HttpRequest& request, bool keeps_alive) {
  return std::string(request.method_name()) + " " + std::string(request.target()) + "\n" +
         std::string(request.headers.text()) + "\n" + request.body + (keeps_alive ? "+" : "-");
}

std::vector<std::string> parse(std::string_view bytes, std::size_t step) {
  HttpLimits limits;
  limits.header_bytes = 512;
  limits.header_fields = 8;
  limits.target_bytes = 128;
  limits.body_bytes = 256;
  RequestParser parser(limits);
  std::vector<std::string> found;  // requests, and at the end " failed": no method has a space
  std::string buffer;
  while (!bytes.empty()) {
    const std::size_t piece = std::min(step, bytes.size());
    buffer.append(bytes.substr(0, piece));
    bytes.remove_prefix(piece);
    for (bool more = true; more;) {
      const ParseOutcome outcome = parser.feed(buffer);
      TOMBOLO_CHECK(outcome.used <= buffer.size(), "a parser takes no more than there is");
      buffer.erase(0, outcome.used);
      if (outcome.kind == ParseOutcome::Kind::failed) {
        found.push_back(" failed " + std::to_string(outcome.status));
        return found;
      }
      more = outcome.kind == ParseOutcome::Kind::complete;
      if (!more) continue;
      const bool keeps_alive = parser.keeps_alive();
      found.push_back(describe(parser.take(), keeps_alive));
      if (!keeps_alive) return found;
      parser.restart(limits);
      more = !buffer.empty();
    }
  }
  return found;
}

}  // namespace
}  // namespace tombolo::net

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tombolo::fuzz::Choices choices(tombolo::fuzz::text_of(data, size));
  const std::size_t step = 1 + choices.below(64);
  auto whole = tombolo::net::parse(choices.rest(), size + 1);
  auto pieces = tombolo::net::parse(choices.rest(), step);
  for (auto* found : {&whole, &pieces}) {
    if (!found->empty() && found->back() == " failed 431") return 0;
    if (!found->empty() && found->back().starts_with(" failed")) found->pop_back();
  }
  TOMBOLO_CHECK(whole == pieces, "requests do not depend on how their bytes arrive");
  return 0;
}
