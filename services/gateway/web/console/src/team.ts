// Who works, and how much they hold: the busiest first, so that those who do not fit are free.

import { byId, element, fit, keep, say } from "./dom.js";
import { ABSENT, load } from "./format.js";
import type { Agent, Team } from "./snapshot.js";

const ORDER = { online: 0, away: 1, "not responding": 2, offline: 3 };

function makeAgent(): HTMLElement {
  const bar = element("span", "bar", element("span", "fill"));
  bar.setAttribute("aria-hidden", "true");
  return element("li", "", element("span", "name"), bar, element("span", "load"));
}

function loadShare({ load, capacity }: Agent): number {
  if (capacity > 0) return load / capacity;
  return load > 0 ? 1 : 0;
}

/** What is out of the ordinary about an agent, in a word or two. */
function momentary({ presence, offered }: Agent): string {
  if (presence === "not responding") return "silent ";
  if (presence !== "online") return `${presence} `;
  return offered > 0 ? `${offered} asked ` : "";
}

function updateAgent(item: HTMLElement, agent: Agent): void {
  item.dataset["presence"] = agent.presence;
  const share = loadShare(agent);
  item.style.setProperty("--share", Math.min(share, 1).toFixed(3));
  item.dataset["full"] = String(share >= 1);
  const [name, held] = item.querySelectorAll(".name, .load");
  if (!name || !held) return;
  item.title = `${agent.name}, ${agent.presence}`;
  say(name, agent.name);
  say(held, `${momentary(agent)}${load(agent.load)}/${agent.capacity}`);
}

/** Shows the team, or that it is not known. */
export function showTeam(team: Team | null): void {
  const list = byId("team");
  const agents = [...(team?.agents ?? [])].sort(
    (a, b) =>
      ORDER[a.presence] - ORDER[b.presence] ||
      loadShare(b) - loadShare(a) ||
      a.name.localeCompare(b.name),
  );
  keep(list, agents, (agent) => agent.name, makeAgent, updateAgent);
  const panel = list.closest(".panel");
  const hidden = panel === null ? 0 : fit(list, panel);
  const summary = byId("team-summary");
  if (team === null) {
    say(summary, ABSENT);
    return;
  }
  const online = agents.filter((agent) => agent.presence === "online").length;
  const more = hidden > 0 ? ` · ${hidden} more` : "";
  say(summary, `${online} of ${agents.length} online${more}`);
}
