// A folder on a real disk for the files of a run, removed with the object.
#pragma once

#include <string>

#include "tombolo/result.h"

namespace tombolo::bench {

class Scratch {
 public:
  // Makes it below `parent`. Error: invalid_argument, when that is in memory (tmpfs), where a sync
  // costs nothing; storage.
  static Result<Scratch> make(const std::string& parent);
  Scratch(Scratch&& other) noexcept;
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch();

  // A folder within it, that goes before it.
  Scratch inner() const;

  // The path of a file that does not exist yet.
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace tombolo::bench
