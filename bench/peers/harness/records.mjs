// The data: todo-like records of about 200 bytes, the same for every peer and in every round.
const TITLES = [
  "Buy oat milk and bread",
  "Call the plumber about the sink",
  "Write the minutes of the meeting",
  "Return the books to the library",
  "Renew the passport before spring",
];
const NOTES = [
  "Ask whether it can wait until Tuesday.",
  "Not urgent.",
  "The number is on the fridge, under the blue magnet.",
  "See what was written about it last time.",
];
const FIRST_TIME_MS = 1_760_000_000_000;

// Changed and new records are found again by an `order` from here on; those loaded are below.
export const FIRST_MARK = 1_000_000;

// A number's id looks like a random UUID, so that ids arrive in no order.
export function idOf(number) {
  let state = (number + 1) * 0x9e3779b1;
  const words = [];
  for (let i = 0; i < 4; i++) {
    state = (state + 0x6d2b79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    words.push(((word ^ (word >>> 14)) >>> 0).toString(16).padStart(8, "0"));
  }
  const digits = words.join("");
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    "4" + digits.slice(13, 16),
    "8" + digits.slice(17, 20),
    digits.slice(20, 32),
  ].join("-");
}

export function recordOf(number, order = number) {
  return {
    id: idOf(number),
    title: `${TITLES[number % TITLES.length]} (${number})`,
    done: number % 3 === 0,
    order,
    notes: NOTES[number % NOTES.length],
    created_at: FIRST_TIME_MS + number * 1000,
    updated_at: FIRST_TIME_MS + number * 1000,
  };
}

// Records [first, end).
export function recordsOf(first, end) {
  return Array.from({ length: end - first }, (_, i) => recordOf(first + i));
}

// What a person's edit of one record changes.
export function editOf(number, order) {
  return { id: idOf(number), order, updated_at: FIRST_TIME_MS + order };
}
