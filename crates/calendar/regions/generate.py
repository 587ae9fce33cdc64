#!/usr/bin/env python3
"""Writes regions.txt beside this file: public holidays by country and subdivision.

    python3 -m venv VENV && VENV/bin/pip install --requirement requirements.txt
    VENV/bin/python generate.py

The source is the PyPI package `holidays` (MIT licence, https://github.com/vacanza/holidays): its
category PUBLIC, substitute days included, names in English where it has them. Its tables of the
Hindu calendars end with 2035, and so does this file. Dates of Islamic holidays in years to come
are estimates of the package, and their names say so.

The file, line by line:

    # a comment
    = 0410 0402 0415 …    a series: month and day of each year, `-` for none, `0101+1231` for two;
                          a single one stands for every year. Series count from 0.
    @DE Germany           a country, ISO 3166-1
    12 Good Friday        a holiday: its series and its name
    @DE-BY Bavaria        a subdivision: what it has beside its country's holidays …
    -12 Good Friday       … and what it has not
"""

import pathlib
import warnings

import holidays
from holidays import registry
from holidays.version import __version__ as version

FIRST, LAST = 2020, 2035
YEARS = range(FIRST, LAST + 1)


def days(country, subdivision=None):
    """{(name, date)}"""
    of = holidays.country_holidays(
        country, subdiv=subdivision, years=YEARS, language=language(country)
    )
    return {
        (name.strip(), date)
        for date, names in of.items()
        for name in names.split("; ")
    }


def language(country):
    supported = holidays.country_holidays(country).supported_languages
    return next((known for known in ("en_US", "en_GB") if known in supported), None)


def series(dates):
    """The dates of one holiday as a line."""
    by_year = [
        "+".join(sorted(f"{date:%m%d}" for date in dates if date.year == year)) or "-"
        for year in YEARS
    ]
    return by_year[0] if len(set(by_year)) == 1 else " ".join(by_year)


def by_name(some):
    """[(name, series)], in the order of their first dates."""
    names = {}
    for name, date in sorted(some, key=lambda one: (one[1], one[0])):
        names.setdefault(name, []).append(date)
    return [(name, series(dates)) for name, dates in names.items()]


def main():
    warnings.simplefilter("ignore")
    known, lines = {}, []

    def number(line):
        return known.setdefault(line, len(known))

    countries = holidays.list_supported_countries(include_aliases=False)
    titles = {entry[1]: entry[0] for entry in registry.COUNTRIES.values()}
    for country in sorted(code for code in countries if len(code) == 2):
        own = days(country)
        title = titles[country]
        title = "".join(f" {sign}" if sign.isupper() else sign for sign in title).strip()
        lines.append(f"@{country} {title}".replace("_", " "))
        lines += [f"{number(dates)} {name}" for name, dates in by_name(own)]
        aliases = holidays.country_holidays(country).subdivisions_aliases
        names = {code: name for name, code in reversed(aliases.items())}
        for subdivision in sorted(countries[country]):
            part = days(country, subdivision)
            lines.append(f"@{country}-{subdivision} {names.get(subdivision, '')}".strip())
            lines += [f"{number(dates)} {name}" for name, dates in by_name(part - own)]
            lines += [f"-{number(dates)} {name}" for name, dates in by_name(own - part)]
    out = pathlib.Path(__file__).with_name("regions.txt")
    head = [
        f"# Public holidays {FIRST} to {LAST}, written by generate.py; not to be edited by hand.",
        f"# Source: PyPI holidays {version}, MIT licence, see LICENSE-holidays.",
    ]
    out.write_text("\n".join([*head, *(f"= {line}" for line in known), *lines]) + "\n")


main()
