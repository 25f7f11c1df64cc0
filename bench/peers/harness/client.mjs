// A client of a peer, as the scenario sees it: a process of its own (worker.mjs is its inside).
import { LineProcess } from "./lines.mjs";

export class PeerClient {
  constructor(program, { server, folder, name, node_options = [] }) {
    this.process = new LineProcess(process.execPath, [...node_options, program], {
      failure: (answer) => answer.error && new Error(answer.error),
    });
    this.opened = { server, folder, name };
  }

  #ask(command, options = {}) {
    return this.process.request({ command, options });
  }

  get pid() {
    return this.process.pid;
  }

  open() {
    return this.#ask("open", this.opened);
  }
  goOnline() {
    return this.#ask("goOnline");
  }
  goOffline() {
    return this.#ask("goOffline");
  }
  // One local write for each record.
  create(records) {
    return this.#ask("create", { records });
  }
  change(edits) {
    return this.#ask("change", { edits });
  }
  createTogether(records) {
    return this.#ask("createTogether", { records });
  }
  acknowledged() {
    return this.#ask("acknowledged");
  }
  waitCount(count) {
    return this.#ask("waitCount", { count });
  }
  // Once this has answered, the client looks out for the records: { arrived: a promise }.
  async expect(marks) {
    const ticket = await this.#ask("expect", { marks });
    return { arrived: this.#ask("arrival", { ticket }) };
  }
  close() {
    return this.process.stop("SIGKILL");
  }
}
