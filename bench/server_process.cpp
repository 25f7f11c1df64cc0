#include "server_process.h"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sched.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace tombolo::bench {
namespace {

void run_server(const std::string& binary, const std::string& folder, int output, int pin_cpu) {
  if (pin_cpu >= 0) {
    cpu_set_t processors;
    CPU_ZERO(&processors);
    CPU_SET(pin_cpu, &processors);
    sched_setaffinity(0, sizeof processors, &processors);
  }
  dup2(output, STDOUT_FILENO);
  const std::string database = folder + "/server.db";
  const std::array<const char*, 10> arguments = {
      binary.c_str(), "serve",          "--json",      "--port", "0",
      "--database",   database.c_str(), "--log-level", "error",  nullptr};
  execv(binary.c_str(), const_cast<char* const*>(arguments.data()));
  std::perror("execv");
  std::_Exit(127);
}

// The first line of the server's output is a JSON object that names the port.
Result<std::uint16_t> read_port(int input, const std::string& binary) {
  std::string line;
  char character = 0;
  while (read(input, &character, 1) == 1 && character != '\n') line.push_back(character);
  const auto parsed = Value::parse(line);
  const std::int64_t port = parsed ? (*parsed)["port"].as_integer() : 0;
  if (port <= 0) {
    return fail(ErrorCode::unavailable,
                binary + " did not say where it listens; it printed: " + line);
  }
  return static_cast<std::uint16_t>(port);
}

}  // namespace

Result<ServerProcess> ServerProcess::start(const std::string& binary,
                                           const std::string& parent_folder, int pin_cpu) {
  std::string folder = parent_folder + "/tombolo-bench-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) {
    return fail(ErrorCode::storage, "cannot make a folder below " + parent_folder);
  }
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return fail(ErrorCode::internal, "cannot make a pipe");
  const pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    run_server(binary, folder, ends[1], pin_cpu);
  }
  close(ends[1]);
  const auto port = read_port(ends[0], binary);
  // The reading end stays open, so that the server never writes into a closed pipe.
  ServerProcess process(pid, port.value_or(0), folder);
  if (!port) return fail(port);
  return process;
}

ServerProcess::ServerProcess(ServerProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), port_(other.port_), folder_(std::move(other.folder_)) {}

ServerProcess::~ServerProcess() {
  if (pid_ <= 0) return;
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

double ServerProcess::cpu_seconds() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
  std::string text;
  std::getline(file, text);
  // Fields 14 and 15; the second one, the name in parentheses, may hold spaces.
  std::istringstream rest(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int field = 3; field < 14; ++field) rest >> skipped;
  long user = 0;
  long system = 0;
  rest >> user >> system;
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::int64_t ServerProcess::resident_kib() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  std::int64_t total_pages = 0;
  std::int64_t resident_pages = 0;
  file >> total_pages >> resident_pages;
  return resident_pages * sysconf(_SC_PAGESIZE) / 1024;
}

}  // namespace tombolo::bench
