#include "history.h"

#include <algorithm>
#include <utility>

namespace tombolo::chaos {

namespace {

std::string_view name_of(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::transaction:
      return "transaction";
    case Event::Kind::published:
      return "published";
    case Event::Kind::caught_up:
      return "caught_up";
    case Event::Kind::server_killed:
      break;
  }
  return "server_killed";
}

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::done:
      return "done";
    case Outcome::refused:
      return "refused";
    case Outcome::unknown:
      break;
  }
  return "unknown";
}

Value to_value(const Step& step) {
  switch (step.kind) {
    case Step::Kind::write:
      return {{"write", step.key}, {"value", step.value}};
    case Step::Kind::increment:
      return {{"increment", step.key}};
    case Step::Kind::remove:
      return {{"remove", step.key}};
    case Step::Kind::read:
      break;
  }
  Object seen;
  for (const auto& [key, value] : step.seen) seen.append_unchecked(key, value);
  return {{"read", step.scope}, {"seen", std::move(seen)}};
}

// What a session has to do with a key, told as news.
class Storyteller {
 public:
  explicit Storyteller(const std::string& key) : key_(key) {}

  // Empty: nothing new.
  std::string news_of(const Event& event) {
    if (event.kind == Event::Kind::server_killed) return " was killed";
    Session& session = sessions_[event.session];
    if (event.kind != Event::Kind::transaction) {
      return std::exchange(session.has_written, false) ? " " + std::string(name_of(event.kind))
                                                       : "";
    }
    std::string text;
    for (const Step& step : event.steps) text += news_of(step, event.outcome, session);
    return text.empty() ? text : text + " (" + std::string(name_of(event.outcome)) + ")";
  }

 private:
  struct Session {
    bool has_written = false;
    std::string seen = "nothing";
  };

  std::string news_of(const Step& step, Outcome outcome, Session& session) const {
    if (step.kind == Step::Kind::read) {
      if (outcome != Outcome::done || !key_.starts_with(step.scope)) return {};
      const auto found = step.seen.find(key_);
      std::string now = found == step.seen.end() ? "nothing" : found->second;
      if (now == session.seen) return {};
      session.seen = std::move(now);
      return " reads " + session.seen;
    }
    if (step.key != key_) return {};
    session.has_written = true;
    if (step.kind == Step::Kind::remove) return " removes it";
    return step.kind == Step::Kind::write ? " writes " + step.value : " increments";
  }

  const std::string& key_;
  std::map<std::string, Session> sessions_;
};

}  // namespace

Value to_value(const Event& event) {
  Array steps;
  for (const Step& step : event.steps) steps.push_back(to_value(step));
  return {{"event", name_of(event.kind)},
          {"session", event.session},
          {"invoked_ms", event.invoked_ms},
          {"completed_ms", event.completed_ms},
          {"outcome", name_of(event.outcome)},
          {"steps", std::move(steps)},
          {"log_length", static_cast<std::int64_t>(event.log_ids.size())}};
}

void Recorder::note(Event event) {
  const std::string line = to_value(event).to_json();
  const std::lock_guard lock(mutex_);
  file_ << line << '\n' << std::flush;
  history_.events.push_back(std::move(event));
}

void Recorder::complain(Violation violation) {
  const std::lock_guard lock(mutex_);
  violations_.push_back(std::move(violation));
}

History Recorder::take_history() {
  const std::lock_guard lock(mutex_);
  return std::exchange(history_, {});
}

std::vector<Violation> Recorder::take_violations() {
  const std::lock_guard lock(mutex_);
  return std::exchange(violations_, {});
}

std::size_t Recorder::count() const {
  const std::lock_guard lock(mutex_);
  return history_.events.size();
}

std::string story_of(const History& history, const std::string& key) {
  std::vector<const Event*> events;
  for (const Event& event : history.events) events.push_back(&event);
  std::ranges::sort(events, {}, [](const Event* event) {
    return std::pair(event->completed_ms, event);  // in one vector: those of one time in order
  });
  std::string story;
  Storyteller teller(key);
  for (const Event* event : events) {
    const std::string news = teller.news_of(*event);
    if (news.empty()) continue;
    story += "  " + std::to_string(event->invoked_ms) + " to " +
             std::to_string(event->completed_ms) + " ms  " + event->session + news + "\n";
  }
  std::size_t sequence = 0;
  for (const LoggedOperation& operation : history.log) {
    ++sequence;
    const auto found = operation.writes.find(key);
    if (found == operation.writes.end()) continue;
    story += "  the server's log, " + std::to_string(sequence) + ": " + found->second + ", stamp " +
             core::format_timestamp(operation.stamp).value_or("?") + "\n";
  }
  for (const Replica& replica : history.replicas) {
    const auto found = replica.contents.find(key);
    story += "  in the end, " + replica.name + ": " +
             (found == replica.contents.end() ? "nothing" : found->second) + "\n";
  }
  return story;
}

}  // namespace tombolo::chaos
