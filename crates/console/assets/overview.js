// The first page: what happens now, and how the day goes.

import { get, pages } from "./api.js";
import { button, clock, count, day, failed, h, heading, loading, midnight, money, notice, put } from "./dom.js";
import { glyph, isQuiet, line, nameOf, said, selling } from "./shop.js";
import { t } from "./words.js";

const ROWS = 200;
const COUNTED = 200;
const REFRESH_MS = 10_000;
/** So many orders of the day are counted from the list. */
const MOST = 5_000;

export function overview({ live }) {
  const [tape, today] = [tapeOf(live), dayOf(live)];
  const node = h("div.page", heading(t("nav.overview")), today.tiles, h("div.split", tape.node, today.strip));
  return { node, close: () => { tape.close(); today.close(); } };
}

/** The tape: one sentence per event, the newest on top. */
function tapeOf(live) {
  let [waiting, all] = [0, false];
  const list = h("ol.tape");
  const pill = button("", () => { fill(); node.scrollIntoView(); }, { class: "pill", hidden: true });
  const choose = (event) => { all = event.target.checked; fill(); };
  const node = h("section.card", h("div.heading", h("h2", t("tape.title")), h("label", h("input", { type: "checkbox", onchange: choose }), t("tape.all"))),
    h("div.pill-place", { role: "status" }, pill), list);
  const wanted = (event) => all || !isQuiet(event.type);
  /** A reader who scrolled down, or is about to follow a link, keeps the rows where they are. */
  const isReading = () => list.contains(document.activeElement) || list.getBoundingClientRect().top < 0;

  function row(event) {
    const number = live.numbers.get(event.stream);
    return line(event, h("time", clock(event.recorded_at)), number && !said(event).includes(number) && h("small", number));
  }
  function fill() {
    [waiting, pill.hidden] = [0, true];
    const rows = live.events.filter(wanted).slice(-ROWS).reverse().map(row);
    put(list, rows.length ? rows : h("li", notice(t("page.empty"), t("tape.advice"))));
  }
  function take(batch) {
    waiting += batch.filter(wanted).length;
    if (waiting === 0) return;
    const fresh = waiting;
    pill.hidden = !isReading();
    put(pill, t("tape.pill", { n: count(waiting) }));
    if (!pill.hidden) return;
    fill();
    [...list.children].slice(0, fresh).forEach((item) => item.classList.add("fresh"));
  }
  fill();
  return { node, close: live.subscribe(take) };
}

function dayOf(live) {
  const [tiles, strip] = [h("div.tiles", loading()), h("section.card")];
  let [today, early, slow, timer, closed] = [null, [], null, null, false];
  const unsubscribe = live.subscribe((batch) => {
    if (!today) return early.push(...batch);
    batch.forEach((event) => today.apply(event));
    if (batch.length > 0) draw();
  });

  /** What no event tells: the time, orders that wait, messages without effect. */
  async function refresh() {
    try {
      const [{ iso }, waiting, refused, parked] = await Promise.all(["/time", `/v1/orders?status=backordered&limit=${COUNTED}`,
        `/v1/inbox?verdict=refused&limit=${COUNTED}`, `/v1/inbox?verdict=parked&limit=${COUNTED}`].map((path) => get(path)));
      slow = { now: iso, waiting: waiting.orders.length, refused: refused.messages, parked: parked.messages };
      if (!today) {
        const counted = new Today();
        await counted.load(iso, live.last);
        early.forEach((event) => counted.apply(event));
        today = counted;
      }
      draw();
    } catch (problem) {
      // What was shown stays; the mark of the connection tells that it may be old.
      if (!today) put(tiles, failed(problem));
    }
    if (!closed) timer = setTimeout(refresh, REFRESH_MS);
  }
  function draw() {
    // Whoever is about to follow a link keeps it under the focus.
    if (document.querySelector(".tiles :focus, .strip :focus")) return;
    const { now, waiting, refused, parked } = slow;
    const { all, by } = today.sum(now);
    const recent = (messages) => upTo(messages.filter(({ received_at }) => Date.parse(received_at) >= Date.parse(midnight(now))).length);
    put(tiles,
      tile("orders", "orders", count(all.placed) + (today.whole ? "" : "+"), t("tile.paid", { n: count(all.paid), day: day(now) })),
      tile("orders?status=delivered", "net", amounts(all.net), t("tile.net_is")),
      tile("orders?status=backordered", "waiting", upTo(waiting), t("tile.wait"), waiting > 0),
      tile("inbox?verdict=refused", "messages", `${recent(refused)} / ${recent(parked)}`, t("tile.messages_are")));
    const accounts = [...new Set([...selling().map(({ channel }) => channel), ...by.keys()])];
    const most = Math.max(1, ...[...by.values()].map((sums) => sums.placed));
    put(strip, h("h2", t("strip.title")), accounts.length === 0 && notice(t("page.empty"), t("strip.advice")),
      h("ul.strip", accounts.map((account) => share(account, by.get(account) ?? nothing(), most))));
  }
  refresh();
  return { tiles, strip, close: () => { closed = true; clearTimeout(timer); unsubscribe(); } };
}

