// The four players of the demo, each a process of its own: a server, two devices (`tombolo shell`)
// and kinto.js in Node (examples/kinto-js). Only the server's address connects them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/demo_compare.h"
#include "cli/json_program.h"
#include "os/signals.h"

#include "tombolo/result.h"

namespace tombolo::cli {

inline constexpr std::string_view kDemoBucket = "main";
inline constexpr std::string_view kDemoCollection = "languages";
// ISO 639-3 as Debian's package iso-codes has it.
inline constexpr const char* kLanguagesFile = "/usr/share/iso-codes/json/iso_639-3.json";

struct DemoPlaces {
  std::string folder;    // for the databases and what the programs complain about; exists
  std::string kinto_js;  // examples/kinto-js, with its npm packages
};

// The version of the npm package kinto that the folder has. Errors say what is missing (the
// languages, Node.js 18, the npm packages) and how to get it.
Result<std::string> check_demo_needs(const std::string& kinto_js_folder);

class DemoCast {
 public:
  DemoCast(DemoPlaces places, os::StopSignal& stop);

  // Starts the server, on the port that it had before; then that the devices and kinto.js run.
  Result<void> start_server();
  Result<void> start_clients();
  // SIGKILL: it gets no chance to tidy up.
  Result<void> kill_server();

  JsonProgram& device_a() { return *device_a_; }
  JsonProgram& device_b() { return *device_b_; }
  JsonProgram& kinto_js() { return *kinto_js_; }

  // Runs `tombolo` with these words on a device's database, with --json; its answer.
  Result<Value> run_tombolo(const std::string& device, std::vector<std::string> words);
  std::string database_of(const std::string& device) const;  // "device A" -> .../device-a.db

  std::string api_url() const;     // http://127.0.0.1:40123/v1
  std::string stream_url() const;  // ws://127.0.0.1:40123/v1/buckets/main/stream

  // What each sees now. The server is asked over HTTP, page by page.
  Result<View> view_of(JsonProgram& player);
  Result<View> view_of_server() const;

  // The error with the last words of whoever complained.
  Error explained(Error error) const;

 private:
  Result<JsonProgram> start(const std::string& name, std::vector<std::string> command,
                            std::string directory = {});
  std::string file(const std::string& name) const { return places_.folder + "/" + name; }

  const DemoPlaces places_;
  os::StopSignal& stop_;
  std::int64_t port_ = 0;
  std::optional<JsonProgram> server_, device_a_, device_b_, kinto_js_;
};

}  // namespace tombolo::cli
