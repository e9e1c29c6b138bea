"""What is in `deploy/` is what its readers accept, and fits the shop. compose.yaml has tests of its own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session  # type: ignore[import-untyped]
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]
from botocore.validate import ParamValidator  # type: ignore[import-untyped]

from shop_adapters.memory import MemoryAdapters
from shop_core import Shop
from shop_core.catalog.images import UPLOAD_BYTES_MAX
from shop_http.pages.sent_form import FORM_SIZE_MAX
from shop_http.server.composition import BACKGROUND_CONNECTIONS
from shop_http.server.metrics import Metrics
from shop_http.server.serve import _END_S_MAX
from shop_http.server.settings import Settings, variable_of

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
BASE, EXAMPLE = DEPLOY / "kubernetes" / "base", DEPLOY / "kubernetes" / "example"
TASK: dict[str, Any] = json.loads((DEPLOY / "ecs" / "task-definition.json").read_text())
UNIT = (DEPLOY / "systemd" / "shop@.service").read_text()
CHECK_SCHEMA = Path(sys.executable).with_name("check-jsonschema")


def documents(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted(folder.glob("*.yaml")):
        if file.name != "kustomization.yaml":
            for document in yaml.safe_load_all(file.read_text()):
                yield file.name, document


MANIFESTS = [*documents(BASE), *documents(EXAMPLE)]
OBJECTS = {document["kind"]: document for _, document in MANIFESTS}
PODS = {kind: OBJECTS[kind]["spec"]["template"]["spec"] for kind in ("Deployment", "Job")}
CONFIG = dict(
    literal.split("=", 1)
    for literal in yaml.safe_load((BASE / "kustomization.yaml").read_text())["configMapGenerator"][0]["literals"]
)


@pytest.mark.parametrize(("file", "manifest"), MANIFESTS, ids=[file for file, _ in MANIFESTS])
def test_kubernetes_accepts_every_manifest(file: str, manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, "1.37", strict=True)


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
def test_kustomize_puts_the_example_together() -> None:
    made = subprocess.run(["kubectl", "kustomize", EXAMPLE], check=True, capture_output=True, text=True).stdout
    objects = {document["kind"]: document for document in yaml.safe_load_all(made)}
    assert objects.keys() == OBJECTS.keys() | {"ConfigMap"}
    for manifest in objects.values():
        kubernetes_validate.validate(manifest, "1.37", strict=True)
    images = {objects[kind]["spec"]["template"]["spec"]["containers"][0]["image"] for kind in PODS}
    assert len(images) == 1, "the migration and the servers are of one version"


@pytest.mark.parametrize("kind", PODS)
def test_a_pod_may_do_no_more_than_it_must(kind: str) -> None:
    pod = PODS[kind]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert f"--uid {pod['securityContext']['runAsUser']} " in (ROOT / "Dockerfile").read_text()
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["enableServiceLinks"] is False, "else Kubernetes sets SHOP_PORT to an address"
    assert not any("value" in variable for variable in container.get("env", []))


def test_probes_ask_what_they_are_for() -> None:
    (container,) = PODS["Deployment"]["containers"]
    probes = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    asked = {name: probe["path"] for name, probe in probes.items()}
    live, ready = "/health/live", "/health/ready"
    assert asked == {"startupProbe": live, "livenessProbe": live, "readinessProbe": ready}
    for health_check in (*TASK["containerDefinitions"][0]["healthCheck"]["command"], (ROOT / "Dockerfile").read_text()):
        assert ready not in health_check.partition("HEALTHCHECK")[2]
    assert live in str(TASK["containerDefinitions"][0]["healthCheck"]["command"])


def test_probes_have_a_port_that_no_client_reaches() -> None:
    (container,) = PODS["Deployment"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert str(ports["health"]) == CONFIG["SHOP_HEALTH_PORT"]
    assert {container[probe]["httpGet"]["port"] for probe in container if probe.endswith("Probe")} == {"health"}
    assert [port["targetPort"] for port in OBJECTS["Service"]["spec"]["ports"]] == ["http"]
    (task,) = TASK["containerDefinitions"]
    apart = {variable["name"]: variable["value"] for variable in task["environment"]}["SHOP_HEALTH_PORT"]
    assert f":{apart}/health/live" in str(task["healthCheck"]["command"])
    image = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^EXPOSE (.+)$", image, re.MULTILINE) == ["8000"]
    assert "os.environ['SHOP_HEALTH_PORT']}/health/live" in image.partition("HEALTHCHECK")[2]
    assert "SHOP_HEALTH_PORT=8001" in image


def test_who_stops_a_server_waits_for_the_requests_under_way() -> None:
    needed = _END_S_MAX + int(CONFIG["SHOP_DRAIN_S"])
    assert PODS["Deployment"]["terminationGracePeriodSeconds"] >= needed
    assert TASK["containerDefinitions"][0]["stopTimeout"] >= needed
    stop = re.search(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    assert stop
    assert int(stop[1]) >= _END_S_MAX + Settings().drain_s


def test_the_most_servers_do_not_use_up_the_connections_of_a_stock_database() -> None:
    server = OBJECTS["Deployment"]["spec"]
    assert server["minReadySeconds"] >= PODS["Deployment"]["terminationGracePeriodSeconds"], "one ends at a time"
    surge = server["strategy"]["rollingUpdate"]["maxSurge"]
    servers = OBJECTS["HorizontalPodAutoscaler"]["spec"]["maxReplicas"] + surge + surge
    others = BACKGROUND_CONNECTIONS + len(["mails", "health checks", "the read model"])
    assert servers * int(CONFIG["SHOP_WORKERS"]) * (int(CONFIG["SHOP_CONNECTIONS"]) + others) <= 100 - 3


def test_every_proxy_lets_a_picture_of_the_largest_size_through() -> None:
    ingress = (DEPLOY / "kubernetes" / "example" / "ingress.yaml").read_text()
    nginx = (DEPLOY / "nginx" / "shop.conf").read_text()
    for found in (re.search(r"proxy-body-size: (\d+)m", ingress), re.search(r"client_max_body_size (\d+)m;", nginx)):
        assert found
        assert int(found[1]) * 2**20 >= UPLOAD_BYTES_MAX + FORM_SIZE_MAX


def test_every_variable_that_is_named_is_a_setting() -> None:
    files = [path for path in DEPLOY.rglob("*") if path.is_file()]
    files += [ROOT / name for name in ("Dockerfile", "compose.yaml", "Procfile", ".env.example", "docs/deploy.md")]
    known = {variable_of(name) for name in Settings.__dataclass_fields__}
    known |= {f"{name}_FILE" for name in known}
    for file in files:
        assert set(re.findall(r"\bSHOP_[A-Z_]*[A-Z]\b", file.read_text())) <= known, file


def test_aws_accepts_the_task_definition() -> None:
    service = botocore.session.get_session().get_service_model("ecs")
    report = ParamValidator().validate(TASK, service.operation_model("RegisterTaskDefinition").input_shape)
    assert not report.has_errors(), report.generate_report()


def test_the_user_of_the_image_may_write_to_the_volumes_of_the_task() -> None:
    """Fargate gives a volume the owner and mode of the image's folder only if the image names exactly that folder."""
    (task,) = TASK["containerDefinitions"]
    written = [mount["containerPath"] for mount in task["mountPoints"] if not mount["readOnly"]]
    final = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    assert task["readonlyRootFilesystem"]
    assert "/tmp" in written
    assert written == re.findall(r"^VOLUME (\S+)$", final, re.MULTILINE)


