"""scripts/install-deps.sh, with a made-up dpkg, apt and sudo: installs what is missing, nothing
else, and says what to do where it cannot."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import case_report

SCRIPT = pathlib.Path(__file__).parents[2] / "scripts" / "install-deps.sh"
# What the script needs of any system.
TOOLS = ("sh", "awk", "sort", "grep", "mktemp", "rm", "tail", "env", "chmod", "printf", "cat")


class InstallDeps(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.bin = self.root / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        self.calls = self.root / "calls"
        self.calls.touch()
        self.installed = self.root / "installed"
        self.installed.touch()

    def fake(self, name, *lines):
        program = self.bin / name
        program.write_text("\n".join(("#!/bin/sh", *lines)) + "\n")
        program.chmod(0o755)

    def debian(self, installed=(), uid=0, update=0, install=0):
        self.installed.write_text("".join(f"{name} installed\n" for name in installed))
        self.fake("dpkg-query", f"cat {self.installed}")
        self.fake("apt-get", f'echo "apt-get $*" >>{self.calls}', 'case "$*" in',
                  f'*update*) echo "cannot fetch lists"; exit {update} ;;',
                  f'*install*) echo "E: no such package"; exit {install} ;;', "esac")
        self.fake("id", f"echo {uid}")

    def run_script(self, *groups, **environment):
        # policy-rc.d is written where the machine keeps its own: not from a test.
        script = self.root / "install-deps.sh"
        script.write_text(SCRIPT.read_text().replace("/usr/sbin/policy-rc.d",
                                                     f"{self.root}/policy-rc.d"))
        script.chmod(0o755)
        done = subprocess.run([self.bin / "sh", script, *groups], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False,
                              env={"PATH": str(self.bin), "TMPDIR": str(self.root), **environment})
        return done.returncode, done.stderr

    def packages_of(self, *groups):
        """What the script wants, by its own word on a machine without dpkg."""
        for name in ("dpkg-query", "apt-get"):
            (self.bin / name).unlink(missing_ok=True)
        status, said = self.run_script(*groups)
        self.assertEqual(status, 1)
        return said.splitlines()[-1].removeprefix("install-deps: ").split()

    def test_says_and_does_nothing_when_all_is_there(self):
        wanted = self.packages_of("build", "test")
        self.debian(installed=wanted)
        self.assertEqual(self.run_script("build", "test"), (0, ""))
        self.assertEqual(self.calls.read_text(), "")

    def test_installs_exactly_what_is_missing(self):
        wanted = self.packages_of("build")
        self.assertIn("ninja-build", wanted)
        self.debian(installed=[name for name in wanted if name not in ("cmake", "ninja-build")])
        status, said = self.run_script("build")
        self.assertEqual(status, 0)
        self.assertIn("installing cmake ninja-build", said)
        install = self.calls.read_text().splitlines()[-1]
        self.assertTrue(install.endswith("install --no-install-recommends cmake ninja-build"),
                        install)

    def test_a_package_that_was_removed_is_missing(self):
        wanted = self.packages_of("build")
        self.debian(installed=wanted)
        self.installed.write_text(
            self.installed.read_text().replace("cmake installed", "cmake config-files"))
        self.run_script("build")
        self.assertIn(" cmake", self.calls.read_text())

    def test_starts_no_service_and_tidies_up(self):
        self.debian()
        policy = self.root / "policy-rc.d"
        self.fake("apt-get", f"cat {policy} >>{self.calls}")
        self.run_script("test")
        self.assertIn("exit 101", self.calls.read_text())
        self.assertFalse(policy.exists())

    def test_leaves_the_machines_own_policy_alone(self):
        self.debian()
        policy = self.root / "policy-rc.d"
        policy.write_text("the machine's own")
        self.run_script("test")
        self.assertEqual(policy.read_text(), "the machine's own")

    def test_tidies_up_after_a_failure_too(self):
        self.debian(install=100)
        status, said = self.run_script("build")
        self.assertEqual(status, 1)
        self.assertIn("E: no such package", said)
        self.assertFalse((self.root / "policy-rc.d").exists())

    def test_goes_on_with_old_lists(self):
        self.debian(update=100)
        status, said = self.run_script("build")
        self.assertEqual(status, 0)
        self.assertIn("cannot fetch lists", said)

    def test_uses_sudo_without_asking_where_nobody_can_answer(self):
        self.debian(uid=1000)
        self.fake("sudo", f'echo "sudo $*" >>{self.calls}', "shift", 'exec "$@"')
        self.fake("true")
        status, _ = self.run_script("build")
        self.assertEqual(status, 0)
        for line in self.calls.read_text().splitlines():
            if line.startswith("sudo"):
                self.assertTrue(line.startswith("sudo -n "), line)
        self.assertIn("sudo -n env", self.calls.read_text())

    def test_says_what_to_run_when_sudo_refuses(self):
        self.debian(uid=1000)
        self.fake("sudo", "exit 1")
        status, said = self.run_script("build")
        self.assertEqual(status, 1)
        self.assertIn("As root, run: apt-get install -y", said)
        self.assertEqual(self.calls.read_text(), "")

    def test_says_what_to_run_when_there_is_no_sudo(self):
        self.debian(uid=1000)
        status, said = self.run_script("build")
        self.assertEqual(status, 1)
        self.assertIn("As root, run: apt-get install -y", said)

    def test_says_what_it_wants_where_there_is_no_apt(self):
        status, said = self.run_script("build")
        self.assertEqual(status, 1)
        self.assertIn("KHRONOS_SKIP_DEPS=1", said)
        self.assertIn("libsqlite3-dev", said)

    def test_can_be_skipped(self):
        self.assertEqual(self.run_script("build", KHRONOS_SKIP_DEPS="1"), (0, ""))

    def test_a_node_that_is_there_is_enough(self):
        self.debian()
        self.fake("node")
        self.fake("npm")
        self.assertEqual(self.run_script("ui"), (0, ""))
        self.assertEqual(self.calls.read_text(), "")

    def test_an_unknown_group_is_an_error(self):
        status, said = self.run_script("biuld")
        self.assertEqual(status, 1)
        self.assertIn("there is no group 'biuld'", said)


if __name__ == "__main__":
    case_report.main()
