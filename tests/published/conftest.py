"""The published cases, decoded from their bytes."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from streamscope.plan import Plan
from streamscope.report.comparison import Comparison

if TYPE_CHECKING:
    from tests.published.make import Case

HERE = Path(__file__).parent

Published: TypeAlias = Callable[[str], Comparison]


@pytest.fixture(scope="session")
def make() -> Any:
    """The module that knows the table."""
    spec = importlib.util.spec_from_file_location("published_make", HERE / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def published(make: Any) -> Published:
    """Return what gives the pair of a case, from the bytes on disk through the real decoder."""

    def comparison(name: str) -> Comparison:
        case: Case
        (case,) = [each for each in make.CASES if each.name == name]
        bodies = [make.place(case, line).read_bytes() for line in case.lines]
        return Comparison(plan=Plan(repeat=1, warmup=0), runs=list(make.runs_of(case, bodies)))

    return comparison
