"""Asks other libraries what lotse-calendar answered, and says where they differ and why.

    answers SEED COUNT | compare.py

Every difference must belong to a class of README.md; one that does not makes this fail. A class is
a sentence about the case that is checked here, and where possible the other library's very answer
is derived from it.
"""

import collections
import datetime as dt
import json
import sys
import zoneinfo

import businesstimedelta
import pandas
import pytz
import workclock

UTC = dt.timezone.utc
EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)
#: How many examples of each class are printed.
EXAMPLES = 1


def instant(seconds):
    return EPOCH + dt.timedelta(seconds=seconds)


def seconds(at):
    return int((at - EPOCH).total_seconds())


def time(of_day):
    of_day %= 86_400
    return dt.time(of_day // 3600, of_day // 60 % 60, of_day % 60)


def dates(case):
    return [dt.date.fromisoformat(date) for date in case["holidays"]]


class Workclock:
    """Rust, zones from jiff: shares our zone rules, not our arithmetic."""

    name = "workclock"

    def __init__(self, case):
        rules = [workclock.WorkDay(*map(time, case["shift"]), case["days"])]
        if case["pause"]:
            rules.append(workclock.Break(*map(time, case["pause"]), case["days"]))
        if case["holidays"]:
            rules.append(workclock.Holidays(dates(case)))
        self.schedule = workclock.Schedule(rules, time_zone=case["zone"])

    def elapsed(self, case):
        between = self.schedule.between(instant(case["from"]), instant(case["to"]))
        return int(between.total_seconds())

    def due(self, case):
        budget = dt.timedelta(seconds=case["budget"])
        return seconds(self.schedule.add(instant(case["from"]), budget))


class Businesstimedelta:
    """Pure Python, zones from pytz."""

    name = "businesstimedelta"

    def __init__(self, case):
        zone = pytz.timezone(case["zone"])
        rules = [
            businesstimedelta.WorkDayRule(*map(time, case["shift"]), case["days"], tz=zone)
        ]
        if case["pause"]:
            pause = map(time, case["pause"])
            rules.append(businesstimedelta.LunchTimeRule(*pause, case["days"], tz=zone))
        if case["holidays"]:
            # It raises an error past the last holiday, and looks five years ahead for one.
            ahead = instant(case["from"]).date() + dt.timedelta(days=4 * 365)
            rules.append(businesstimedelta.HolidayRule([*dates(case), ahead], tz=zone))
        self.rules = businesstimedelta.Rules(rules, tz=zone)

    def elapsed(self, case):
        between = self.rules.difference(instant(case["from"]), instant(case["to"]))
        return int(between.timedelta.total_seconds())

    def due(self, case):
        budget = businesstimedelta.BusinessTimeDelta(self.rules, seconds=case["budget"])
        return seconds(instant(case["from"]) + budget)


class Pandas:
    """CustomBusinessHour: whole hours, due times only."""

    name = "pandas"

    def __init__(self, case):
        parts = [case["shift"]]
        if case["pause"]:
            parts = [(case["shift"][0], case["pause"][0]), (case["pause"][1], case["shift"][1])]
        self.hours = {
            "start": [time(start).strftime("%H:%M") for start, _ in parts],
            "end": [time(end).strftime("%H:%M") for _, end in parts],
            "weekmask": "".join("1" if day in case["days"] else "0" for day in range(7)),
            "holidays": case["holidays"],
        }

    def elapsed(self, case):
        return None

    def due(self, case):
        if case["budget"] % 3600 or not case["budget"]:
            return None
        offset = pandas.offsets.CustomBusinessHour(case["budget"] // 3600, **self.hours)
        start = pandas.Timestamp(instant(case["from"])).tz_convert(case["zone"])
        return int((start + offset).timestamp())

    def contradicts_itself(self, case):
        """Whether more hours end earlier, or fewer later."""
        budget = case["budget"]
        around = range(max(3600, budget - 24 * 3600), budget + 24 * 3600, 3600)
        ends = [ask(Pandas, {**case, "budget": other}, "due") for other in around]
        ends = [end for end in ends if isinstance(end, int)]
        return ends != sorted(ends)


def explain(oracle, case, what, theirs):
    """The class of a difference, or None."""
    night = case["kind"] == "night"
    if oracle is Workclock and night and theirs == case["resumed"][what]:
        return "a night shift of a holiday is there from midnight on"
    if oracle is Businesstimedelta:
        if what == "due" and case["budget"] == 0 and theirs == case["next_open"]:
            return "no budget is used up at the next opening"
        if night:
            return "night shifts are not counted past midnight"
        if case["clock_change"]:
            return "clock change"
    if oracle is Pandas:
        if theirs == case["next_open"]:
            return "what ends at closing time ends at the next opening"
        if night and theirs in case["whole"]:
            return "a night shift goes on into a holiday"
        if case["clock_change"] and theirs in case["wall"]:
            return "hours are those on the wall across a clock change"
        if case["clock_change"] and isinstance(theirs, ValueError):
            return "raises an error at a time that comes twice"
        if night and Pandas(case).contradicts_itself(case):
            return "night shifts: more hours end earlier than fewer"
    return None


def ask(oracle, case, what):
    try:
        return getattr(oracle(case), what)(case)
    except Exception as error:  # An oracle that fails has given its answer.
        return error


def main():
    oracles = [Workclock, Businesstimedelta, Pandas]
    asked = collections.Counter()
    agreed = collections.Counter()
    classes = collections.defaultdict(list)
    cases = 0
    for line in sys.stdin:
        case = json.loads(line)
        cases += 1
        for oracle in oracles:
            for what in ("elapsed", "due"):
                theirs = ask(oracle, case, what)
                if theirs is None:
                    continue
                asked[oracle.name] += 1
                if theirs == case[what]:
                    agreed[oracle.name] += 1
                else:
                    told = explain(oracle, case, what, theirs)
                    classes[oracle.name, told].append((what, theirs, case))
    print(f"{cases} cases")
    for oracle in oracles:
        print(f"\n{oracle.name}: asked {asked[oracle.name]}, agreed {agreed[oracle.name]}")
        for (name, told), found in sorted(classes.items(), key=lambda one: -len(one[1])):
            if name == oracle.name:
                print(f"  {len(found):6} {told or 'NOT EXPLAINED'}")
                for what, theirs, case in found[:EXAMPLES if told else 20]:
                    print(f"         {what}: theirs {theirs!r}, {json.dumps(case)}")
    unexplained = [found for (_, told), found in classes.items() if told is None]
    sys.exit(bool(unexplained) or not cases)


main()
