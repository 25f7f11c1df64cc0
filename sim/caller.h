// Somebody who writes through the Kinto door with plain requests, as a web page or a script does.
#pragma once

#include <memory>
#include <string>

#include "net/http_client.h"
#include "sim/history.h"
#include "sim/internet.h"
#include "sim/machine.h"
#include "sim/plan.h"

namespace tombolo::sim {

class Caller final : public Machine {
 public:
  Caller(World& world, Internet& internet, const Plan& plan, const CallerPlan& own,
         History& history);
  ~Caller() override;

  void stop_writing() { writes_ = false; }

 private:
  using Answered = std::function<void(const Call&, const net::ClientResponse&)>;

  bool start() override;
  void drop() override { http_.reset(); }
  void schedule_act();
  void act();
  RecordName pick();
  // `answered` is called when there is an answer.
  void request(Call call, const Value& data, Answered answered);
  void read(const RecordName& record);
  void create(const RecordName& record);
  void patch(const RecordName& record);
  // Reads the record, and writes or removes what it saw.
  void change(const RecordName& record, bool removes);
  void replace(const RecordName& record, Object data, std::int64_t version);
  void remove(const RecordName& record, const Object& data, std::int64_t version);

  Internet& internet_;
  const Plan& plan_;
  const CallerPlan& own_;
  History& history_;
  SeededRandom chance_;
  bool writes_ = true;
  std::unique_ptr<net::HttpClient> http_;
};

}  // namespace tombolo::sim
