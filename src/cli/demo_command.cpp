// `tombolo demo`: Tombolo's main job, played by real processes and explained as it happens.
#include <array>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/demo_cast.h"
#include "cli/demo_stage.h"
#include "cli/demo_story.h"
#include "os/files.h"
#include "os/signals.h"

namespace tombolo::cli {

namespace {

constexpr const char* kKintoFolder = "examples/kinto-js";

// The folder for the databases: that of --keep, or one that goes with the demo.
class Folder {
 public:
  static Result<Folder> make(const std::optional<std::string>& kept) {
    Folder folder;
    if (kept) {
      if (auto done = os::make_directories(*kept); !done) return fail(done);
      for (const char* name : {"server.db", "device-a.db", "device-b.db"}) {
        if (!os::path_exists(*kept + "/" + name)) continue;
        return fail(ErrorCode::already_exists,
                    *kept + " has a " + name +
                        " already, and the demo wants to begin with nothing; name another folder");
      }
      folder.path_ = *kept;
      return folder;
    }
    auto temporary = os::TemporaryDirectory::make();
    if (!temporary) return fail(temporary);
    folder.path_ = temporary->path();
    folder.temporary_ = *std::move(temporary);
    return folder;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::optional<os::TemporaryDirectory> temporary_;
};

void say_what_next(const Context& context, const std::optional<std::string>& kept) {
  if (context.json()) return;
  if (!kept) {
    context.print_line("\nWith --keep FOLDER the databases stay, to look around in them.");
    return;
  }
  context.print_line("\nThe databases stay in " + *kept +
                     ". Look around:\n\n  tombolo losses --db " + *kept +
                     "/device-a.db\n  tombolo get languages lld --db " + *kept +
                     "/device-b.db\n  tombolo serve --database " + *kept + "/server.db");
}

int run_demo(Context& context, const Arguments& arguments) {
  os::StopSignal stop;
  const std::string kinto_folder = arguments.value("--kinto-js").value_or(kKintoFolder);
  const auto kinto_version = check_demo_needs(kinto_folder);
  if (!kinto_version) return context.failure(kinto_version.error());
  const auto kept = arguments.value("--keep");
  const auto folder = Folder::make(kept);
  if (!folder) return context.failure(folder.error());

  DemoStage stage(context, !arguments.has("--fast"), stop);
  DemoCast cast({folder->path(), kinto_folder}, stop);
  DemoStory story(stage, cast, *kinto_version);
  const auto played = story.play();
  if (context.json() && story.result().size() > 0) context.print_json(story.result());
  if (!played) return context.failure(played.error());
  say_what_next(context, kept);
  return kSuccess;
}

}  // namespace

Command demo_command() {
  return {"demo",
          "Server",
          "watch two devices, kinto.js and a server part, work and meet again",
          {},
          {{"--fast", "", "without time to read between the acts"},
           {"--keep", "FOLDER", "keep the databases there"},
           {"--kinto-js", "FOLDER", "the kinto.js client (examples/kinto-js)"}},
          "Four real processes on this machine, with real data (the languages of ISO 639-3). "
          "Exits with\n1 when they do not end equal, when one claims to be synced and is not, or "
          "when a loss is\nmissing from the ledger. It needs Node.js and npm packages: `make demo` "
          "in the source folder\nsets them up.",
          {"tombolo demo", "tombolo demo --fast --keep demo"},
          run_demo,
          false};
}

}  // namespace tombolo::cli
