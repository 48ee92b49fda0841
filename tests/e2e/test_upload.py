"""kubelambda zip and kubelambda upload: from a directory to S3, once, and the key into a manifest."""

import base64
import contextlib
import fcntl
import hashlib
import io
import json
import os
import re
import resource
import signal
import stat
import struct
import subprocess
import termios
import threading
import time
import urllib.parse
import zipfile

import pytest
from harness import BINARY, KUBE_BIN, FakeAws, free_port, wait_for
from proxy import Proxy

MANIFEST = """\
# Who owns this: team ü
apiVersion: kubelambda.io/v1alpha1
kind: LambdaFunction
metadata: {name: hello}
spec:
  code:
    s3Bucket: "artifacts"   # same in every environment
    s3Key: 'old.zip'  # set by the pipeline
  runtime: python3.13
  handler: app.handler
"""


def environment(home, env=None):
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "ASAN_OPTIONS": "detect_leaks=1:exitcode=99",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        **(env or {}),
    }


@pytest.fixture
def cli(tmp_path):
    """Runs kubelambda in the test's own directory; the result has returncode, stdout and stderr."""

    def run(*arguments, env=None, **how):
        result = subprocess.run(
            [BINARY, *map(str, arguments)],
            **{"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 60, **how},
            cwd=tmp_path,
            env=environment(tmp_path, env),
        )
        said = result.stderr or ""
        assert "ERROR: " not in said and "runtime error" not in said, said
        return result

    return run


@pytest.fixture(scope="module")
def fake(tmp_path_factory):
    one = FakeAws(tmp_path_factory.mktemp("fake"))
    yield one
    one.stop()


def make_zip(path, text, name="app.py"):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr(name, text)
    path.write_bytes(archive.getvalue())
    return hashlib.sha256(archive.getvalue())


# zip, without any network


def test_the_archive_depends_on_names_contents_and_executable_bits_alone(cli, tmp_path):
    for folder in ("one", "two"):
        root = tmp_path / folder
        (root / "pkg" / "__pycache__").mkdir(parents=True)
        names = ["b.py", "a.txt", "pkg/x.py", "pkg/__pycache__/x.pyc", "notes.md"]
        for name in names if folder == "one" else reversed(names):
            (root / name).write_text(name * 50)
            os.utime(root / name, (0, 10**9 if folder == "one" else 1))
        (root / "bootstrap").write_text("#!/bin/sh\n")
        (root / "bootstrap").chmod(0o700 if folder == "one" else 0o775)
        (root / "link.py").symlink_to("pkg/x.py")
        assert cli("zip", folder, "-o", f"{folder}/out.zip", "--exclude", "*.md").returncode == 0
    result = cli("zip", "one", "-o", "one/out.zip", "--exclude", "*.md")  # over itself
    assert (tmp_path / "one/out.zip").read_bytes() == (tmp_path / "two/out.zip").read_bytes()
    assert hashlib.sha256((tmp_path / "one/out.zip").read_bytes()).hexdigest() in result.stdout
    with zipfile.ZipFile(tmp_path / "one/out.zip") as archive:
        assert archive.testzip() is None
        modes = {one.filename: one.external_attr >> 16 for one in archive.infolist()}
        assert archive.read("link.py") == b"pkg/x.py" * 50
    assert list(modes.items()) == [
        ("a.txt", 0o100644), ("b.py", 0o100644), ("bootstrap", 0o100755), ("link.py", 0o100644), ("pkg/x.py", 0o100644),
    ]  # fmt: skip


def test_what_cannot_go_into_an_archive_is_said_and_the_old_one_stays(cli, tmp_path):
    root = tmp_path / "d"
    root.mkdir()
    (tmp_path / "a.zip").write_text("old")
    for name, make, says in [
        ("secret", lambda path: path.symlink_to("/etc/passwd"), "outside"),
        ("gone", lambda path: path.symlink_to("nothing"), "leads nowhere"),
        ("loop", lambda path: path.symlink_to("."), "a directory that it is in"),
        ("pipe", os.mkfifo, "neither file nor directory"),
    ]:
        make(root / name)
        result = cli("zip", "d", "-o", "a.zip")
        assert result.returncode == 1 and f"d/{name}" in result.stderr and says in result.stderr, result.stderr
        (root / name).unlink()
    assert "has no files" in cli("zip", "d", "-o", "a.zip").stderr
    assert cli("zip", "d").returncode == 2
    (root / "x").write_text("x")
    assert cli("zip", "d", "-o", "nowhere/a.zip").returncode == 1
    os.mkfifo(tmp_path / "pipe")
    for name, message in {"pipe": "pipe is not a regular file", "d": "d is a directory: name a file"}.items():
        result = cli("zip", "d", "-o", name)  # a device would be replaced, too
        assert (result.returncode, result.stderr) == (1, f"kubelambda zip: {message}\n")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert (tmp_path / "a.zip").read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["a.zip", "d", "pipe"]


# upload, to the emulator with its checks of signatures and policies


def test_a_file_is_uploaded_once_with_its_checksum(cli, aws, tmp_path):
    hashes = [make_zip(tmp_path / f"{n}.zip", f"n = {n}\n" * (1 + 50000 * (n == 0))) for n in range(6)]
    files = [f"{n}.zip" for n in range(6)]
    keys = [f"up/{one.hexdigest()}.zip" for one in hashes]
    upload = ["upload", *files, "--bucket", "artifacts", "--prefix", "up/"]
    first = cli(*upload, env=aws.env("admin"))
    assert (first.returncode, first.stdout.splitlines()) == (0, [f"uploaded s3://artifacts/{key}" for key in keys])
    assert len(first.stderr.splitlines()) == 6
    for key, one in zip(keys, hashes, strict=True):
        head = aws.objects.head_object(Bucket="artifacts", Key=key, ChecksumMode="ENABLED")
        assert head["ChecksumSHA256"] == base64.b64encode(one.digest()).decode()
        assert head["ContentType"] == "application/zip"
    again = cli(*upload, "-o", "json", env=aws.env("admin"))
    answer = json.loads(again.stdout)
    assert (again.returncode, again.stderr) == (0, "")
    assert answer["summary"] == {"uploaded": 0, "exists": 6, "failed": 0}
    assert [one["key"] for one in answer["files"]] == keys
    versions = aws.objects.list_object_versions(Bucket="artifacts", Prefix="up/")["Versions"]
    assert len(versions) == 6


def test_what_is_there_without_a_checksum_or_with_another_content_is_sent_again(cli, aws, tmp_path):
    key = f"{make_zip(tmp_path / 'a.zip', 'again').hexdigest()}.zip"
    aws.objects.put_object(Bucket="artifacts", Key=key, Body=b"broken", ChecksumAlgorithm="SHA256")
    result = cli("upload", "a.zip", "--bucket", "artifacts", env=aws.env("admin"))
    assert result.stdout == f"uploaded s3://artifacts/{key}\n"
    assert aws.objects.get_object(Bucket="artifacts", Key=key)["Body"].read() == (tmp_path / "a.zip").read_bytes()


def test_the_key_goes_into_the_manifest_and_nothing_else_changes(cli, aws, tmp_path):
    key = f"hello/{make_zip(tmp_path / 'a.zip', 'def handler(e, c): pass').hexdigest()}.zip"
    patch = MANIFEST.replace("\n", "\r\n").replace("'old.zip'", "old.zip").replace('"artifacts"', "elsewhere")
    (tmp_path / "m.yaml").write_bytes(MANIFEST.encode())
    (tmp_path / "m.yaml").chmod(0o640)
    (tmp_path / "p.yaml").write_bytes(patch.encode())
    upload = ["upload", "a.zip", "--bucket", "artifacts", "-p", "hello", "--set-in", "m.yaml", "--set-in", "p.yaml"]
    result = cli(*upload, env=aws.env("admin"))
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "m.yaml").read_bytes() == MANIFEST.replace("old.zip", key).encode()
    assert (tmp_path / "m.yaml").stat().st_mode & 0o777 == 0o640
    changed = patch.replace("old.zip", key).replace("elsewhere", "artifacts")
    assert (tmp_path / "p.yaml").read_bytes() == changed.encode()
    before = (tmp_path / "m.yaml").stat().st_ino
    assert cli(*upload, env=aws.env("admin")).stdout == f"exists s3://artifacts/{key}\n"
    assert (tmp_path / "m.yaml").stat().st_ino == before
    assert sorted(os.listdir(tmp_path)) == ["a.zip", "m.yaml", "p.yaml"]


