#include "sim/disk.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <sqlite3.h>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "sim/disk_image.h"
#include "sim/disk_locks.h"
#include "sim/random.h"

namespace tombolo::sim {

struct Disk::State {
  State(std::string vfs_name, std::uint64_t seed, VirtualTime& world, const Clock& its_clock)
      : name(std::move(vfs_name)),
        time(world),
        clock(its_clock),
        crash_random(random_for(seed, name + " crash")),
        fault_random(random_for(seed, name + " fault")),
        sqlite_random(random_for(seed, name + " sqlite")) {}

  enum class Step { write, sync, remove };
  enum class Outcome { done, failed, full, last_before_dark, dark };

  // What becomes of the next operation.
  Outcome next(Step step) {
    if (!powered) return Outcome::dark;
    ++counts.operations;
    if (power_countdown > 0 && --power_countdown == 0) {
      powered = false;
      return Outcome::last_before_dark;
    }
    const bool due = fault_countdown > 0 && --fault_countdown == 0;
    const std::uint64_t error = step == Step::sync ? rates.sync_error : rates.write_error;
    const bool fails = (due && fault == DiskFault::io_error) || happens(error);
    const bool full = (due && fault == DiskFault::full) || happens(rates.full);
    if (!fails && !(full && step == Step::write)) return Outcome::done;
    ++counts.faults;
    return fails ? Outcome::failed : Outcome::full;
  }
  bool happens(std::uint64_t in_a_million) {
    return in_a_million > 0 && chance(fault_random, in_a_million, 1'000'000);
  }

  const std::string name;
  VirtualTime& time;
  const Clock& clock;
  SeededRandom crash_random;
  SeededRandom fault_random;
  SeededRandom sqlite_random;
  mutable std::mutex mutex;
  DiskImage image;
  bool powered = true;
  std::int64_t boots = 0;  // handles of an earlier one are dead
  std::int64_t power_countdown = 0;
  std::int64_t fault_countdown = 0;
  DiskFault fault = DiskFault::io_error;
  DiskFaultRates rates;
  DiskCounts counts;
  sqlite3_vfs vfs{};
};

namespace {

using State = Disk::State;

// A file that SQLite has open.
struct Handle {
  State* disk = nullptr;
  std::shared_ptr<DiskFile> file;
  std::shared_ptr<LockTable> locks;
  std::shared_ptr<SharedMemory> memory;
  std::string name;  // empty: a temporary file, which no crash and no fault concerns
  std::int64_t boot = 0;
  bool syncs_directory = false;
  bool deletes = false;

