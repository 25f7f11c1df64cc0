#include "kinto/test_server.h"

#include <filesystem>
#include <future>
#include <stdlib.h>

#include "base/check.h"
#include "net/http_server.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "os/stream_logger.h"
#include "server/doors/kinto/kinto_door.h"
#include "server/storage/sqlite_storage.h"
#include "server/writer_thread.h"

namespace tombolo::kinto_cases {
namespace {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "tombolo-kinto-XXXXXX").string();
    TOMBOLO_CHECK(::mkdtemp(name.data()) != nullptr, "a temporary directory can be made");
    path_ = name;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

server::Configuration configuration_of(
    const std::vector<std::pair<std::string, std::string>>& settings) {
  server::Configuration configuration;
  for (const auto& [name, value] : settings) {
    if (name == "kinto.flush_enabled") {
      configuration.kinto.flush_enabled = value == "true";
    } else if (name == "kinto.readonly") {
      configuration.kinto.readonly = value == "true";
    } else if (name == "kinto.paginate_by") {
      configuration.kinto.paginate_by = std::stoll(value);
    } else if (name == "kinto.http_scheme") {
      configuration.kinto.http_scheme = value;
    } else if (name == "kinto.http_host") {
      configuration.kinto.http_host = value;
    } else if (name == "kinto.max_fetch_size") {
      configuration.kinto.max_fetch_size = std::stoll(value);
    } else {
      TOMBOLO_CHECK(false, "a case file names a setting that the test server knows");
    }
  }
  configuration.kinto.userid_hmac_secret = "a secret of the tests";
  return configuration;
}

std::unique_ptr<server::Storage> open_storage(const std::string& path, const Clock& clock,
                                              Random& random) {
  server::SqliteStorageOptions options;
  options.path = path;
  options.synchronous = store::Synchronous::normal;  // nobody pulls the plug of a test
  auto storage = server::open_sqlite_storage(options, clock, random);
  TOMBOLO_CHECK(storage.has_value(), "a new database can be opened");
  return std::move(*storage);
}

}  // namespace

struct TestServer::State {
  explicit State(const std::vector<std::pair<std::string, std::string>>& settings)
      : configuration(configuration_of(settings)),
        storage(open_storage(directory.file("server.db"), clock, random)),
        readers(*storage),
        writer(*storage, feed, clock, random, logger),
        writer_thread(writer),
        authenticator({configuration.kinto.userid_hmac_secret, {}}),
        access(configuration.kinto.principals),
        door({configuration, *storage, readers, writer, feed, authenticator, access, clock, random,
              logger}) {
    auto started = net::HttpServer::start(
        {},
        [this](net::HttpRequest&& request, net::HttpResponder responder) {
          door.handle(request, responder);
        },
        logger);
    TOMBOLO_CHECK(started.has_value(), "a server can be started on a free port");
    http_server = std::move(*started);
    client_thread = net::IoThread::start();
    client = net::make_http_client(client_thread);
  }

  ~State() {
    client.reset();
    client_thread->stop();
    http_server->stop(1'000);
    writer_thread.stop();
  }

  TemporaryDirectory directory;
  os::SystemClock clock;
  os::SystemRandom random;
  os::StreamLogger logger{clock, os::LogFormat::human, LogLevel::warning};
  server::Configuration configuration;
  std::unique_ptr<server::Storage> storage;
  server::Readers readers;
  server::Feed feed;
  server::Writer writer;
  server::WriterThread writer_thread;
  server::Authenticator authenticator;
  server::AccessControl access;
  server::kinto::KintoDoor door;
  std::unique_ptr<net::HttpServer> http_server;
  std::shared_ptr<net::IoThread> client_thread;
  std::unique_ptr<net::HttpClient> client;
};

TestServer::TestServer(const std::vector<std::pair<std::string, std::string>>& settings)
    : state_(std::make_unique<State>(settings)) {}

TestServer::~TestServer() = default;

std::string TestServer::origin() const {
  return "http://127.0.0.1:" + std::to_string(state_->http_server->port());
}

Result<net::ClientResponse> TestServer::send(net::ClientRequest request) {
  std::promise<Result<net::ClientResponse>> answer;
  state_->client->send(std::move(request), [&](Result<net::ClientResponse> response) {
    answer.set_value(std::move(response));
  });
  return answer.get_future().get();
}

}  // namespace tombolo::kinto_cases
