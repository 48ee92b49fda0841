"""Fifty archives of 10 MB of which forty-five are there already, into an S3 server that is not ours, beside the AWS
command line copying the five that are not."""

import hashlib
import hashlib
import os
import shutil
import subprocess
import time
import zipfile

from harness import BINARY, free_port, get_url, wait_for
from servers import Process, spread

FILES, NEW, BYTES = 50, 5, 10_000_000
BUCKET, PREFIX, REGION = "artifacts", "app", "us-east-1"
S3, AWSCLI = os.environ.get("BENCH_S3"), os.environ.get("AWSCLI")
KEYS = {"AWS_ACCESS_KEY_ID": "AKIABENCH", "AWS_SECRET_ACCESS_KEY": "benchsecret"}


def say(text=""):
    print(text, flush=True)


def start_s3(stage):
    """The server, and the environment in which a client finds it."""
    folder, port = stage.directory / "s3", free_port()
    for name in ("data", "side"):
        (folder / name).mkdir(parents=True)
    arguments = [S3, "--port", f"127.0.0.1:{port}", "--quiet", "posix", "--sidecar", folder / "side", folder / "data"]
    root = {"ROOT_ACCESS_KEY": KEYS["AWS_ACCESS_KEY_ID"], "ROOT_SECRET_KEY": KEYS["AWS_SECRET_ACCESS_KEY"]}
    server = Process(list(map(str, arguments)), folder / "log", root)
    stage.stack.callback(server.stop)
    wait_for(lambda: get_url(f"http://127.0.0.1:{port}/")[0] != 0, what="the S3 server")
    return {
        **KEYS, "PATH": os.environ["PATH"], "HOME": str(folder), "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }  # fmt: skip


def archives(folder):
    """The old ones and the new ones, of bytes that do not compress."""
    for name in ("old", "new"):
        (folder / name).mkdir(parents=True)
    for number in range(FILES):
        path = folder / ("new" if number < NEW else "old") / f"{number:02}.zip"
        with zipfile.ZipFile(path, "w") as out:
            out.writestr("app.py", os.urandom(BYTES))
    return folder / "old", folder / "new"


def run(env, *arguments):
    """Seconds, and the first word of each line that it printed."""
    began = time.monotonic()
    done = subprocess.run(list(map(str, arguments)), env=env, text=True, capture_output=True)
    taken = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    return taken, [line.split()[0] for line in done.stdout.splitlines()]


def chosen(new_files, number):
    """What a round has put there, as the AWS command line chooses objects."""
    keys = [f"{PREFIX}/{hashlib.sha256(one.read_bytes()).hexdigest()}.zip" for one in new_files] + [f"copy-{number}/*"]
    return ["--exclude", "*", *[word for key in keys for word in ("--include", key)]]


def chosen(new_files, number):
    """What a round has put there, as the AWS command line chooses objects."""
    keys = [f"{PREFIX}/{hashlib.sha256(one.read_bytes()).hexdigest()}.zip" for one in new_files] + [f"copy-{number}/*"]
    return ["--exclude", "*", *[word for key in keys for word in ("--include", key)]]


def part_upload(stage):
    """Each round: all fifty by kubelambda, then the five by the AWS command line; then they are taken away again."""
    env = start_s3(stage)
    old, new = archives(stage.directory / "archives")
    old_files, new_files = sorted(old.iterdir()), sorted(new.iterdir())
    run(env, AWSCLI, "s3", "mb", f"s3://{BUCKET}")
    run(env, BINARY, "upload", "--bucket", BUCKET, "--prefix", PREFIX, *old_files)
    taken = {"kubelambda": [], "awscli": []}
    for number in range(stage.rounds):
        seconds, told = run(env, BINARY, "upload", "--bucket", BUCKET, "--prefix", PREFIX, *old_files, *new_files)
        assert told.count("uploaded") <= NEW and told.count("exists") == FILES - NEW, told
        taken["kubelambda"].append(seconds)
        copy = [AWSCLI, "s3", "cp", "--recursive", "--no-progress", new, f"s3://{BUCKET}/copy-{number}"]
        taken["awscli"].append(run(env, *copy)[0])
        run(env, AWSCLI, "s3", "rm", "--quiet", "--recursive", f"s3://{BUCKET}/", *chosen(new_files, number))
    shutil.rmtree(stage.directory / "archives")
    ratio = spread([a / b for a, b in zip(taken["kubelambda"], taken["awscli"], strict=True)])
    results = {**{name: spread(some) for name, some in taken.items()}, "to awscli": ratio, "uploaded": NEW}
    say(f"\nUpload: {FILES} archives of {BYTES / 1e6:.0f} MB, {FILES - NEW} of them there; awscli copies the other {NEW}; seconds")
    for name in taken:
        say(f"{name:34}{results[name]['median']:8.2f} ({results[name]['least']:.2f}–{results[name]['most']:.2f})")
    say(f"{'× awscli (at most 1.3)':34}{ratio['median']:8.2f} ({ratio['least']:.2f}–{ratio['most']:.2f})")
    return results
