// Whole files: import and export.
#include <algorithm>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/import_file.h"
#include "cli/json_views.h"
#include "cli/progress.h"
#include "os/files.h"

namespace tombolo::cli {

namespace {

constexpr const char* kGroup = "Collections";

std::optional<ImportOptions::Existing> read_existing(const std::string& text) {
  if (text == "fail") return ImportOptions::Existing::fail;
  if (text == "skip") return ImportOptions::Existing::skip;
  if (text == "replace") return ImportOptions::Existing::replace;
  if (text == "patch") return ImportOptions::Existing::patch;
  return std::nullopt;
}

std::string summary_text(const ImportSummary& summary) {
  const auto number = [](std::size_t count) {
    return grouped_number(static_cast<std::int64_t>(count));
  };
  std::string text = number(summary.created) + " created";
  if (summary.changed > 0) text += ", " + number(summary.changed) + " changed";
  if (summary.skipped > 0) text += ", " + number(summary.skipped) + " skipped";
  return text;
}

int run_import(Context& context, const Arguments& arguments) {
  const auto collection_name = arguments.value("--collection");
  if (!collection_name) return context.misuse("--collection COLLECTION says where to");
  ImportOptions options;
  const auto existing = read_existing(arguments.value("--existing").value_or("fail"));
  if (!existing) return context.misuse("--existing is one of fail, skip, replace, patch");
  options.existing = *existing;

  const std::string path = arguments.positional(0);
  auto text = path == "-" ? os::read_standard_input() : os::read_file(path);
  if (!text) return context.failure(text.error());
  const auto records = read_records(*text, path == "-" ? "standard input" : path,
                                    arguments.value("--id-field").value_or("id"));
  if (!records) return context.failure(records.error());
  text->clear();

  const auto database = context.open_database(Context::Missing::create);
  if (!database) return context.failure(database.error());
  Progress progress("importing into " + *collection_name, !context.json());
  options.progress = [&](std::size_t done, std::size_t total) {
    progress.show(static_cast<std::int64_t>(done), static_cast<std::int64_t>(total));
    return true;
  };
  const auto summary = database->collection(*collection_name).import_records(*records, options);
  progress.wipe();
  if (!summary) {
    Error error = summary.error();
    if (error.code == ErrorCode::already_exists) {
      error.message += " (--existing skip, replace or patch says what to do then)";
    }
    return context.failure(error);
  }
  if (context.json()) context.print_json(to_value(*summary));
  context.note(*collection_name + ": " + summary_text(*summary));
  return kSuccess;
}

// Writes in pieces to standard output, or collects for a file.
class Sink {
 public:
  Sink(const Context& context, std::optional<std::string> path)
      : context_(context), path_(std::move(path)) {}

  void write(std::string_view text) {
    text_ += text;
    constexpr std::size_t kPiece_bytes = 64 * 1024;
    if (!path_ && text_.size() > kPiece_bytes) flush();
  }
  Result<void> finish() {
    if (path_) return os::write_file(*path_, text_);
    flush();
    return {};
  }

 private:
  void flush() {
    context_.print(text_);
    text_.clear();
  }

  const Context& context_;
  const std::optional<std::string> path_;
  std::string text_;
};

int run_export(Context& context, const Arguments& arguments) {
  const auto database = context.open_database(Context::Missing::refuse);
  if (!database) return context.failure(database.error());
  const Collection collection = database->collection(arguments.positional(0));
  const auto total = collection.count();
  if (!total) return context.failure(total.error());
  const auto output = arguments.value("--output");
  const bool as_array = arguments.has("--array");
  Sink sink(context, output);
  Progress progress("exporting " + collection.name(), output.has_value() && !context.json());
  std::int64_t done = 0;
  if (as_array) sink.write("[");
  const auto read = collection.query().each([&](const Record& record) {
    if (as_array) sink.write(done > 0 ? ",\n" : "\n");
    sink.write(record.to_json());
    if (!as_array) sink.write("\n");
    progress.show(++done, *total);
    return true;
  });
  if (!read) return context.failure(read.error());
  if (as_array) sink.write("\n]\n");
  if (const auto written = sink.finish(); !written) return context.failure(written.error());
  progress.wipe();
  if (context.json() && output) context.print_json({{"exported", done}, {"output", *output}});
  context.note("exported " + counted(done, "record") + (output ? " to " + *output : ""));
  return kSuccess;
}

}  // namespace

Command import_command() {
  return {
      "import",
      kGroup,
      "read records from a file",
      {{"FILE",
        "a JSON array, JSON lines, or an object with one array in it; - for standard "
        "input"}},
      {{"--collection", "COLLECTION", "where to (needed)", false, "-c"},
       {"--id-field", "FIELD", "the field that is the id (id)"},
       {"--existing", "WHAT", "what to do with ids that exist: fail, skip, replace, patch"}},
      "Records are written in transactions of 1,000; what was imported before an error stays.\n"
      "The field named by --id-field stays in the record too.",
      {"tombolo import records.jsonl --collection notes",
       "tombolo import /usr/share/iso-codes/json/iso_639-3.json -c languages --id-field alpha_3"},
      run_import};
}

Command export_command() {
  return {"export",
          kGroup,
          "write a collection's records as JSON lines",
          {{"COLLECTION", "the collection's name"}},
          {{"--output", "FILE", "to a file instead of standard output"},
           {"--array", "", "as one JSON array"}},
          "",
          {"tombolo export languages --output languages.jsonl"},
          run_export};
}

}  // namespace tombolo::cli
