// WebSockets for a client that has no call to go offline: while they are held, open ones are closed
// and new ones stay in the state "connecting"; when they are released, these connect at once.
const Real = globalThis.WebSocket;
const live = new Set();
let held; // what starts the waiting ones, or undefined when nothing is held

export function hold() {
  held = [];
  for (const socket of live) socket.close();
}

export const isTrying = () => held.length > 0;

export function release() {
  const starts = held;
  held = undefined;
  for (const start of starts) start();
}

export class HoldableWebSocket extends EventTarget {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSING = 2;
  static CLOSED = 3;
  #real;
  #is_closed = false;

  constructor(url, protocols) {
    super();
    this.url = String(url);
    const start = () => this.#start(url, protocols);
    if (held) held.push(start);
    else start();
  }

  #start(url, protocols) {
    if (this.#is_closed) return;
    live.add(this);
    this.#real = new Real(url, protocols);
    this.#real.addEventListener("open", () => this.#tell(new Event("open")));
    this.#real.addEventListener("error", () => this.#tell(new Event("error")));
    this.#real.addEventListener("message", ({ data }) =>
      this.#tell(new MessageEvent("message", { data }))
    );
    this.#real.addEventListener("close", ({ code, reason, wasClean }) => {
      live.delete(this);
      this.#tell(Object.assign(new Event("close"), { code, reason, wasClean }));
    });
  }

  #tell(event) {
    this.dispatchEvent(event);
    this[`on${event.type}`]?.(event);
  }

  get protocol() {
    return this.#real?.protocol ?? "";
  }
  get readyState() {
    return this.#real?.readyState ?? (this.#is_closed ? 3 : 0);
  }
  get bufferedAmount() {
    return this.#real?.bufferedAmount ?? 0;
  }
  send(data) {
    this.#real.send(data);
  }
  close(code, reason) {
    this.#is_closed = true;
    this.#real?.close(code, reason);
  }
}
