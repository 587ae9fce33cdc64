// The latest transfers and escalations, in one slim line.

import { byId, element, fit, keep, say } from "./dom.js";
import { capital, short } from "./format.js";
import type { Happening } from "./snapshot.js";

function words(it: Happening): string {
  const ticket = it.number === null ? "a ticket" : `#${it.number}`;
  const way = it.from && it.to ? ` from ${it.from} to ${it.to}` : it.to ? ` to ${it.to}` : "";
  const what = it.kind === "transfer" ? "transferred" : "escalated";
  const why = it.reason ? ` (${it.reason})` : "";
  return `${capital(ticket)} ${what}${way}${why} · ${it.age < 2 ? "now" : `${short(it.age)} ago`}`;
}

/** Shows what fits of it; the newest comes first. */
export function showTicker(ticker: Happening[]): void {
  const list = byId("ticker");
  const shown = ticker.slice(0, 4);
  keep(
    list,
    shown,
    (_, index) => String(index),
    () => element("li", ""),
    (item, happening) => {
      item.dataset["kind"] = happening.kind;
      say(item, words(happening));
    },
  );
  if (shown.length === 0) {
    list.replaceChildren(element("li", "quiet", "No transfers or escalations since you look."));
  } else {
    list.querySelector(".quiet")?.remove();
    fit(list, list);
  }
}
