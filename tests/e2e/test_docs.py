"""What the documentation tells is done. The pages of the path (STORIES) are run from top to bottom on a real API server
and the scripted AWS; manifests of every page are checked by kubelambda, or against the members that foreign kinds have;
commands of every page, also of those that cannot run here (a registry, a CI service, other tools), have only subcommands,
options and targets that there are."""

import functools
import json
import os
import re
import subprocess

import pytest
import yaml
from documents import PAGES, as_pattern, blocks, commands, sessions
from harness import BINARY, KUBE_BIN, ROOT, wait_for

pytestmark = [pytest.mark.scripted_aws, pytest.mark.serve("--cluster-id", "c1")]

ROLE = "arn:aws:iam::123456789012:role/production-hello"
STORIES = ["install", "first-function", "environments", "policies", "pipeline", "gitops", "migrating", "cli"]
NAMESPACES = ["preview", "staging", "production", "argocd"]
# What the API server reads from files: test_client_ca.py and the clusters of all tests do that.
FILES = {("apiserver.config.k8s.io/v1", "AdmissionConfiguration"), ("v1", "Config")}
FOREIGN = {  # apiVersion, kind -> members of its spec
    ("argoproj.io/v1alpha1", "Application"): {"project", "source", "destination", "syncPolicy"},
    ("source.toolkit.fluxcd.io/v1", "GitRepository"): {"interval", "url", "ref"},
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"): {
        "interval", "sourceRef", "path", "prune", "wait", "timeout", "dependsOn",
    },
}  # fmt: skip


def forget(cluster, namespace):
    """No controller of namespaces runs here: what it would do at last."""
    if not cluster.get("namespace", namespace):
        return
    # A policy that protected them is gone, which kubelambda sees a moment later.
    delete = ("delete", "lambdafunctions", "--all", "--timeout=20s", "-n", namespace)
    wait_for(lambda: cluster.run(*delete, check=False).returncode == 0, what="the end of the functions")
    cluster.run("delete", "namespace", namespace, "--wait=false")
    path = f"/api/v1/namespaces/{namespace}"
    cluster.request("PUT", f"{path}/finalize", {**cluster.request("GET", path)[1], "spec": {"finalizers": []}})


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

    def follow(self, block):
        if block.argument == "norun":
            return
        if block.language == "sh":
            self.do(block.text, block.place)
        elif block.language == "console":
            for command, printed in sessions(block):
                told = self.run(command)[0]
                assert re.fullmatch(as_pattern(printed), told), f"{block.place}: {command}\n{told}"
        elif block.argument:
            self.write(block)


def story(name):
    return blocks(ROOT / "docs" / f"{name}.md")


def with_environments(desk):
    """The files of that page, after a first build and in a repository with a remote."""
    for block in story("environments"):
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
  namespace: preview
spec:
"""


def with_manifests(desk):
    """Those of the command line's page: with two mistakes, with an old runtime, and one to be set."""
    (desk.folder / "manifests").unlink()
    (desk.folder / "manifests").mkdir()
    code = "  code: {s3Bucket: artifacts, s3Key: app/1.zip}\n"
    rest = f"  handler: app.handler\n  role: {ROLE}\n"
    for path, name, text in [
        ("manifests/app.yaml", "hello", code + rest + "\n\n  runtime: python3.99\n  timeout: 3\n\n  memorysize: 256\n"),
        ("manifests/old.yaml", "old", code + "\n  runtime: python3.9\n" + rest),
        ("hello.yaml", "hello", "  code: {s3Bucket: artifacts, s3Key: none}\n  runtime: python3.13\n" + rest),
    ]:
        (desk.folder / path).write_text(FUNCTION.format(name=name) + text, encoding="utf-8")
    desk.do("mkdir -p build/tests && touch build/app.py build/util.py build/tests/test_app.py", "the preparation")


def with_functions(desk, aws):
    """Two that exist, of which one was deployed from an archive under a key of its own."""
    desk.do("mkdir x && echo 'x = 1' >x/app.py && kubelambda zip x -o fake-function.zip", "the preparation")
    archive = (desk.folder / "fake-function.zip").read_bytes()
    aws.objects.put_object(Bucket="artifacts", Key="elsewhere.zip", Body=archive)
    for name in ("fake-function", "other"):
        aws.functions.create_function(
            FunctionName=f"production-{name}", Code={"S3Bucket": "artifacts", "S3Key": "elsewhere.zip"}, Role=ROLE,
            Runtime="python3.13", Handler="app.handler",
        )  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
def test_a_page_is_followed_from_top_to_bottom(cluster, aws, serve, tmp_path, name):
    aws.reset()
    aws.upload("app/1.zip")
    aws.upload("hello/an-older-key.zip", "def handler(event, context): return 'older'\n")
    (tmp_path / "desk").mkdir()
    desk = Desk(tmp_path / "desk", cluster, aws)
    if name == "install":  # then nothing is: a configuration for a URL would have a service beside it
        serve.stop()
        for kind in ("mutating", "validating"):
            cluster.run("delete", f"{kind}webhookconfigurations", "kubelambda", "--ignore-not-found")
    if name == "pipeline":
        with_environments(desk)
    if name == "migrating":
        with_functions(desk, aws)
    if name == "cli":
        with_manifests(desk)
    try:
        for block in story(name):
            desk.follow(block)
            if block.argument.startswith(".git"):
                run_pipeline(desk, block)
    finally:
        if name == "install":
            serve.start()
        cluster.run("delete", "lambdapolicies", "--all")
        for one in NAMESPACES:
            forget(cluster, one)


