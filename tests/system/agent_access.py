"""Who gets in: an agent with TLS and tokens, and agents that refuse to start without."""

import json
import os
import pathlib
import ssl
import subprocess
import urllib.error
import urllib.request

import khronos_testing as t


def certificates(directory):
    """An authority, the agent's certificate for localhost and a client's, all by openssl."""
    directory = pathlib.Path(directory)

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=directory)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority")
    for name in ("agent", "client"):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (directory / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "2", "-out", f"{name}.pem", "-extfile", "names")
    return directory


class Access(t.Case):
    def refused(self, *flags):
        """The complaint of an agent that does not start."""
        command = [t.PROGRAM, "agent", "-e", "local", "--bind-port", "0", "--rpc-port", "0",
                   "--data-dir", str(self.directory / "data"), *flags]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False,
                              env={"PATH": os.environ["PATH"], "HOME": str(self.directory)})
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stderr

    def token_agent(self, *flags):
        agent = self.agent("--auth", *flags, start=False)
        return agent

    def start(self, agent):
        """As Agent.start(), for one that may speak TLS."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(agent.home)}
        agent.process = subprocess.Popen(
            agent.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=open(agent.log, "ab"), cwd=agent.home, env=environment, text=True)
        line = agent.process.stdout.readline()
        self.assertIn("Page and API: http", line, agent.log.read_text())
        agent.url = line[line.index("http"):].split()[0].rstrip("/")
        return agent

    def ask(self, agent, method, path, token=None, body=None, context=None, headers=None):
        request = urllib.request.Request(agent.url + path, method=method,
                                         data=json.dumps(body).encode() if body else None,
                                         headers=dict(headers or {}))
        if token:
            request.add_header("Authorization", "Bearer " + token)
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:
                return t.Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return t.Answer(error.code, error.headers, error.read())

    def test_an_address_that_others_reach_needs_tls_and_tokens(self):
        pem = certificates(self.directory)
        tls = ["--tls-cert", str(pem / "agent.pem"), "--tls-key", str(pem / "agent.key")]
        self.assertIn("--insecure", self.refused("--bind-ip", "0.0.0.0"))
        self.assertIn("--auth", self.refused("--bind-ip", "0.0.0.0", *tls))
        self.assertIn("--tls-cert", self.refused("--bind-ip", "0.0.0.0", "--auth"))
        agent = self.start(self.token_agent("--bind-ip", "0.0.0.0", *tls))
        self.assertTrue(agent.url.startswith("https://0.0.0.0:"))

    def test_a_short_or_readable_secret_is_none(self):
        for secret in ("", "admin", "0123456789abcdef0123456789abcde"):
            file = self.directory / "secret"
            file.write_text(secret)
            self.assertIn("root-token", self.refused("--auth", "--root-token-file", str(file)))
        data = self.directory / "data"
        data.mkdir(exist_ok=True)
        (data / "admin.token").write_text("0123456789abcdef0123456789abcdef")
        (data / "admin.token").chmod(0o644)
        self.assertIn("chmod 600", self.refused("--auth"))

    def test_missing_and_wrong_certificates_are_named(self):
        pem = certificates(self.directory)
        self.assertIn("tls-key", self.refused("--tls-cert", str(pem / "agent.pem")))
        self.assertIn("none.pem", self.refused("--tls-cert", str(pem / "none.pem"), "--tls-key",
                                               str(pem / "agent.key")))
        self.assertIn("client.key", self.refused("--tls-cert", str(pem / "agent.pem"),
                                                 "--tls-key", str(pem / "client.key")))

    def test_the_first_token_makes_others_and_they_can_be_revoked(self):
        agent = self.start(self.token_agent())
        file = agent.directory / "data" / "admin.token"
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        root = file.read_text().strip()
        self.assertEqual(self.ask(agent, "GET", "/v1/jobs").status, 401)
        self.assertEqual(self.ask(agent, "GET", "/livez").status, 200)
        made = self.ask(agent, "POST", "/v1/tokens", root, {"name": "ci", "role": "editor"})
        self.assertEqual(made.status, 201, made.body)
        token = made.json()["token"]
        saved = self.ask(agent, "POST", "/v1/jobs", token, {"name": "a", "schedule": "@daily"})
        self.assertEqual(saved.status, 201, saved.body)
        self.assertEqual(self.ask(agent, "GET", "/v1/tokens", token).status, 403)
        audit = self.ask(agent, "GET", "/v1/audit", root).json()["entries"]
        self.assertEqual([entry["action"] for entry in audit], ["job.create", "token.create"])
        self.assertTrue(audit[0]["actor"].startswith("ci#"))
        revoked = self.ask(agent, "DELETE", "/v1/tokens/" + made.json()["id"], root)
        self.assertEqual(revoked.status, 200, revoked.body)
        t.wait_for("the token is refused",
                   lambda: self.ask(agent, "GET", "/v1/jobs", token).status == 401, patience=5.0)
        secret = token.rsplit("_", 1)[1].encode()
        for path in agent.directory.rglob("*"):
            if path.is_file():
                self.assertNotIn(secret, path.read_bytes(), path)

    def test_tls_and_a_clients_certificate(self):
        pem = certificates(self.directory)
        agent = self.start(self.token_agent(
            "--tls-cert", str(pem / "agent.pem"), "--tls-key", str(pem / "agent.key"),
            "--tls-client-ca", str(pem / "ca.pem"), "--tls-client-role", "viewer"))
        self.assertTrue(agent.url.startswith("https://127.0.0.1:"))
        stranger = ssl.create_default_context(cafile=str(pem / "ca.pem"))
        self.assertEqual(self.ask(agent, "GET", "/v1/jobs", context=stranger).status, 401)
        known = ssl.create_default_context(cafile=str(pem / "ca.pem"))
        known.load_cert_chain(str(pem / "client.pem"), str(pem / "client.key"))
        self.assertEqual(self.ask(agent, "GET", "/v1/jobs", context=known).status, 200)
        self.assertEqual(self.ask(agent, "POST", "/v1/pause", context=known).status, 403)
        root = (agent.directory / "data" / "admin.token").read_text().strip()
        self.assertEqual(self.ask(agent, "POST", "/v1/unpause", root, context=stranger).status, 200)
        with self.assertRaises(urllib.error.URLError):
            self.ask(agent, "GET", "/livez")  # who does not know the authority does not trust it

    def test_a_page_of_another_origin_or_name_gets_nothing(self):
        agent = self.agent()
        job = {"name": "a"}
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"},
                        {"Sec-Fetch-Site": "cross-site"},
                        {"Origin": "null", "Content-Type": "text/plain"},
                        {"Origin": "https://evil.example",
                         "Content-Type": "application/x-www-form-urlencoded"}):
            answer = self.ask(agent, "POST", "/v1/jobs", body=job, headers=headers)
            self.assertEqual(answer.status, 403, headers)
            self.assertNotIn("Access-Control-Allow-Origin", answer.headers)
        self.assertEqual(self.ask(agent, "GET", "/v1/jobs").json(), [])


if __name__ == "__main__":
    t.main()
