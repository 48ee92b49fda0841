"""Clients that hold connections and never finish a request: the API server is answered all the same, memory stays
bounded, and nothing is done for those who ask nothing. KUBELAMBDA_CONNECTIONS says how many there are (`make siege`)."""

import contextlib
import json
import os
import pathlib
import resource
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest
from asking import Webhook, create, good, review
from harness import BINARY, function, wait_for

MANY = int(os.environ.get("KUBELAMBDA_CONNECTIONS", "1500"))
LIMIT = 1024  # of the webhook
PER_CONNECTION = (320 if "sanitized" in BINARY.name else 64) << 10  # bytes; sanitizers keep what was freed
REQUEST = b"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"


@pytest.fixture(autouse=True)
def descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, MANY + 1000), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def connect(serve, first=b""):
    with socket.create_connection(("127.0.0.1", serve.port), timeout=20) as plain:
        plain.sendall(first)
        yield plain


@contextlib.contextmanager
def connect_tls(serve, first=b""):
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    with connect(serve) as plain, trust.wrap_socket(plain) as tls:
        tls.sendall(first)
        yield tls


def ask(cluster, serve):
    """One review on a connection of its own; how long it took."""
    began = time.monotonic()
    asking = Webhook(cluster, serve.port)
    with contextlib.closing(asking.connection):
        assert asking.review(create(good()))["allowed"] is True
    return time.monotonic() - began


def open_sockets(serve):
    links = pathlib.Path(f"/proc/{serve.process.pid}/fd").iterdir()
    found = 0
    for link in links:
        with contextlib.suppress(OSError):
            found += os.readlink(link).startswith("socket:")
    return found


def memory(serve):
    status = pathlib.Path(f"/proc/{serve.process.pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmRSS"))


def processor(serve):
    """Seconds of it that were used up to now."""
    fields = pathlib.Path(f"/proc/{serve.process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def hello():
    """The beginning of a TLS handshake."""
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = ssl.create_default_context().wrap_bio(into, out, server_hostname="x")
    with contextlib.suppress(ssl.SSLWantReadError):
        one.do_handshake()
    return out.read()


def test_thousands_of_connections_without_a_request_keep_nobody_out(cluster, serve, namespace):
    took = [ask(cluster, serve)]
    at_rest, before = open_sockets(serve), memory(serve)
    beginnings = [b"", hello(), hello()[:50]]
    with contextlib.ExitStack() as held:
        for number in range(MANY):
            held.enter_context(connect(serve, beginnings[number % 3]))
            if number % (MANY // 10) == 0:
                took.append(ask(cluster, serve))
        cluster.apply(function("besieged", namespace), flags=["--dry-run=server"])
        assert open_sockets(serve) < at_rest + LIMIT + 50
        grown = memory(serve) - before
        wait_for(lambda: open_sockets(serve) <= at_rest + 2, 15, "the end of all that asked nothing")
        used = processor(serve)
        time.sleep(2)
        used = processor(serve) - used
    print(f"{MANY} connections: at most {max(took) * 1000:.0f} ms for a review, {grown >> 20} MiB more memory")
    assert max(took) < 3
    assert grown < LIMIT * PER_CONNECTION
    assert used < 0.1  # of 2 s: the polls of certificates and lease, under sanitizers


def drip(connection, text):
    """Sends a byte of it each half second until the other side has had enough; when that was."""
    began = time.monotonic()
    connection.settimeout(0.5)
    for byte in text:
        try:
            connection.sendall(bytes([byte]))
            if connection.recv(1) == b"":
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began


def test_who_drips_a_request_is_cut_off_after_ten_seconds_and_who_rests_after_one_is_not(cluster, serve):
    whole = json.dumps(review(create(good())))
    rested, second = Webhook(cluster, serve.port), Webhook(cluster, serve.port)
    lasted = {}
    with contextlib.ExitStack() as held:
        for one in (rested, second):
            held.enter_context(contextlib.closing(one.connection))
            assert one.send(whole)[0] == 200
        second.connection.sock.sendall(REQUEST)
        slow = {
            "handshake": (held.enter_context(connect(serve)), hello()),
            "headers": (held.enter_context(connect_tls(serve)), REQUEST * 3),
            "body": (held.enter_context(connect_tls(serve, REQUEST)), b"{" * 100),
            "body of a second request": (second.connection.sock, b"{" * 100),
        }
        threads = []
        for name, (connection, text) in slow.items():
            work = lambda name=name, connection=connection, text=text: lasted.update({name: drip(connection, text)})  # noqa: E731
            threads.append(threading.Thread(target=work))
            threads[-1].start()
        for one in threads:
            one.join()
        assert set(lasted) == set(slow)
        assert all(8 < seconds < 14 for seconds in lasted.values()), lasted
        socket_before = rested.connection.sock
        assert rested.send(whole)[0] == 200 and rested.connection.sock is socket_before


def test_when_descriptors_are_short_the_api_server_is_answered_all_the_same(cluster, serve_with):
    serve = serve_with("--no-controller", under=["prlimit", "--nofile=224:224"])
    with contextlib.ExitStack() as held:
        for _ in range(300):
            held.enter_context(connect(serve))
        for _ in range(5):
            assert ask(cluster, serve) < 3
        assert open_sockets(serve) < 200
        assert "Too many open files" not in serve.log()


def test_resets_in_the_middle_of_a_body_leave_nothing_behind(cluster, serve):
    ask(cluster, serve)
    at_rest = open_sockets(serve)
    for number in range(60):
        with connect_tls(serve, REQUEST + b"{" * number) as tls:
            tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert ask(cluster, serve) < 3
    wait_for(lambda: open_sockets(serve) <= at_rest + 1, 5, "the end of the connections that were reset")
    assert serve.metric("controller_runtime_webhook_requests_in_flight") == 0


def test_clients_that_go_away_politely_in_the_middle_do_no_harm(cluster, serve):
    for part in (b"", b"POST /valid", REQUEST + b"{"):
        with connect_tls(serve, part):
            pass
    ask(cluster, serve)


def test_renegotiation_ends_the_connection(cluster, serve):
    client = subprocess.run(
        ["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{serve.port}"],
        input="R\n", text=True, capture_output=True, timeout=20, check=False,
    )  # fmt: skip
    assert "RENEGOTIATING" in client.stdout + client.stderr
    assert client.stdout.count("Verify return code") == 1  # of the first handshake; there was no second
    ask(cluster, serve)


def test_plain_http_on_the_tls_port_gets_no_answer(cluster, serve):
    with connect(serve, b"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n") as plain:
        with contextlib.suppress(ConnectionResetError):
            assert b"HTTP/" not in plain.recv(4096)
    ask(cluster, serve)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused(serve):
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with connect(serve) as plain, pytest.raises(OSError):
        old.wrap_socket(plain)
