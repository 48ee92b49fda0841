"""--client-ca-file: only the API server may ask. It shows the certificate that its configuration of webhooks names
(tests/cluster/up)."""

import contextlib
import json
import subprocess

import pytest
from asking import Webhook, create, good, review
from harness import BINARY, function, wait_for

REFUSED = (403, "a client certificate of the API server is needed here\n")


def make(folder, authority, name):
    """Another pair by that authority, or an authority when that is None; where its files are."""
    path = folder / name
    by = ["-CA", f"{authority}.crt", "-CAkey", f"{authority}.key"] if authority else []
    command = ["openssl", "req", "-x509", *by, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(
        [*command, "-subj", f"/CN={name}", "-keyout", f"{path}.key", "-out", f"{path}.crt"], check=True, capture_output=True
    )
    return path


@pytest.fixture
def known(cluster):
    return cluster.directory / "webhooks" / "ca"


@pytest.fixture
def trusted(known, tmp_path):
    """The file, which the tests change."""
    file = tmp_path / "clients.crt"
    file.write_bytes(known.with_suffix(".crt").read_bytes())
    return file


def ask(cluster, serve, pair=None):
    """Status and text for a client with that certificate, or without one."""
    asking = Webhook(cluster, serve.port)
    if pair:
        asking.connection._context.load_cert_chain(f"{pair}.crt", f"{pair}.key")
    with contextlib.closing(asking.connection):
        return asking.send(json.dumps(review(create(good()))))


def test_the_api_server_is_answered_and_nobody_else(cluster, serve_with, known, trusted, tmp_path, namespace):
    serve = serve_with("--no-controller", f"--client-ca-file={trusted}", "--client-name=kube-apiserver")
    refused = cluster.apply(function("asked", namespace, runtime="none"), flags=["--dry-run=server"], check=False)
    assert "spec.runtime: Unsupported value" in refused.stderr
    assert ask(cluster, serve, known.parent / "client")[0] == 200
    assert ask(cluster, serve) == REFUSED
    assert ask(cluster, serve, make(tmp_path, None, "kube-apiserver")) == REFUSED  # signed by itself
    assert ask(cluster, serve, make(tmp_path, known, "somebody")) == REFUSED
    assert ask(cluster, serve, make(tmp_path, known, "kube-apiserver"))[0] == 200


def test_the_authorities_are_read_again_when_they_change(cluster, serve_with, known, trusted, tmp_path):
    serve = serve_with("--no-controller", f"--client-ca-file={trusted}")
    other = make(tmp_path, None, "other")
    client = make(tmp_path, other, "anybody")
    assert ask(cluster, serve, client) == REFUSED
    both = trusted.read_text() + other.with_suffix(".crt").read_text()
    trusted.write_text(both)
    wait_for(lambda: ask(cluster, serve, client)[0] == 200, 10, "the new authority being taken in")
    trusted.write_text("rubbish")
    wait_for(lambda: "the old ones are kept" in serve.log(), 10, "the complaint")
    assert ask(cluster, serve, client)[0] == ask(cluster, serve, known.parent / "client")[0] == 200
    trusted.write_bytes(known.with_suffix(".crt").read_bytes())
    wait_for(lambda: ask(cluster, serve, client) == REFUSED, 10, "the other one being trusted no longer")


@pytest.mark.parametrize("text", ["", "rubbish", None])
def test_a_file_without_authorities_ends_the_start(cluster, tmp_path, text):
    file = tmp_path / "clients.crt"
    if text is not None:
        file.write_text(text)
    command = [BINARY, "serve", "--kubeconfig", cluster.config("kubelambda"), "--cert-dir", tmp_path]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=x",
         "-keyout", tmp_path / "tls.key", "-out", tmp_path / "tls.crt"], check=True, capture_output=True,
    )  # fmt: skip
    done = subprocess.run([*command, "--client-ca-file", file], capture_output=True, text=True, timeout=20, env={})
    assert done.returncode == 1
    why = "No such file" if text is None else "holds no certificate in PEM form"
    assert str(file) in done.stderr and why in done.stderr