def run_pipeline(desk, block):
    """What the service would run, as it would; what it brings itself (checkout, credentials) is there."""
    jobs = yaml.safe_load(block.text)
    desk.do("""echo 'def handler(event, context): return "next"' >src/app.py""", block.place)
    if "jobs" in jobs:
        for job in jobs["jobs"].values():
            for step in job["steps"]:
                assert step.keys() <= {"uses", "with", "run"} and len(step.keys() & {"uses", "run"}) == 1
                if "run" in step:
                    desk.do(step["run"], block.place, "-e")
        assert "hello: new build in preview" in desk.run("git log --oneline origin/main")[0]
        return
    assert jobs["stages"] == ["check", "deploy"]
    for job in (one for one in jobs.values() if "script" in one):
        assert job["stage"] in jobs["stages"]
        for line in job["script"]:
            desk.do(line, block.place, "-eo pipefail", [job.get("allow_failure", {}).get("exit_codes")])


EVERY = [block for page in PAGES for block in blocks(page)]


def test_every_page_of_the_path_is_followed_and_linked():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in [*STORIES, "moving"]:
        assert f"docs/{name}.md" in readme, name


def test_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("block", [one for one in EVERY if one.language == "yaml"], ids=repr)
def test_a_manifest_in_the_documentation_would_be_taken(block):
    for document in yaml.safe_load_all(block.text):
        if not isinstance(document, dict) or "kind" not in document:
            continue  # a kustomization, a patch or a pipeline: the story that it is in uses it
        kind = document["apiVersion"], document["kind"]
        if kind[0].startswith("kubelambda.io/"):
            told = subprocess.run(
                [BINARY, "check", "--offline", "--region=us-east-1", "--environment=e", "-f", "-"],
                input=json.dumps(document), text=True, capture_output=True,
            )  # fmt: skip
            assert told.returncode == 0, told.stdout + told.stderr
        elif kind in FOREIGN:
            assert document["spec"].keys() <= FOREIGN[kind] and document["metadata"]["namespace"]
        else:
            assert kind == ("v1", "Namespace") or kind in FILES


@pytest.mark.parametrize("block", [one for one in EVERY if one.language == "json"], ids=repr)
def test_json_in_the_documentation_is_json(block):
    json.loads(block.text)


def test_the_commit_hook_runs(tmp_path):
    block = next(one for one in story("pipeline") if one.argument == ".pre-commit-config.yaml")
    (hook,) = yaml.safe_load(block.text)["repos"][0]["hooks"]
    base = next(one for one in story("environments") if one.argument == "base/hello.yaml")
    (tmp_path / "base").mkdir()
    (tmp_path / base.argument).write_text(base.text, encoding="utf-8")
    assert re.search(hook["files"], base.argument)
    program, *arguments = hook["entry"].split()
    assert program == "kubelambda"
    subprocess.run([BINARY, *arguments], cwd=tmp_path, check=True)


@functools.cache
def completed(*words):
    """What a program itself offers in the place of the last word."""
    program = {"kubelambda": BINARY, "kubectl": KUBE_BIN / "kubectl"}[words[0]]
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "KUBECONFIG": "/dev/null"}
    told = subprocess.run([program, "__complete", *words[1:]], capture_output=True, text=True, env=env)
    return {re.split(r"[\t=]", line)[0] for line in told.stdout.splitlines()}


def check_options(words):
    subcommand = [words[1]]
    while words[0] == "kubectl" and len(words) > 1 + len(subcommand):
        following = words[1 + len(subcommand)]
        if following.startswith("-") or following not in completed("kubectl", *subcommand, ""):
            break
        subcommand.append(following)
    known = completed(words[0], *subcommand, "--")
    for word in words[2:]:
        if word.startswith("--") and word != "--":
            assert word.split("=")[0] in known, f"{' '.join(words)}: {word} is no option"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_in_the_documentation_is_one(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for block in blocks(page):
        if block.language in ("sh", "console"):
            subprocess.run(["bash", "-n", "-c", re.sub(r"^\$ |^(?!\$ ).*$", "", block.text, flags=re.M)
                            if block.language == "console" else block.text], check=True)  # fmt: skip
        for words in commands(block):
            if words[0] == "make":
                targets = [one for one in words[1:] if "=" not in one]
                assert all(re.search(rf"^{re.escape(one)}:", makefile, re.M) for one in targets), (block, words)
            elif len(words) > 1 and words[1] == "lambda":
                check_options(["kubelambda", *words[2:]])
            elif len(words) > 1 and not words[1].startswith("-"):
                assert words[1] in completed(words[0], ""), (block, words)
                check_options(words)
