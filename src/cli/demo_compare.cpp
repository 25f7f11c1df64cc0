#include "cli/demo_compare.h"

#include <algorithm>

#include "base/json.h"
#include "base/sha256.h"
#include "base/text.h"
#include "cli/context.h"

namespace tombolo::cli {

namespace {

constexpr std::size_t kFingerprintDigits = 8;

// "extinct_since", or the whole record.
std::string place(const std::string& id, std::string_view field) {
  return field.empty() ? id : id + "." + std::string(field);
}

std::string shown(const Value* value) {
  return value != nullptr ? value->to_json() : "nothing";
}

// What `other` has differently in this record, as sentences.
void compare_records(const View& first, const View& other, const std::string& id,
                     std::vector<std::string>& found) {
  const auto left = first.records->find(id);
  const auto right = other.records->find(id);
  if (left == first.records->end() || right == other.records->end()) {
    const View& has = left == first.records->end() ? other : first;
    const View& lacks = &has == &first ? other : first;
    found.push_back(has.who + " has the record " + id + ", " + lacks.who + " has not");
    return;
  }
  const auto tell = [&](const std::string& field) {
    found.push_back(place(id, field) + " is " + shown(left->second.find(field)) + " for " +
                    first.who + " and " + shown(right->second.find(field)) + " for " + other.who);
  };
  for (const Member& member : left->second) {
    const Value* there = right->second.find(member.key);
    if (there == nullptr || *there != member.value) tell(member.key);
  }
  for (const Member& member : right->second) {
    if (!left->second.contains(member.key)) tell(member.key);
  }
}

std::string cell(const View& view, const Spot& spot) {
  if (!view.records) return "?";
  const auto record = view.records->find(spot.record);
  if (record == view.records->end()) return "(removed)";
  const Value* value = record->second.find(spot.field);
  return value != nullptr ? cell_text(*value) : "-";
}

// The row with its verdict behind it.
std::vector<std::string> judged(std::vector<std::string> row, std::size_t first_cell) {
  const auto cells = row.begin() + static_cast<std::ptrdiff_t>(first_cell);
  const bool is_equal = std::adjacent_find(cells, row.end(), std::not_equal_to<>()) == row.end();
  row.emplace_back(is_equal ? "equal" : "different");
  return row;
}

bool has_value(const Value& loss, std::string_view member, const std::optional<Value>& expected) {
  const Value* found = loss.if_object() != nullptr ? loss.if_object()->find(member) : nullptr;
  return expected ? found != nullptr && *found == *expected : found == nullptr;
}

bool tells(const Value& loss, const ExpectedLoss& expected) {
  return loss["record"].as_string() == expected.record &&
         loss["field"].as_string() == expected.field &&
         has_value(loss, "losing_value", expected.losing) &&
         has_value(loss, "winning_value", expected.winning);
}

}  // namespace

Result<Records> records_by_id(const Value& array) {
  const Array* elements = array.if_array();
  if (elements == nullptr) return fail(ErrorCode::invalid_data, "there is no list of records");
  Records records;
  for (const Value& element : *elements) {
    const Object* object = element.if_object();
    const std::string id(element["id"].as_string());
    if (object == nullptr || id.empty()) {
      return fail(ErrorCode::invalid_data, "this is no record: " + element.to_json());
    }
    const auto [record, is_new] = records.emplace(id, *object);
    if (!is_new) return fail(ErrorCode::invalid_data, "the list has the record " + id + " twice");
    record->second.erase("last_modified");
  }
  return records;
}

std::string fingerprint(const Records& records) {
  std::string text;
  for (const auto& [id, record] : records) {
    append_canonical_json(text, record);
    text += '\n';
  }
  return to_hex(sha256(text)).substr(0, kFingerprintDigits);
}

std::vector<std::string> differences(const std::vector<View>& views, std::size_t most) {
  std::vector<std::string> found;
  for (const View& view : views) {
    if (!view.records) found.push_back(view.who + " cannot be asked");
  }
  for (const View& other : views) {
    if (&other == &views[0] || !other.records || !views[0].records) continue;
    for (const auto& [id, record] : *views[0].records) {
      compare_records(views[0], other, id, found);
    }
    for (const auto& [id, record] : *other.records) {
      if (!views[0].records->contains(id)) compare_records(views[0], other, id, found);
    }
  }
  if (found.size() > most) {
    const std::size_t more = found.size() - most;
    found.resize(most);
    found.push_back("and " + counted(static_cast<std::int64_t>(more), "other difference"));
  }
  return found;
}

Table sights(const std::vector<View>& views, const std::vector<Spot>& spots, bool with_totals) {
  std::vector<std::string> header = {"record", "field"};
  for (const View& view : views) header.push_back(view.who);
  header.emplace_back("");
  Table table(std::move(header));
  constexpr std::size_t kFirstCell = 2;
  if (with_totals) {
    std::vector<std::string> counts = {"(all)", "how many"};
    std::vector<std::string> prints = {"", "fingerprint"};
    for (const View& view : views) {
      counts.push_back(
          view.records ? grouped_number(static_cast<std::int64_t>(view.records->size())) : "?");
      prints.push_back(view.records ? fingerprint(*view.records) : "?");
    }
    table.add(judged(std::move(counts), kFirstCell));
    table.add(judged(std::move(prints), kFirstCell));
  }
  std::string last_record;
  for (const Spot& spot : spots) {
    std::vector<std::string> row = {spot.record == last_record ? "" : spot.label, spot.field};
    for (const View& view : views) row.push_back(cell(view, spot));
    table.add(judged(std::move(row), kFirstCell));
    last_record = spot.record;
  }
  return table;
}

std::vector<std::string> wrong_losses(const Value& ledger,
                                      const std::vector<ExpectedLoss>& expected) {
  std::vector<std::string> wrong;
  const Array none;
  const Array& losses = ledger.if_array() != nullptr ? *ledger.if_array() : none;
  for (const ExpectedLoss& one : expected) {
    if (std::ranges::none_of(losses, [&](const Value& loss) { return tells(loss, one); })) {
      wrong.push_back(place(one.record, one.field) + " lost " +
                      (one.losing ? one.losing->to_json() : "its removal") +
                      " and that is not in the ledger");
    }
  }
  for (const Value& loss : losses) {
    if (std::ranges::none_of(expected, [&](const auto& one) { return tells(loss, one); })) {
      wrong.push_back("the ledger has a loss that never was: " + loss.to_json());
    }
  }
  return wrong;
}

}  // namespace tombolo::cli
