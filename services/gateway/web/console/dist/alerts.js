// Open alerts: whose ticket, how late, who was told when, and who takes care. The panel is there
// only while there is an alert.
import { byId, element, fit, keep, say } from "./dom.js";
import { ABSENT, short } from "./format.js";
import { metricName } from "./metrics.js";
function makeAlert() {
    const ticket = element("span", "ticket", element("b", ""), " ", element("span", "subject"));
    const told = element("span", "told");
    return element("li", "", ticket, element("span", "late"), element("b", "level"), told);
}
/** What is wrong: `idle 2h14 late`, or `reply at 75 %` for a warning. */
function what(alert) {
    const name = metricName(alert.metric);
    return alert.late === null
        ? `${name} at ${alert.percent} %`
        : `${name} ${short(alert.late)} late`;
}
/** Who was told, in order: `Ana 18m → Ben 3m ago`; empty for nobody yet. */
function chain(told) {
    const one = ({ names, age }) => `${names.join(", ") || "nobody"} ${short(age)}`;
    return told.length === 0 ? "" : `${told.map(one).join(" → ")} ago`;
}
/** How it goes on: who takes care, else who was told, in order. */
function story(alert) {
    const told = chain(alert.told);
    if (alert.acknowledged_by !== null)
        return `taken by ${alert.acknowledged_by} · ${told}`;
    if (alert.held)
        return told === "" ? "until support hours" : `${told} → until support hours`;
    return told === "" ? "nobody told yet" : told;
}
function updateAlert(item, alert) {
    const [ticket, late, level, told] = item.children;
    const [number, subject] = ticket?.children ?? [];
    if (!number || !subject || !late || !level || !told)
        return;
    item.dataset["taken"] = String(alert.acknowledged_by !== null);
    say(number, alert.number === null ? ABSENT : `#${alert.number}`);
    say(subject, alert.subject ?? "");
    subject.setAttribute("title", alert.subject ?? "");
    subject.setAttribute("dir", "auto");
    say(late, what(alert));
    say(level, `level ${alert.level}`);
    say(told, story(alert));
    told.setAttribute("title", story(alert));
}
/** Shows the open alerts; nothing when there are none, or when they are not known. */
export function showAlerts(alerts) {
    const list = byId("alerts");
    const panel = list.closest(".panel");
    if (panel === null)
        return;
    const open = alerts?.open ?? [];
    panel.hidden = open.length === 0;
    keep(list, open, (alert) => alert.id, makeAlert, updateAlert);
    const hidden = fit(list, panel) + (alerts?.more ?? 0);
    const taken = open.filter((alert) => alert.acknowledged_by !== null).length;
    const all = open.length + (alerts?.more ?? 0);
    const more = hidden > 0 ? ` · ${hidden} more` : "";
    say(byId("alerts-summary"), `${all} open · ${taken} taken${more}`);
}