  bool alive() const { return disk->powered && boot == disk->boots; }
};

struct SqliteFile {
  sqlite3_file header;
  Handle* handle;
};

Handle& handle_of(sqlite3_file* file) {
  return *reinterpret_cast<SqliteFile*>(file)->handle;
}
State& disk_of(sqlite3_vfs* vfs) {
  return *static_cast<State*>(vfs->pAppData);
}

int close_file(sqlite3_file* file) {
  Handle* const handle = &handle_of(file);
  const std::lock_guard guard(handle->disk->mutex);
  handle->locks->unlock(handle, SQLITE_LOCK_NONE);
  if (handle->memory) handle->memory->holds.erase(handle);
  if (handle->deletes && !handle->name.empty() && handle->alive()) {
    handle->disk->image.remove(handle->name);
  }
  delete handle;
  file->pMethods = nullptr;
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* to, int count, sqlite3_int64 at) {
  const Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  if (!handle.alive()) return SQLITE_IOERR_READ;
  if (handle.disk->happens(handle.disk->rates.read_error)) {
    ++handle.disk->counts.faults;
    return SQLITE_IOERR_READ;
  }
  const auto wanted = static_cast<std::size_t>(count);
  const std::string& live = handle.file->live();
  const std::size_t start = std::min(static_cast<std::size_t>(at), live.size());
  const std::size_t there = std::min(wanted, live.size() - start);
  std::memcpy(to, live.data() + start, there);
  std::memset(static_cast<char*>(to) + there, 0, wanted - there);
  return there == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* from, int count, sqlite3_int64 at) {
  const Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  if (!handle.alive()) return SQLITE_IOERR_WRITE;
  const auto outcome =
      handle.name.empty() ? State::Outcome::done : handle.disk->next(State::Step::write);
  if (outcome == State::Outcome::full) return SQLITE_FULL;
  if (outcome == State::Outcome::failed) return SQLITE_IOERR_WRITE;
  handle.file->write({static_cast<const char*>(from), static_cast<std::size_t>(count)},
                     static_cast<std::size_t>(at));
  return outcome == State::Outcome::done ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  const Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  if (!handle.alive()) return SQLITE_IOERR_TRUNCATE;
  const auto outcome =
      handle.name.empty() ? State::Outcome::done : handle.disk->next(State::Step::remove);
  if (outcome == State::Outcome::failed) return SQLITE_IOERR_TRUNCATE;
  handle.file->truncate(static_cast<std::size_t>(size));
  return outcome == State::Outcome::done ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

int sync_file(sqlite3_file* file, int /*flags*/) {
  Handle& handle = handle_of(file);
  State& disk = *handle.disk;
  const std::lock_guard guard(disk.mutex);
  if (!handle.alive()) return SQLITE_IOERR_FSYNC;
  if (handle.name.empty()) return SQLITE_OK;
  const auto outcome = disk.next(State::Step::sync);
  if (outcome == State::Outcome::failed) handle.file->fail_sync(disk.fault_random);
  if (outcome != State::Outcome::done) return SQLITE_IOERR_FSYNC;
  ++disk.counts.syncs;
  handle.file->sync();
  if (std::exchange(handle.syncs_directory, false)) disk.image.sync_directory(handle.name);
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  const Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  if (!handle.alive()) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(handle.file->live().size());
  return SQLITE_OK;
}

int lock_file(sqlite3_file* file, int level) {
  const Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  if (!handle.alive()) return SQLITE_IOERR_LOCK;
  return handle.locks->lock(&handle, level);
}

int unlock_file(sqlite3_file* file, int level) {
  const Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  handle.locks->unlock(&handle, level);
  return SQLITE_OK;
}

int check_lock(sqlite3_file* file, int* held) {
  const Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  *held = handle.locks->reserved() ? 1 : 0;
  return SQLITE_OK;
}

int control_file(sqlite3_file* /*file*/, int /*operation*/, void* /*argument*/) {
  return SQLITE_NOTFOUND;
}
int sector_size(sqlite3_file* /*file*/) {
  return kSectorBytes;
}
int characteristics(sqlite3_file* /*file*/) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

int map_shared(sqlite3_file* file, int region, int size, int extend, void volatile** memory) {
  Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  *memory = nullptr;
  if (!handle.alive()) return SQLITE_IOERR_SHMMAP;
  if (!handle.memory) handle.memory = handle.file->memory.lock();
  if (!handle.memory) {
    handle.memory = std::make_shared<SharedMemory>();
    handle.file->memory = handle.memory;
  }
  auto& regions = handle.memory->regions;
  while (extend != 0 && std::cmp_less_equal(regions.size(), region)) {
    regions.push_back(std::make_unique<std::byte[]>(static_cast<std::size_t>(size)));
  }
  if (std::cmp_less(region, regions.size())) {
    *memory = regions[static_cast<std::size_t>(region)].get();
  }
  return SQLITE_OK;
}

int lock_shared(sqlite3_file* file, int offset, int count, int flags) {
  const Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  if (!handle.memory) return SQLITE_IOERR_SHMLOCK;
  const unsigned mask = ((1U << count) - 1U) << offset;
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    handle.memory->unlock(&handle, mask);
    return SQLITE_OK;
  }
  if (!handle.alive()) return SQLITE_IOERR_SHMLOCK;
  return handle.memory->lock(&handle, mask, (flags & SQLITE_SHM_EXCLUSIVE) != 0);
}

void barrier(sqlite3_file* file) {
  const std::lock_guard guard(handle_of(file).disk->mutex);
}

int unmap_shared(sqlite3_file* file, int /*remove*/) {
  Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  if (handle.memory) handle.memory->holds.erase(&handle);
  handle.memory.reset();
  return SQLITE_OK;
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

// The file to open, made when there is none and it may be; or a code.
int find_or_make(State& disk, Handle& handle, int flags) {
  handle.file = disk.image.find(handle.name);
  if (handle.file) return (flags & SQLITE_OPEN_EXCLUSIVE) != 0 ? SQLITE_CANTOPEN : SQLITE_OK;
  if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
  const auto outcome = disk.next(State::Step::write);
  if (outcome == State::Outcome::full) return SQLITE_FULL;
  if (outcome == State::Outcome::failed) return SQLITE_CANTOPEN;
  handle.file = disk.image.create(handle.name);
  return outcome == State::Outcome::done ? SQLITE_OK : SQLITE_IOERR;
}

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  State& disk = disk_of(vfs);
  const std::lock_guard guard(disk.mutex);
  file->pMethods = nullptr;
  if (!disk.powered) return SQLITE_IOERR;
  auto handle = std::make_unique<Handle>();
  handle->disk = &disk;
  handle->boot = disk.boots;
  handle->deletes = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  constexpr int kJournals = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
  handle->syncs_directory = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & kJournals) != 0;
  if (name == nullptr) {
    handle->file = std::make_shared<DiskFile>();
  } else {
    handle->name = name;
    if (const int code = find_or_make(disk, *handle, flags); code != SQLITE_OK) return code;
  }
  if (!handle->file->locks) handle->file->locks = std::make_shared<LockTable>();
  handle->locks = handle->file->locks;
  reinterpret_cast<SqliteFile*>(file)->handle = handle.release();
  file->pMethods = &kMethods;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync_directory) {
  State& disk = disk_of(vfs);
  const std::lock_guard guard(disk.mutex);
  if (disk.powered && !disk.image.find(name)) return SQLITE_IOERR_DELETE_NOENT;
  const auto outcome = disk.next(State::Step::remove);
  if (outcome == State::Outcome::dark || outcome == State::Outcome::failed) {
    return SQLITE_IOERR_DELETE;
  }
  disk.image.remove(name);
  if (outcome != State::Outcome::done) return SQLITE_IOERR_DELETE;
  if (sync_directory != 0) disk.image.sync_directory(name);
  return SQLITE_OK;
}

int access_file(sqlite3_vfs* vfs, const char* name, int /*flags*/, int* there) {
  const State& disk = disk_of(vfs);
  const std::lock_guard guard(disk.mutex);
  if (!disk.powered) return SQLITE_IOERR_ACCESS;
  const auto file = disk.image.find(name);
  // An empty log or journal is as good as none, as in SQLite's own VFS.
  *there = file && !file->live().empty() ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs* /*vfs*/, const char* name, int size, char* out) {
  const std::size_t length = std::strlen(name);
  if (std::cmp_greater_equal(length, size)) return SQLITE_CANTOPEN;
  std::memcpy(out, name, length + 1);
  return SQLITE_OK;
}

int draw(sqlite3_vfs* vfs, int count, char* out) {
  State& disk = disk_of(vfs);
  const std::lock_guard guard(disk.mutex);
  disk.sqlite_random.fill({reinterpret_cast<std::uint8_t*>(out), static_cast<std::size_t>(count)});
  return count;
}

int sleep_us(sqlite3_vfs* vfs, int us) {
  disk_of(vfs).time.advance_us(us);
  return us;
}

int current_time_ms(sqlite3_vfs* vfs, sqlite3_int64* ms) {
  constexpr sqlite3_int64 kJulianEpochMs = 210'866'760'000'000;  // 1970 in the Julian calendar
  *ms = kJulianEpochMs + disk_of(vfs).clock.wall_ms();
  return SQLITE_OK;
}

int current_time(sqlite3_vfs* vfs, double* days) {
  constexpr double kDayMs = 86'400'000.0;
  sqlite3_int64 ms = 0;
  current_time_ms(vfs, &ms);
  *days = static_cast<double>(ms) / kDayMs;
  return SQLITE_OK;
}

int last_error(sqlite3_vfs* /*vfs*/, int /*size*/, char* /*out*/) {
  return 0;
}

}  // namespace

