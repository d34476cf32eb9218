// The time machine of an order: every event with its cause, and the order as it was then.

import { get, pages } from "./api.js";
import { button, clock, day, exact, failed, h, heading, loading, notice, put, span } from "./dom.js";
import { fieldName, fieldText, stateOf, worthShowing } from "./fields.js";
import { glyph, isQuiet, nameOf, said, sign } from "./shop.js";
import { t } from "./words.js";

const MOST = 5_000;
const GAP_MS = 300_000;
/** Below the state, a timeline that follows would push it out of sight. */
const beside = () => matchMedia("(min-width: 1000px)").matches && "nearest";
const CHANGES = 4;
const RELOAD_MS = 500;
/** Browsers limit how often the address may change. */
const SAVE_MS = 150;
const STEPS = { place: /(Placed|Reserved|Expired|Cancelled)$/, pay: /^Payment/, allocate: /(Backordered|Waitlisted|Left|Allocated|Fulfilled)$/,
  deliver: /^Delivery|(Delivered|Revealed)$/, after: /./ };

export function order({ live, path, query }) {
  const base = `/v1/orders/${encodeURIComponent(path)}`;
  const node = h("div.page", heading(t("nav.order")), loading());
  const states = new Map();
  let [id, events, items, parts, at, isRaw] = [null, [], [], {}, -1, false];
  let [wanted, again, saving] = [Number(query.get("at")) || Infinity, null, null];

  /** Reads the history, and stays where the reader is: at the last event, or at one of the past. */
  async function load() {
    again = null;
    try {
      const [{ order }, { all }] = await Promise.all([get(base), pages(`${base}/events`, { limit: 500 }, "events", MOST, "after")]);
      const isFirst = !id;
      id = order.order;
      if (all.length === events.length) return;
      if (!isFirst && at === events.length - 1) wanted = Infinity;
      events = all;
      draw();
      const place = all.findLastIndex((event) => event.position <= wanted);
      show(place, isFirst && place < all.length - 1 && "center");
    } catch (problem) {
      put(node, heading(t("nav.order")), failed(problem, load));
    }
  }

  function draw() {
    const step = (by, label, letter) => button(letter, () => show(at + by, beside()), { "aria-label": label });
    const [title, where] = [h("h1", { tabindex: -1 }, id), h("p")];
    const [card, raw] = [h("section.card"), h("pre.card", { tabindex: 0 })];
    const json = button(t("order.raw"), () => { isRaw = !isRaw; show(at); });
    const slider = h("input", { type: "range", max: events.length - 1, "aria-label": t("order.slider"), oninput: () => show(Number(slider.value), beside()) });
    parts = { title, json, card, raw, slider, where };
    items = events.map(article);
    put(node, h("div.heading", title, json),
      h("div.machine", h("div.side", card, raw), h("div.feed", { role: "feed", "aria-label": t("order.history") }, grouped())),
      h("div.card.scrubber", step(-1, t("order.back"), "◀"), slider, step(1, t("order.forth"), "▶"), where));
  }

  /** The events under the step they belong to, with the times when nothing happened. */
  function grouped() {
    let group = null;
    return events.map(({ type, recorded_at }, place) => {
      const before = group;
      [group] = Object.entries(STEPS).find(([, pattern]) => pattern.test(type));
      const gap = since(place) >= GAP_MS && h("p.gap", t("order.gap", { span: span(since(place)) }));
      return [gap, (group !== before || gap) && h("h2", t(`step.${group}`), h("small", day(recorded_at))), items[place]];
    });
  }

  const since = (place) => Date.parse(events[place].recorded_at) - Date.parse(events[place - 1]?.recorded_at ?? events[place].recorded_at);

  function article(event, place) {
    // At the first event everything is new, and its sentence says it.
    const changes = place === 0 ? [] : worthShowing(event.changes);
    const cause = events.findIndex((other) => other.position === event.cause);
    const { currency } = event.payload.amount ?? {};
    const change = (it) => h("li", fieldName(it), " ", fieldText(it.path, it.from, currency), " → ", h("strong", fieldText(it.path, it.to, currency)));
    return h(`article${isQuiet(event.type) ? ".quiet" : ""}`, {
      tabindex: 0, "aria-posinset": place + 1, "aria-setsize": events.length,
      onclick: (click) => click.target.closest("a, button") || show(place),
      onkeydown: (key) => key.key === "Enter" && key.target === key.currentTarget && show(place),
    },
    h("p", sign(event.type), h("span.said", said(event)), since(place) > 0 && h("small", `+${span(since(place))}`)),
    h("p.meta", actor(event.actor), h("span", t("order.recorded"), " ", clock(event.recorded_at)), h("span", t("order.occurred"), " ", clock(event.occurred_at)),
      h("span", `#${event.position}`), cause >= 0 && button(t("order.cause", { pos: event.cause }), () => show(cause, "center"), { class: "link" }),
      event.message && h("a", { href: `#/inbox/${event.message}` }, t("order.message"))),
    changes.length > 0 && h("ul", changes.slice(0, CHANGES).map(change), changes.length > CHANGES && h("li", t("order.more", { n: changes.length - CHANGES }))));
  }

  /** Goes to an event, and all that is shown with it. */
  async function show(place, scroll) {
    at = Math.min(Math.max(place, 0), events.length - 1);
    const event = events[at];
    const { title, json, card, raw, slider, where } = parts;
    const step = t("order.step", { n: at + 1, of: events.length });
    slider.value = at;
    slider.setAttribute("aria-valuetext", `${step}, ${exact(event.recorded_at)}: ${said(event)}`);
    put(where, h("strong", step), ` ${exact(event.recorded_at)} · ${said(event)}`);
    items.forEach((item, n) => {
      item.classList.toggle("later", n > at);
      item.setAttribute("aria-current", n === at);
    });
    if (scroll) items[at].scrollIntoView({ block: scroll });
    wanted = event.position;
    clearTimeout(saving);
    // So that a copied address shows the same.
    saving = setTimeout(() => history.replaceState(null, "", `#/order/${id}?at=${wanted}`), SAVE_MS);
    json.setAttribute("aria-pressed", isRaw);
    raw.hidden = !isRaw;
    const state = await stateAt(event.position).catch((problem) => problem);
    if (events[at] !== event) return;
    put(raw, JSON.stringify({ event, state }, null, 2));
    if (state.code === "unknown_order") put(card, notice(t("order.not_yet")));
    else if (state instanceof Error) put(card, failed(state, () => show(at)));
    else {
      put(title, glyph(state.account), state.external_no ?? id);
      put(card, h("h2", t("order.state")), stateOf(state, event.changes));
    }
  }

  function stateAt(position) {
    if (!states.has(position)) {
      const asked = get(`/v1/orders/${id}/state?at=${position}`).then(({ order }) => order);
      asked.catch(() => states.delete(position));
      states.set(position, asked);
    }
    return states.get(position);
  }

  function onkey(event) {
    const by = { j: 1, k: -1 }[event.key.toLowerCase()];
    if (!by || event.ctrlKey || event.metaKey || event.altKey || events.length === 0) return;
    show(at + by, "nearest");
    items[at].focus({ preventScroll: true });
  }

  const unsubscribe = live.subscribe((batch) => {
    if (batch.some((event) => event.stream === id || event.payload.order === id)) again ??= setTimeout(load, RELOAD_MS);
  });
  addEventListener("keydown", onkey);
  load();
  return { node, close: () => { [again, saving].forEach(clearTimeout); unsubscribe(); removeEventListener("keydown", onkey); [events, id] = [[], null]; } };
}

function actor({ kind, id }) {
  const isChannel = kind === "channel";
  return h("span", isChannel && glyph(id), t(`actor.${kind}`, { name: isChannel ? nameOf(id) : id }));
}
