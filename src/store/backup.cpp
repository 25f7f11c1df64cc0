// Connection::backup_to: an online copy of one snapshot.
#include <sqlite3.h>
#include <string>

#include "store/connection.h"
#include "store/connection_state.h"
#include "store/sqlite_error.h"
#include "store/transaction.h"

namespace tombolo::store {
namespace {

constexpr int kPagesPerStep = 256;

struct Target {
  sqlite3* database = nullptr;
  ~Target() { sqlite3_close_v2(database); }
};

bool exists(sqlite3_vfs& vfs, const std::string& path) {
  int answer = 0;
  vfs.xAccess(&vfs, path.c_str(), SQLITE_ACCESS_EXISTS, &answer);
  return answer != 0;
}

Result<void> copy_pages(ConnectionState& source, sqlite3* target, const std::string& path,
                        const Connection::BackupProgress& progress) {
  sqlite3_backup* backup = sqlite3_backup_init(target, "main", source.database, "main");
  if (backup == nullptr) {
    return std::unexpected(
        sqlite_error(sqlite3_extended_errcode(target), target, "back up to", path));
  }
  int code = SQLITE_OK;
  bool go_on = true;
  while (code == SQLITE_OK && go_on) {
    code = sqlite3_backup_step(backup, kPagesPerStep);
    const int total = sqlite3_backup_pagecount(backup);
    if (progress) go_on = progress(total - sqlite3_backup_remaining(backup), total);
  }
  const int finished = sqlite3_backup_finish(backup);
  if (code == SQLITE_OK) {
    return fail(ErrorCode::cancelled, "the backup to \"" + path + "\" was stopped");
  }
  if (code != SQLITE_DONE) {
    return std::unexpected(sqlite_error(code, target, "back up to", path));
  }
  if (finished != SQLITE_OK) {
    return std::unexpected(sqlite_error(finished, target, "back up to", path));
  }
  return {};
}

Result<void> copy_to_new_file(ConnectionState& source, const std::string& file,
                              const std::string& path, const char* vfs,
                              const Connection::BackupProgress& progress) {
  Target target;
  const int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(file.c_str(), &target.database, flags, vfs);
  if (code != SQLITE_OK) {
    return std::unexpected(sqlite_error(code, target.database, "back up to", path));
  }
  return copy_pages(source, target.database, path, progress);
}

}  // namespace

Result<void> Connection::backup_to(const std::string& target, const BackupProgress& progress) {
  if (in_transaction()) {
    return fail(ErrorCode::precondition_failed,
                "cannot back up database \"" + path() + "\" inside a transaction: finish it first");
  }
  if (target.empty() || target.find('\0') != std::string::npos) {
    return fail(ErrorCode::invalid_argument, "a backup needs a valid file name");
  }
  sqlite3_vfs* vfs = nullptr;
  sqlite3_file_control(state_->database, "main", SQLITE_FCNTL_VFS_POINTER, &vfs);
  const std::string file = target.starts_with("file:") ? "./" + target : target;
  if (exists(*vfs, file)) {
    return fail(ErrorCode::already_exists,
                "the backup's file \"" + target + "\" exists already: name a new one");
  }
  // One snapshot for the whole copy; otherwise every commit of another connection restarts it.
  auto snapshot = Transaction::begin(*this, Transaction::Kind::deferred);
  if (!snapshot) return fail(snapshot);
  if (auto started = execute("SELECT count(*) FROM sqlite_schema"); !started) return started;
  auto copied = copy_to_new_file(*state_, file, target, vfs->zName, progress);
  if (!copied) {
    vfs->xDelete(vfs, file.c_str(), 0);
    vfs->xDelete(vfs, (file + "-journal").c_str(), 0);
  }
  return copied;
}

}  // namespace tombolo::store