@pytest.mark.parametrize(
    "patch",
    [
        "- op: test   # as in the base\n  path: /spec/code/s3Key\n  value: other.zip\n"
        "- {op: replace, path: /spec/memorySize, value: 256}\n"
        "# the pipeline writes this\n- op: replace\n  path: /spec/code/s3Key\n  value:   'old.zip'  # here\n"
        "- op: add\n  path: /spec/code/s3Bucket\n  value: elsewhere\n",
        '[{"op": "add", "path": "/spec/code", "value": {"s3Bucket": "elsewhere", "s3Key": "old.zip"}}]\n',
        "- op: add\n  path: /spec\n  value: {code: {s3Key: old.zip}} # ü\n",
    ],
)
def test_the_key_goes_into_a_json_6902_patch_and_nothing_else_changes(cli, aws, tmp_path, patch):
    key = f"{make_zip(tmp_path / 'a.zip', 'patched').hexdigest()}.zip"
    (tmp_path / "p.yaml").write_text(patch)
    result = cli("upload", "a.zip", "-b", "artifacts", "--set-in", "p.yaml", env=aws.env("admin"))
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "p.yaml").read_text() == patch.replace("old.zip", key).replace("elsewhere", "artifacts")


def test_kustomize_makes_of_the_patched_base_what_was_uploaded(cli, aws, tmp_path):
    key = f"{make_zip(tmp_path / 'a.zip', 'def handler(e, c): pass').hexdigest()}.zip"
    (tmp_path / "base.yaml").write_text(MANIFEST)
    (tmp_path / "p.yaml").write_text("- op: replace\n  path: /spec/code/s3Key\n  value: none\n")
    (tmp_path / "kustomization.yaml").write_text(
        "resources: [base.yaml]\npatches:\n- path: p.yaml\n  target: {kind: LambdaFunction, name: hello}\n"
    )
    assert cli("upload", "a.zip", "-b", "artifacts", "--set-in", "p.yaml", env=aws.env("admin")).returncode == 0
    made = subprocess.run([KUBE_BIN / "kubectl", "kustomize", tmp_path], capture_output=True, text=True, check=True)
    assert f"s3Key: {key}\n" in made.stdout


