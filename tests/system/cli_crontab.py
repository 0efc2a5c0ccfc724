"""`khronos import crontab`: Debian's files and one with every odd form, held against an oracle that
reads cron's fields its own way and looks at each minute by itself."""

import datetime
import json
import pathlib
import re
import subprocess

import khronos_testing as t

CRONTABS = pathlib.Path(__file__).resolve().parent / "crontabs"
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
DAYS = "sun mon tue wed thu fri sat".split()
RANGES = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
NICKNAMES = {"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *",
             "@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
             "@hourly": "0 * * * *", "@every_minute": "* * * * *"}


def values(text, index):
    """What a field of a crontab matches."""
    low, high = RANGES[index]
    names = {3: (MONTHS, 1), 4: (DAYS, 0)}.get(index, ([], 0))

    def number(word):
        word = word.lower()
        return names[0].index(word) + names[1] if word in names[0] else int(word)

    found = set()
    for term in text.split(","):
        term, _, step = term.partition("/")
        if term == "*":
            first, last = low, high
        elif "-" in term:
            first, last = map(number, term.split("-"))
            if index == 4 and last == 0:
                last = 7
        else:
            first = number(term)
            last = high if step else first
        found.update(range(first, last + 1, int(step or 1)))
    return {value % 7 for value in found} if index == 4 else found


class Oracle:
    def __init__(self, fields):
        self.fields = fields
        self.sets = [values(text, i) for i, text in enumerate(fields)]

    def matches(self, at):
        minute, hour, date, month, weekday = self.sets
        if at.minute not in minute or at.hour not in hour or at.month not in month:
            return False
        by_date = at.day in date
        by_weekday = at.isoweekday() % 7 in weekday
        if self.fields[2].startswith("*") or self.fields[4].startswith("*"):
            return by_date and by_weekday
        return by_date or by_weekday


def khronos(*words, stdin="", check=True, **options):
    result = subprocess.run([t.PROGRAM, *words], input=stdin, capture_output=True, text=True,
                            **options)
    if check and result.returncode != 0:
        raise AssertionError(f"{words}: {result.returncode}\n{result.stdout}{result.stderr}")
    return result


def would_import(path, *flags, status=0):
    result = khronos("import", "crontab", "--dry-run", "--tz", "Etc/UTC", "-o", "json", *flags,
                     str(path), check=False)
    if result.returncode != status:
        raise AssertionError(f"{path}: {result.returncode}\n{result.stderr}")
    return json.loads(result.stdout), result.stderr


