"""`./run client`: renews the Python client for integrators from the service's OpenAPI document.

What of the document is for integrators is kept beside the client, and a test says when the service
has another one (tests/cloud/integrations/test_client.py). Arguments are passed on to
`openapi-python-client generate`.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from fastapi.openapi.utils import get_openapi

from cloud.app import endpoints
from protocol import VERSION
from protocol.messages import PROBLEM_TYPE

HERE = Path(__file__).parents[2] / "integrations" / "python"
DOCUMENT = HERE / "openapi.json"
PACKAGE = HERE / "palm_kiosk_client"
WITHOUT_A_KEY = {"statements.tell_keys", "tokens.issue"}
"""What an integrator asks without one."""


def document() -> dict[str, Any]:
    """Returns what of the service's document is for integrators."""
    whole = get_openapi(title="Palm kiosk", version=VERSION, routes=endpoints())
    paths: dict[str, Any] = {}
    for path, methods in whole["paths"].items():
        kept = {
            method: operation | {"tags": [operation["operationId"].partition(".")[0]]}
            for method, operation in methods.items()
            if "security" in operation or operation["operationId"] in WITHOUT_A_KEY
        }
        paths |= {path: kept} if kept else {}
    for operation in (each for methods in paths.values() for each in methods.values()):
        content = operation["responses"]["default"]["content"]
        # FastAPI puts the schema of a problem beside the type that problems have.
        operation["responses"]["default"]["content"] = {PROBLEM_TYPE: content["application/json"]}
    schemas = whole["components"]["schemas"]
    named: set[str] = set()
    found = _schemas_in(paths)
    while found - named:
        named |= found
        found = _schemas_in({name: schemas[name] for name in named})
    components = whole["components"] | {"schemas": {name: schemas[name] for name in sorted(named)}}
    return whole | {"paths": paths, "components": components}


def _schemas_in(part: Any) -> set[str]:
    return set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(part)))


def main(program: str, *rest: str) -> int:
    DOCUMENT.write_text(json.dumps(document(), indent=1, ensure_ascii=False) + "\n", "utf-8")
    words = ["--path", DOCUMENT, "--output-path", PACKAGE, "--config", HERE / "generate.yaml"]
    asked = [program, "generate", *words, "--meta", "none", "--overwrite", *rest]
    # It formats with the ruff that was installed with it.
    path = f"{Path(program).absolute().parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(asked, check=False, env=os.environ | {"PATH": path}).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
