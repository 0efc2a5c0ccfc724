#!/usr/bin/env python3
"""Runs the tests of a build folder and counts them by case, not by program.

    scripts/run-tests.py [-j N] [-R REGEX] [BUILD-FOLDER]

ctest runs the programs. Each GoogleTest program leaves an XML report with its cases in
BUILD-FOLDER/test-results/NAME.xml; any other program may leave a JUnit one there, and counts as a
single case where it does not. The last line is `N passed, N failed`; the exit status is 0 only if
at least one case ran and none failed. The same line is in BUILD-FOLDER/test-results/summary.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree


def run_ctest(build, results, jobs, regex):
    """Every program with `run`, `fail` or `notrun`, and its output; in ctest's order."""
    report = results / "ctest.junit"
    command = ["ctest", "--test-dir", str(build), "-j", str(jobs), "--output-on-failure",
               "--output-junit", str(report.resolve())]
    if regex:
        command += ["-R", regex]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    if not report.exists():
        return []
    return [(case.get("name"), case.get("status"))
            for case in ElementTree.parse(report).getroot().iter("testcase")]


def cases_of(report):
    """(name, outcome) of each case of a report, outcome being passed, failed or skipped."""
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}.{case.get('name')}".lstrip(".")
        if case.get("status") == "notrun":  # GoogleTest: disabled, or not chosen by a filter
            continue
        if case.find("failure") is not None or case.find("error") is not None:
            yield name, "failed"
        elif case.find("skipped") is not None or case.get("result") == "skipped":
            yield name, "skipped"
        else:
            yield name, "passed"


def count(programs, results):
    """The cases of all programs, with what a program did that its report does not say."""
    for name, status in programs:
        cases, broken = [], None
        report = results / f"{name}.xml"
        if report.exists():
            try:
                cases = list(cases_of(report))
            except ElementTree.ParseError as error:
                broken = f"its report cannot be read: {error}"
        for case, outcome in cases:
            yield f"{name}: {case}", outcome
        if broken:
            yield f"{name}: {broken}", "failed"
        elif status == "fail" and not any(outcome == "failed" for _, outcome in cases):
            yield f"{name}: crashed, timed out, or failed outside of its cases", "failed"
        elif status in ("notrun", "disabled"):
            yield f"{name}: could not be run", "failed"
        elif not report.exists() and status != "fail":
            yield name, "passed"


def main():
    parser = argparse.ArgumentParser(description="run the tests and count them by case")
    parser.add_argument("build", nargs="?", default="build", type=pathlib.Path)
    parser.add_argument("-j", "--jobs", default=1, type=int)
    parser.add_argument("-R", "--regex", help="only the programs whose name matches")
    args = parser.parse_args()

    results = args.build / "test-results"
    shutil.rmtree(results, ignore_errors=True)  # yesterday's reports must not be counted
    results.mkdir(parents=True)
    programs = run_ctest(args.build, results, args.jobs, args.regex)
    cases = list(count(programs, results))

    by_outcome = {"passed": [], "failed": [], "skipped": []}
    for name, outcome in cases:
        by_outcome[outcome].append(name)
    print()
    for outcome in ("skipped", "failed"):
        for name in by_outcome[outcome]:
            print(f"{outcome}: {name}")
    if by_outcome["skipped"]:
        print(f"{len(by_outcome['skipped'])} skipped")
    if not cases:
        print("nothing ran: is the folder built, and with tests?")
    summary = f"{len(by_outcome['passed'])} passed, {len(by_outcome['failed'])} failed"
    (results / "summary").write_text(summary + "\n", encoding="utf-8")
    print(summary, flush=True)
    return 0 if by_outcome["passed"] and not by_outcome["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
