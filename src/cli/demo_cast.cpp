#include "cli/demo_cast.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <future>

#include "net/http_client.h"
#include "os/environment.h"
#include "os/files.h"

namespace tombolo::cli {

namespace {

constexpr std::int64_t kStartTimeout_ms = 60'000;
constexpr int kOldestNode = 18;
constexpr const char* kSetUp = "`make demo`, in the folder of Tombolo's sources, sets it all up";

// The server's settings are the demo's, whatever the environment says to other servers.
std::vector<std::pair<std::string, std::optional<std::string>>> without_our_variables() {
  std::vector<std::pair<std::string, std::optional<std::string>>> environment;
  for (const auto& [name, value] : os::environment_with_prefix("TOMBOLO_")) {
    environment.emplace_back(name, std::nullopt);
  }
  return environment;
}

Result<void> check_node() {
  auto node = os::ChildProcess::start({.command = {"node", "--version"}});
  if (!node) {
    return fail(ErrorCode::not_found,
                std::string("Node.js is missing, which runs the kinto.js client (node is not on "
                            "the PATH); ") +
                    kSetUp);
  }
  const auto line = node->read_line(kStartTimeout_ms);  // "v20.1.0"
  const std::string version = line ? line->value_or("") : "";
  int major = 0;
  if (version.size() > 1)
    std::from_chars(version.data() + 1, version.data() + version.size(), major);
  if (major >= kOldestNode) return {};
  return fail(ErrorCode::unsupported, "kinto.js needs Node.js 18 or newer, and node is " +
                                          (version.empty() ? "of no known version" : version) +
                                          "; " + kSetUp);
}

// Asks one question after the other, each on the calling thread.
class HttpReader {
 public:
  HttpReader() : thread_(net::IoThread::start()), client_(net::make_http_client(thread_)) {}
  // A callback that is just returning may hold the thread, which must not be the last to do so.
  ~HttpReader() { thread_->stop(); }
  HttpReader(const HttpReader&) = delete;
  HttpReader& operator=(const HttpReader&) = delete;

  Result<net::ClientResponse> get(std::string url) {
    // Shared: the callback may still be using it when the answer is already here.
    auto promise = std::make_shared<std::promise<Result<net::ClientResponse>>>();
    auto answer = promise->get_future();
    client_->send({.url = std::move(url)}, [promise](Result<net::ClientResponse> response) {
      promise->set_value(std::move(response));
    });
    return answer.get();
  }

