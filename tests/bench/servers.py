"""The servers that are compared, what the kernel says of them, and the load on them."""

import json
import os
import pathlib
import socket
import ssl
import statistics
import subprocess
import time

from harness import BINARY, ROOT, die_with_parent, free_port, wait_for

LOAD, BARE = ROOT / "build/bench/load", ROOT / "build/bench/bare"
PEER = pathlib.Path(os.environ["BENCH_PEER"])
TICKS = os.sysconf("SC_CLK_TCK")
MOST_REQUESTS = 1_000_000
ANY_SERVER = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ANY_SERVER.check_hostname, ANY_SERVER.verify_mode = False, ssl.CERT_NONE


def cpu_of(pid):
    """Seconds, of all its threads, in user and system mode."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def spread(values):
    """Median, least and most."""
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def shown(ratio):
    return f"{ratio['median']:5.2f} ({ratio['least']:.2f}–{ratio['most']:.2f})"


class Process:
    """A server, by what the kernel says of it."""

    def __init__(self, arguments, log, env=None):
        self.arguments, self.log_path, self.env = arguments, log, {"PATH": os.environ["PATH"], **(env or {})}
        self.start()

    def start(self):
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, preexec_fn=die_with_parent
            )

    def cpu_s(self):
        return cpu_of(self.process.pid)

    def memory_kib(self, what="VmRSS"):
        """Resident now, with RssAnon without files such as libraries, with VmHWM the most that it ever was."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith(f"{what}:"):
                return int(line.split()[1])
        raise AssertionError(f"no {what} of {self.arguments[0]}")

    def stop(self):
        """Politely: a lease that is not given up keeps the next one waiting."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Server(Process):
    """One that answers reviews over TLS."""

    def __init__(self, name, port, arguments, log, env=None):
        self.name, self.port = name, port
        super().__init__([str(one) for one in arguments], log, env)

    def serves(self):
        assert self.process.poll() is None, f"{self.name} has ended; its log is {self.log_path}"
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as plain:
                ANY_SERVER.wrap_socket(plain).close()
                return True
        except OSError:
            return False

    def serving_after_s(self):
        """Starts anew; the seconds from exec to the first TLS session."""
        self.stop()
        began = time.monotonic()
        self.start()
        while not self.serves():
            time.sleep(0.002)
        return time.monotonic() - began


def certificate(directory):
    """tls.crt, tls.key and ca.crt, the same for all: P-256, as the peers' tools make them."""
    directory.mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", directory / "tls.key", "-out", directory / "tls.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    (directory / "ca.crt").write_bytes((directory / "tls.crt").read_bytes())
    return directory


def kubelambda(config, aws_env, certificates, directory, *options):
    port, health, metrics = free_port(), free_port(), free_port()
    server = Server(
        "kubelambda", port,
        [BINARY, "serve", "--kubeconfig", config, "--listen", f"127.0.0.1:{port}",
         "--cert-dir", certificates, "--region", "us-east-1",
         "--health-listen", f"127.0.0.1:{health}", "--metrics-listen", f"127.0.0.1:{metrics}", *options],
        directory / f"kubelambda-{port}.log", {"HOME": str(directory), **aws_env},
    )  # fmt: skip
    server.health, server.metrics = health, metrics
    wait_for(server.serves, what="kubelambda serving")
    return server


def peer(cluster, certificates, directory, *options):
    port = free_port()
    server = Server(
        "controller-runtime", port,
        [PEER, "-config", cluster.config("admin"), "-port", port, "-cert-dir", certificates, *options],
        directory / "peer.log", {"HOME": str(directory)},
    )  # fmt: skip
    wait_for(server.serves, what="the peer serving")
    return server


def bare(certificates, directory):
    port = free_port()
    server = Server("bare", port, [BARE, port, certificates], directory / "bare.log")
    wait_for(server.serves, what="the bare responder serving")
    return server


def request(directory, name, method, path, body, keep=True, headers=()):
    """A file with the whole HTTP request."""
    text = json.dumps(body, separators=(",", ":")).encode()
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Accept: application/json", f"Content-Length: {len(text)}"]
    head += ["Content-Type: application/json"] if not any(one.startswith("Content-Type") for one in headers) else []
    head += [*headers] if keep else [*headers, "Connection: close"]
    file = directory / f"{name}.request"
    file.write_bytes("\r\n".join([*head, "", ""]).encode() + text)
    return file


def load(port, file, clients, seconds, keep=True, count=MOST_REQUESTS):
    """What the load generator says: answered, allowed, failed, seconds and the latencies."""
    result = subprocess.run(
        [LOAD, str(port), file, str(clients), str(count), "keep" if keep else "new", str(seconds)],
        check=True, capture_output=True, text=True, timeout=seconds + 60,
    )  # fmt: skip
    return json.loads(result.stdout)


def measure(server, file, clients, seconds, allowed, keep=True):
    """One run: what it cost the server, and how long the clients waited. Every answer must be the right one."""
    began = server.cpu_s()
    seen = load(server.port, file, clients, seconds, keep)
    cpu = server.cpu_s() - began
    wrong = seen["answered"] - seen["allowed"] if allowed else seen["allowed"]
    if seen["failed"] or not seen["answered"] or (server.name != "bare" and wrong):
        raise AssertionError(f"{server.name} answered {file.name} wrongly: {seen}")
    return {
        "per_cpu_s": seen["answered"] / max(cpu, 1 / TICKS),
        "per_s": seen["answered"] / seen["seconds"],
        "p50_us": seen["p50_us"], "p99_us": seen["p99_us"], "p999_us": seen["p999_us"],
        "rss_kib": server.memory_kib(), "anon_kib": server.memory_kib("RssAnon"),
    }  # fmt: skip


def stripped_bytes(binary, directory):
    """What an image would hold."""
    stripped = directory / "stripped"
    subprocess.run(["strip", "-o", stripped, binary], check=True)
    return stripped.stat().st_size
