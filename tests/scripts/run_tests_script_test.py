"""scripts/run-tests.py: counts single cases, and never takes silence for success."""

import pathlib
import subprocess
import tempfile
import unittest

import case_report

SCRIPT = pathlib.Path(__file__).parents[2] / "scripts" / "run-tests.py"


def gtest_report(*cases):
    """A report as GoogleTest writes it; a case is (name, passed | failed | skipped | notrun)."""
    lines = ['<?xml version="1.0"?><testsuites><testsuite name="S">']
    for name, outcome in cases:
        status = "notrun" if outcome == "notrun" else "run"
        result = {"skipped": "skipped", "notrun": "suppressed"}.get(outcome, "completed")
        inner = {"failed": "<failure message='no'/>", "skipped": "<skipped message='why'/>"}
        lines.append(f'<testcase name="{name}" classname="S" status="{status}" result="{result}">'
                     f'{inner.get(outcome, "")}</testcase>')
    return "".join(lines + ["</testsuite></testsuites>"])


class RunTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build = pathlib.Path(folder.name)
        self.programs = []

    def program(self, name, status=0, report=None, end=None):
        """A test program that leaves `report` and exits with `status`, or ends by `end`."""
        source = self.build / f"{name}.xml.in"
        lines = ["#!/bin/sh"]
        if report is not None:
            source.write_text(report)
            lines.append(f"cp {source} {self.build}/test-results/{name}.xml")
        lines.append(end or f"exit {status}")
        script = self.build / name
        script.write_text("\n".join(lines))
        script.chmod(0o755)
        self.programs.append(f"add_test({name} {script})")

    def run_tests(self, *arguments):
        (self.build / "CTestTestfile.cmake").write_text("\n".join(self.programs))
        done = subprocess.run([SCRIPT, *arguments, self.build], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False)
        return done.returncode, done.stdout.splitlines()

    def test_counts_the_cases_of_all_programs(self):
        self.program("a_test", report=gtest_report(("One", "passed"), ("Two", "passed")))
        self.program("b_test", report=gtest_report(("Three", "passed")))
        status, lines = self.run_tests()
        self.assertEqual((status, lines[-1]), (0, "3 passed, 0 failed"))

    def test_leaves_the_same_line_in_a_file(self):
        self.program("a_test", report=gtest_report(("One", "passed")))
        self.run_tests()
        self.assertEqual((self.build / "test-results" / "summary").read_text(),
                         "1 passed, 0 failed\n")

    def test_names_the_case_that_failed(self):
        self.program("a_test", status=1,
                     report=gtest_report(("One", "passed"), ("Two", "failed")))
        status, lines = self.run_tests()
        self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed"))
        self.assertIn("failed: a_test: S.Two", lines)

    def test_a_program_that_crashes_has_failed(self):
        self.program("a_test", end="kill -SEGV $$")
        self.program("b_test", report=gtest_report(("One", "passed")))
        status, lines = self.run_tests()
        self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed"))

    def test_a_program_that_fails_after_its_cases_has_failed(self):
        self.program("a_test", status=23, report=gtest_report(("One", "passed")))
        status, lines = self.run_tests()
        self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed"))

    def test_a_program_that_is_not_built_has_failed(self):
        self.programs.append(f"add_test(gone_test {self.build}/gone_test)")
        self.program("b_test", report=gtest_report(("One", "passed")))
        status, lines = self.run_tests()
        self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed"))

    def test_a_broken_report_has_failed(self):
        self.program("a_test", report="<testsuites><testcase")
        status, lines = self.run_tests()
        self.assertEqual((status, lines[-1]), (1, "0 passed, 1 failed"))

    def test_a_program_without_a_report_is_one_case(self):
        self.program("a_test")
        status, lines = self.run_tests()
        self.assertEqual((status, lines[-1]), (0, "1 passed, 0 failed"))

    def test_skipped_and_disabled_cases_have_not_passed(self):
        self.program("a_test", report=gtest_report(("One", "passed"), ("Two", "skipped"),
                                                   ("Three", "notrun")))
        status, lines = self.run_tests()
        self.assertEqual((status, lines[-1]), (0, "1 passed, 0 failed"))
        self.assertIn("skipped: a_test: S.Two", lines)

    def test_nothing_that_ran_is_a_failure(self):
        status, lines = self.run_tests()
        self.assertEqual((status, lines[-1]), (1, "0 passed, 0 failed"))

    def test_only_skipped_cases_are_a_failure(self):
        self.program("a_test", report=gtest_report(("One", "skipped")))
        status, lines = self.run_tests()
        self.assertEqual((status, lines[-1]), (1, "0 passed, 0 failed"))

    def test_a_report_of_an_earlier_run_is_not_counted(self):
        (self.build / "test-results").mkdir()
        (self.build / "test-results" / "a_test.xml").write_text(gtest_report(("Old", "passed")))
        self.program("a_test", end="kill -SEGV $$")
        status, lines = self.run_tests()
        self.assertEqual((status, lines[-1]), (1, "0 passed, 1 failed"))

    def test_a_name_chooses_programs(self):
        self.program("a_test", report=gtest_report(("One", "passed")))
        self.program("b_test", report=gtest_report(("Two", "failed")), status=1)
        status, lines = self.run_tests("-R", "^a_")
        self.assertEqual((status, lines[-1]), (0, "1 passed, 0 failed"))


if __name__ == "__main__":
    case_report.main()