void seed_sqlite(std::uint64_t seed) {
  // SQLite takes a number that is not 0, and uses it when it starts its generator anew.
  const auto number = static_cast<int>(random_for(seed, "sqlite").below(INT32_MAX) + 1);
  sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, number, nullptr);
  sqlite3_randomness(0, nullptr);
}

Disk::Disk(std::string name, std::uint64_t seed, VirtualTime& time, const Clock& clock)
    : state_(std::make_unique<State>(std::move(name), seed, time, clock)) {
  TOMBOLO_CHECK(sqlite3_vfs_find(state_->name.c_str()) == nullptr, "two disks of one name");
  sqlite3_vfs& vfs = state_->vfs;
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(SqliteFile);
  vfs.mxPathname = 512;
  vfs.zName = state_->name.c_str();
  vfs.pAppData = state_.get();
  vfs.xOpen = open_file;
  vfs.xDelete = delete_file;
  vfs.xAccess = access_file;
  vfs.xFullPathname = full_path;
  vfs.xRandomness = draw;
  vfs.xSleep = sleep_us;
  vfs.xCurrentTime = current_time;
  vfs.xCurrentTimeInt64 = current_time_ms;
  vfs.xGetLastError = last_error;
  sqlite3_vfs_register(&vfs, 0);
}

