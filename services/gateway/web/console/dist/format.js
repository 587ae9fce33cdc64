// Figures as people read them. What is absent is a dash, never a zero.
export const ABSENT = "–";
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** A span in seconds in its two largest units at most: `45 s`, `12 min`, `3 h 05`, `2 d 4 h`. */
export function span(seconds) {
    const whole = Math.max(0, Math.floor(seconds));
    if (whole < MINUTE)
        return `${whole} s`;
    if (whole < HOUR)
        return `${Math.floor(whole / MINUTE)} min`;
    if (whole < DAY) {
        const minutes = Math.floor((whole % HOUR) / MINUTE);
        return `${Math.floor(whole / HOUR)} h ${String(minutes).padStart(2, "0")}`;
    }
    const hours = Math.floor((whole % DAY) / HOUR);
    return hours === 0 ? `${Math.floor(whole / DAY)} d` : `${Math.floor(whole / DAY)} d ${hours} h`;
}
/** A span in seconds as short as it can be told: `45s`, `12m`, `3h05`, `2d4h`, `15d`. */
export function short(seconds) {
    const whole = Math.max(0, Math.floor(seconds));
    if (whole < MINUTE)
        return `${whole}s`;
    if (whole < HOUR)
        return `${Math.floor(whole / MINUTE)}m`;
    if (whole < DAY) {
        const minutes = Math.floor((whole % HOUR) / MINUTE);
        return `${Math.floor(whole / HOUR)}h${String(minutes).padStart(2, "0")}`;
    }
    const days = Math.floor(whole / DAY);
    return days < 10 ? `${days}d${Math.floor((whole % DAY) / HOUR)}h` : `${days}d`;
}
/** A span in seconds that may be absent. */
export function spanOr(seconds) {
    return seconds === null ? ABSENT : span(seconds);
}
/** A share from 0 to 1 in percent. */
export function percent(share) {
    return share === null ? ABSENT : `${Math.round(share * 100)} %`;
}
/** A net promoter score, -1 to 1, as the field writes it: from -100 to 100, with its sign. */
export function net(score) {
    if (score === null)
        return ABSENT;
    const points = Math.round(score * 100);
    if (points === 0)
        return "0";
    return points > 0 ? `+${points}` : `−${-points}`;
}
/** A count that may be absent. */
export function count(value) {
    return value === null ? ABSENT : value.toLocaleString("en-GB");
}
/** A load with one digit after the point where it has one. */
export function load(value) {
    return String(Math.round(value * 10) / 10);
}
/** A word as it begins a sentence. */
export function capital(text) {
    return text.charAt(0).toUpperCase() + text.slice(1);
}
