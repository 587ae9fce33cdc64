// The live queue. A row's colour runs from green to red with its heat; idle time and the clock's
// share stand beside it in figures, so that colour is never the only sign.

import { byId, element, fit, keep, say } from "./dom.js";
import { ABSENT, percent, short } from "./format.js";
import { metricName } from "./metrics.js";
import type { Clock, Queue, Ticket } from "./snapshot.js";

const CELLS = ["number", "subject", "language", "channel", "span", "span", "clock", "assignee"];

function makeRow(): HTMLElement {
  const row = element("tr", "");
  for (const name of CELLS) row.append(element("td", name));
  const clock = row.querySelector(".clock");
  clock?.append(element("b", ""), " ", element("span", ""));
  return row;
}

function due(clock: Clock): string {
  const name = metricName(clock.metric);
  if (clock.left === null) return name;
  return clock.left < 0 || clock.share >= 1
    ? `${name} ${short(Math.abs(clock.left))} late`
    : `${name} ${short(clock.left)} left`;
}

function updateRow(row: HTMLElement, ticket: Ticket): void {
  const [number, subject, language, channel, age, idle, clock, assignee] = row.children;
  if (!number || !subject || !language || !channel || !age || !idle || !clock || !assignee) return;
  row.style.setProperty("--heat", ticket.heat.toFixed(3));
  row.dataset["late"] = String((ticket.clock?.share ?? 0) >= 1);
  row.dataset["priority"] = ticket.priority;
  say(number, `${ticket.priority === "urgent" ? "! " : ""}${ticket.number}`);
  number.setAttribute("title", `${ticket.id}, priority ${ticket.priority}`);
  say(subject, ticket.subject);
  subject.setAttribute("title", ticket.subject);
  subject.setAttribute("dir", "auto");
  say(language, ticket.language || ABSENT);
  say(channel, ticket.channel || ABSENT);
  say(age, short(ticket.age));
  say(idle, short(ticket.idle));
  const [share, left] = clock.children;
  if (share && left) {
    say(share, ticket.clock ? percent(ticket.clock.share) : ABSENT);
    say(left, ticket.clock ? due(ticket.clock) : "no clock");
  }
  say(assignee, ticket.assignee ?? "nobody");
  assignee.classList.toggle("nobody", ticket.assignee === null);
  assignee.setAttribute("title", ticket.group ?? "no group");
}

/** Shows the queue, or that it is not known. */
export function showQueue(queue: Queue | null): void {
  const body = byId("queue");
  const tickets = queue?.tickets ?? [];
  keep(body, tickets, (ticket) => ticket.id, makeRow, updateRow);
  const table = body.closest("table");
  if (table) table.hidden = tickets.length === 0;
  byId("queue-empty").hidden = queue === null || tickets.length > 0;
  const panel = body.closest(".panel");
  const shown = tickets.length - (panel === null ? 0 : fit(body, panel));
  say(byId("queue-summary"), queue === null ? ABSENT : summary(queue, shown));
}

function summary(queue: Queue, shown: number): string {
  const open = `${queue.open}${queue.more ? "+" : ""} open`;
  const below = queue.open > shown && shown > 0 ? `, the most urgent ${shown} shown` : "";
  return `${open}${below} · ${queue.overdue} overdue`;
}