def test_what_is_wrong_is_found_before_anything_is_sent(cli, aws, tmp_path):
    good = make_zip(tmp_path / "good.zip", "good")
    whole = (tmp_path / "good.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:-10])
    (tmp_path / "empty.zip").write_bytes(b"")
    (tmp_path / "text.zip").write_text("no archive")
    (tmp_path / "dir").mkdir()
    files = ["good.zip", "cut.zip", "empty.zip", "text.zip", "dir", "none.zip"]
    result = cli("upload", *files, "--bucket", "artifacts", env=aws.env("admin"))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        "kubelambda upload: cut.zip: the archive is cut off: its end is missing; make or copy it again",
        "kubelambda upload: empty.zip: the file is empty: make it again",
        "kubelambda upload: text.zip: not a ZIP archive: Lambda takes ZIP only (`kubelambda zip` makes one)",
        "kubelambda upload: dir is a directory: name a file",
        "kubelambda upload: none.zip: No such file or directory",
    ]
    found = aws.objects.list_objects_v2(Bucket="artifacts", Prefix=good.hexdigest())
    assert found["KeyCount"] == 0


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        (MANIFEST.replace("app.handler", "main.handler"), "needs main.py, which is not in the archive"),
        (MANIFEST.replace("    s3Key", "    x"), "has no spec.code.s3Key"),
        (MANIFEST.replace("'old.zip'", "|\n      old"), "line 8: the value goes over several lines"),
        (MANIFEST + "---\n" + MANIFEST.replace("old", "other"), "have different keys: say which one with --name"),
        (MANIFEST.replace("s3Key", "s3ObjectVersion: abc\n    s3Key"), "has spec.code.s3ObjectVersion"),
        ("kind: ConfigMap\n", "has no LambdaFunction"),
        ("patches:\n- patch: x\n", "m.yaml is a kustomization: move the patch into a file of its own"),
        ("- {op: remove, path: /spec/code/s3Key}\n", "m.yaml is a patch that does not set /spec/code/s3Key"),
        ("- {op: add, path: /spec/code, value: {s3Bucket: b}}\n", "LambdaFunction of the patch has no spec.code.s3Key"),
        ("- {op: add, path: /spec/code, value: {s3Key: a, s3ObjectVersion: b}}\n", "has spec.code.s3ObjectVersion"),
        ("kind: [\n", "m.yaml: line 2"),
    ],
)
def test_a_manifest_in_which_it_cannot_be_set_stays_and_nothing_is_sent(cli, aws, tmp_path, manifest, says):
    key = f"{make_zip(tmp_path / 'a.zip', says).hexdigest()}.zip"
    (tmp_path / "m.yaml").write_text(manifest)
    result = cli("upload", "a.zip", "--bucket", "artifacts", "--set-in", "m.yaml", env=aws.env("admin"))
    assert (result.returncode, result.stdout) == (1, "")
    assert says in result.stderr
    assert (tmp_path / "m.yaml").read_text() == manifest
    assert aws.objects.list_objects_v2(Bucket="artifacts", Prefix=key)["KeyCount"] == 0


