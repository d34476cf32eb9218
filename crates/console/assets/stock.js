// What each account may sell of each SKU now.

import { ask, get, query } from "./api.js";
import { count, failed, h, heading, loading, notice, put } from "./dom.js";
import { glyph, known, nameOf, selling } from "./shop.js";
import { t } from "./words.js";

const ROWS = 10_000;
const REFRESH_MS = 3_000;
/** A cell with so few units or fewer says that it is nearly sold out. */
const FEW = 5;

export function stock({ live }) {
  const board = h("div.scroll.card", { role: "region", tabindex: 0, "aria-label": t("nav.stock") }, loading());
  const [says, asOf] = [h("p.explain", { role: "status" }, t("stock.legend", { few: FEW })), h("span.muted")];
  let [timer, shown] = [null, null];

  async function load() {
    shown = live.last;
    try {
      const [{ skus }, stocks, quotas] = await Promise.all([get("/v1/skus"), view("ops_stock"), view("quota_row")]);
      put(asOf, t("stock.as_of", { pos: count(quotas.position) }));
      put(board, skus.length ? matrix(skus, stocks.rows, quotas.rows, says) : notice(t("page.empty"), t("stock.advice")));
    } catch (problem) {
      put(board, failed(problem, load));
    }
  }
  load();
  const unsubscribe = live.subscribe(() => {
    if (timer || live.last === shown) return;
    // A busy shop changes all the time: it is read again only now and then, and not under a reader's pointer.
    timer = setTimeout(() => {
      timer = null;
      if (!board.querySelector("td:hover, a:focus")) load();
    }, REFRESH_MS);
  });
  return { node: h("div.page", heading(t("nav.stock"), asOf), says, board), close: () => { clearTimeout(timer); unsubscribe(); } };
}

async function view(name) {
  const response = await ask(`/v1/views/${name}?limit=${ROWS}`);
  return { position: Number(response.headers.get("x-as-of-pos")), rows: (await response.json()).rows };
}

function matrix(skus, stocks, quotas, says) {
  const wanted = new Set([...selling(), ...quotas].map(({ channel }) => channel));
  const accounts = known().map(({ channel }) => channel).filter((account) => wanted.has(account));
  const head = ["SKU", t("stock.sellable"), ...accounts.map((account) => [glyph(account), nameOf(account)])];
  const rows = skus.map(({ sku, name }) => {
    const { sellable_count = 0, shared_count = 0, ...aside } = stocks.find((row) => row.sku === sku) ?? {};
    const quotaOf = (account) => quotas.find((row) => row.sku === sku && row.channel === account);
    return h("tr", h("th", { scope: "row" }, sku, h("small", name)),
      h("td", figure(sellable_count), ["reserved", "quarantined"].map((kind) => aside[`${kind}_count`] > 0 && h("small", t(`stock.${kind}`, { n: aside[`${kind}_count`] })))),
      accounts.map((account) => cell(sku, account, quotaOf(account), shared_count, says)));
  });
  return h("table", h("thead", h("tr", head.map((text) => h("th", { scope: "col" }, text)))), h("tbody", rows));
}

/** One account's cell: a link to its orders, and a sentence for whoever points at it or focuses it. */
function cell(sku, account, quota, shared, says) {
  const { available_count: n = shared, floor_left_count: floor, cap_left_count: cap, sold_count: sold = 0, held_count: held = 0 } = quota ?? {};
  const notes = [quota?.is_set ? t("stock.floor", { n: floor }) : t("stock.shared"), cap != null && t("stock.cap", { n: cap }),
    t("stock.sold", { n: sold }), held > 0 && t("stock.held", { n: held })].filter(Boolean).join(" · ");
  const sentence = t("stock.say", { account: nameOf(account), sku, n, notes });
  const say = () => put(says, sentence);
  return h("td", { onpointerenter: say }, h("a", { href: `#/orders${query({ sku, account })}`, onfocus: say, "aria-label": sentence },
    figure(n), h("small", notes)));
}

function figure(n) {
  if (n === 0) return h("strong.muted", `× ${t("stock.none")}`);
  return h(n <= FEW ? "strong.warn" : "strong", n <= FEW && "! ", count(n));
}
