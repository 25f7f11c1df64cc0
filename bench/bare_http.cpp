// The bound for HTTP: answers every request with the same bytes. usage: bare_http [PORT
// [BODY_BYTES]]
#include <cstdlib>
#include <string>

#include "bare_epoll.h"

namespace {

std::string answer;

struct HttpSession {
  void take(std::string& input, std::string& output) const {
    std::size_t used = 0;
    for (;;) {
      const std::size_t end = input.find("\r\n\r\n", used);
      if (end == std::string::npos) break;
      used = end + 4;
      output += answer;
    }
    input.erase(0, used);
  }
};

}  // namespace

int main(int count, char** arguments) {
  constexpr std::size_t kDefaultBodyBytes = 105;
  const std::size_t body_bytes =
      count > 2 ? static_cast<std::size_t>(std::atoll(arguments[2])) : kDefaultBodyBytes;
  answer =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: \"1700000000000\"\r\n"
      "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: " +
      std::to_string(body_bytes) + "\r\n\r\n" + std::string(body_bytes, ' ');
  tombolo::bench::serve<HttpSession>(tombolo::bench::port_argument(count, arguments));
}
