// The figures at the top: each with what it rests on.
import { byId, element, keep, say } from "./dom.js";
import { count, net, percent, span, spanOr } from "./format.js";
function n(figure) {
    return figure && figure.n > 0 ? `n ${count(figure.n)}` : "no data";
}
function share(name, full, figure) {
    const value = percent(figure?.value ?? null);
    const rest = figure?.provisional ? `${n(figure)}, so far` : n(figure);
    return { name, full, value, rest };
}
function score(scores, kind, full) {
    const found = scores?.find((score) => score.kind === kind);
    const value = kind === "nps" ? net(found?.value ?? null) : percent(found?.value ?? null);
    const rest = found && found.n > 0 ? `n ${count(found.n)}` : "no data";
    return { name: kind.toUpperCase(), full, value, rest };
}
function tiles({ kpis, scores, team }) {
    const k = kpis ?? undefined;
    const replied = k?.first_reply;
    const solved = k?.resolution;
    return [
        {
            name: "Opened · solved",
            full: "Tickets opened and solved since midnight",
            value: `${count(k?.created.value ?? null)} · ${count(k?.solved.value ?? null)}`,
            rest: "today",
        },
        {
            name: "Unassigned",
            full: "Tickets that nobody has",
            value: count(team?.unassigned ?? null),
            rest: "now",
        },
        {
            name: "Backlog",
            full: "Unsolved tickets",
            value: count(k?.backlog.value ?? null),
            rest: "unsolved",
        },
        {
            name: "First reply",
            full: "Median time from creation to the first human reply, last 24 hours",
            value: spanOr(replied?.p50 ?? null),
            rest: replied?.p90 != null ? `p90 ${span(replied.p90)}` : "no data",
        },
        {
            name: "Resolution",
            full: "Median time from creation to the solution, last 24 hours",
            value: spanOr(solved?.p50 ?? null),
            rest: solved?.p50 != null ? `median, ${n(solved)}` : "no data",
        },
        share("First contact", "Share solved at the first contact, last 24 hours", k?.first_contact),
        share("SLA kept", "Share of SLA clocks met, last 24 hours", k?.sla),
        share("Transferred", "Share of tickets transferred, last 24 hours", k?.transfers),
        share("Escalated", "Share of tickets escalated, last 24 hours", k?.escalations),
        score(scores, "csat", "Satisfaction: share of 4 and 5 of 5, last 30 days"),
        score(scores, "ces", "Made it easy: share of 5 to 7 of 7, last 30 days"),
        score(scores, "nps", "Promoters less detractors, last 30 days"),
    ];
}
function makeTile() {
    return element("div", "tile", element("span", "name"), element("strong", "value"), element("span", "rest"));
}
function updateTile(tile, { name, full, value, rest }) {
    tile.title = full;
    const [first, second, third] = tile.querySelectorAll(".name, .value, .rest");
    if (!first || !second || !third)
        return;
    say(first, name);
    say(second, value);
    say(third, rest);
}
/** Shows the figures; what is not known is a dash. */
export function showTiles(figures) {
    keep(byId("tiles"), tiles(figures), (tile) => tile.name, makeTile, updateTile);
}
