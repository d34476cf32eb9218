// How the fields of an order are named and written.

import { exact, h, money } from "./dom.js";
import { badge, glyph, nameOf } from "./shop.js";
import { t, tOr } from "./words.js";

/** The fields of a state card; those up to `paid_fen` always, the others where they hold something. */
const FIELDS = ("status external_no account lines total_fen paid_fen refund_due_fen refunded_fen loss_fen refunds replaced is_held "
  + "is_delivery_failed placed_at reserved_until paid_at backordered_until delivered_at refunded_at closed_at buyer order").split(" ");
const ALWAYS = FIELDS.indexOf("paid_fen");

const isNothing = (value) => !value || (typeof value === "object" && Object.keys(value).length === 0);

/** The name of the field that a change's path leads to: `/lines/0/keys` is the keys of line 1. */
export function fieldName({ path }) {
  const [field, place, part] = path.slice(1).split("/");
  const name = tOr(`field.${part ?? field}`, part ?? field);
  return place ? `${name} ${field === "lines" ? Number(place) + 1 : place}` : name;
}

export function fieldText(path, value, currency = "CNY") {
  const field = path.split("/").at(-1);
  if (value == null) return "–";
  if (field.endsWith("minor")) return money(value, currency);
  if (/_(at|until)$/.test(field)) return exact(value);
  if (typeof value === "boolean") return value ? "✓" : "×";
  if (field === "account") return nameOf(value);
  if (field === "lines") return value.map((line) => `${line.quantity} × ${line.sku} (${line.keys.join(", ") || t("field.no_key")})`).join("; ");
  if (Array.isArray(value)) return value.join(", ") || "–";
  if (value.state) return `${t(`refund.${value.state}`)} ${fieldText("minor", value.amount_fen, currency)}`;
  if (field === "refunds") return Object.entries(value).map(([no, refund]) => `${no}: ${fieldText("", refund, currency)}`).join("; ") || "–";
  return tOr(`${field === "state" ? "refund" : field}.${value}`, String(value));
}

const fieldOf = ({ path }) => path.split("/")[1];
/** Changes of fields that a card has, but not from nothing to nothing. */
export const worthShowing = (changes) => changes.filter((change) =>
  FIELDS.includes(fieldOf(change)) && !(isNothing(change.from) && isNothing(change.to)));

/** An order's fields; those that just changed with a mark and what they were. */
export function stateOf(order, changes) {
  const [changed, currency] = [worthShowing(changes), order.currency ?? "CNY"];
  const rows = FIELDS.filter((field, n) => n <= ALWAYS || !isNothing(order[field])).map((field) => {
    const change = changed.find((change) => fieldOf(change) === field);
    // What was a part of a field before is told in the timeline.
    const before = change && !isNothing(change.from) && change.path === `/${field}` && h("s", fieldText(field, change.from, currency));
    const value = field === "status" ? badge(`status.${order.status}`) : [field === "account" && glyph(order.account), fieldText(field, order[field], currency)];
    return h(change ? "div.changed" : "div", h("dt", t(`field.${field}`)), h("dd", before, h("span", value), change && h("em", `◆ ${t("order.changed")}`)));
  });
  return h("dl", rows);
}
