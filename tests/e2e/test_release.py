"""What is shipped: the release build has the same bytes wherever it is made, is hardened, and all that it needs is in
the image."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from harness import ROOT, die_with_parent, free_port, get_url, wait_for

MAX_IMAGE_BYTES = 24_000_000  # uncompressed, with the libraries and the authorities that AWS is trusted by
FOLDERS = ("certs", "cli", "common", "controller", "webhook", "packaging")


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    """Two, in folders whose names are of different lengths."""
    made = []
    for name in ("one", "another-one"):
        folder = tmp_path_factory.mktemp(name)
        for one in FOLDERS:
            shutil.copytree(ROOT / one, folder / one)
        shutil.copy(ROOT / "Makefile", folder)
        subprocess.run(["make", "-s", "-j2", "install", "DESTDIR=out"], cwd=folder, check=True, capture_output=True)
        made.append(folder / "out/usr/local")
    return made


def test_two_builds_have_the_same_bytes(builds):
    for path in ("bin/kubelambda", "share/man/man1/kubelambda.1"):
        first, second = ((one / path).read_bytes() for one in builds)
        assert first == second and first
    assert str(builds[0].parents[2]).encode() not in (builds[0] / "bin/kubelambda").read_bytes()


def test_the_binary_is_hardened(builds):
    told = subprocess.run(
        ["readelf", "-hldW", "--dyn-syms", builds[0] / "bin/kubelambda"], capture_output=True, text=True, check=True
    ).stdout
    for wanted in ("Position-Independent Executable", "GNU_RELRO", "BIND_NOW", "__stack_chk_fail", "_chk@GLIBC"):
        assert wanted in told, wanted
    assert "GNU_STACK" in told and "RWE" not in told


def test_the_manual_page_has_every_command_and_option(builds):
    page = (builds[0] / "share/man/man1/kubelambda.1").read_text(encoding="utf-8")
    for wanted in (".SS serve", ".SS check", ".SS plan", "\\-\\-webhook\\-url URL", "\\-\\-metrics\\-listen ADDRESS"):
        assert wanted in page


def test_kubectl_and_the_shells_find_what_is_installed(builds):
    root = builds[0]
    for name in ("kubectl-lambda", "kubectl_complete-lambda"):
        assert os.readlink(root / "bin" / name) == "kubelambda"
    told = subprocess.run([root / "bin/kubectl_complete-lambda", "pl"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("plan\t")
    for name in ("bash-completion/completions/kubelambda", "zsh/site-functions/_kubelambda",
                 "fish/vendor_completions.d/kubelambda.fish"):  # fmt: skip
        assert "__complete" in (root / "share" / name).read_text(encoding="utf-8")


def test_the_bill_of_materials_has_the_libraries_with_their_versions(builds):
    made = subprocess.run([ROOT / "packaging/sbom", builds[0] / "bin/kubelambda"], check=True, capture_output=True)
    found = {one["name"]: one["version"] for one in json.loads(made.stdout)["components"]}
    assert {"libmicrohttpd12", "libcjson1", "libc6"} <= set(found) and all(found.values())


# As in a pod: another root that cannot be written to, a user without a name or rights.
ENTER = """
import ctypes, os, subprocess, sys
root, *command = sys.argv[1:]
for arguments in (["--bind", root, root], ["--rbind", "/proc", root + "/proc"], ["-o", "remount,bind,ro", root]):
    subprocess.run(["mount", *arguments], check=True)
os.chroot(root)
os.chdir("/")
ctypes.CDLL(None).prctl(47, 4, 0, 0, 0)  # no ambient capability outlives exec
os.execv(command[0], command)
"""


def test_the_root_of_the_image_has_all_that_the_binary_needs(cluster, builds, aws, tmp_path):
    root, port, health = tmp_path / "root", free_port(), free_port()
    stripped = tmp_path / "kubelambda"
    subprocess.run(["strip", "-o", stripped, builds[0] / "bin/kubelambda"], check=True)
    subprocess.run([ROOT / "packaging/image-root", stripped, root], check=True)
    size = sum(one.stat().st_size for one in root.rglob("*") if one.is_file() and not one.is_symlink())
    print(f"the image's root has {size / 1e6:.1f} MB")
    assert size < MAX_IMAGE_BYTES
    shutil.copy(cluster.config("kubelambda"), root / "kubeconfig")
    (root / "proc").mkdir()  # which containers have, too
    command = [
        "unshare", "--user", "--map-user=65532", "--map-group=65532", "--keep-caps", "--mount", sys.executable, "-c", ENTER,
        root, "/usr/bin/kubelambda", "serve", "--no-controller",
        "--kubeconfig=/kubeconfig", f"--listen=127.0.0.1:{port}", f"--webhook-url=https://localhost:{port}",
        f"--health-listen=127.0.0.1:{health}", f"--metrics-listen=127.0.0.1:{free_port()}",
    ]  # fmt: skip
    with open(tmp_path / "log", "w+", encoding="utf-8") as log:
        process = subprocess.Popen(command, env=aws.env(), stdout=log, stderr=log, preexec_fn=die_with_parent)
        try:
            wait_for(lambda: get_url(f"http://127.0.0.1:{health}/readyz")[0] == 200, 20)
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            assert "CapEff:\t0000000000000000" in status
        finally:
            process.terminate()
            assert process.wait(20) == 0, pathlib.Path(log.name).read_text(encoding="utf-8")


@pytest.mark.skipif(any(map(shutil.which, ("buildah", "podman"))), reason="this machine has a builder")
def test_make_image_says_what_is_missing():
    told = subprocess.run(["make", "image"], cwd=ROOT, capture_output=True, text=True, env=dict(os.environ))
    assert told.returncode != 0
    assert "make image needs buildah or podman" in told.stderr
