"""Shows what kubelambda does, on a real API server, with an AWS emulator that checks signatures and
permissions, and the release binary. Each step says what it expects and checks it.

Run by `make demo`. Exit status 1 when a step was not as expected."""

import contextlib
import os
import pathlib
import signal
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
os.environ.setdefault("KUBELAMBDA", "build/kubelambda")  # else the sanitized build is taken
from harness import BINARY, Aws, Cluster, Serve, settled  # noqa: E402

NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata:
  name: team-blue
  labels:
    kubelambda.io/environment: preview
"""

MANIFEST = """\
apiVersion: kubelambda.io/v1alpha1
kind: LambdaFunction
metadata:
  name: fake-function
  namespace: team-blue
spec:
  code:
    s3Bucket: artifacts
    s3Key: fake-function/v1.zip
  runtime: python3.13
  handler: app.handler
  role: arn:aws:iam::123456789012:role/fake
  memorySize: 256
"""

GOOD = {
    "s3Key": "fake-function/v1.zip",
    "runtime": "python3.13",
    "role": "arn:aws:iam::123456789012:role/fake",
    "memorySize": "256",
}

WRONG = [
    ("a runtime that AWS does not have", {"runtime": "python3.31"}, ["did you mean python3.14?"]),
    ("an object that was never uploaded", {"s3Key": "fake-function/v9.zip"}, ["upload it first"]),
    ("a user as role", {"role": "arn:aws:iam::123456789012:user/fake"}, ["the ARN of an IAM role"]),
    ("too little memory", {"memorySize": "64"}, ["must be between 128 and 10240"]),
]

TERMINAL = sys.stdout.isatty()


class Unexpected(Exception):
    """What was expected, and what was seen instead."""


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if TERMINAL else text


def say(text="", indent=2):
    for line in text.splitlines() or [""]:
        print((" " * indent + line).rstrip(), flush=True)


def heading(text):
    print(f"\n{paint(1, text)}\n{'-' * len(text)}", flush=True)


def expect(holds, what, seen):
    if not holds:
        raise Unexpected(f"expected: {what}\nseen:     {seen}")
    say(f"{paint(32, '✓')} {what}")


def manifest(**changes):
    """The good manifest with other values, and the lines that differ."""
    text = MANIFEST
    for key, value in changes.items():
        text = text.replace(f"{key}: {GOOD[key]}", f"{key}: {value}")
    return text, [line for line in text.splitlines() if line not in MANIFEST.splitlines()]


class Demo:
    def __init__(self, cluster, aws):
        self.cluster, self.aws = cluster, aws

    def kubectl(self, *arguments, stdin=None):
        """Runs kubectl and shows command and output as a terminal would."""
        say(paint(2, f"$ kubectl {' '.join(arguments)}"), 4)
        result = self.cluster.run(*arguments, stdin=stdin, check=False)
        say((result.stdout + result.stderr).strip(), 4)
        return result

    def apply(self, lines, text):
        say("\n".join(lines), 4)
        return self.kubectl("apply", "-f", "-", stdin=text)

    def refused(self, what, changes, words):
        say(f"\nA manifest with {what}:\n")
        text, lines = manifest(**changes)
        result = self.apply(lines, text)
        said = result.returncode != 0 and all(word in result.stderr for word in words)
        expect(said, "refused, with what to write instead", result.stderr or result.stdout)

    def ready(self, seconds=20):
        """Waits for Ready=True, then shows the row that people look at."""
        settled(self.cluster, "fake-function", "team-blue", seconds=seconds)
        row = self.kubectl("get", "lambdafunctions", "-n", "team-blue").stdout.splitlines()[-1]
        expect("True" in row.split(), "the resource is ready: everything in it is in force", row)

    def in_aws(self):
        return self.aws.function("preview-fake-function")

    def code_is(self, wanted, what):
        code = self.in_aws()["Configuration"]["CodeSha256"]
        say(f"CodeSha256: {code}", 4)
        expect(code == wanted, what, f"CodeSha256 {code}, wanted {wanted}")


def refusals(demo):
    heading("1. What is wrong is refused while kubectl apply waits")
    for what, changes, words in WRONG:
        demo.refused(what, changes, words)
    demo.refused(
        "two mistakes at once",
        {"runtime": "python3.31", "memorySize": "64"},
        ["* spec.runtime", "* spec.memorySize"],
    )
    expect(demo.in_aws() is None, "nothing of all this has reached AWS", demo.in_aws())


def deployment(demo, first):
    heading("2. What is right is deployed")
    say("\nThe namespace is labelled kubelambda.io/environment=preview, the manifest names no function:\n")
    result = demo.apply(MANIFEST.splitlines(), MANIFEST)
    expect(result.returncode == 0, "accepted", result.stderr)
    demo.ready()
    say("\nThe function as AWS has it, asked with boto3:\n")
    function = demo.in_aws()
    if function is None:
        raise Unexpected("expected: preview-fake-function in AWS\nseen:     no such function")
    shown = ("FunctionName", "Runtime", "Handler", "Role", "MemorySize", "CodeSha256", "State")
    live = {name: function["Configuration"].get(name) for name in shown}
    say("\n".join(f"{name + ':':14}{value}" for name, value in live.items()), 4)
    wanted = {
        "FunctionName": "preview-fake-function",
        "Runtime": "python3.13",
        "Handler": "app.handler",
        "Role": GOOD["role"],
        "MemorySize": 256,
        "CodeSha256": first,
        "State": "Active",
    }
    expect(live == wanted, "it has the environment's name, and all that was declared", live)


def change_and_rollback(demo, first, second):
    heading("3. New code is a new key, a rollback is the old key")
    text, lines = manifest(s3Key="fake-function/v2.zip")
    say("\nThe second version was uploaded; the manifest names its key:\n")
    demo.apply(lines, text)
    demo.ready()
    demo.code_is(second, "AWS runs the code of v2.zip: its hash is the upload's")
    say("\nThe old key again:\n")
    demo.apply(["    s3Key: fake-function/v1.zip"], MANIFEST)
    demo.ready()
    demo.code_is(first, "rolled back: AWS runs the code of v1.zip")


def deletion(demo):
    heading("4. A deleted resource takes its function along")
    say()
    result = demo.kubectl("delete", "lambdafunction", "fake-function", "-n", "team-blue", "--timeout=20s")
    expect(result.returncode == 0, "deleted", result.stderr)
    expect(demo.in_aws() is None, "the function is gone in AWS, too", demo.in_aws())


def start(directory, stack):
    """The cluster, AWS and kubelambda between them, each to be ended with the stack."""
    began = time.monotonic()
    heading("Starting the real parts")
    cluster = Cluster(directory / "cluster")
    stack.callback(cluster.stop)
    aws = Aws(directory / "aws")
    stack.callback(aws.stop)
    serve = Serve(cluster, aws.env(), directory / "serve")
    stack.callback(serve.kill)
    cluster.run("apply", "-f", "-", stdin=NAMESPACE)
    seconds = time.monotonic() - began
    say(f"an API server with its etcd, an AWS emulator, and {BINARY.name} serve: {seconds:.0f} s")
    return cluster, aws, serve


def play(directory, stack):
    cluster, aws, serve = start(directory, stack)
    first, second = (aws.upload(f"fake-function/{name}.zip", name)["ChecksumSHA256"] for name in ("v1", "v2"))
    demo = Demo(cluster, aws)
    refusals(demo)
    deployment(demo, first)
    change_and_rollback(demo, first, second)
    deletion(demo)
    status = serve.stop()
    if status != 0:
        raise Unexpected(f"expected: kubelambda ends with 0 when it is told to stop\nseen:     {status}")


def main():
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    sys.stdout.reconfigure(errors="replace")  # where the locale has no ✓
    with tempfile.TemporaryDirectory(prefix="kubelambda-demo-") as directory, contextlib.ExitStack() as stack:
        try:
            play(pathlib.Path(directory), stack)
            print("\nAll of it was as expected.")
            return 0
        except (Unexpected, AssertionError) as error:
            print(f"\n{paint(31, '✗')} NOT as expected\n{error}", flush=True)
            for log in pathlib.Path(directory).glob("serve/*.log"):
                print("\nkubelambda's log ends with:\n" + "".join(log.open().readlines()[-10:]), flush=True)
            return 1
        except KeyboardInterrupt:
            print("\ninterrupted", flush=True)
            return 130
        finally:  # a second Ctrl-C must not keep anything running
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
