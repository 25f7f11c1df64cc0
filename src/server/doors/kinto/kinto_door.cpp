#include "server/doors/kinto/kinto_door.h"

#include <algorithm>

#include "protocol/kinto_cors.h"
#include "server/doors/kinto/default_bucket.h"
#include "server/doors/kinto/lists.h"
#include "server/doors/kinto/objects.h"
#include "server/doors/kinto/redirect.h"
#include "server/doors/kinto/utilities.h"

namespace tombolo::server::kinto {
namespace {

std::vector<std::pair<std::string, std::string>> pairs_of(const net::HttpHeaders& headers) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (std::size_t index = 0; index < headers.size(); ++index) {
    pairs.emplace_back(headers[index].name, headers[index].value);
  }
  return pairs;
}

// What every answer has in the same words.
const net::HttpHeaders& fixed_headers() {
  static const net::HttpHeaders kFixed = [] {
    net::HttpHeaders headers;
    headers.add("X-Content-Type-Options", "nosniff");
    headers.add("Content-Security-Policy",
                "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; ");
    return headers;
  }();
  return kFixed;
}

}  // namespace

// A request on its way to its answer.
struct KintoDoor::Exchange {
  Prepared prepared;
  bool is_batch = false;
  std::vector<Prepared> items = {};  // of a batch
  net::HttpResponder responder;
  Answer answer = net::HttpResponse();
  Scope::Part part = Scope::Part::first;  // that is written next; a batch has one only

  const Call& call() const { return prepared.call; }
  bool only_reads() const {
    if (!is_batch) return call().is_read();
    return std::all_of(items.begin(), items.end(), [](const Prepared& item) {
      return item.refusal.has_value() || item.call.is_read();
    });
  }
};

bool KintoDoor::handle(net::HttpRequest& request, net::HttpResponder& responder) {
  const std::string query(request.query());
  Exchange exchange{.prepared = prepare(context_, std::move(request)),
                    .responder = std::move(responder)};
  const Call& call = exchange.call();
  if (call.method == net::HttpMethod::options) {
    exchange.responder.send(finished(call, preflight(exchange.prepared)));
  } else if (exchange.prepared.refusal) {
    exchange.responder.send(refused(call, *exchange.prepared.refusal));
  } else if (call.route.endpoint == api::Endpoint::redirect) {
    exchange.responder.send(finished(call, redirect_answer(context_.configuration.kinto, call,
                                                           query, context_.clock.wall_ms())));
  } else {
    serve(exchange);
  }
  return true;
}

void KintoDoor::serve(Exchange& exchange) {
  if (exchange.call().route.endpoint == api::Endpoint::batch) {
    exchange.is_batch = true;
    auto items = prepare_batch(context_, exchange.call());
    if (!items) {
      exchange.responder.send(refused(exchange.call(), items.error()));
      return;
    }
    exchange.items = std::move(*items);
  }
  if (exchange.only_reads() && answer_from_snapshot(exchange)) return send(exchange);
  submit(std::move(exchange));
}

// False when the writer is needed after all.
bool KintoDoor::answer_from_snapshot(Exchange& exchange) {
  const Call& call = exchange.call();
  const Result<Readers::Snapshot> snapshot = context_.readers.begin(exchange.responder.executor());
  if (!snapshot) {
    context_.logger.log(LogLevel::error, "kinto_snapshot_failed",
                        {{"cause", snapshot.error().message}});
    exchange.answer = call.route.endpoint == api::Endpoint::heartbeat
                          ? heartbeat(false)
                          : Answer(api::refuse(storage_failure(snapshot.error())));
    return true;
  }
  Scope scope(context_, **snapshot);
  exchange.answer = run(scope, exchange);
  if (scope.asked_for_writer()) return false;
  if (!exchange.answer && !exchange.answer.error().cause.empty()) {
    context_.logger.log(LogLevel::error, "kinto_request_failed",
                        {{"cause", exchange.answer.error().cause}});
  }
  return true;
}

void KintoDoor::send(Exchange& exchange) const {
  const Call& call = exchange.call();
  exchange.responder.send(exchange.answer ? finished(call, std::move(*exchange.answer))
                                          : refused(call, exchange.answer.error()));
}

void KintoDoor::submit(Exchange&& exchange) {
  const auto pending = std::make_shared<Exchange>(std::move(exchange));
  WriteRequest request;
  request.guarded = pending->is_batch;
  request.work = [this, pending](WriteContext& writing) -> Result<Progress> {
    Scope scope(context_, writing);
    if (!pending->is_batch) scope.set_part(pending->part);
    pending->answer = run(scope, *pending);
    if (scope.asked_for_another_part()) {
      pending->part = Scope::Part::later;
      return Progress::more;
    }
    if (const Answer& answer = pending->answer;
        !answer && answer.error().number == api::ErrorNumber::backend) {
      return fail(ErrorCode::storage, answer.error().cause);
    }
    return Progress::finished;
  };
  request.done = [this, pending](const Result<void>& committed, net::DeliveryBatch& deliveries) {
    if (!committed) pending->answer = api::refuse(api::backend_unavailable());
    // The writer has better things to do than to finish answers.
    deliveries.add(pending->responder.executor(), [this, pending] { send(*pending); });
  };
  context_.writer.submit(std::move(request));
}

