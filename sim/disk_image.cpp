#include "sim/disk_image.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>

#include "sim/random.h"

namespace tombolo::sim {
namespace {

std::string_view directory_of(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
}

}  // namespace

void DiskFile::put(std::string& image, std::string_view bytes, std::size_t at) {
  if (image.size() < at + bytes.size()) image.resize(at + bytes.size());
  bytes.copy(image.data() + at, bytes.size());
}

void DiskFile::write(std::string_view bytes, std::size_t at) {
  put(live_, bytes, at);
  unsynced_.push_back({.at = at, .bytes = std::string(bytes)});
}

void DiskFile::truncate(std::size_t size) {
  live_.resize(size);
  unsynced_.push_back({.truncates = true, .at = size});
}

void DiskFile::apply(const Change& change) {
  if (change.truncates) {
    durable_.resize(change.at);
  } else {
    put(durable_, change.bytes, change.at);
  }
}

void DiskFile::sync() {
  for (const Change& change : unsynced_) {
    if (!change.forgotten) apply(change);
  }
  unsynced_.clear();
}

void DiskFile::fail_sync(Random& random) {
  for (Change& change : unsynced_) {
    if (chance(random, 1, 2)) change.forgotten = true;
  }
}

// Writes some of the sectors.
void DiskFile::tear(const Change& change, Random& random) {
  const std::string_view bytes = change.bytes;
  for (std::size_t done = 0; done < bytes.size();) {
    const std::size_t at = change.at + done;
    const std::size_t count = std::min(kSectorBytes - at % kSectorBytes, bytes.size() - done);
    if (chance(random, 1, 2)) put(durable_, bytes.substr(done, count), at);
    done += count;
  }
}

void DiskFile::crash(Fate fate, Random& random, DiskCounts& counts) {
  constexpr std::uint64_t kFates = 3;  // of one change: kept, dropped, torn
  for (const Change& change : unsynced_) {
    std::uint64_t lot = fate == Fate::keep_all   ? 0
                        : fate == Fate::drop_all ? 1
                                                 : random.below(kFates);
    if (change.forgotten) lot = 1;
    if (lot == 2 && (change.truncates || change.bytes.size() <= kSectorBytes)) {
      lot = random.below(2);
    }
    if (lot == 0) apply(change);
    if (lot == 2) tear(change, random);
    ++(lot == 0 ? counts.kept : lot == 1 ? counts.dropped : counts.torn);
  }
  unsynced_.clear();
  live_ = durable_;
  release();
}

void DiskFile::release() {
  locks.reset();
  memory.reset();
}

std::shared_ptr<DiskFile> DiskImage::find(const std::string& name) const {
  const auto found = live_.find(name);
  return found == live_.end() ? nullptr : found->second;
}

std::shared_ptr<DiskFile> DiskImage::create(const std::string& name) {
  auto file = std::make_shared<DiskFile>();
  live_[name] = file;
  return file;
}

bool DiskImage::remove(const std::string& name) {
  return live_.erase(name) > 0;
}

void DiskImage::sync_directory(const std::string& name) {
  const std::string_view directory = directory_of(name);
  const auto inside = [&](const auto& entry) { return directory_of(entry.first) == directory; };
  std::erase_if(durable_, inside);
  std::ranges::copy_if(live_, std::inserter(durable_, durable_.end()), inside);
}

void DiskImage::crash(Random& random, DiskCounts& counts) {
  constexpr DiskFile::Fate kFates[] = {DiskFile::Fate::keep_all, DiskFile::Fate::drop_all,
                                       DiskFile::Fate::each_its_own, DiskFile::Fate::each_its_own};
  const DiskFile::Fate fate = kFates[random.below(std::size(kFates))];
  std::set<std::string> names;
  for (const auto& [name, file] : live_) names.insert(name);
  for (const auto& [name, file] : durable_) names.insert(name);
  Files after;
  for (const std::string& name : names) {
    const auto now = live_.find(name);
    const auto then = durable_.find(name);
    const bool changed =
        now == live_.end() || then == durable_.end() || now->second != then->second;
    const bool keep = fate == DiskFile::Fate::keep_all ||
                      (fate == DiskFile::Fate::each_its_own && chance(random, 1, 2));
    if (!changed || keep) {
      if (now != live_.end()) after.insert(*now);
    } else if (then != durable_.end()) {
      after.insert(*then);
    }
  }
  for (const auto& [name, file] : after) file->crash(fate, random, counts);
  live_ = after;
  durable_ = std::move(after);
  ++counts.crashes;
}

}  // namespace tombolo::sim