 private:
  std::shared_ptr<net::IoThread> thread_;
  std::unique_ptr<net::HttpClient> client_;
};

}  // namespace

Result<std::string> check_demo_needs(const std::string& kinto_js_folder) {
  if (!os::path_exists(kLanguagesFile)) {
    return fail(ErrorCode::not_found, std::string("there is no ") + kLanguagesFile +
                                          ", the languages of the world (Debian's package "
                                          "iso-codes); " +
                                          kSetUp);
  }
  if (auto done = check_node(); !done) return fail(done);
  for (const std::string_view module : {"kinto", "fake-indexeddb"}) {
    const std::string path = kinto_js_folder + "/node_modules/" + std::string(module);
    if (os::path_exists(kinto_js_folder + "/device.mjs") && os::path_exists(path)) continue;
    return fail(ErrorCode::not_found, "the kinto.js client is not set up (there is no " + path +
                                          "); " + kSetUp + ", or name the folder with --kinto-js");
  }
  const auto text = os::read_file(kinto_js_folder + "/node_modules/kinto/package.json");
  if (!text) return fail(text);
  const auto package = Value::parse(*text);
  if (!package) return fail(package);
  return std::string((*package)["version"].as_string());
}

DemoCast::DemoCast(DemoPlaces places, os::StopSignal& stop)
    : places_(std::move(places)), stop_(stop) {}

std::string DemoCast::api_url() const {
  return "http://127.0.0.1:" + std::to_string(port_) + "/v1";
}

std::string DemoCast::stream_url() const {
  return "ws://127.0.0.1:" + std::to_string(port_) + "/v1/buckets/" + std::string(kDemoBucket) +
         "/stream";
}

std::string DemoCast::database_of(const std::string& device) const {
  return file(device == "device A" ? "device-a.db" : "device-b.db");
}

Result<JsonProgram> DemoCast::start(const std::string& name, std::vector<std::string> command,
                                    std::string directory) {
  return JsonProgram::start(name,
                            {.command = std::move(command),
                             .environment = without_our_variables(),
                             .directory = std::move(directory),
                             .error_file = file("complaints.txt")},
                            &stop_);
}

Result<void> DemoCast::start_server() {
  auto server =
      start("the server", {os::program_path(), "serve", "--json", "--port", std::to_string(port_),
                           "--database", file("server.db"), "--log-level", "error"});
  if (!server) return fail(server);
  const auto said = server->read(kStartTimeout_ms);
  if (!said) return fail(said);
  port_ = (*said)["port"].as_integer();
  server_ = *std::move(server);
  return {};
}

Result<void> DemoCast::start_clients() {
  for (const auto& [name, place] : {std::pair("device A", &device_a_), {"device B", &device_b_}}) {
    auto device = start(name, {os::program_path(), "shell", "--json", "--db", database_of(name)});
    if (!device) return fail(device);
    place->emplace(*std::move(device));
  }
  auto kinto_js = start(
      "kinto.js",
      {"node", "device.mjs", api_url(), std::string(kDemoBucket), std::string(kDemoCollection)},
      places_.kinto_js);
  if (!kinto_js) return fail(kinto_js);
  kinto_js_ = *std::move(kinto_js);
  return {};
}

Result<void> DemoCast::kill_server() {
  server_->process().stop(SIGKILL, kStartTimeout_ms);
  server_.reset();
  return {};
}

Result<Value> DemoCast::run_tombolo(const std::string& device, std::vector<std::string> words) {
  words.insert(words.begin(), os::program_path());
  words.insert(words.end(), {"--json", "--db", database_of(device)});
  auto program = start(device, std::move(words));
  if (!program) return fail(program);
  return program->read();
}

Result<View> DemoCast::view_of(JsonProgram& player) {
  const auto list = player.ask({{"command", "list"}, {"collection", kDemoCollection}});
  if (!list) return fail(list);
  auto records = records_by_id(*list);
  if (!records) return fail(records.error().code, player.name() + ": " + records.error().message);
  return View{player.name(), *std::move(records)};
}

Result<View> DemoCast::view_of_server() const {
  HttpReader reader;
  Array all;
  std::string url = api_url() + "/buckets/" + std::string(kDemoBucket) + "/collections/" +
                    std::string(kDemoCollection) + "/records?_limit=2500";
  while (!url.empty()) {
    const auto response = reader.get(url);
    if (!response) return fail(response);
    if (response->status != 200) {
      return fail(ErrorCode::protocol, "the server answered " + url + " with " +
                                           std::to_string(response->status) + ": " +
                                           response->body);
    }
    auto body = Value::parse(response->body);
    if (!body) return fail(body);
    if (Array* page = (*body)["data"].if_array()) std::ranges::move(*page, std::back_inserter(all));
    url = response->headers.get("Next-Page").value_or("");
  }
  auto records = records_by_id(Value(std::move(all)));
  if (!records) return fail(records);
  return View{"server", *std::move(records)};
}

Error DemoCast::explained(Error error) const {
  constexpr std::size_t kShown_bytes = 2'000;
  std::string complaints = os::read_file(file("complaints.txt")).value_or("");
  if (complaints.size() > kShown_bytes) complaints.erase(0, complaints.size() - kShown_bytes);
  while (complaints.ends_with('\n')) complaints.pop_back();
  if (!complaints.empty()) error.message += "\nWhat the programs complained about:\n" + complaints;
  return error;
}

}  // namespace tombolo::cli
