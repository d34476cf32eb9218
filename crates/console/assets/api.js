// Questions to the HTTP interface. The token stays in this tab and travels in a header, never in an address.

import { language, t } from "./words.js";

const KEY = "kami.token";
const TRIES = 4;
const PAUSE_MS = 700;

export const token = () => sessionStorage.getItem(KEY);
export const keepToken = (text) => sessionStorage.setItem(KEY, text);

/** What the server says went wrong, or that it could not be reached. */
class Problem extends Error {
  constructor(said) {
    super((language() === "zh" && said.title_zh) || said.title || said.code);
    Object.assign(this, said);
  }
}

/** The response to one request, where it is good. */
export async function ask(path, { body, signal, bearer = token() } = {}) {
  const headers = { authorization: `Bearer ${bearer}`, ...(body && { "content-type": "application/json" }) };
  const request = { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal };
  const response = await fetch(path, request).catch(() => {
    throw new Problem({ code: "offline", title: t("error.offline"), detail: t("error.see"), retryable: true });
  });
  if (response.ok) return response;
  if (response.status === 401) dispatchEvent(new Event("signed-out"));
  throw new Problem(await response.json().catch(() => ({ code: `HTTP ${response.status}` })));
}

/** The JSON of an answer. Asks again a few times where that may help. */
export async function get(path, options) {
  for (let tries = 1; ; tries++) {
    try {
      return await (await ask(path, options)).json();
    } catch (problem) {
      if (!problem.retryable || tries === TRIES) throw problem;
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
  }
}

export function query(params) {
  const set = Object.entries(params).filter(([, value]) => value);
  return set.length ? `?${new URLSearchParams(set)}` : "";
}

/** All pages of a list up to a bound; `whole` says whether that was all. */
export async function pages(path, params, member, most, cursor) {
  const all = [];
  for (let next = null; ;) {
    const page = await get(path + query({ ...params, [cursor]: next }));
    all.push(...page[member]);
    next = page.next;
    if (!next || all.length >= most) return { all, whole: !next };
  }
}
