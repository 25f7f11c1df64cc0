#include "tombolo/live_query.h"

#include "client/observer.h"

#include "tombolo/event.h"

namespace tombolo {

LiveQuery::LiveQuery(std::shared_ptr<client::Observer> observer) : observer_(std::move(observer)) {}
LiveQuery::LiveQuery(LiveQuery&& other) noexcept = default;

LiveQuery& LiveQuery::operator=(LiveQuery&& other) noexcept {
  if (this != &other) {
    stop();
    observer_ = std::move(other.observer_);
  }
  return *this;
}

LiveQuery::~LiveQuery() {
  stop();
}

void LiveQuery::stop() {
  if (observer_) observer_->stop();
  observer_.reset();
}

Subscription::Subscription(std::shared_ptr<client::Observer> observer)
    : observer_(std::move(observer)) {}
Subscription::Subscription(Subscription&& other) noexcept = default;

Subscription& Subscription::operator=(Subscription&& other) noexcept {
  if (this != &other) {
    stop();
    observer_ = std::move(other.observer_);
  }
  return *this;
}

Subscription::~Subscription() {
  stop();
}

void Subscription::stop() {
  if (observer_) observer_->stop();
  observer_.reset();
}

std::string_view name_of(Event::Type type) {
  switch (type) {
    case Event::Type::change:
      return "change";
    case Event::Type::sync_started:
      return "sync_started";
    case Event::Type::sync_finished:
      return "sync_finished";
    case Event::Type::conflict:
      return "conflict";
    case Event::Type::rejected:
      return "rejected";
    case Event::Type::connected:
      return "connected";
    case Event::Type::disconnected:
      return "disconnected";
  }
  return "change";
}

}  // namespace tombolo
