// The shell's requests: one JSON object in, one JSON object out (docs/shell.md). No input makes it
// stop: what is not understood is answered with an error.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "tombolo/database.h"
#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo::cli {

// One shell on one database. `write_line` gets every line of output, without its end; it is called
// by handle() and by the database's notification thread, and must be safe for both at once.
class ShellSession {
 public:
  ShellSession(const Database& database, std::function<void(const std::string&)> write_line);

  // Answers one line of input.
  void handle(std::string_view line);

 private:
  using Handler = Result<Value> (ShellSession::*)(const Value&);
  static const std::map<std::string, Handler, std::less<>>& handlers();

  Result<Value> answer(const Value& request);

  Result<Value> connect(const Value& request);
  Result<Value> disconnect(const Value& request);
  Result<Value> wait(const Value& request);
  Result<Value> write(const Value& request);
  Result<Value> transaction(const Value& request);
  Result<Value> get(const Value& request);
  Result<Value> list(const Value& request);
  Result<Value> query(const Value& request);
  Result<Value> status(const Value& request);
  Result<Value> losses(const Value& request);
  Result<Value> restore_loss(const Value& request);
  Result<Value> operations(const Value& request);
  Result<Value> subscribe(const Value& request);
  Result<Value> unsubscribe(const Value& request);

  Result<Remote> named_remote(const Value& request);

  const Database& database_;
  const std::function<void(const std::string&)> write_line_;
  Subscription subscription_;
  std::map<std::string, LiveQuery, std::less<>> live_queries_;
};

}  // namespace tombolo::cli
