"""A server for each test."""

from collections.abc import Iterator

import pytest
from loopback import Server


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()