const upTo = (n) => (n >= COUNTED ? `${COUNTED}+` : count(n));
/** Amounts by currency, which are never added up. */
const amounts = (net) => [...net].map(([currency, minor]) => money(minor, currency)).join(" · ") || money(0);

const tile = (page, name, figure, below, isLoud) =>
  h(`a.card.tile${isLoud ? ".loud" : ""}`, { href: `#/${page}` }, h("span.muted", t(`tile.${name}`)), h("strong", figure), h("small", below));

function share(account, { placed, net }, most) {
  const isSuspended = selling().some((known) => known.channel === account && known.is_suspended);
  return h("li", glyph(account), h("a", { href: `#/orders?account=${encodeURIComponent(account)}` }, nameOf(account)),
    h("span.num", t("strip.orders", { n: count(placed) }), h("small", amounts(net)), isSuspended && h("span.badge.danger", "‖ ", t("strip.suspended"))),
    h("progress", { max: most, value: placed, "aria-hidden": "true" }));
}

/** The day's orders: counted once from the list, and then from the events that follow. */
class Today {
  #orders = new Map();
  /** Whether every order of the day is counted. */
  whole = true;

  async load(now, position) {
    const { all, whole } = await pages("/v1/orders", { from: midnight(now), limit: 500, min_pos: position }, "orders", MOST, "cursor");
    this.whole = whole;
    for (const { order, account, currency, placed_at, last_pos, paid_fen, refunded_fen } of all) {
      this.#orders.set(order, { account, currency, placed_at, last_pos, paid: paid_fen > 0, net: paid_fen - refunded_fen });
    }
  }

  /** Takes in an event. What an order was read with is not counted twice. */
  apply({ type, stream, position, occurred_at, payload: { account, total, amount } }) {
    const order = this.#orders.get(stream);
    if (!order && type === "OrderPlaced") {
      this.#orders.set(stream, { account, currency: total.currency, placed_at: occurred_at, last_pos: position, paid: false, net: 0 });
    }
    if (!order || position <= order.last_pos) return;
    order.last_pos = position;
    if (type === "PaymentConfirmed") [order.paid, order.net] = [true, order.net + amount.minor];
    if (type === "RefundSettled") order.net -= amount.minor;
  }

  /** What the day of `now` came to: in all, and by account. */
  sum(now) {
    const [all, by, began] = [nothing(), new Map(), Date.parse(midnight(now))];
    for (const { account, currency, placed_at, paid, net } of this.#orders.values()) {
      if (Date.parse(placed_at) < began) continue;
      if (!by.has(account)) by.set(account, nothing());
      for (const sums of [all, by.get(account)]) {
        sums.placed += 1;
        sums.paid += Number(paid);
        sums.net.set(currency, (sums.net.get(currency) ?? 0) + net);
      }
    }
    return { all, by };
  }
}

const nothing = () => ({ placed: 0, paid: 0, net: new Map() });
