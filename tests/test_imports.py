"""Rules about imports that hold for single modules.

Rules about rooms are contracts of import-linter in pyproject.toml.
"""

import tomllib
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


@cache
def graph() -> dict[str, set[str]]:
    """Returns which modules of ours each module imports, anywhere in it."""
    rooms = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["root_packages"]
    found = grimp.build_graph(*rooms, cache_dir=None)
    return {name: set(found.find_modules_directly_imported_by(name)) for name in found.modules}


def test_no_module_imports_itself_by_way_of_others():
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None


def test_only_a_feature_itself_imports_its_tables():
    foreign = [
        f"{name} imports {imported}"
        for name, found in graph().items()
        for imported in found
        if imported.startswith("cloud.")
        and imported.endswith(".tables")
        and imported != "cloud.db.tables"
        and not name.startswith(imported.removesuffix("tables"))
    ]
    assert foreign == []
