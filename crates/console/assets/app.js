// The frame: sign-in, navigation, language, and which page an address shows. The console only reads.

import { get, keepToken, token } from "./api.js";
import { button, failed, h, put } from "./dom.js";
import { inbox, orders } from "./lists.js";
import { Live } from "./live.js";
import { order } from "./order.js";
import { overview } from "./overview.js";
import { learn } from "./shop.js";
import { stock } from "./stock.js";
import { language, setLanguage, t } from "./words.js";

const PAGES = { overview, stock, orders, order, inbox };
const RAIL = ["overview", "stock", "orders", "inbox"];

let [live, page] = [null, null];

function languageButton() {
  const [other, lang, text] = language() === "zh" ? ["en", "en", "English"] : ["zh", "zh-CN", "中文"];
  return button(text, () => { setLanguage(other); start(); }, { lang });
}
const brand = () => h("div.brand", "Kami ", h("span", { lang: "zh-CN" }, "卡密中台"));

function signIn(why) {
  stop();
  const input = h("input", { type: "password", id: "token", autocomplete: "off", required: true });
  const says = h("div", { role: "alert" }, why && t(why));
  async function onsubmit(event) {
    event.preventDefault();
    try {
      const bearer = input.value.trim();
      await get("/v1/channels", { bearer });
      keepToken(bearer);
      start();
    } catch (problem) {
      put(says, problem.code === "unauthorized" ? t("sign.wrong") : failed(problem));
      input.select();
    }
  }
  put(document.body, h("main.sign-in", h("form.card", { onsubmit }, brand(), h("h1", t("sign.title")), says,
    h("label", { for: "token" }, t("sign.token")), input, h("button.primary", t("sign.title")),
    h("p.muted", t("sign.where")), languageButton())));
  input.focus();
}

function leave(why) {
  keepToken("");
  signIn(why);
}

function stop() {
  page?.close?.();
  live?.stop();
  [page, live] = [null, null];
}

async function start() {
  stop();
  document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
  if (!token()) return signIn();
  try {
    await learn();
  } catch (problem) {
    return token() && put(document.body, h("main", failed(problem, start)));
  }
  live = new Live();
  const state = h("span", { role: "status" });
  const main = h("main");
  const tell = () => put(state, h("span", { "aria-hidden": "true" }, live.state === "live" ? "● " : "○ "), t(`live.${live.state}`));
  live.subscribe((batch) => batch.length || tell());
  tell();
  put(document.body, h("header", brand(), h("nav", RAIL.map((name) => h("a", { href: `#/${name}` }, t(`nav.${name}`)))),
      h("div.tools", state, h("span.muted.zone", t("page.zone")), languageButton(), button(t("sign.out"), () => leave()))),
    main);
  live.start().catch((problem) => put(state, problem.message));
  open();
}

/** Shows the page that the address names: `#/order/<id>?at=12` is page, path and query. */
function open() {
  page?.close?.();
  const [path, search] = location.hash.slice(2).split("?");
  const [wanted, ...rest] = path.split("/");
  const name = Object.hasOwn(PAGES, wanted) ? wanted : "overview";
  page = PAGES[name]({ live, path: rest.map(decodeURIComponent).join("/"), query: new URLSearchParams(search) });
  put(document.querySelector("main"), page.node);
  const current = name === "order" ? "orders" : name;
  RAIL.forEach((name, n) => document.querySelectorAll("nav a")[n].setAttribute("aria-current", name === current));
  scrollTo(0, 0);
}

addEventListener("hashchange", () => {
  if (!live) return;
  open();
  document.querySelector("h1")?.focus({ preventScroll: true });
});
addEventListener("signed-out", () => token() && leave("sign.ended"));
start();
