// Elements and formats. Text enters the page as text nodes only: nothing that a channel sends can become markup.

import { t } from "./words.js";

/** An element: `tag.class`, attributes and listeners (`onclick`) if any, children. Null and false are left out. */
export function h(name, ...rest) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  element.classList.add(...classes);
  const props = rest[0]?.constructor === Object ? rest.shift() : {};
  for (const [key, value] of Object.entries(props)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value != null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  return put(element, rest);
}

/** Children in the place of all that was there. */
export function put(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}

/** Business days are those of Shanghai, whose clock has no summer time. */
const AHEAD_MS = 8 * 3_600_000;
/** `2026-01-30 18:01:59.852`, Beijing time. */
export const exact = (iso) => new Date(Date.parse(iso) + AHEAD_MS).toISOString().replace("T", " ").slice(0, 23);
export const clock = (iso) => exact(iso).slice(11, 19);
export const stamp = (iso) => exact(iso).slice(5, 19);
export const day = (iso) => exact(iso).slice(0, 10);
/** When the business day of an instant began. */
export const midnight = (iso) => new Date(Date.parse(`${day(iso)}T00:00:00Z`) - AHEAD_MS).toISOString();

const UNITS = { d: 86_400_000, h: 3_600_000, min: 60_000, s: 1_000, ms: 1 };
export function span(ms) {
  const [unit, length] = Object.entries(UNITS).find(([, length]) => ms >= length) ?? ["ms", 1];
  return `${Number((ms / length).toFixed(ms / length < 10 ? 1 : 0))} ${unit}`;
}

/** `¥1,234.56`; other currencies carry their code. */
export function money(minor, currency = "CNY") {
  const digits = currency === "JPY" ? 0 : 2;
  const text = Math.abs(minor / 10 ** digits).toLocaleString("en-US", { minimumFractionDigits: digits });
  return (minor < 0 ? "-" : "") + (currency === "CNY" ? "¥" : `${currency} `) + text;
}
export const count = (n) => n.toLocaleString("en-US");

export const notice = (title, advice, ...more) => h("div.notice", { role: "status" }, h("strong", title), advice && h("p", advice), more);

export const failed = (problem, again) => notice(`× ${problem.message}`, problem.detail, again && button(t("error.again"), again));

export const button = (text, onclick, props) => h("button", { type: "button", onclick, ...props }, text);
export const heading = (text, ...more) => h("div.heading", h("h1", { tabindex: "-1" }, text), more);
export const loading = () => h("p.muted", t("page.loading"));
