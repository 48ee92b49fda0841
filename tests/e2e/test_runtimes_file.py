"""--runtimes-file: the table of runtimes is data, and follows its file."""

import subprocess

import pytest
from harness import Serve, function, wait_for

NEW = "- {name: zig1, deprecated: 2035-01-01, createBlocked: 2035-02-01, updateBlocked: 2035-03-01}\n"
PAST = "- {name: python3.13, deprecated: 2020-01-01, createBlocked: 2020-02-01, updateBlocked: 2020-03-01}\n"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("runtimes") / "runtimes.yaml"


@pytest.fixture(scope="module", autouse=True)
def serve(cluster, aws, file, tmp_path_factory):
    file.write_text("[]\n")
    one = Serve(cluster, aws.env(), tmp_path_factory.mktemp("serve"), "--runtimes-file", file, "--no-controller")
    yield one
    assert one.stop() == 0


def dry(cluster, namespace, runtime):
    return cluster.apply(function("app", namespace, runtime=runtime), flags=["--dry-run=server"], check=False)


def test_rows_join_and_replace_the_built_in_ones_while_running(cluster, file, namespace):
    assert dry(cluster, namespace, "python3.13").returncode == 0
    assert "AWS Lambda has no such runtime" in dry(cluster, namespace, "zig1").stderr
    file.write_text(NEW + PAST)
    wait_for(lambda: dry(cluster, namespace, "zig1").returncode == 0)
    assert "AWS refuses to create functions with it since 2020-02-01" in dry(cluster, namespace, "python3.13").stderr


def test_a_broken_file_keeps_the_old_table_and_is_logged_once(cluster, serve, file, namespace):
    file.write_text(NEW)
    wait_for(lambda: dry(cluster, namespace, "zig1").returncode == 0)
    file.write_text("- {name: zig1, deprecated: soon}\n")
    wait_for(lambda: "deprecated must be a date" in serve.log())
    assert dry(cluster, namespace, "zig1").returncode == 0
    file.unlink()
    wait_for(lambda: "No such file" in serve.log())
    assert dry(cluster, namespace, "zig1").returncode == 0
    assert serve.log().count("deprecated must be a date") == 1
    file.write_text("[]\n")
    wait_for(lambda: dry(cluster, namespace, "zig1").returncode != 0)


def test_a_broken_file_at_the_start_is_fatal(serve, tmp_path):
    broken = tmp_path / "broken.yaml"
    for text, message in (("name: x\n", "must be one list"), (None, "No such file")):
        if text:
            broken.write_text(text)
        else:
            broken.unlink()
        arguments = [*serve.arguments[:-2], broken, "--no-controller"]
        result = subprocess.run(arguments, env=serve.env, capture_output=True, text=True, timeout=20, check=False)
        assert result.returncode == 1
        assert f"--runtimes-file {broken}: {message}" in result.stdout + result.stderr
