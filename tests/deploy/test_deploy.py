"""What is given to operators fits what the service measures and how it is started."""

import json
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry.metrics import NoOpMeter, NoOpMeterProvider

from cloud.fleet.picture_making import MAX_FILE
from cloud.settings import load
from cloud.telemetry.measures import SECONDS, Telemetry
from cloud.web.limits import MAX_BODY
from protocol.envelope import MAX_ENVELOPE
from tests.support.units import unit

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
RUNBOOKS = ROOT / "docs" / "runbooks.md"
DASHBOARD = DEPLOY / "grafana" / "palm-cloud.json"
MANIFEST = DEPLOY / "kubernetes" / "palm-cloud.yaml"
NAME = re.compile(r"\b(?:palm|http)_[a-z0-9_]+\b")
HISTOGRAM = ("_bucket", "_count", "_sum")


class Names(NoOpMeter):
    """Notes under which names Prometheus has what is measured, as OpenTelemetry's specification
    translates them (Prometheus and OpenMetrics Compatibility)."""

    def __init__(self) -> None:
        super().__init__("names")
        # The web framework's own.
        self.found = {"http_server_active_requests"}
        self._add("http.server.request.duration", "s", *HISTOGRAM)

    def _add(self, name: str, unit: str, *ends: str) -> None:
        stem = name.replace(".", "_") + ("_seconds" if unit == "s" else "")
        self.found |= {stem + end for end in ends}

    def create_counter(self, name: str, unit: str = "", description: str = ""):
        self._add(name, unit, "_total")
        return super().create_counter(name, unit, description)

    def create_gauge(self, name: str, unit: str = "", description: str = ""):
        self._add(name, unit, "")
        return super().create_gauge(name, unit, description)

    def create_up_down_counter(self, name: str, unit: str = "", description: str = ""):
        self._add(name, unit, "")
        return super().create_up_down_counter(name, unit, description)

    def create_histogram(self, name: str, unit: str = "", description: str = "", **how: Any):
        self._add(name, unit, *HISTOGRAM)
        return super().create_histogram(name, unit, description, **how)


class NamesProvider(NoOpMeterProvider):
    def __init__(self) -> None:
        self.names = Names()

    def get_meter(self, *_: Any, **__: Any) -> Names:
        return self.names


@cache
def measured() -> frozenset[str]:
    provider = NamesProvider()
    Telemetry(None, provider)
    return frozenset(provider.names.found)


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def panels() -> list[dict[str, Any]]:
    return json.loads(DASHBOARD.read_text())["panels"]


def expressions() -> list[str]:
    shown = [target["expr"] for panel in panels() for target in panel["targets"]]
    # What is in quotes names values and not measurements.
    return [re.sub(r'"[^"]*"', '""', each) for each in (*shown, *(r["expr"] for r in rules()))]


def test_dashboard_and_alerts_name_only_what_is_measured():
    labels = {"http_route", "http_response_status_code"}
    named = {name for each in expressions() for name in NAME.findall(each)} - labels
    assert named <= measured()


def test_everything_that_is_measured_is_on_the_dashboard():
    shown = json.dumps(panels())
    stems = {re.sub("(_bucket|_count|_sum)$", "", name) for name in measured()}
    assert [stem for stem in stems if stem not in shown] == []


def test_alerts_use_records_that_are_made():
    made = {rule["record"] for rule in rules() if "record" in rule}
    used = {name for each in expressions() for name in re.findall(r"palm:[a-z_]+:\w+", each)}
    assert used <= made


def test_each_alert_leads_to_its_runbook():
    text = RUNBOOKS.read_text()
    headings = {
        re.sub(r"[^\w\- ]", "", line[3:].lower()).strip().replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("## ")
    }
    for alert in alerts():
        page, _, heading = alert["annotations"]["runbook_url"].partition("#")
        assert page == "docs/runbooks.md"
        assert heading in headings
        assert alert["alert"] in text
        assert alert["labels"]["severity"] in ("page", "ticket")


