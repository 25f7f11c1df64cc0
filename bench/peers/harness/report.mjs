// What the rounds found: medians with their spread, as data and as a table in Markdown.
const MIB = 2 ** 20;

const milliseconds = (value) =>
  value >= 10_000
    ? `${(value / 1000).toFixed(1)} s`
    : value >= 100
      ? `${value.toFixed(0)} ms`
      : `${value.toFixed(1)} ms`;
const mebibytes = (value) => `${(value / MIB).toFixed(0)} MiB`;

// The rows of the table: [name in the results, title, how a figure is written].
export function rowsOf({ sizes, writes, offline_writes, clients }) {
  const largest = sizes.at(-1).toLocaleString("en");
  return [
    ...sizes.map((size) => [
      `first_sync_${size}`,
      `first sync of ${size.toLocaleString("en")} records`,
      milliseconds,
    ]),
    ["propagation_p50", `one write to a second client, p50 of ${writes}`, milliseconds],
    ["propagation_p95", `one write to a second client, p95 of ${writes}`, milliseconds],
    [
      "offline_writes",
      `${offline_writes.toLocaleString("en")} local writes, offline, one by one`,
      milliseconds,
    ],
    ["replay", "their replay, until the server and a second client have them", milliseconds],
    ["server_idle_rss", "server memory, idle (RSS)", mebibytes],
    ["server_idle_pss", "server memory, idle (shared pages once)", mebibytes],
    ["server_loaded_rss", `server memory, ${largest} records, ${clients} clients (RSS)`, mebibytes],
    [
      "server_loaded_pss",
      `server memory, ${largest} records, ${clients} clients (shared pages once)`,
      mebibytes,
    ],
    ["client_loaded_rss", `client memory, ${largest} records (RSS)`, mebibytes],
  ];
}

export function medianOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// `rounds`: the results of one peer, a round each. Per row: { median, min, max, runs } or { failed
// }.
export function summaryOf(rounds, rows) {
  const summary = {};
  for (const [row] of rows) {
    const values = rounds
      .map((results) => results[row])
      .filter((value) => typeof value === "number");
    const failures = rounds.map((results) => results[row]?.failed).filter(Boolean);
    if (values.length > 0) {
      summary[row] = {
        median: medianOf(values),
        min: Math.min(...values),
        max: Math.max(...values),
        runs: values.length,
      };
    }
    if (failures.length > 0)
      summary[row] = { ...summary[row], failed: failures[0], failures: failures.length };
  }
  return summary;
}

function cellOf(entry, write, remark) {
  if (entry === undefined) return `not measured${remark("an earlier step failed")}`;
  if (entry.median === undefined) return `failed${remark(entry.failed)}`;
  const failed = entry.failed
    ? remark(`${entry.failures} of the rounds failed: ${entry.failed}`)
    : "";
  if (entry.runs === 1) return `${write(entry.median)} (1 run)${failed}`;
  return `${write(entry.median)} (${write(entry.min)}..${write(entry.max)})${failed}`;
}

const tableOf = (lines) =>
  [lines[0], lines[0].map(() => "---"), ...lines.slice(1)]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");

// `report`: { options, peers: [{ title, versions, ..., summary, error }] }.
export function markdownOf({ options, peers }) {
  const rows = rowsOf(options);
  const remarks = [];
  const remark = (text) => {
    if (!remarks.includes(text)) remarks.push(text);
    return ` [${remarks.indexOf(text) + 1}]`;
  };
  const measured = peers.filter(({ error }) => !error);
  const figures = tableOf([
    ["", ...measured.map(({ title }) => title)],
    ...rows.map(([row, title, write]) => [
      title,
      ...measured.map(({ summary }) => cellOf(summary[row], write, remark)),
    ]),
  ]);
  const answer = (durable) => (durable === true ? "yes" : durable === false ? "no" : durable);
  const stores = tableOf([
    [
      "",
      "versions",
      "client keeps records in",
      "client durable",
      "server keeps records in",
      "server durable",
      "transport",
    ],
    ...measured.map((peer) => [
      peer.title,
      Object.entries(peer.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(", "),
      peer.client_store,
      answer(peer.durable.client),
      peer.server_store,
      answer(peer.durable.server),
      peer.transport,
    ]),
  ]);
  const parts = [figures, stores];
  const notes = [
    ...remarks.map((text, i) => `[${i + 1}] ${text}`),
    ...measured.flatMap(({ title, notes }) => notes.map((note) => `${title}: ${note}`)),
    ...peers
      .filter(({ error }) => error)
      .map(({ title, error }) => `${title} could not be measured: ${error}`),
  ];
  if (notes.length > 0) parts.push(notes.map((note) => `* ${note}`).join("\n"));
  return parts.join("\n\n") + "\n";
}