class Crontab(t.Case):
    def test_debians_files_are_kept_whole(self):
        counts = {"debian_crontab": 4, "cron.d/php": 1, "cron.d/sysstat": 2, "cron.d/certbot": 1,
                  "cron.d/mdadm": 1}
        for name, count in counts.items():
            jobs, report = would_import(CRONTABS / name)
            self.assertEqual(len(jobs), count, name)
            self.assertNotIn("not kept", report)
            self.assertNotIn("error", report)
            for job in jobs:
                self.assertEqual(job["run_as"], "root")
                self.assertEqual(job["executor_config"]["shell"], "true")

    def test_every_odd_line_is_a_job_or_told_with_its_number(self):
        jobs, report = would_import(CRONTABS / "odd_crontab", status=1)
        lines = (CRONTABS / "odd_crontab").read_text().splitlines()
        self.assertGreaterEqual(len(lines), 200)
        wrong = lines.index("# --- what cannot be a job") + 1
        told = {int(n) for n in re.findall(r"^(?:error|not kept): [^:]*:(\d+):", report, re.M)}
        entries = [n for n, line in enumerate(lines, 1)
                   if line.strip() and not line.strip().startswith("#")
                   and not re.match(r"""\s*["']?\w+["']?\s*=""", line)]
        settings = {n for n, line in enumerate(lines, 1) if line.startswith("CRON_TZ=Mars")}
        self.assertEqual(len(entries), len(jobs) + len(told - settings))
        self.assertEqual([n for n in entries if n < wrong and n in told],
                         [n for n in entries if lines[n - 1].startswith("@reboot")])
        self.assertEqual(sorted(n for n in entries if n > wrong and n not in told), [len(lines)])
        names = [job["name"] for job in jobs]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(jobs, would_import(CRONTABS / "odd_crontab", status=1)[0])

    def test_the_jobs_are_due_when_cron_would_run_them(self):
        """In two stretches of UTC, the first with a leap day."""
        jobs, _ = would_import(CRONTABS / "odd_crontab", status=1)
        by_command = {}
        for job in jobs:
            command = job["executor_config"]["command"]
            by_command.setdefault(re.sub(r"\W+", " ", command.split("; ")[-1]).strip(), job)
        checked = guarded = 0
        for line in (CRONTABS / "odd_crontab").read_text().splitlines():
            match = re.match(r"(@\w+|\S+ \S+ \S+ \S+ \S+) (echo [\w ]+)$", line)
            if not match or "~" in line or line.startswith("-"):
                continue
            fields = NICKNAMES.get(match[1], match[1]).split()
            job = by_command.get(match[2])
            if len(fields) != 5 or not job or job.get("timezone") != "Etc/UTC":
                continue
            oracle = Oracle(fields)
            command = job["executor_config"]["command"]
            guard = re.search(r"\+%([dw])\) in ([\d|]+)\)", command)
            days = [int(day) for day in guard[2].split("|")] if guard else []
            guarded += bool(guard)
            for start, length in [("2024-02-25", 22), ("2026-12-20", 15)]:
                begin = datetime.datetime.fromisoformat(start).replace(tzinfo=datetime.timezone.utc)
                end = begin + datetime.timedelta(days=length)
                minutes = (begin + datetime.timedelta(minutes=n) for n in range(1, length * 1440))
                expected = [at for at in minutes if oracle.matches(at)]
                printed = khronos("cron", "next", job["schedule"], "--from",
                                  begin.strftime("%Y-%m-%dT%H:%M:%SZ"), "-n", str(length * 1440))
                got = [datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
                       for text in printed.stdout.split()]
                got = [at for at in got if at < end]
                if guard:
                    got = [at for at in got
                           if (at.day if guard[1] == "d" else at.isoweekday() % 7) in days]
                self.assertEqual(got, expected, line)
            checked += 1
        self.assertGreaterEqual(checked, 70)
        self.assertEqual(guarded, 4)

    def test_an_imported_job_runs_as_cron_would_run_it(self):
        agent = self.agent()
        crontab = self.directory / "crontab"
        crontab.write_text(
            "SHELL=/bin/bash\nMAILTO=ops@example.com\nHOME=/tmp\nGREETING=hello world\nLIST=a,b\n"
            "0 5 * * * echo \"$GREETING\" $LIST $(( 0x10 )) ${BASH_VERSION:+bash} $PWD; cat%in%put\n"
            "0 0 */2 * */2 echo guarded\n@reboot nothing\n")
        done = khronos("import", "crontab", "--server", agent.url, "--prefix", "web-", str(crontab))
        self.assertIn("not kept", done.stderr)
        jobs = agent.get("/v1/jobs").json()
        self.assertEqual(len(jobs), 2)
        name = next(job["name"] for job in jobs if job["name"].startswith("web-cat"))
        run = khronos("job", "run", name, "--wait", "--timeout", "30s", "--server", agent.url)
        self.assertEqual(run.stdout, "hello world a,b 16 bash /tmp\nin\nput\n")
        again = khronos("import", "crontab", "--server", agent.url, "--prefix", "web-",
                        str(crontab))
        self.assertEqual(again.stdout.count("unchanged"), 2, again.stdout)

    def test_an_agent_takes_every_job_of_every_odd_line(self):
        agent = self.agent()
        words = ("import", "crontab", "--server", agent.url, "--tz", "Europe/Berlin",
                 str(CRONTABS / "odd_crontab"))
        first = khronos(*words, check=False)
        self.assertEqual(first.returncode, 1)
        expected, _ = would_import(CRONTABS / "odd_crontab", status=1)
        self.assertEqual(first.stdout.count("created"), len(expected))
        self.assertEqual({job["name"] for job in agent.get("/v1/jobs").json()},
                         {job["name"] for job in expected})
        again = khronos(*words, check=False)
        self.assertEqual(again.stdout.count("unchanged"), len(expected))

    def test_a_folder_is_read_as_cron_reads_it(self):
        folder = self.directory / "cron.d"
        folder.mkdir()
        (folder / "one").write_text("@daily root echo 1\n")
        (folder / "two-2").write_text("@daily root echo 2\n")
        (folder / ".placeholder").write_text("@daily root echo 3\n")
        (folder / "old.dpkg-old").write_text("@daily root echo 4\n")
        jobs, _ = would_import(folder)
        self.assertEqual([job["executor_config"]["command"] for job in jobs], ["echo 1", "echo 2"])

    def test_the_guard_looks_at_the_day_of_the_tick(self):
        jobs, _ = would_import(CRONTABS / "odd_crontab", status=1)
        guarded = [job for job in jobs if "esac" in job["executor_config"]["command"]
                   and job["schedule"] == "0 0 5 * * MON"]
        self.assertEqual(len(guarded), 1)
        command = guarded[0]["executor_config"]["command"]
        for at, runs in [("2026-06-01T05:00:00Z", True), ("2026-06-08T05:00:00Z", False)]:
            shell = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True,
                                   env={"PATH": "/usr/bin:/bin", "KHRONOS_SCHEDULED_AT": at})
            self.assertEqual(shell.returncode, 0, shell.stderr)
            self.assertEqual("odd days that are mondays" in shell.stdout, runs)


if __name__ == "__main__":
    t.main()
