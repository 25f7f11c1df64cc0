#include "tombolo/collection.h"

#include "base/json.h"
#include "client/indexes.h"
#include "client/scoped_access.h"

namespace tombolo {

using client::LocalWriter;

Collection::Collection(std::shared_ptr<client::Engine> engine,
                       std::weak_ptr<client::WriteSession> session, bool in_transaction,
                       std::string name)
    : engine_(std::move(engine)),
      session_(std::move(session)),
      in_transaction_(in_transaction),
      name_(std::move(name)) {}

Result<std::string> Collection::create(Object record) {
  return client::write_collection(
      *engine_, session_, in_transaction_, name_,
      [&](LocalWriter& writer) { return writer.create(std::move(record)); });
}

Result<Record> Collection::get(std::string_view id) const {
  return client::read_collection(
      *engine_, session_, in_transaction_, name_,
      [&](const client::ReadConnection& read, std::int64_t key) -> Result<Record> {
        Result<std::optional<Record>> record = client::find_record(read, key, id);
        if (!record) return fail(record);
        if (*record) return std::move(**record);
        return fail(ErrorCode::not_found, "there is no record \"" + std::string(id) +
                                              "\" in collection \"" + name_ + "\"");
      });
}

Result<bool> Collection::contains(std::string_view id) const {
  return client::read_collection(
      *engine_, session_, in_transaction_, name_,
      [&](const client::ReadConnection& read, std::int64_t key) -> Result<bool> {
        const Result<std::optional<Record>> record = client::find_record(read, key, id);
        if (!record) return fail(record);
        return record->has_value();
      });
}

Result<void> Collection::update(std::string_view id, Object record) {
  return client::write_collection(
      *engine_, session_, in_transaction_, name_,
      [&](LocalWriter& writer) { return writer.replace(id, std::move(record)); });
}

Result<void> Collection::patch(std::string_view id, Object fields) {
  return client::write_collection(*engine_, session_, in_transaction_, name_,
                                  [&](LocalWriter& writer) { return writer.patch(id, fields); });
}

Result<void> Collection::put(std::string_view id, Object record) {
  return client::write_collection(
      *engine_, session_, in_transaction_, name_,
      [&](LocalWriter& writer) { return writer.put(id, std::move(record)); });
}

Result<void> Collection::remove_fields(std::string_view id,
                                       const std::vector<std::string>& fields) {
  return client::write_collection(
      *engine_, session_, in_transaction_, name_,
      [&](LocalWriter& writer) { return writer.remove_fields(id, fields); });
}

Result<void> Collection::remove(std::string_view id) {
  return client::write_collection(*engine_, session_, in_transaction_, name_,
                                  [&](LocalWriter& writer) { return writer.remove(id); });
}

Result<void> Collection::increment(std::string_view id, std::string_view field, Value by) {
  return client::write_collection(
      *engine_, session_, in_transaction_, name_, [&](LocalWriter& writer) {
        return writer.change(id, field, {core::AtomicKind::increment, std::move(by)});
      });
}

Result<void> Collection::raise_to(std::string_view id, std::string_view field, Value at_least) {
  return client::write_collection(
      *engine_, session_, in_transaction_, name_, [&](LocalWriter& writer) {
        return writer.change(id, field, {core::AtomicKind::max, std::move(at_least)});
      });
}

Result<void> Collection::lower_to(std::string_view id, std::string_view field, Value at_most) {
  return client::write_collection(
      *engine_, session_, in_transaction_, name_, [&](LocalWriter& writer) {
        return writer.change(id, field, {core::AtomicKind::min, std::move(at_most)});
      });
}

Result<void> Collection::append(std::string_view id, std::string_view field, Value element) {
  return client::write_collection(
      *engine_, session_, in_transaction_, name_, [&](LocalWriter& writer) {
        return writer.change(id, field, {core::AtomicKind::append, std::move(element)});
      });
}

Result<void> Collection::remove_element(std::string_view id, std::string_view field,
                                        Value element) {
  return client::write_collection(
      *engine_, session_, in_transaction_, name_, [&](LocalWriter& writer) {
        return writer.change(id, field, {core::AtomicKind::remove, std::move(element)});
      });
}

Result<ImportSummary> Collection::import_records(std::span<const Object> records,
                                                 const ImportOptions& options) {
  ImportSummary summary;
  const std::size_t chunk = std::max<std::size_t>(options.transaction_records, 1);
  for (std::size_t done = 0; done < records.size();) {
    const auto part = records.subspan(done, std::min(chunk, records.size() - done));
    auto written = client::write_collection(
        *engine_, session_, in_transaction_, name_, [&](LocalWriter& writer) -> Result<void> {
          for (const Object& record : part) {
            auto imported = writer.import_record(record, options.existing, summary);
            if (!imported) return imported;
          }
          return {};
        });
    if (!written) return fail(written);
    done += part.size();
    if (options.progress && !options.progress(done, records.size())) {
      return fail(ErrorCode::cancelled, "the import was stopped after " + std::to_string(done) +
                                            " of " + std::to_string(records.size()) + " records");
    }
  }
  return summary;
}

Query Collection::query() const {
  return Query(engine_, session_, in_transaction_, name_);
}

Query Collection::where(std::string_view field, Condition condition) const {
  return query().where(field, std::move(condition));
}

Query Collection::order_by(std::string_view field, Order order) const {
  return query().order_by(field, order);
}

Result<std::vector<Record>> Collection::all() const {
  return query().all();
}

Result<std::int64_t> Collection::count() const {
  return query().count();
}

Result<void> Collection::declare_index(const std::vector<std::string>& fields) {
  return client::write_session(
      *engine_, session_, in_transaction_,
      [&](client::WriteSession& session) { return client::declare_index(session, name_, fields); });
}

Result<void> Collection::set_schema(const Value& json_schema) {
  return client::write_session(*engine_, session_, in_transaction_,
                               [&](client::WriteSession& session) {
                                 return client::set_schema(session, name_, json_schema);
                               });
}

Result<Value> Collection::schema() const {
  return client::read_collection(
      *engine_, session_, in_transaction_, name_,
      [&](const client::ReadConnection& read, std::int64_t key) -> Result<Value> {
        auto select = read.cache.get("SELECT schema FROM collections WHERE collection_key = ?1");
        if (!select) return fail(select);
        auto text = (*select)->query_one(
            [](const store::Row& row) { return std::string(row.text(0)); }, key);
        if (!text) return fail(text);
        if (!*text || (*text)->empty()) return Value();
        return parse_json(**text);
      });
}

}  // namespace tombolo
