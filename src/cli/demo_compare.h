// What the players of the demo see, compared: fingerprints of whole collections, the differences in
// words, a table of chosen fields, and whether a loss ledger tells what it must.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/table.h"

#include "tombolo/result.h"
#include "tombolo/value.h"

namespace tombolo::cli {

using Records = std::map<std::string, Object, std::less<>>;  // by id

// What one player sees of a collection; nothing when it cannot be asked.
struct View {
  std::string who;
  std::optional<Records> records;
};

// Records by their "id". Those that carry a server's "last_modified" lose it: it is no data of the
// user. Error: invalid_data for anything that is no array of objects with ids, or repeats an id.
Result<Records> records_by_id(const Value& array);

// Eight hexadecimal digits that are the same for equal records only (in all likelihood), whatever
// the order of their fields.
std::string fingerprint(const Records& records);

// One sentence for each difference between the first view and another: at most `most` of them, then
// one that says how many more there are. Empty: all see the same.
std::vector<std::string> differences(const std::vector<View>& views, std::size_t most);

// A field of a record to show; `label` names the record for people.
struct Spot {
  std::string record;
  std::string label;
  std::string field;
};

// One column for each view and one row for each spot: the value, "-" for a field that is not there,
// "(removed)" for a record that is not there. With `with_totals`, first how many records each view
// has and their fingerprint. The last column says whether the row is equal.
Table sights(const std::vector<View>& views, const std::vector<Spot>& spots, bool with_totals);

// A conflict that must stand in a ledger: what `losing` and `winning` name are the values, nothing
// for a removal. An empty `field` means the whole record.
struct ExpectedLoss {
  std::string record;
  std::string field;
  std::optional<Value> losing;
  std::optional<Value> winning;
};

// One sentence for each expected loss that the ledger (the shell's answer to "losses") does not
// tell, and for each that it tells though nobody expects it.
std::vector<std::string> wrong_losses(const Value& ledger,
                                      const std::vector<ExpectedLoss>& expected);

}  // namespace tombolo::cli
