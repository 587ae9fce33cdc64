// What requesters said last, good and bad, with the running score.
import { byId, element, fit, keep, say } from "./dom.js";
import { ABSENT, net, percent, short } from "./format.js";
const WORDS = { good: "good", fair: "fair", bad: "bad" };
function makeAnswer() {
    const line = element("span", "line", element("b", "score"), element("span", "about"));
    return element("li", "", line, element("q", "comment"));
}
function updateAnswer(item, answer) {
    item.dataset["verdict"] = answer.verdict;
    const score = item.querySelector(".score");
    const about = item.querySelector(".about");
    const comment = item.querySelector(".comment");
    if (!score || !about || !comment)
        return;
    say(score, `${answer.kind.toUpperCase()} ${answer.score}/${answer.max} ${WORDS[answer.verdict]}`);
    const parts = [
        answer.number === null ? "" : `#${answer.number}`,
        `${short(answer.age)} ago`,
    ];
    say(about, parts.filter((part) => part !== "").join(" · "));
    say(comment, answer.comment);
    comment.hidden = answer.comment === "";
    comment.dir = "auto";
    comment.title = answer.comment;
}
/** Shows the answers, or that they are not known. */
export function showAnswers(answers, scores) {
    const list = byId("answers");
    const key = (answer, index) => `${answer.kind} ${answer.number ?? `without ticket ${index}`} ${answer.score}`;
    keep(list, answers ?? [], key, makeAnswer, updateAnswer);
    byId("answers-empty").hidden = answers === null || answers.length > 0;
    const panel = list.closest(".panel");
    if (panel)
        fit(list, panel);
    const csat = scores?.find((score) => score.kind === "csat");
    const nps = scores?.find((score) => score.kind === "nps");
    const running = [
        csat && csat.n > 0 ? `CSAT ${percent(csat.value)}` : "",
        nps && nps.n > 0 ? `NPS ${net(nps.value)}` : "",
    ];
    say(byId("answers-summary"), running.filter((part) => part !== "").join(" · ") || ABSENT);
}