Disk::~Disk() {
  sqlite3_vfs_unregister(&state_->vfs);
}

const std::string& Disk::vfs() const {
  return state_->name;
}

void Disk::cut_power_at(std::int64_t nth) {
  const std::lock_guard guard(state_->mutex);
  state_->power_countdown = nth;
}

bool Disk::powered() const {
  const std::lock_guard guard(state_->mutex);
  return state_->powered;
}

void Disk::crash() {
  const std::lock_guard guard(state_->mutex);
  state_->image.crash(state_->crash_random, state_->counts);
  state_->powered = true;
  state_->power_countdown = 0;
  ++state_->boots;
}

void Disk::restart() {
  const std::lock_guard guard(state_->mutex);
  for (const auto& [name, file] : state_->image.files()) file->release();
  state_->powered = true;
  state_->power_countdown = 0;
  ++state_->boots;
  ++state_->counts.restarts;
}

Disk::Snapshot Disk::snapshot() const {
  const std::lock_guard guard(state_->mutex);
  Snapshot snapshot;
  for (const auto& [name, file] : state_->image.files()) snapshot[name] = file->live();
  return snapshot;
}

void Disk::restore(const Snapshot& snapshot) {
  const std::lock_guard guard(state_->mutex);
  state_->image = {};
  for (const auto& [name, bytes] : snapshot) {
    const auto file = state_->image.create(name);
    file->write(bytes, 0);
    file->sync();
    state_->image.sync_directory(name);
  }
  state_->powered = true;
  state_->power_countdown = 0;
  ++state_->boots;
}

void Disk::fail_at(std::int64_t nth, DiskFault fault) {
  const std::lock_guard guard(state_->mutex);
  state_->fault_countdown = nth;
  state_->fault = fault;
}

void Disk::set_fault_rates(const DiskFaultRates& rates) {
  const std::lock_guard guard(state_->mutex);
  state_->rates = rates;
}

std::optional<std::string> Disk::contents(const std::string& name) const {
  const std::lock_guard guard(state_->mutex);
  const auto file = state_->image.find(name);
  if (!file) return std::nullopt;
  return file->live();
}

std::vector<std::string> Disk::files() const {
  const std::lock_guard guard(state_->mutex);
  std::vector<std::string> names;
  for (const auto& [name, file] : state_->image.files()) names.push_back(name);
  return names;
}

DiskCounts Disk::counts() const {
  const std::lock_guard guard(state_->mutex);
  return state_->counts;
}

}  // namespace tombolo::sim
