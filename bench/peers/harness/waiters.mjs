// Who waits for records to become visible.
export class Waiters {
  #count = 0;
  #count_waiters = []; // { count, resolve }
  #marks = new Map(); // id -> [{ order, done }]

  counted(count) {
    this.#count = count;
    if (this.#count_waiters.length === 0) return;
    const reached = this.#count_waiters.filter((waiter) => waiter.count <= count);
    this.#count_waiters = this.#count_waiters.filter((waiter) => waiter.count > count);
    for (const { resolve } of reached) resolve();
  }

  whenCounted(count) {
    if (this.#count >= count) return Promise.resolve();
    return new Promise((resolve) => this.#count_waiters.push({ count, resolve }));
  }

  seen(id, order) {
    const waiting = this.#marks.get(id);
    if (!waiting) return;
    const left = waiting.filter((mark) => mark.order !== order || mark.done());
    if (left.length > 0) this.#marks.set(id, left);
    else this.#marks.delete(id);
  }

  // Until each record has been seen with its order. Ask before it can happen.
  whenSeen(marks) {
    return new Promise((resolve) => {
      let missing = marks.length;
      const done = () => {
        if (--missing === 0) resolve();
        return false;
      };
      for (const { id, order } of marks) {
        this.#marks.set(id, [...(this.#marks.get(id) ?? []), { order, done }]);
      }
    });
  }
}