def test_refusals_of_s3_say_what_to_do(cli, aws, tmp_path):
    make_zip(tmp_path / "a.zip", "refused")
    result = cli("upload", "a.zip", "--bucket", "artifacts", env=aws.env())
    assert result.returncode == 1 and "need s3:PutObject" in result.stderr
    result = cli("upload", "a.zip", "--bucket", "no-such-bucket", env=aws.env("admin"))
    assert result.returncode == 1 and "there is no bucket 'no-such-bucket'" in result.stderr
    result = cli("upload", "a.zip", "--bucket", "artifacts", env={"AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"})
    assert result.returncode == 1 and "redentials" in result.stderr
    for wrong in (["--bucket", "s3://artifacts"], ["-b", "artifacts", "-p", "/x"], ["-b", "artifacts", "-o", "xml"], []):
        assert cli("upload", "a.zip", *wrong).returncode == 2


# upload, to the scripted AWS


def test_what_passes_is_tried_again(cli, fake, tmp_path):
    key = f"{make_zip(tmp_path / 'a.zip', 'again').hexdigest()}.zip"
    heads = fake.rule("HeadObject", times=1, user="*", status=503, code="SlowDown", message="slow down")
    puts = fake.rule("PutObject", times=2, user="*", status=503, code="SlowDown", message="slow down")
    start = time.monotonic()
    result = cli("upload", "a.zip", "--bucket", "artifacts", env=fake.env("admin"))
    assert (result.returncode, result.stdout) == (0, f"uploaded s3://artifacts/{key}\n"), result.stderr
    assert result.stderr.count("trying again") == 3
    assert time.monotonic() - start > 1.9
    assert (fake.hits(heads), fake.hits(puts)) == (1, 2)
    fake.rules_off()


def test_an_upload_whose_answer_is_lost_is_there_in_the_end(cli, fake, tmp_path):
    key = f"{make_zip(tmp_path / 'a.zip', 'lost').hexdigest()}.zip"
    fake.rule("PutObject", times=1, user="*", perform=True, cut=0)
    result = cli("upload", "a.zip", "--bucket", "artifacts", env=fake.env("admin"))
    assert (result.returncode, result.stdout) == (0, f"uploaded s3://artifacts/{key}\n"), result.stderr
    fake.rules_off()


def test_one_refused_file_leaves_the_manifest_and_the_others_uploaded(cli, fake, tmp_path):
    keys = [f"{make_zip(tmp_path / f'{n}.zip', f'part {n}').hexdigest()}.zip" for n in range(2)]
    fake.rule("PutObject", name=f"*{keys[0]}*", user="*", status=403, code="AccessDenied", message="no")
    result = cli("upload", "0.zip", "1.zip", "--bucket", "artifacts", env=fake.env("admin"))
    assert (result.returncode, result.stdout) == (1, f"uploaded s3://artifacts/{keys[1]}\n")
    assert "0.zip: our credentials need s3:PutObject" in result.stderr
    (tmp_path / "m.yaml").write_text(MANIFEST)
    result = cli("upload", "0.zip", "--bucket", "artifacts", "--set-in", "m.yaml", env=fake.env("admin"))
    assert result.returncode == 1 and (tmp_path / "m.yaml").read_text() == MANIFEST
    fake.rules_off()


def test_a_bucket_in_another_region_is_told_with_the_region(cli, fake, tmp_path):
    make_zip(tmp_path / "a.zip", "region")
    fake.control("POST", "objects", {"bucket": "europe", "region": "eu-central-1", "objects": {}})
    result = cli("upload", "a.zip", "--bucket", "europe", env=fake.env("admin"))
    assert (result.returncode, result.stdout) == (1, "")
    assert "the bucket 'europe' is in eu-central-1: give that with --region" in result.stderr
    result = cli("upload", "a.zip", "--bucket", "europe", "--region", "eu-central-1", env=fake.env("admin"))
    assert result.returncode == 0, result.stderr


