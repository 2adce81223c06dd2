"""Rules about imports that hold for single modules.

Rules about rooms are contracts of import-linter in pyproject.toml.
"""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = (
    *("palm", "drawn", "lab", "protocol", "hardware", "kiosk", "ui", "cloud"),
    *("till", "door", "venue"),
)


def modules() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, known: set[str]) -> set[str]:
    """Returns the modules of `known` that a file imports, anywhere in it.

    `from package import name` imports the module `package.name` if there is one, else `package`.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} imports relatively"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in known else node.module)
    return found & known


def graph() -> dict[str, set[str]]:
    known = modules()
    return {name: imports(path, set(known)) - {name} for name, path in known.items()}


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
        and not name.startswith((imported.removesuffix("tables"), "cloud.db.migrations."))
    ]
    assert foreign == []
