"""The desk of somebody who follows a page of the documentation, and what each page takes for granted to be there."""

import os
import re
import subprocess
import time

from documents import as_pattern, as_script, blocks, sessions
from harness import BINARY, KUBE_BIN, ROOT

ROLE = "arn:aws:iam::123456789012:role/production-hello"
OWNER = "kubelambda.io/owner"


class Desk:
    """A folder with the tools of somebody who follows a page."""

    def __init__(self, folder, cluster, aws):
        self.folder = folder
        tools = folder.parent / f"{folder.name}-bin"
        tools.mkdir()
        for name, target in {"kubelambda": BINARY, "kubectl-lambda": BINARY, "kubectl": KUBE_BIN / "kubectl"}.items():
            (tools / name).symlink_to(target)
        (folder / "manifests").symlink_to(ROOT / "manifests")
        self.env = {
            **aws.env("admin"),
            "PATH": f"{tools}:{os.environ['PATH']}",
            "HOME": str(tools),
            "KUBECONFIG": str(cluster.config("admin")),
            "ASAN_OPTIONS": "detect_leaks=1:exitcode=99",
        }

    def run(self, script, options="-euo pipefail"):
        """What a script printed, and its exit status."""
        done = subprocess.run(
            ["bash", *options.split(), "-c", script], cwd=self.folder, env=self.env, text=True, timeout=120,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.stdout, done.returncode

    def do(self, script, place, options="-euo pipefail", allowed=()):
        told, status = self.run(script, options)
        assert status == 0 or status in allowed, f"{place}: {script}\n{told}"

    def write(self, block):
        path = self.folder / block.argument
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")

    def session(self, command, printed, place):
        """What only reads is asked again for a while: it may show what is still on its way."""
        until = time.monotonic() + 20
        while True:
            told = self.run(command)[0]
            if re.fullmatch(as_pattern(printed), told):
                return
            assert command.startswith("kubectl get") and time.monotonic() < until, f"{place}: {command}\n{told}"

    def follow(self, block):
        if block.language == "console" and block.is_run():
            for command, printed in sessions(block):
                self.session(command, printed, block.place)
        elif block.is_run():
            self.do(as_script(block), block.place)
        elif block.argument and block.argument != "norun":
            self.write(block)


def with_environments(desk, aws):
    """The files of that page, after a first build and in a repository with a remote."""
    for block in blocks(ROOT / "docs/environments.md"):
        if block.language == "yaml":
            desk.write(block)
    desk.do(
        """mkdir src && echo 'def handler(event, context): return "first"' >src/app.py
        kubelambda zip src/ -o hello.zip
        kubelambda upload hello.zip -b artifacts -p hello --set-in overlays/preview/code.yaml
        git init -q -b main . && git init -q --bare ../remote.git && git remote add origin ../remote.git
        git add base overlays src && git -c user.name=a -c user.email=a@example.com commit -qm first
        git push -q -u origin main""",
        "the preparation",
    )


FUNCTION = """\
apiVersion: kubelambda.io/v1alpha1
kind: LambdaFunction
metadata:
  name: {name}
  namespace: {namespace}
spec:
"""
CODE = "  code: {{s3Bucket: artifacts, s3Key: {key}}}\n"
REST = f"  handler: app.handler\n  role: {ROLE}\n"


def manifest(name, key, *lines, namespace="preview"):
    """A function that is right, unless a line makes it wrong."""
    text = FUNCTION.format(name=name, namespace=namespace) + CODE.format(key=key) + REST
    return text + "".join(f"  {line}\n" for line in lines)


def put(desk, files):
    for path, text in files.items():
        (desk.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (desk.folder / path).write_text(text, encoding="utf-8")


def exists(aws, name, key, **rest):
    aws.functions.create_function(
        FunctionName=name, Code={"S3Bucket": "artifacts", "S3Key": key}, Role=ROLE, Runtime="python3.13",
        Handler="app.handler", **rest,
    )  # fmt: skip


def with_the_first_function(desk, aws):
    """The archive that the manifest names, and two namespaces; a directory to build from."""
    aws.upload("fake-function/3f9c….zip")
    for one in ("preview", "production"):
        desk.do(f"kubectl create ns {one} && kubectl label ns {one} kubelambda.io/environment={one}", "a namespace")
    put(desk, {"build/app.py": "", "deploy/app.yaml": manifest("app", "none", "runtime: python3.13")})


def with_manifests(desk, aws):
    """Those of the command line's page: with two mistakes, with an old runtime, and one to be set; what is in AWS beside
    those of preview/; a build; overlays."""
    (desk.folder / "manifests").unlink()
    put(desk, {
        "manifests/app.yaml": manifest("hello", "app/1.zip", "", "", "runtime: python3.99", "", "", "memorysize: 256"),
        "manifests/old.yaml": manifest("old", "app/1.zip", "runtime: python3.9"),
        "hello.yaml": manifest("hello", "none", "runtime: python3.13"),
        "preview/app.yaml": manifest(
            "hello", "hello/9a41….zip", "runtime: python3.13", "memorySize: 256", "tags: {team: payments}",
            "environment: {variables: {LOG_LEVEL: debug, REGION: eu}}",
        ),
        "preview/new.yaml": manifest("new", "app/1.zip", "runtime: python3.13"),
        "preview/same.yaml": manifest("same", "app/1.zip", "runtime: python3.13"),
        "build/tests/test_app.py": "", "build/app.py": "", "build/util.py": "",
    })  # fmt: skip
    aws.upload("hello/9a41….zip", "def handler(event, context): return 'next'\n")
    variables = {"Environment": {"Variables": {"LOG_LEVEL": "info"}}}
    exists(aws, "preview-hello", "app/1.zip", Tags={OWNER: "c1/preview/hello"}, **variables)
    exists(aws, "preview-same", "app/1.zip", Tags={OWNER: "c1/preview/same"})
    for name in ("production-fake-function", "production-other"):
        exists(aws, name, "app/1.zip", **variables)
    with_environments(desk, aws)
    desk.do(
        """git add preview && git -c user.name=a -c user.email=a@example.com commit -qm preview && git push -q""",
        "what the change goes to",
    )


def with_functions(desk, aws):
    """Two that exist, of which one was deployed from an archive under a key of its own."""
    desk.do("mkdir x && echo 'x = 1' >x/app.py && kubelambda zip x -o fake-function.zip", "the preparation")
    archive = (desk.folder / "fake-function.zip").read_bytes()
    aws.objects.put_object(Bucket="artifacts", Key="elsewhere.zip", Body=archive)
    for name in ("production-fake-function", "production-other"):
        exists(aws, name, "elsewhere.zip")


def with_a_history(desk, aws):
    """Five states of code, each with its version, and an alias that followed."""
    desk.do("kubectl create ns production && kubectl label ns production kubelambda.io/environment=production", "a namespace")
    for key in ("1.zip", "2.zip", "3.zip", "3f9c0d.zip", "9b1e7a.zip"):
        aws.upload(f"fake-function/{key}", f"x = '{key}'\n")
        lines = ("runtime: python3.13", "versions: {publish: OnChange}", "aliases: [{name: live, version: Latest}]")
        put(desk, {"app.yaml": manifest("fake-function", f"fake-function/{key}", *lines, namespace="production")})
        desk.do(
            """kubectl apply -f app.yaml
            kubectl annotate -n production lambdafunction/fake-function argocd.argoproj.io/tracking-id=x --overwrite
            kubectl wait -n production --for=condition=Ready lambdafunction/fake-function --timeout=30s""",
            f"the state {key}",
        )


SCENES = {  # by the name of the page; the others take nothing for granted
    "README": with_the_first_function,
    "cli": with_manifests,
    "migrating": with_functions,
    "operating": with_a_history,
    "pipeline": with_environments,
    "rollback": with_a_history,
}