def test_the_bound_of_an_objective_is_one_that_is_counted():
    bounds = {
        float(bound)
        for each in json.dumps([panels(), rules()]).split("le=~")[1:]
        for bound in re.findall(r"^[^0-9]*([0-9]+)", each)
    }
    assert bounds
    assert bounds <= set(SECONDS)


def test_the_panels_of_the_dashboard_do_not_cover_each_other():
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken
        taken |= cells
    assert len({panel["id"] for panel in panels()}) == len(panels())


# How it is started


def manifest(kind: str, name: str) -> dict[str, Any]:
    (found,) = (
        each
        for each in yaml.safe_load_all(MANIFEST.read_text())
        if (each["kind"], each["metadata"]["name"]) == (kind, name)
    )
    return found


def container(name: str) -> dict[str, Any]:
    pod = manifest("StatefulSet", "palm-cloud")["spec"]["template"]["spec"]
    (found,) = (each for each in pod["containers"] if each["name"] == name)
    return found


def test_a_pod_starts_the_vault_as_the_packages_do():
    words = " ".join(container("vault")["args"]).replace("=", " ").split()
    packaged = shlex.split(unit("palm-vault.service")["ExecStart"])
    assert words == [word for word in packaged[2:] if word != "$PALM_VAULT_OPTIONS"]


def test_the_settings_of_a_pod_can_be_read_and_find_its_vault(tmp_path: Path):
    file = tmp_path / "settings.toml"
    file.write_text(manifest("Secret", "palm-settings")["stringData"]["settings.toml"])
    settings = load(file)
    assert f"--socket={settings.vault.socket}" in container("vault")["args"]
    assert settings.telemetry.endpoint is not None


@pytest.mark.parametrize("name", ["vault", "service"])
def test_no_container_may_more_than_it_needs(name: str):
    context = container(name)["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    users = {container(each)["securityContext"]["runAsUser"] for each in ("vault", "service")}
    assert len(users) == 2


def test_what_no_policy_allows_is_refused():
    nobody = manifest("NetworkPolicy", "nobody")["spec"]
    assert nobody == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_several_services_run_under_the_rules_of_the_package():
    ours = unit("palm-cloud.service")
    several = unit(DEPLOY / "systemd" / "palm-cloud@.service")
    differ = {"execstart", "environment"}
    assert _rules(several, differ) == _rules(ours, differ)


def _rules(section: Any, differ: set[str]) -> dict[str, str]:
    return {name: value for name, value in section.items() if name.lower() not in differ}


def test_the_proxy_asks_the_services_at_their_ports():
    words = shlex.split(unit(DEPLOY / "systemd" / "palm-cloud@.service")["ExecStart"])
    port = words[words.index("--port") + 1]
    proxied = re.findall(
        r"^ +server 127\.0\.0\.1:(\d+)", (DEPLOY / "systemd" / "nginx.conf").read_text(), re.M
    )
    assert set(proxied) == {port.replace("%i", each) for each in ("1", "2")}


def test_the_proxies_let_through_what_the_service_takes():
    annotations = manifest("Ingress", "palm-cloud")["metadata"]["annotations"]
    ingress = annotations["nginx.ingress.kubernetes.io/proxy-body-size"]
    (proxy,) = re.findall(
        r"client_max_body_size (\w+);", (DEPLOY / "systemd" / "nginx.conf").read_text()
    )
    for most in (ingress, proxy):
        assert int(most.removesuffix("m")) << 20 >= max(MAX_FILE + MAX_BODY, MAX_ENVELOPE)


def test_the_image_runs_the_program_of_the_package():
    text = (DEPLOY / "container" / "Containerfile").read_text()
    program = shlex.split(unit("palm-cloud.service")["ExecStart"])
    assert f'ENTRYPOINT ["{program[0]}", "{program[1]}"]' in text
    for name in ("vault", "service"):
        assert f"--uid {container(name)['securityContext']['runAsUser']}" in text
