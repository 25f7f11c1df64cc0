#include "net/http_responder.h"

#include "net/websocket_connection.h"

namespace tombolo::net {
namespace {

// Hands the answer to a request made in process to a function.
class FunctionTarget final : public ResponseTarget {
 public:
  explicit FunctionTarget(std::function<void(HttpResponse)> receive)
      : receive_(std::move(receive)) {}

  const std::shared_ptr<Executor>& executor() const override { return no_executor_; }
  void deliver(HttpResponse response) override { receive_(std::move(response)); }
  void upgrade(const WebSocketOptions&, HttpHeaders, WebSocketOpened) override {
    HttpResponse refusal;
    refusal.status = 400;
    receive_(std::move(refusal));
  }

 private:
  const std::shared_ptr<Executor> no_executor_;
  const std::function<void(HttpResponse)> receive_;
};

HttpResponse unanswered() {
  HttpResponse response;
  response.status = 500;
  return response;
}

void deliver(std::shared_ptr<ResponseTarget> target, HttpResponse response) {
  const auto& executor = target->executor();
  if (executor == nullptr || executor->is_current()) return target->deliver(std::move(response));
  executor->post(
      [target, response = std::move(response)]() mutable { target->deliver(std::move(response)); });
}

}  // namespace

HttpResponder HttpResponder::to(std::function<void(HttpResponse)> receive) {
  return HttpResponder(std::make_shared<FunctionTarget>(std::move(receive)));
}

HttpResponder& HttpResponder::operator=(HttpResponder&& other) noexcept {
  std::swap(target_, other.target_);  // ours is answered when `other` goes
  return *this;
}

HttpResponder::~HttpResponder() {
  if (target_ != nullptr) deliver(std::move(target_), unanswered());
}

void HttpResponder::send(HttpResponse response) {
  if (target_ != nullptr) deliver(std::move(target_), std::move(response));
}

void HttpResponder::upgrade(const WebSocketOptions& options, WebSocketOpened opened,
                            HttpHeaders headers) {
  const std::shared_ptr<ResponseTarget> target = std::move(target_);
  if (target == nullptr) return;
  const auto& executor = target->executor();
  if (executor == nullptr || executor->is_current()) {
    return target->upgrade(options, std::move(headers), std::move(opened));
  }
  executor->post(
      [target, options, headers = std::move(headers), opened = std::move(opened)]() mutable {
        target->upgrade(options, std::move(headers), std::move(opened));
      });
}

std::shared_ptr<Executor> HttpResponder::executor() const {
  return target_ == nullptr ? nullptr : target_->executor();
}

void DeliveryBatch::add(const std::shared_ptr<Executor>& executor, Task task) {
  if (executor == nullptr) return task();
  for (Group& group : groups_) {
    if (group.executor == executor) return group.tasks.push_back(std::move(task));
  }
  groups_.push_back({executor, {}});
  groups_.back().tasks.push_back(std::move(task));
}

void DeliveryBatch::deliver() {
  for (Group& group : groups_) {
    group.executor->post([tasks = std::move(group.tasks)]() mutable {
      for (Task& task : tasks) task();
    });
  }
  groups_.clear();
}

}  // namespace tombolo::net
