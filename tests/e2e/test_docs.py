"""What the documentation tells is done. Every page is followed from top to bottom, on a real API server and the scripted
AWS, and what is printed is compared. Manifests of every page are checked by kubelambda, or against the members that
foreign kinds have; commands, also those in sentences and those that cannot run here (documents.py says why), have only
subcommands, options and targets that there are."""

import functools
import json
import os
import re
import subprocess

import pytest
import yaml
from desk import SCENES, Desk
from documents import NOT_RUN, PAGES, blocks, commands, commands_within, typed
from harness import BINARY, KUBE_BIN, ROOT, wait_for

pytestmark = [pytest.mark.scripted_aws, pytest.mark.serve("--cluster-id", "c1")]

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


def short(page):
    return str(page.relative_to(ROOT))


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


@pytest.mark.parametrize("page", [one for one in PAGES if any(block.is_run() for block in blocks(one))], ids=short)
def test_a_page_is_followed_from_top_to_bottom(cluster, aws, serve, tmp_path, page):
    aws.reset()
    aws.upload("app/1.zip")
    aws.upload("hello/an-older-key.zip", "def handler(event, context): return 'older'\n")
    (tmp_path / "desk").mkdir()
    desk = Desk(tmp_path / "desk", cluster, aws)
    if page.stem == "install":  # then nothing is: a configuration for a URL would have a service beside it
        serve.stop()
        for kind in ("mutating", "validating"):
            cluster.run("delete", f"{kind}webhookconfigurations", "kubelambda", "--ignore-not-found")
    try:
        SCENES.get(page.stem, lambda desk, aws: None)(desk, aws)
        for block in blocks(page):
            desk.follow(block)
            if block.argument.startswith(".git"):
                run_pipeline(desk, block)
    finally:
        if page.stem == "install":
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


def test_every_command_is_run_or_says_why_not():
    idle = [one for one in EVERY if one.argument == "norun" or (commands(one) and not one.is_run() and not one.argument)]
    for block in idle:
        print(f"{block.place}: not run: {NOT_RUN[block.why]}")
    assert {one.why for one in idle} == NOT_RUN.keys()


def test_the_readme_leads_to_every_page():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for page in ROOT.glob("docs/*.md"):
        assert f"docs/{page.name}" in readme, page.name


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
    block = next(one for one in blocks(ROOT / "docs/pipeline.md") if one.argument == ".pre-commit-config.yaml")
    (hook,) = yaml.safe_load(block.text)["repos"][0]["hooks"]
    base = next(one for one in blocks(ROOT / "docs/environments.md") if one.argument == "base/hello.yaml")
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
    subcommand = words[1:2]
    while words[0] == "kubectl" and len(words) > 1 + len(subcommand):
        following = words[1 + len(subcommand)]
        if following.startswith("-") or following not in completed("kubectl", *subcommand, ""):
            break
        subcommand.append(following)
    known = completed(words[0], *subcommand, "--")
    for word in words[2:]:
        if word.startswith("--") and word != "--":
            assert word.split("=")[0] in known, f"{' '.join(words)}: {word} is no option"


def check_command(words, makefile):
    if words[0] == "make":
        targets = [one for one in words[1:] if "=" not in one and one[0].islower()]
        assert all(re.search(rf"^{re.escape(one)}:", makefile, re.M) for one in targets), words
    elif words[:2] == ["kubectl", "lambda"]:
        check_options(["kubelambda", *words[2:]])
    elif len(words) > 1 and not words[1].startswith("-"):
        assert words[1] in completed(words[0], ""), words
        check_options(words)


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_every_command_in_the_documentation_is_one(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for block in blocks(page):
        if block.language in ("sh", "console"):
            subprocess.run(["bash", "-n", "-c", typed(block)], check=True)
        for words in commands(block):
            check_command(words, makefile)
    for words in commands_within(page):
        check_command(words, makefile)
