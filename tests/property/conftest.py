"""The options of the generated tests, and what they share with the end-to-end tests."""

import pathlib
import sys

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e"), str(pathlib.Path(__file__).parent)]


def pytest_addoption(parser):
    group = parser.getgroup("kubelambda")
    group.addoption("--seed", type=int, help="generate the resources of an earlier run, which printed this seed")
    group.addoption("--resources", type=int, default=20000, help="how many resources to generate (20000)")


def pytest_report_header(config):
    return f"seed of the generated resources: {seed_of(config)}"


def seed_of(config):
    if config.getoption("seed") is None:
        config.option.seed = int.from_bytes(__import__("os").urandom(4))
    return config.getoption("seed")


@pytest.fixture(scope="session")
def seed(request):
    return seed_of(request.config)
