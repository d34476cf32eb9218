// The log as it grows. Read with fetch because an EventSource cannot send a token; resumed after the last position,
// so that a cut connection neither misses an event nor shows one twice.

import { ask, get } from "./api.js";

const KEPT = 600;
const BATCH_MS = 250;
/** The server says every 15 s that it is alive. */
const SILENCE_MS = 40_000;
const WAIT_MS = [500, 1_000, 2_000, 4_000, 8_000];

export class Live {
  /** The newest events, oldest first. */
  events = [];
  /** The position up to which all is known. */
  last = 0;
  /** The channel's number of each order that was seen. */
  numbers = new Map();
  /** `connecting`, `live` or `cut`. */
  state = "connecting";
  #listeners = new Set();
  #fresh = [];
  #timer = null;
  #stop = new AbortController();

  /** Tells of new events and, as an empty batch, of a change of the state. Returns how to end it. */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stop() {
    this.#stop.abort();
    this.#listeners.clear();
  }

  async start() {
    this.last = Math.max(0, (await get("/readyz")).head_pos - KEPT);
    for (let tries = 0; ; tries++) {
      const before = this.last;
      // However a connection ends, what follows is the same.
      await this.#follow().catch(() => {});
      if (this.#stop.signal.aborted) return;
      this.#become("cut");
      if (this.last > before) tries = 0;
      await new Promise((done) => {
        setTimeout(done, WAIT_MS[tries] ?? WAIT_MS.at(-1));
        addEventListener("online", done, { once: true });
      });
    }
  }

  async #follow() {
    const cut = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, cut.signal]);
    const { body } = await ask(`/v1/stream?from_pos=${this.last + 1}`, { signal });
    this.#become("live");
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ;) {
      const silence = setTimeout(() => cut.abort(), SILENCE_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(silence));
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      blocks.forEach((block) => this.#take(block));
    }
  }

  #take(block) {
    const data = block.split("\n").find((line) => line.startsWith("data:"));
    const event = data && JSON.parse(data.slice(5));
    if (!event || event.position <= this.last) return;
    this.last = event.position;
    if (event.type === "OrderPlaced") this.numbers.set(event.stream, event.payload.external_no);
    this.#fresh.push(event);
    this.#timer ??= setTimeout(() => this.#tell(), BATCH_MS);
  }

  #become(state) {
    this.state = state;
    this.#tell();
  }

  #tell() {
    clearTimeout(this.#timer);
    const batch = this.#fresh;
    [this.#timer, this.#fresh] = [null, []];
    this.events = [...this.events, ...batch].slice(-KEPT);
    this.#listeners.forEach((listener) => listener(batch));
  }
}
