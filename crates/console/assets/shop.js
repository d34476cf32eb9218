// What every page knows of the shop: its accounts, how channels look, what events are.

import { get } from "./api.js";
import { h } from "./dom.js";
import { language, t } from "./words.js";

/** Channels by the first word of their codes: two letters, which also name a hue. */
const LOOKS = {
  taobao: "tb", jd: "jd", pdd: "pd", douyin: "dy", wechat: "wx", xiaohongshu: "xh", kuaishou: "ks", xianyu: "xy", epay: "ep", generic: "own",
};

let accounts = [];
let codes = new Map();

export async function learn() {
  const [channels, errors] = await Promise.all([get("/v1/channels"), get("/errors")]);
  accounts = channels.channels;
  codes = new Map(errors.map((error) => [error.code, error]));
}

export const known = () => accounts;
/** Accounts that sell: not those that speak of another's orders, such as payment gateways. */
export const selling = () => accounts.filter((account) => account.orders_of === account.channel);
export const nameOf = (account) => accounts.find(({ channel }) => channel === account)?.name ?? account;

/** What a code means; the code itself where nobody says. */
export function codeText(code) {
  const error = codes.get(code);
  return error ? (language() === "zh" ? error.title_zh : error.title).replace(/[。.]$/, "") : code;
}

/** An account's sign: two letters in its channel's hue. */
export function glyph(account) {
  if (!account) return h("span.glyph", { "aria-hidden": "true" });
  const [channel, shop = ""] = account.split("/");
  const look = LOOKS[channel.split("-")[0]];
  // Own systems all speak the generic protocol; what tells them apart is the shop.
  const letters = (look === "own" ? shop : look ?? channel).slice(0, 2).toUpperCase();
  return h(`span.glyph.hue-${look}`, { title: account, role: "img", "aria-label": account }, letters);
}

const QUIET = /^(Delivery|PaymentCheck|ReadBack|StockPush|KeysReleased)|(Attempted|Registered|Reserved|Allocated|Waitlisted|Left|Fulfilled|Closed)$/;
/** Whether an event is a step on the way, rather than news. */
export const isQuiet = (type) => QUIET.test(type);

const SIGNS = [
  [/Placed$/, "+", "info"], [/^PaymentConfirmed/, "¥", "ok"], [/Delivered$/, "✓", "ok"], [/^(Refund|KeyReplaced)/, "↩", "warn"],
  [/(Backordered|Disputed|LossRecorded|Quarantined|Revoked|Suspended)$/, "!", "warn"], [/(Cancelled|Expired|Voided)$/, "×", "muted"],
  [/^(KeysImported|BatchOpened)/, "⇩", "info"], [/./, "·", "muted"],
];
/** A sign for an event. The sentence beside it says the same. */
export function sign(type) {
  const [, letter, tone] = SIGNS.find(([pattern]) => pattern.test(type));
  return h(`span.sign.${tone}`, { "aria-hidden": "true" }, letter);
}

export const said = (event) => event.sentence[language()];

/** An event as a line; it leads to its order, where it concerns one. */
export function line(event, when, ...more) {
  const order = event.stream.startsWith("order-") ? event.stream : event.payload.order;
  const sentence = order ? h("a.said", { href: `#/order/${order}?at=${event.position}` }, said(event)) : h("span.said", said(event));
  return h(isQuiet(event.type) ? "li.quiet" : "li", when, glyph(event.metadata.channel ?? event.payload.account), sign(event.type), sentence, more);
}

const STATES = {
  awaiting_payment: "… muted", checking_payment: "? info", paid: "¥ info", backordered: "! warn", fulfilled: "▣ info",
  delivered: "✓ ok", refund_due: "↩ warn", refunded: "↩ muted", cancelled: "× muted", expired: "× muted", past: "▤ muted", unknown: "? muted",
  accepted: "✓ ok", rejected: "– info", refused: "× danger", parked: "‖ warn", conflict: "! danger",
};
export const STATUSES = Object.keys(STATES).slice(0, 11);
export const VERDICTS = Object.keys(STATES).slice(12);
/** A `status.paid` or `verdict.parked` as a badge: sign, word and colour. */
export function badge(key) {
  const [letter, tone] = STATES[key.split(".")[1]].split(" ");
  return h(`span.badge.${tone}`, h("span", { "aria-hidden": "true" }, letter), t(key));
}
