"""The seccomp profile of the manifests: with it everything works, and what is not in it is refused."""

import json
import pathlib
import subprocess
import sys

import pytest
import seccomp
from asking import Webhook, create, good
from harness import ROOT, Serve, all_ready, conditions, function, settled, wait_for
from replicas import SECRET

PROFILE = ROOT / "manifests/seccomp/kubelambda.json"
CONFINED = [sys.executable, ROOT / "tests/e2e/seccomp.py", PROFILE]
REFUSED = ("ptrace", "mount", "unshare", "setns", "bpf", "keyctl", "init_module", "process_vm_readv", "io_uring_setup",
           "setuid", "chmod", "unlink", "rename", "mkdir", "clone3", "userfaultfd", "perf_event_open", "personality")  # fmt: skip


@pytest.fixture(scope="module")
def serve(cluster, aws, tmp_path_factory):
    """The release build: sanitizers need calls of their own."""
    binary = ROOT / "build/kubelambda"
    one = Serve(
        cluster, aws.env(), tmp_path_factory.mktemp("serve"), "--ca-settle", "2s", binary=binary, under=CONFINED
    )
    yield one
    assert one.stop() == 0


def test_the_main_story_is_told_under_the_profile(cluster, aws, serve, namespace):
    status = pathlib.Path(f"/proc/{serve.process.pid}/status").read_text(encoding="ascii")
    assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status
    names = [f"app-{i}" for i in range(12)]
    cluster.apply(*(function(name, namespace, versions={"publish": "OnChange"}) for name in names))
    all_ready(cluster, namespace, len(names))
    refused = cluster.apply(function("wrong", namespace, runtime="cobol"), check=False)
    assert refused.returncode and "AWS Lambda has no such runtime" in refused.stderr
    cluster.apply(function("app-0", namespace, memorySize=256, tags={"team": "blue"}))
    settled(cluster, "app-0", namespace)
    assert aws.function("preview-app-0")["Configuration"]["MemorySize"] == 256
    cluster.run("delete", "lf", "app-0", "-n", namespace)
    assert aws.function("preview-app-0") is None
    # A review of each on connections of their own, and another authority.
    for _ in range(20):
        assert Webhook(cluster, serve.port).review(create(good()))["allowed"] is True
    issued = serve.metric("kubelambda_certificate_changes_total")
    cluster.request("DELETE", SECRET)
    wait_for(lambda: serve.metric("kubelambda_certificate_changes_total") > issued, what="another authority")
    assert conditions(cluster.functions(namespace)["app-1"])["Ready"][0] == "True"


def test_what_is_not_in_the_profile_is_refused_as_if_the_kernel_did_not_have_it():
    asked = [name for name in REFUSED if name in seccomp.numbers()]
    assert len(asked) > 10
    told = subprocess.run([*CONFINED, "--ask", *asked, "close"], capture_output=True, text=True, check=True).stdout
    assert dict(zip(asked, told.split())) == dict.fromkeys(asked, "ENOSYS")
    assert told.split()[-1] == "EBADF", "what is allowed meets the kernel"


def test_the_profile_has_no_call_twice():
    names = [name for rule in json.loads(PROFILE.read_text(encoding="utf-8"))["syscalls"] for name in rule["names"]]
    assert len(names) == len(set(names))
