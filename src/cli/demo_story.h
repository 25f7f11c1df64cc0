// The demo's plot, act by act: everybody loads the same data, the server dies, everybody changes
// something, the server comes back, all meet. Every claim that is made on the way is checked; the
// first that is wrong ends the play with an error.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/demo_cast.h"
#include "cli/demo_compare.h"
#include "cli/demo_stage.h"
#include "os/clock.h"

#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo::cli {

class DemoStory {
 public:
  DemoStory(DemoStage& stage, DemoCast& cast, std::string kinto_version);

  // Plays it all. What was found stays in result(), also after an error.
  Result<void> play();

  // {"equal","records","views":[{"name","records","fingerprint"}],"differences","losses","seconds"}
  const Value& result() const { return result_; }

 private:
  Result<void> introduce();
  Result<void> load();
  Result<void> cut_off();
  Result<void> work_apart();
  Result<void> meet();
  Result<void> compare();
  Result<void> read_ledgers();

  // A write on a device, told as the command line that would do it.
  Result<void> write(JsonProgram& player, const std::string& told, Value request);
  // What a device says of itself must be what we know: how much is pending, and whether it holds
  // what the server holds.
  Result<void> check_status(JsonProgram& device, bool synced, std::int64_t pending);
  Result<void> load_device(JsonProgram& device);
  Result<void> check_content(const Records& records) const;
  // Waits until the device says that it is synced, and checks it; its status.
  Result<Value> synchronize(JsonProgram& device);
  Result<void> synchronize_kinto();
  Result<std::vector<View>> views(bool with_server);
  void explain(const Value& loss);
  std::string author(const Value& operation) const;
  std::string seconds_since(std::int64_t start_ms) const;

  DemoStage& stage_;
  DemoCast& cast_;
  const std::string kinto_version_;
  const os::SystemClock clock_;
  std::map<std::string, std::string, std::less<>> authors_;  // of operations: id -> device
  std::int64_t loaded_ = 0;
  std::vector<ExpectedLoss> expected_losses_;
  Value result_ = Object{};
};

}  // namespace tombolo::cli
