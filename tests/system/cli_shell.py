"""Completion, the manual, and the help: what a person at a shell sees."""

import re
import shutil
import subprocess

import khronos_testing as t

BASH = """
khronos() { "%(program)s" "$@" --server "%(server)s"; }
command() { shift; khronos "$@"; }
source <("%(program)s" completion bash)
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_khronos
printf '%%s\\n' "${COMPREPLY[@]}"
"""


class Shell(t.Case):
    def run_khronos(self, *words):
        done = subprocess.run([t.PROGRAM, *words], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def complete(self, *words, server="http://127.0.0.1:1"):
        script = BASH % {"program": t.PROGRAM, "server": server}
        done = subprocess.run(["bash", "-c", script, "bash", "khronos", *words],
                              capture_output=True, text=True, cwd=self.directory)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def test_bash_completes_commands_and_options(self):
        self.assertIn("simulate", self.complete(""))
        self.assertEqual(self.complete("sim"), ["simulate"])
        self.assertEqual(self.complete("job", "pl"), ["plan"])
        self.assertIn("--wait", self.complete("job", "run", "--"))
        self.assertNotIn("--wait", self.complete("job", "list", "--"))
        self.assertIn("--server", self.complete("job", "list", "--s"))
        self.assertEqual(self.complete("job", "-o", "json", "ge"), ["get"])
        self.assertEqual(self.complete("agent", "--backend-m"), ["--backend-machine"])

    def test_bash_completes_values_and_files(self):
        self.assertEqual(self.complete("job", "list", "-o", "w"), ["wide"])
        self.assertEqual(self.complete("completion", ""), ["bash", "zsh", "fish"])
        self.assertEqual(self.complete("token", "create", "x", "--role", "ed"), ["editor"])
        (self.directory / "jobs.yaml").write_text("")
        self.assertEqual(self.complete("job", "apply", "-f", "jo"), ["jobs.yaml"])
        self.assertEqual(self.complete("import", "crontab", "jo"), ["jobs.yaml"])
        self.assertEqual(self.complete("job", "list", "--limit", ""), [])

    def test_bash_asks_the_agent_for_names(self):
        agent = self.agent()
        agent.put_job("backup-a")
        agent.put_job("backup-b")
        agent.put_job("report")
        self.assertEqual(self.complete("job", "get", "back", server=agent.url),
                         ["backup-a", "backup-b"])
        self.assertEqual(self.complete("why", "rep", server=agent.url), ["report"])
        self.assertEqual(self.complete("job", "get", "back"), [])

    def test_other_shells_take_their_scripts(self):
        for shell in ("bash", "zsh", "fish"):
            script = self.run_khronos("completion", shell)
            self.assertIn("job plan", script)
            if shutil.which(shell):
                checked = subprocess.run([shell, "-n"], input=script, capture_output=True,
                                         text=True)
                self.assertEqual((checked.returncode, checked.stderr), (0, ""), shell)

    def commands(self, *path):
        """Every command that --help tells of, below the path."""
        text = self.run_khronos(*path, "--help")
        self.assertIn("Usage: khronos", text)
        if "Subcommands:" not in text:
            return [path]
        names = re.findall(r"^  ([a-z-]+)  (.*)", text.split("Subcommands:")[1], re.M)
        return [below for name, does in names
                if "of its own" not in does and (*path, name) != ("config",)
                for below in self.commands(*path, name)]

    def test_the_manual_has_every_command_and_option_of_the_help(self):
        page = self.run_khronos("man")
        commands = self.commands()
        self.assertGreater(len(commands), 25)
        for name in ("agent", "verify", "migrate", "config show"):
            self.assertIn(f'.SS "khronos {name}"', page)
        for path in commands:
            section = page.split(f'.SS "khronos {" ".join(path)}"')
            self.assertEqual(len(section), 2, path)
            body = section[1].split(".SS")[0]
            for option in re.findall(r"--[a-z-]+", self.run_khronos(*path, "--help")
                                     .split("Examples:")[0].split("\n--server, ")[0]):
                if option not in ("--help", "--help-all", "--timeout"):
                    self.assertIn(option.replace("-", "\\-"), body, (path, option))
        if shutil.which("groff"):
            shown = subprocess.run(["groff", "-man", "-Tutf8", "-ww"], input=page, text=True,
                                   capture_output=True)
            self.assertEqual(shown.stderr, "")


if __name__ == "__main__":
    t.main()
