// A SQLite VFS for tests: the system's own, whose N-th write, sync, truncation or opening fails.
#pragma once

#include <sqlite3.h>
#include <string>

namespace tombolo::store {

// One at a time; registered under kName while it lives, and outlives the connections that use it.
class FaultVfs {
 public:
  static constexpr const char* kName = "tombolo-fault";

  FaultVfs();
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  // The `nth` operation from now (1: the next one) answers `code`; later ones work again.
  void fail_at(int nth, int code);
  void fail_syncs(bool failing) { failing_syncs_ = failing; }
  void heal() {
    countdown_ = 0;
    failing_syncs_ = false;
  }
  bool fired() const { return fired_; }  // since fail_at

  int next_write();  // the code with which the next operation ends; OK: let it through
  int next_sync();
  sqlite3_vfs* base() const { return base_; }

 private:
  sqlite3_vfs* base_;
  sqlite3_vfs vfs_;
  int countdown_ = 0;
  int code_ = SQLITE_OK;
  bool fired_ = false;
  bool failing_syncs_ = false;
};

}  // namespace tombolo::store
