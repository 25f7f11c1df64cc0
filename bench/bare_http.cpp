// The bound for HTTP: answers every request with the same bytes. usage: bare_http FILE, which holds
// the answer, head and body.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "bare_epoll.h"

namespace {

std::string answer;

struct HttpSession {
  void take(std::string& input, tombolo::bench::Output& output) const {
    std::size_t used = 0;
    for (;;) {
      const std::size_t end = input.find("\r\n\r\n", used);
      if (end == std::string::npos) break;
      used = end + 4;
      output.reply += answer;
    }
    input.erase(0, used);
  }
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: bare_http FILE\n");
    return 2;
  }
  std::ifstream file(arguments[1], std::ios::binary);
  answer.assign(std::istreambuf_iterator<char>(file), {});
  tombolo::bench::serve<HttpSession>();
}
