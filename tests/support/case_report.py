"""Runs the unittest cases of the calling file and leaves a JUnit report of them, so that
scripts/run-tests.py counts cases and not files. Use `case_report.main()` for `unittest.main()`;
the report goes where KHRONOS_TEST_REPORT says (khronos_python_test in CMake sets it)."""

import os
import sys
import unittest
import xml.etree.ElementTree as ElementTree


class _Result(unittest.TextTestResult):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.cases = {}  # id -> (test, outcome, text)

    def _note(self, test, outcome, text=""):
        known = self.cases.get(test.id())
        if known is None or known[1] == "passed":  # a failed subtest stays failed
            self.cases[test.id()] = (test, outcome, text)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._note(test, "passed")

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self._note(test, "passed")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self._note(test, "failure", "was expected to fail")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._note(test, "failure", self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self._note(test, "failure", self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._note(test, "skipped", reason)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._note(test, "failure", f"{subtest}: {err[1]}")


def _write(path, cases):
    suite = ElementTree.Element("testsuite")
    for test, outcome, text in cases:
        case = ElementTree.SubElement(suite, "testcase", classname=type(test).__name__,
                                      name=test.id().rsplit(".", 1)[-1])
        if outcome != "passed":
            ElementTree.SubElement(case, outcome).text = text
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def main():
    program = unittest.main(
        exit=False, testRunner=unittest.TextTestRunner(resultclass=_Result, verbosity=1))
    report = os.environ.get("KHRONOS_TEST_REPORT")
    if report:
        _write(report, program.result.cases.values())
    # A file in which nothing ran has tested nothing.
    sys.exit(0 if program.result.wasSuccessful() and program.result.testsRun else 1)
