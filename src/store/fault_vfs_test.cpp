#include <cstddef>

#include "store/fault_vfs_for_test.h"

namespace tombolo::store {
namespace {

struct FaultFile {
  sqlite3_file header;
  FaultVfs* vfs;
  sqlite3_file* real;  // lies behind this struct
};

FaultFile& fault(sqlite3_file* file) {
  return *reinterpret_cast<FaultFile*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
  return fault(file).real;
}

int close_file(sqlite3_file* file) {
  return real(file)->pMethods->xClose(real(file));
}
int read_file(sqlite3_file* file, void* to, int count, sqlite3_int64 at) {
  return real(file)->pMethods->xRead(real(file), to, count, at);
}
int write_file(sqlite3_file* file, const void* from, int count, sqlite3_int64 at) {
  if (const int code = fault(file).vfs->next_write(); code != SQLITE_OK) return code;
  return real(file)->pMethods->xWrite(real(file), from, count, at);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  if (const int code = fault(file).vfs->next_write(); code != SQLITE_OK) return code;
  return real(file)->pMethods->xTruncate(real(file), size);
}
int sync_file(sqlite3_file* file, int flags) {
  if (const int code = fault(file).vfs->next_sync(); code != SQLITE_OK) return code;
  return real(file)->pMethods->xSync(real(file), flags);
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int lock_file(sqlite3_file* file, int level) {
  return real(file)->pMethods->xLock(real(file), level);
}
int unlock_file(sqlite3_file* file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}
int check_lock(sqlite3_file* file, int* held) {
  return real(file)->pMethods->xCheckReservedLock(real(file), held);
}
int control_file(sqlite3_file* file, int operation, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), operation, argument);
}
int sector_size(sqlite3_file* file) {
  return real(file)->pMethods->xSectorSize(real(file));
}
int characteristics(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}
int map_shared(sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, memory);
}
int lock_shared(sqlite3_file* file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
void barrier(sqlite3_file* file) {
  real(file)->pMethods->xShmBarrier(real(file));
}
int unmap_shared(sqlite3_file* file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}

const sqlite3_io_methods kMethods = {2,
                                     close_file,
                                     read_file,
                                     write_file,
                                     truncate_file,
                                     sync_file,
                                     file_size,
                                     lock_file,
                                     unlock_file,
                                     check_lock,
                                     control_file,
                                     sector_size,
                                     characteristics,
                                     map_shared,
                                     lock_shared,
                                     barrier,
                                     unmap_shared,
                                     nullptr,
                                     nullptr};

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto& owner = *static_cast<FaultVfs*>(vfs->pAppData);
  file->pMethods = nullptr;
  if (const int code = owner.next_write(); code != SQLITE_OK) return code;
  FaultFile& self = fault(file);
  self.vfs = &owner;
  self.real =
      reinterpret_cast<sqlite3_file*>(reinterpret_cast<std::byte*>(file) + sizeof(FaultFile));
  const int code = owner.base()->xOpen(owner.base(), name, self.real, flags, out_flags);
  if (self.real->pMethods != nullptr) file->pMethods = &kMethods;
  return code;
}

}  // namespace

FaultVfs::FaultVfs() : base_(sqlite3_vfs_find(nullptr)), vfs_(*base_) {
  vfs_.zName = kName;
  vfs_.pAppData = this;
  vfs_.pNext = nullptr;
  vfs_.szOsFile += static_cast<int>(sizeof(FaultFile));
  vfs_.xOpen = open_file;
  sqlite3_vfs_register(&vfs_, 0);
}

FaultVfs::~FaultVfs() {
  sqlite3_vfs_unregister(&vfs_);
}

void FaultVfs::fail_at(int nth, int code) {
  countdown_ = nth;
  code_ = code;
  fired_ = false;
}

int FaultVfs::next_write() {
  if (countdown_ == 0 || --countdown_ > 0) return SQLITE_OK;
  fired_ = true;
  return code_;
}

int FaultVfs::next_sync() {
  if (failing_syncs_) return SQLITE_IOERR_FSYNC;
  const int code = next_write();
  return code == SQLITE_IOERR_WRITE ? SQLITE_IOERR_FSYNC : code;
}

}  // namespace tombolo::store