def test_a_damaged_content_is_found_where_it_would_be_sent(cli, fake, tmp_path):
    make_zip(tmp_path / "a.zip", "x" * 100 + "y" * 1000 + "z" * 50)
    damaged = bytearray((tmp_path / "a.zip").read_bytes())
    damaged[40] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(damaged)
    result = cli("upload", "a.zip", "--bucket", "artifacts", env=fake.env("admin"))
    assert (result.returncode, result.stdout) == (1, "")
    assert "a.zip: app.py cannot be unpacked as it was" in result.stderr


def test_credentials_that_expire_half_way_end_it_with_one_sentence(cli, fake, tmp_path):
    keys = [f"{make_zip(tmp_path / f'{n}.zip', f'expired {n}').hexdigest()}.zip" for n in range(5)]
    files = [f"{n}.zip" for n in range(5)]
    expired = {"status": 400, "code": "ExpiredToken", "message": "The provided token has expired."}
    fake.rule("PutObject", user="*", skip=1, **expired)
    result = cli("upload", *files, "--bucket", "artifacts", env=fake.env("admin"))
    told = [line for line in result.stderr.splitlines() if line.startswith("kubelambda upload: ")]
    assert result.returncode == 1
    assert told == [
        "kubelambda upload: the AWS credentials are not accepted, get new ones and run this again: "
        "ExpiredToken: The provided token has expired."
    ]
    assert len(result.stdout.splitlines()) == 1
    fake.rules_off()
    again = cli("upload", *files, "--bucket", "artifacts", env=fake.env("admin"))
    assert sorted(line.split()[0] for line in again.stdout.splitlines()) == ["exists"] + 4 * ["uploaded"]
    assert [line.split()[1] for line in again.stdout.splitlines()] == [f"s3://artifacts/{key}" for key in keys]