@pytest.mark.parametrize(
    ("schema", "file"), [("github-workflows", ".github/workflows/ci.yml"), ("compose-spec", "compose.yaml")]
)
def test_the_reader_of_a_file_accepts_it(schema: str, file: str) -> None:
    command = [str(CHECK_SCHEMA), "--builtin-schema", f"vendor.{schema}", str(ROOT / file)]
    checked = subprocess.run(command, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_accepts_the_unit_and_finds_little_exposed(tmp_path: Path) -> None:
    (command := tmp_path / "shop").touch(0o700)  # it looks whether there is one
    for name in ("shop@.service", "shop@8000.service"):
        (tmp_path / name).write_text(UNIT.replace("/opt/shop/bin/shop", str(command)))
    unit = tmp_path / "shop@8000.service"
    for arguments in (["verify"], ["security", "--offline=true", "--threshold=15"]):
        checked = subprocess.run(["systemd-analyze", *arguments, unit], check=False, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert "shop@" not in checked.stderr


def test_servers_on_one_machine_have_ports_of_their_own_and_one_user() -> None:
    """Two dynamic users would take the folder of pictures from each other."""
    set_to = dict(re.findall(r"^Environment=(\w+)=(.*)$", UNIT, re.MULTILINE))
    ports = re.findall(r"^    server 127\.0\.0\.1:(\d+) ", (DEPLOY / "nginx" / "shop.conf").read_text(), re.MULTILINE)
    assert len(ports) == 2
    listened = [set_to[name].replace("%i", port) for port in ports for name in ("SHOP_PORT", "SHOP_HEALTH_PORT")]
    assert len(set(listened)) == 4
    assert all(int(port) < 65536 for port in listened)
    assert re.search("^DynamicUser=yes$", UNIT, re.MULTILINE)
    assert re.search("^User=shop$", UNIT, re.MULTILINE)
    upgrade = (ROOT / "docs" / "operations.md").read_text().partition("\n## Several servers, and upgrades\n")[2]
    assert f"for port in {' '.join(ports)}; do" in upgrade


def test_commands_beside_the_unit_get_what_it_sets_for_them_too() -> None:
    """Without its folder of pictures `shop audit` would not look at them, and find nothing wrong."""
    set_to = dict(re.findall(r"^Environment=(\w+)=(.*)$", UNIT, re.MULTILINE))
    guide = (ROOT / "docs" / "deploy.md").read_text()
    given = dict(re.findall(r"--setenv=(\w+)=(\S+)", guide))
    assert set_to.keys() - given.keys() == {"SHOP_LOG", "SHOP_WORKERS", "SHOP_PORT", "SHOP_HEALTH_PORT"}
    assert given["SHOP_MEDIA"] == set_to["SHOP_MEDIA"]


@pytest.mark.skipif(not shutil.which("caddy"), reason="caddy is not installed")
def test_caddy_accepts_its_file() -> None:
    command = ["caddy", "adapt", "--config", str(DEPLOY / "caddy" / "Caddyfile"), "--validate"]
    checked = subprocess.run(command, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


ALERTS = [
    rule for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
DASHBOARD = json.loads((DEPLOY / "grafana" / "shop.json").read_text())
EXPRESSIONS = [rule["expr"] for rule in ALERTS] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])
]


@pytest.fixture
def shown() -> set[str]:
    """The names in `/metrics`, once everything has happened."""
    metrics = Metrics(Shop(MemoryAdapters()))
    page = metrics.page().decode()
    return set(re.findall(r"^# TYPE (\w+) ", page, re.MULTILINE))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_figure_that_an_alert_or_a_panel_asks_for_is_in_the_metrics(expression: str, shown: set[str]) -> None:
    asked = set(re.findall(r"\bshop_\w+", expression))
    assert {re.sub(r"_bucket$", "", name) for name in asked} <= shown


def test_every_alert_has_a_section_that_says_what_to_do() -> None:
    sections = re.findall(r"^## (\w+)$", (ROOT / "docs" / "alerts.md").read_text(), re.MULTILINE)
    assert sections == [rule["alert"] for rule in ALERTS]
    for rule in ALERTS:
        assert rule["annotations"]["runbook"] == f"docs/alerts.md#{rule['alert'].lower()}"


def test_every_alert_is_tried_when_all_is_well_and_when_it_is_not() -> None:
    tests = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())["tests"]
    for test in tests[:2]:
        assert [rule["alert"] for rule in ALERTS] == [tried["alertname"] for tried in test["alert_rule_test"]]


@pytest.mark.skipif(not shutil.which("promtool"), reason="Prometheus is not installed")
@pytest.mark.parametrize(
    "arguments",
    [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml"), ("check", "config", "prometheus.yml")],
    ids=" ".join,
)
def test_prometheus_accepts_its_files(arguments: tuple[str, ...]) -> None:
    command = ["promtool", *arguments[:2], *(["--syntax-only"] if "config" in arguments else []), arguments[2]]
    checked = subprocess.run(command, cwd=PROMETHEUS, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.skipif(not shutil.which("promtool"), reason="Prometheus is not installed")
def test_prometheus_can_read_every_panel(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "1m")}
        for number, expression in enumerate(EXPRESSIONS)
    ]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    command = ["promtool", "check", "rules", str(tmp_path / "panels.yml")]
    checked = subprocess.run(command, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
