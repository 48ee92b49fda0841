"""Completion in the shells themselves, and kubelambda as kubectl's plugin."""

import os
import subprocess

import pytest
from harness import BINARY, KUBE_BIN

COMMANDS = ["check", "completion", "import", "plan", "rollback", "serve", "upload", "zip"]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A folder with kubelambda under its three names, and the real kubectl."""
    folder = tmp_path_factory.mktemp("bin")
    for name in ("kubelambda", "kubectl-lambda", "kubectl_complete-lambda"):
        (folder / name).symlink_to(BINARY)
    (folder / "kubectl").symlink_to(KUBE_BIN / "kubectl")
    return f"{folder}:{os.environ['PATH']}"


@pytest.fixture
def run(path, tmp_path):
    def call(*arguments):
        env = {"PATH": path, "HOME": str(tmp_path), "ASAN_OPTIONS": "detect_leaks=1:exitcode=99"}
        done = subprocess.run(arguments, text=True, capture_output=True, cwd=tmp_path, env=env, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


# Each prints what the shell would offer for the words, the last of which is being typed.


def bash(run, *words):
    script = 'compopt() { echo ":$2"; }; source <(kubelambda completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))'
    return run("bash", "-c", script + '; _kubelambda; printf "%s\\n" "${COMPREPLY[@]}"', "bash", *words).split()


def zsh(run, *words):
    stubs = "compdef() { }; _files() { print -l :filenames *(N) }; _describe() { print -l -- ${${(P)2}%%:*} }"
    script = f"{stubs}; source <(kubelambda completion zsh); words=($@); (($# == ${{#words}})) || words+=(''); CURRENT=$#"
    return run("zsh", "-fc", script + "; _kubelambda", "zsh", *words).split()


def fish(run, *words):
    line = " ".join(words)
    script = "kubelambda completion fish | source; complete -C $argv[1]"
    return [one.split("\t")[0] for one in run("fish", "--no-config", "-c", script, line).splitlines()]


SHELLS = [bash, zsh, fish]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_commands_options_values_and_files(run, tmp_path, shell):
    (tmp_path / "app.zip").write_text("")
    assert set(COMMANDS) <= set(shell(run, "kubelambda", ""))
    assert shell(run, "kubelambda", "pl") == ["plan"]
    assert shell(run, "kubelambda", "upload", "--set") == ["--set-in"]
    assert sorted(shell(run, "kubelambda", "check", "-o", "")) == ["json", "text"]
    assert shell(run, "kubelambda", "upload", "--bucket", "") == []
    assert "app.zip" in shell(run, "kubelambda", "upload", "ap")
    assert "app.zip" in shell(run, "kubelambda", "upload", "x.zip", "--set-in", "")
    assert "app.zip" not in shell(run, "kubelambda", "import", "")


def test_a_value_after_an_equals_sign_is_completed(run):
    assert bash(run, "kubelambda", "plan", "--output", "=", "j") == ["json"]
    assert zsh(run, "kubelambda", "plan", "--output=j") == ["--output=json"]


def test_every_option_of_every_command_is_offered(run):
    for command in COMMANDS:
        offered = {line.split("\t")[0] for line in run("kubelambda", "__complete", command, "--").splitlines()}
        rows = [line.strip() for line in run("kubelambda", command, "--help").splitlines() if line.startswith("  -")]
        names = {word for row in rows for word in row.replace(",", " ").split() if word.startswith("--")}
        assert offered == names | {":4"}


def test_kubectl_runs_it_as_its_plugin_and_completes_it(run, tmp_path):
    assert run("kubectl", "lambda", "--version") == run("kubelambda", "--version")
    (tmp_path / "m.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    assert "0 functions" in run("kubectl", "lambda", "check", "--offline", "-f", "m.yaml")
    assert "kubectl-lambda" in run("kubectl", "plugin", "list")
    told = run("kubectl", "__complete", "lambda", "check", "-o", "").splitlines()
    assert told == ["text", "json", ":4"]
