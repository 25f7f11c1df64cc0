// A machine with a real client database and one remote, whose application writes now and then.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/findings.h"
#include "sim/history.h"
#include "sim/internet.h"
#include "sim/machine.h"
#include "sim/plan.h"

#include "tombolo/database.h"

namespace tombolo::sim {

class Device final : public Machine {
 public:
  Device(World& world, Internet& internet, const Plan& plan, const DevicePlan& own,
         History& history);
  ~Device() override;

  const DevicePlan& plan() const { return own_; }
  // Null while it is down.
  const Database* database() const { return database_ ? &*database_ : nullptr; }
  std::optional<RemoteStatus> remote_status() const;
  void sync_now();
  // As its user does when it says that its disk failed.
  void reopen_if_broken();

  void keep_up(bool wanted) { kept_up_ = wanted; }
  void stop_writing() { writes_ = false; }
  // Its power will not fail any more: what a relaxed database was given last is promised too.
  void promise_all();
  // Called now and then while it works, outside of transactions.
  void set_look(std::function<void(Device&)> look) { look_ = std::move(look); }

  bool may_see(const std::string& collection) const;
  bool holds(const std::string& collection) const;  // may see it and wants it
  std::vector<std::string> collections() const;     // that its application works with

 private:
  // One edit within a transaction, to be told to the history when it is over.
  struct Draft {
    std::vector<Token> written;
    std::set<Token> overwritten;
    std::vector<Removal> removals;
    std::vector<RecordName> counted;
    std::string words;
  };

  bool start() override;
  void drop() override;
  void on_down(Death how) override;
  bool needs_reopening() const;
  void schedule_act();
  void act();
  void write();
  bool edit(Transaction& transaction, Draft& draft);
  bool count(Transaction& transaction, Draft& draft);
  void settle(Draft& draft, bool done);
  Token token(const RecordName& record, std::string_view field, Draft& draft);
  RecordName pick();

  Internet& internet_;
  const Plan& plan_;
  const DevicePlan& own_;
  History& history_;
  std::function<void(Device&)> look_;
  SeededRandom chance_;
  bool kept_up_ = true;
  bool writes_ = true;
  bool broken_ = false;  // its database must be opened again
  // Of a relaxed database: a power loss may take these writes and removals.
  std::vector<Token> relaxed_writes_;
  std::vector<std::size_t> relaxed_removals_;
  std::optional<Database> database_;
  std::optional<Remote> remote_;
};

}  // namespace tombolo::sim