Answer KintoDoor::run(Scope& scope, const Exchange& exchange) {
  return exchange.is_batch ? run_batch(scope, exchange.items) : run_call(scope, exchange.prepared);
}

Answer KintoDoor::run_batch(Scope& scope, const std::vector<Prepared>& items) {
  std::string body = "{\"responses\":[";
  for (const Prepared& item : items) {
    const Answer answer = run_call(scope, item);
    if (scope.asked_for_writer()) return answer;
    if (!answer && answer.error().number == api::ErrorNumber::backend) return answer;
    const net::HttpResponse response =
        answer ? *answer : error_answer(item.call, scope.settings(), answer.error());
    if (body.back() != '[') body.push_back(',');
    const bool is_head = item.call.method == net::HttpMethod::head;
    api::append_batch_answer(body, item.call.path, response.status, pairs_of(response.headers),
                             is_head ? std::string_view() : response.body.view());
  }
  body.append("]}");
  return json_answer(200, std::move(body));
}

Answer KintoDoor::run_call(Scope& scope, const Prepared& prepared) {
  const Call& call = prepared.call;
  if (prepared.refusal) return api::refuse(*prepared.refusal);
  if (!call.is_read() && scope.writing() == nullptr) return scope.ask_for_writer();
  const auto provided = provide_default_bucket(scope, call);
  if (!provided) return api::refuse(provided);
  switch (call.route.endpoint) {
    case api::Endpoint::list:
      if (call.is_read()) return read_list(scope, call);
      return call.method == net::HttpMethod::post ? post_to_list(scope, call)
                                                  : delete_from_list(scope, call, tokens_);
    case api::Endpoint::object:
      if (call.is_read()) return read_object(scope, call);
      if (call.method == net::HttpMethod::put) return put_to_object(scope, call);
      return call.method == net::HttpMethod::patch ? patch_object(scope, call)
                                                   : delete_one(scope, call);
    case api::Endpoint::hello:
      return hello(context_, call);
    case api::Endpoint::heartbeat:
      return heartbeat(scope.transaction().list_timestamp(ListPath::buckets()).has_value());
    case api::Endpoint::load_balancer_heartbeat:
      return json_answer(200, "{}");
    case api::Endpoint::version:
      return version();
    case api::Endpoint::flush:
      if (!scope.settings().flush_enabled) return api::refuse(api::unknown_url());
      return flush(scope);
    case api::Endpoint::batch:
    case api::Endpoint::redirect:
      break;
  }
  return api::refuse(api::unknown_url());
}

net::HttpResponse KintoDoor::preflight(const Prepared& prepared) const {
  const Call& call = prepared.call;
  if (prepared.refusal) return error_answer(call, context_.configuration.kinto, *prepared.refusal);
  const std::string methods = api::preflight_methods(&call.route);
  const auto origin = call.headers.get("Origin");
  const auto method = call.headers.get("Access-Control-Request-Method");
  const bool is_redirected = call.route.endpoint == api::Endpoint::redirect;
  if (!is_redirected) {
    std::vector<api::ErrorDetail> details;
    const auto complain = [&](const char* name, const char* description) {
      details.push_back({"header", name, description});
    };
    if (!origin) {
      complain("Origin", "this header is mandatory");
    } else if (!api::allowed_origin(*origin, context_.configuration.kinto.cors_origins)) {
      complain("Origin", "origin not allowed");
    }
    if (!method) {
      complain("Access-Control-Request-Method", "this header is mandatory");
    } else if (methods.find(*method) == std::string::npos) {
      complain("Access-Control-Request-Method", "Access-Control-Allow-Method");
    }
    if (!details.empty()) {
      return error_answer(call, context_.configuration.kinto,
                          api::invalid_parameters(std::move(details)));
    }
  }
  net::HttpResponse response = json_answer(200, "null");
  response.headers.add("Access-Control-Allow-Methods", methods);
  std::string allowed_headers = "Accept,Authorization,Content-Type,If-Match,If-None-Match";
  const auto asked = call.headers.get("Access-Control-Request-Headers");
  if (asked && !asked->empty()) allowed_headers = *asked;
  response.headers.add("Access-Control-Allow-Headers", allowed_headers);
  response.headers.add("Access-Control-Max-Age",
                       std::to_string(context_.configuration.kinto.cors_max_age_seconds));
  return response;
}

net::HttpResponse KintoDoor::refused(const Call& call, const api::ApiError& error) const {
  return finished(call, error_answer(call, context_.configuration.kinto, error));
}

// Adds what every answer has.
net::HttpResponse KintoDoor::finished(const Call& call, net::HttpResponse response) const {
  response.headers.append(fixed_headers());
  response.headers.add("Access-Control-Expose-Headers",
                       api::exposed_headers(&call.route, call.method == net::HttpMethod::get,
                                            call.method == net::HttpMethod::head));
  if (const auto origin = call.headers.get("Origin")) {
    const auto allowed = api::allowed_origin(*origin, context_.configuration.kinto.cors_origins);
    if (allowed) response.headers.add("Access-Control-Allow-Origin", *allowed);
    if (allowed && *allowed != "*") response.headers.add("Vary", "Origin");
  }
  return response;
}

}  // namespace tombolo::server::kinto
