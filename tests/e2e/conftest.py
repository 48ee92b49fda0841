"""The real parts are started once for all tests, kubelambda once for each module that asks for it: two of
them in one cluster would work on the same functions. What a module wants otherwise it says in `pytestmark`, or by a
fixture of the same name."""

import itertools

import pytest
from harness import Aws, Cluster, FakeAws, Serve


def pytest_addoption(parser):
    help = "write golden/*.txt anew, to be looked at before they are committed"
    parser.getgroup("kubelambda").addoption("--update-golden", action="store_true", help=help)


def pytest_configure(config):
    for marker in (
        "scripted_aws(**settings): the module's AWS is a scripted one of its own, with these settings",
        "serve(*options): the module's kubelambda has these options",
    ):
        config.addinivalue_line("markers", marker)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    one = Cluster(tmp_path_factory.mktemp("cluster"))
    yield one
    one.stop()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    one = Aws(tmp_path_factory.mktemp("aws"))
    one.upload("app/1.zip")
    yield one
    one.stop()


@pytest.fixture(scope="module")
def scripted_aws(request, tmp_path_factory):
    mark = request.node.get_closest_marker("scripted_aws")
    one = FakeAws(tmp_path_factory.mktemp("fake"), **(mark.kwargs if mark else {}))
    one.upload("app/1.zip")
    one.upload("app/2.zip", "x = 2\n")
    yield one
    one.stop()


@pytest.fixture(scope="module")
def aws(request):
    is_scripted = request.node.get_closest_marker("scripted_aws")
    return request.getfixturevalue("scripted_aws" if is_scripted else "emulator")


@pytest.fixture(scope="module")
def serve(request, cluster, aws, tmp_path_factory):
    mark = request.node.get_closest_marker("serve")
    one = Serve(cluster, aws.env(), tmp_path_factory.mktemp("serve"), *(mark.args if mark else ()))
    yield one
    assert one.stop() == 0


@pytest.fixture
def serve_with(cluster, aws, serve, tmp_path):
    """Starts kubelambda with other options or another environment. The shared one rests meanwhile: both
    would claim the webhook configurations."""
    started = []

    def start(*options, env=None, **rest):
        directory = tmp_path / f"serve-{len(started)}"
        started.append(Serve(cluster, {**aws.env(), **(env or {})}, directory, *options, **rest))
        return started[-1]

    assert serve.stop() == 0
    try:
        yield start
        assert [one.stop() for one in started] == [0] * len(started)
    finally:
        for one in started:
            one.kill()
        serve.start()


counter = itertools.count(1)


@pytest.fixture
def namespace(cluster):
    """A namespace of the test's own, in the environment `preview`."""
    return cluster.namespace(f"test-{next(counter)}", "preview")


@pytest.fixture(autouse=True)
def leaves_nothing(request):
    """What a test leaves in its namespaces and in AWS would be in the way of the next one; also rules and settings
    of a scripted AWS, and a kubelambda of the module's that it stopped."""
    uses = set(request.fixturenames)
    cluster = request.getfixturevalue("cluster") if "cluster" in uses else None
    before = len(cluster.namespaces) if cluster else 0
    yield
    if "aws" in uses and isinstance(request.getfixturevalue("aws"), FakeAws):
        request.getfixturevalue("aws").as_usual()
    if "serve" in uses and request.getfixturevalue("serve").process.poll() is not None:
        request.getfixturevalue("serve").start()
    mine = cluster.namespaces[before:] if cluster else []
    for one in mine:
        cluster.empty(one)
    if mine and "aws" in uses:
        request.getfixturevalue("aws").empty(mine)