def test_an_s3_that_cannot_be_reached_ends_it_with_one_sentence(cli, fake, tmp_path):
    files = [f"{n}.zip" for n in range(20)]
    for name in files:
        make_zip(tmp_path / name, f"unreachable {name}")
    env = {**fake.env("admin"), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    result = cli("upload", *files, "--bucket", "artifacts", env=env)
    told = [line for line in result.stderr.splitlines() if line.startswith("kubelambda upload: ")]
    assert (result.returncode, result.stdout, len(told)) == (1, "", 1)
    assert "Couldn't connect to server" in told[0]
    assert result.stderr.count("trying again") <= 16  # of the four that were under way


class Stalling(Proxy):
    """Lets that many bytes through to the server, then nothing until the connection is cut; `full` is set then."""

    def __init__(self, target, limit):
        self.left, self.full = limit, threading.Event()
        super().__init__(target)

    def pump(self, source, sink):
        with contextlib.suppress(OSError):
            while sink.getpeername()[1] == self.target and self.left > 0 and (piece := source.recv(65536)):
                sink.sendall(piece)
                self.left -= len(piece)
            if self.left <= 0 and not self.full.is_set():
                self.full.set()
                wait_for(lambda: sink.recv(1) == b"", seconds=60)
        super().pump(source, sink)


def big_zip(path):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("app.py", os.urandom(4 << 20))
    path.write_bytes(archive.getvalue())
    return f"{hashlib.sha256(archive.getvalue()).hexdigest()}.zip"


@pytest.fixture
def stalling(aws):
    """An S3 behind a line that is dead after a megabyte, and its environment."""
    one = Stalling(urllib.parse.urlsplit(aws.env()["AWS_ENDPOINT_URL"]).port, 1 << 20)
    yield one, {**aws.env("admin"), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{one.port}"}
    one.off()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_what_ends_in_the_middle_of_a_file_leaves_none_behind(aws, stalling, tmp_path, ending):
    key = big_zip(tmp_path / "a.zip")
    (tmp_path / "m.yaml").write_text(MANIFEST)
    line, env = stalling
    arguments = [BINARY, "upload", "a.zip", "-b", "artifacts", "--set-in", "m.yaml"]
    process = subprocess.Popen(arguments, cwd=tmp_path, env=environment(tmp_path, env), stderr=subprocess.PIPE, text=True)
    assert line.full.wait(20)
    process.send_signal(ending)
    said = process.communicate(timeout=20)[1]
    assert process.returncode == -ending
    if ending == signal.SIGINT:
        assert said.splitlines()[-1] == (
            "kubelambda upload: interrupted: each archive is in S3 as a whole or not at all; run this again, what is "
            "there is not sent twice"
        )
    line.off()
    assert aws.objects.list_objects_v2(Bucket="artifacts", Prefix=key)["KeyCount"] == 0
    assert (tmp_path / "m.yaml").read_text() == MANIFEST
    assert sorted(os.listdir(tmp_path)) == ["a.zip", "m.yaml"]


def test_a_line_that_is_cut_in_the_middle_of_a_file_is_tried_again(aws, cli, stalling, tmp_path):
    key = big_zip(tmp_path / "a.zip")
    line, env = stalling

    def cut():
        line.full.wait(20)
        line.left = 1 << 30
        line.cut()

    threading.Thread(target=cut, daemon=True).start()
    result = cli("upload", "a.zip", "-b", "artifacts", env=env)
    assert (result.returncode, result.stdout) == (0, f"uploaded s3://artifacts/{key}\n"), result.stderr
    assert "trying again" in result.stderr
    assert aws.objects.get_object(Bucket="artifacts", Key=key)["Body"].read() == (tmp_path / "a.zip").read_bytes()


def no_room():
    """In the child: no file can grow beyond a few bytes, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


def test_on_a_full_disk_files_stay_as_they_were_and_what_is_in_s3_is_said(cli, fake, tmp_path):
    make_zip(tmp_path / "a.zip", "full disk")
    (tmp_path / "m.yaml").write_text(MANIFEST)
    upload = ["upload", "a.zip", "-b", "artifacts", "--set-in", "m.yaml"]
    # Python leaves SIGXFSZ ignored: the child sees an error, as it would with ENOSPC.
    full = {"preexec_fn": no_room, "restore_signals": False}
    result = cli(*upload, env=fake.env("admin"), **full)
    assert result.returncode == 1 and result.stdout.startswith("uploaded s3://artifacts/")
    assert result.stderr.splitlines()[-1] == (
        "kubelambda upload: the archive is in S3, run this again to set its key: m.yaml cannot be written and is as it was: "
        "File too large"
    )
    assert (tmp_path / "m.yaml").read_text() == MANIFEST
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_bytes(os.urandom(1000))
    assert "cannot be written and is as it was" in cli("zip", "d", "-o", "a.zip", **full).stderr
    assert zipfile.ZipFile(tmp_path / "a.zip").namelist() == ["app.py"]
    assert sorted(os.listdir(tmp_path)) == ["a.zip", "d", "m.yaml"]
    with open("/dev/full", "w") as nowhere:
        result = cli("upload", "a.zip", "-b", "artifacts", env=fake.env("admin"), stdout=nowhere)
    assert result.returncode == 1 and "could not be printed in full: No space left on device" in result.stderr


def test_an_archive_that_becomes_shorter_while_it_is_read_is_an_error(fake, tmp_path):
    big_zip(tmp_path / "a.zip")
    rule = fake.rule("HeadObject", user="*", hold=True)
    arguments = [BINARY, "upload", "a.zip", "-b", "artifacts"]
    env = environment(tmp_path, fake.env("admin"))
    with subprocess.Popen(arguments, cwd=tmp_path, env=env, stdout=-1, stderr=-1, text=True) as process:
        wait_for(lambda: fake.hits(rule), what="the question to S3")
        os.truncate(tmp_path / "a.zip", 0)
        fake.release(rule)
        out, said = process.communicate(timeout=20)
    assert (process.returncode, out) == (1, "")
    assert "an archive became shorter while it was read" in said
    fake.rules_off()


def test_on_a_terminal_a_bar_is_drawn_and_lines_go_above_it(cli, fake, tmp_path):
    files = [f"{n}.zip" for n in range(3)]
    for name in files:
        make_zip(tmp_path / name, f"on a terminal {name}")
    fake.rule("PutObject", times=1, user="*", status=503, code="SlowDown", message="slow down")
    terminal, end = os.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 70, 0, 0))
    result = cli("upload", *files, "-b", "artifacts", env=fake.env("admin"), stderr=end)
    os.close(end)
    drawn = os.read(terminal, 1 << 16).decode()
    os.close(terminal)
    assert result.returncode == 0 and len(result.stdout.splitlines()) == 3
    lines = [one for one in re.split(r"[\r\n]+", drawn.replace("\x1b[K", "")) if one]
    assert re.fullmatch(r"\[#{24}\] 100 %  \d\.\d of \d\.\d MB  3 of 3 files  .*", lines[-1]), drawn
    assert all(len(line) < 70 for line in lines if line.startswith("["))
    assert sum("trying again" in line for line in lines) == 1 and "sending" not in drawn
    fake.rules_off()
