// Lists: orders and how to find one, inbound messages with their verdicts.

import { ask, get, query } from "./api.js";
import { button, exact, failed, h, heading, loading, money, notice, put, stamp } from "./dom.js";
import { STATUSES, VERDICTS, badge, codeText, glyph, known, line, nameOf } from "./shop.js";
import { t, tOr } from "./words.js";

const LIMIT = 50;
const ORDERS = { page: "orders", cursor: "cursor", filter: "status", values: STATUSES, row: orderRow };
const MESSAGES = { page: "inbox", cursor: "before", filter: "verdict", values: VERDICTS, row: messageRow };

export const orders = ({ query }) => ({ node: h("div.page", heading(t("nav.orders")), search(), listOf(query, ORDERS)) });

/** What is searched for may be a phone number or a card key: it goes in a body, never in an address. */
function search() {
  const found = h("div", { role: "status" });
  const input = h("input", { type: "search", maxlength: 200, autocomplete: "off", placeholder: t("find.hint"), "aria-label": t("find.hint") });
  async function onsubmit(event) {
    event.preventDefault();
    const text = input.value.trim();
    put(found, text && loading());
    if (!text) return;
    try {
      const { matches } = await (await ask("/v1/find", { body: { text } })).json();
      if (matches.length === 1) location.hash = `#/order/${matches[0].order.order}`;
      else if (matches.length === 0) put(found, notice(t("find.none"), t("find.advice")));
      else put(found, h("ul.rows.card", matches.map(({ order, reason }) => orderRow(order, t(`find.${reason}`)))));
    } catch (problem) {
      put(found, failed(problem));
    }
  }
  return [h("form.search", { role: "search", onsubmit }, input, h("button", t("find.go"))), found];
}

function orderRow(order, why) {
  const items = why ?? order.lines.map((line) => `${line.quantity} × ${line.sku}`).join(", ");
  const badges = [badge(`status.${order.status}`), order.is_held && h("span.badge.warn", "‖ ", t("field.is_held"))];
  return rowOf(`#/order/${order.order}`, order.account, [order.external_no ?? order.order, items], badges,
    [money(order.total_fen, order.currency ?? "CNY"), order.placed_at && stamp(order.placed_at)]);
}

export function inbox({ path, query }) {
  const node = h("div.page");
  const list = () => put(node, heading(t("nav.inbox"), button(t("inbox.again"), list)), listOf(query, MESSAGES));
  if (path) one(node, path);
  else list();
  return { node };
}

/** Where and why a message got no further. A refusal's reason is `step:code`. */
function outcome({ verdict, reason }) {
  const [step, code] = reason.split(":");
  if (code) return t("inbox.failed", { step: tOr(`step.${step}`, step), code: codeText(code) });
  return codeText(reason) || tOr(`inbox.${verdict}`, "");
}

function messageRow(message) {
  const { first_pos, last_pos } = message;
  const caused = first_pos ? `→ #${first_pos}${last_pos > first_pos ? `–${last_pos}` : ""}` : t("inbox.nothing");
  return rowOf(`#/inbox/${message.message}`, message.account, [message.dedupe_key ?? nameOf(message.account), outcome(message)],
    badge(`verdict.${message.verdict}`), [stamp(message.received_at), caused]);
}

async function one(node, id) {
  const title = heading(id, h("a", { href: "#/inbox" }, `← ${t("nav.inbox")}`));
  put(node, title, loading());
  try {
    const message = await get(`/v1/inbox/${encodeURIComponent(id)}`);
    const facts = {
      "filter.verdict": [badge(`verdict.${message.verdict}`), outcome(message)], "field.account": [glyph(message.account), nameOf(message.account)],
      "inbox.received": exact(message.received_at), "inbox.key": message.dedupe_key ?? "–",
    };
    put(node, title,
      h("dl.card", Object.entries(facts).map(([key, value]) => h("div", h("dt", t(key)), h("dd", value)))),
      h("section.card", h("h2", t("inbox.events")), message.events.length === 0 && h("p.muted", t("inbox.nothing")),
        h("ol.tape", message.events.map((event) => line(event, h("time", `#${event.position}`))))),
      h("details.card", h("summary", t("inbox.raw")), h("pre", { tabindex: 0 }, JSON.stringify(message.request, null, 2))));
  } catch (problem) {
    put(node, title, failed(problem, () => one(node, id)));
  }
}

/** The filter and the rows of a list. */
function listOf(address, kind) {
  const choices = { [kind.filter]: kind.values.map((value) => [value, t(`${kind.filter}.${value}`)]), account: known().map(({ channel }) => [channel, nameOf(channel)]) };
  const which = Object.fromEntries(["sku", ...Object.keys(choices)].map((name) => [name, address.get(name)]));
  const go = (change) => { location.hash = `#/${kind.page}${query({ ...which, ...change })}`; };
  const selects = Object.entries(choices).map(([name, options]) => h("label", t(`filter.${name}`),
    h("select", { onchange: (event) => go({ [name]: event.target.value }) }, h("option", { value: "" }, t("filter.all")),
      options.map(([value, text]) => h("option", { value, selected: which[name] === value }, text)))));
  const [card, rows] = [h("div.card", loading()), h("ul.rows")];
  const more = button(t("page.more"), next);
  let at = null;
  async function next() {
    try {
      const page = await get(`/v1/${kind.page}${query({ ...which, limit: LIMIT, [kind.cursor]: at })}`);
      at = page.next;
      more.hidden = !at;
      rows.append(...(page.orders ?? page.messages).map((row) => kind.row(row)));
      const why = Object.values(which).some(Boolean) ? "filter" : kind.page;
      put(card, rows.children.length ? [rows, more] : notice(t("page.empty"), t(`${why}.advice`)));
    } catch (problem) {
      put(card, rows, failed(problem, next));
    }
  }
  next();
  return [h("div.filters", selects, which.sku && button(`SKU ${which.sku} ×`, () => go({ sku: null }))), card];
}

const rowOf = (href, account, [what, below], badges, [figure, under]) => h("li", h("a", { href }, glyph(account),
  h("span", h("strong", what), h("small", below)), h("span.badges", badges), h("span.num", figure, h("small", under))));
