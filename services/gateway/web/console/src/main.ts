// The console: one stream of snapshots, each shown whole.

import { showAlerts } from "./alerts.js";
import { showAnswers } from "./answers.js";
import { byId, say } from "./dom.js";
import { showQueue } from "./queue.js";
import type { Snapshot } from "./snapshot.js";
import { showTeam } from "./team.js";
import { showTicker } from "./ticker.js";
import { showTiles } from "./tiles.js";

/** Without a snapshot for this long the page says that it is old. Snapshots come every second, or
 * every five when the suite is busy. */
const STALE_AFTER_MS = 12_000;

/** A reader who listens is told at most this often. */
const ANNOUNCE_EVERY_MS = 30_000;

let latest: Snapshot | null = null;
let stale: number | undefined;
let announced = { text: "", at: -Infinity };

type State = "live" | "waiting" | "stale";

function setState(state: State, text: string): void {
  const shown = byId("state");
  shown.dataset["state"] = state;
  say(shown, text);
  document.body.dataset["state"] = state;
}

function render(): void {
  if (latest === null) return;
  const snapshot = latest;
  showTiles(snapshot);
  showTeam(snapshot.team);
  showAnswers(snapshot.answers, snapshot.scores);
  showTicker(snapshot.ticker);
  // Before the queue, which has what room they leave.
  showAlerts(snapshot.alerts);
  showQueue(snapshot.queue);
  showClock(snapshot);
  const away = snapshot.away.join(", ");
  say(byId("notice"), away === "" ? "" : `Not answering: ${away}`);
}

function showClock(snapshot: Snapshot): void {
  const at = new Date(snapshot.as_of);
  const clock = byId("clock") as HTMLTimeElement;
  clock.dateTime = at.toISOString();
  const format: Intl.DateTimeFormatOptions = {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    timeZone: snapshot.time_zone,
    timeZoneName: "short",
  };
  say(clock, at.toLocaleString("en-GB", format));
}

function announce(snapshot: Snapshot): void {
  if (snapshot.queue === null) return;
  const { open, overdue } = snapshot.queue;
  const alerts = snapshot.alerts?.open.filter((alert) => alert.acknowledged_by === null) ?? [];
  const waiting = alerts.length === 0 ? "" : `, ${alerts.length} alerts that nobody takes`;
  const text = `${open} tickets open, ${overdue} overdue${waiting}`;
  const now = performance.now();
  if (text !== announced.text && now - announced.at >= ANNOUNCE_EVERY_MS) {
    announced = { text, at: now };
    say(byId("announcer"), text);
  }
}

function follow(): void {
  const events = new EventSource("events");
  events.addEventListener("snapshot", (event: MessageEvent<string>) => {
    latest = JSON.parse(event.data) as Snapshot;
    setState("live", "live");
    window.clearTimeout(stale);
    stale = window.setTimeout(() => setState("stale", "out of date"), STALE_AFTER_MS);
    render();
    announce(latest);
  });
  events.addEventListener("error", () => {
    setState("stale", latest === null ? "connecting" : "reconnecting");
    // A browser gives up on a stream that was refused (too many viewers, a restart behind a
    // proxy); a wall has nobody to reload it.
    if (events.readyState === EventSource.CLOSED) {
      events.close();
      window.setTimeout(follow, 5_000);
    }
  });
}

window.addEventListener("resize", render);
follow();
