"""`export`, as a function and as a command, also from a built wheel's point of view; and deploy/ is what it writes."""

from __future__ import annotations

import ast
import json
import os
import py_compile
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_stack_dashboards import selectors

import yaml_files
from otel_claude import deploy_files
from otel_claude.cli import main
from otel_claude.export import TARGETS, ExportError, Options, dashboards, export
from otel_claude.files import prepare

ROOT = Path(__file__).parents[2]
COMMITTED = (ROOT / "deploy/terraform/main.tf").read_text()


@pytest.mark.parametrize("target", TARGETS)
def test_target_is_written_and_can_be_read(target, tmp_path):
    written = export(target, tmp_path / "new" / "deep")
    assert written
    for path in written:
        text = path.read_text()
        assert not re.search(r"@[a-z]+@", text)  # what export fills in
        if path.suffix in {".service", ".timer", ".tf"} or path.parent.name == "templates":
            documents = [text.partition("\n")[2]]
        elif path.suffix == ".py":
            documents = ast.parse(text).body
        else:
            documents = [json.loads(text)] if path.suffix == ".json" else yaml_files.load_all(text)
        assert all(documents)
    assert sorted(path for path in (tmp_path / "new" / "deep").rglob("*") if path.is_file()) == sorted(written)


def test_what_pip_compiles_is_not_exported(tmp_path):
    script = Path(deploy_files.__file__).parent / "systemd/weekly_report.py"
    compiled = Path(py_compile.compile(str(script)) or "")
    assert compiled.parent == script.parent / "__pycache__"
    assert all(path.suffix in {".service", ".timer", ".py"} for path in export("systemd", tmp_path))


def test_budgets_naming_and_links_are_used(tmp_path):
    options = Options("utf8", 720.0, 90.0, "https://grafana.example/", "https://wiki.example/runbooks")
    export("rules", tmp_path, options)
    alerts = (tmp_path / "otel-claude-alerts.yaml").read_text()
    recording = (tmp_path / "otel-claude-recording.yaml").read_text()
    assert "> 90" in alerts
    assert "daily budget of 90 USD" in alerts
    assert "https://grafana.example/d/otel-claude-usage?" in alerts
    assert "https://wiki.example/runbooks#claudespendratehigh" in alerts
    assert '{\\"claude.client.cost.usd_total\\"}' in recording
    # What is recorded has one name in either style.
    assert "claude_client" not in (alerts + recording).replace("claude:claude_client", "")
    assert '{{ index $labels \\"gen_ai.request.model\\" }}' in alerts
    export("dashboards", tmp_path, options)
    dashboard = json.loads((tmp_path / "otel-claude-usage.json").read_text())
    assert next(v for v in dashboard["templating"]["list"] if v["name"] == "budget")["query"] == "720"
    assert "claude_client" not in json.dumps(dashboard).replace("claude:claude_client", "")


def test_budgets_of_tags_add_their_rules(tmp_path):
    plain, with_budgets = tmp_path / "plain", tmp_path / "budgets"
    export("rules", plain)
    export("rules", with_budgets, Options(budgets=("tenant=acme:500", 'team.name=a "b\\c:x:2.5')))
    for kind, each in (("recording", 1), ("alerts", 4)):
        before, after = (yaml_files.load((p / f"otel-claude-{kind}.yaml").read_text()) for p in (plain, with_budgets))
        added = [group for group in after["groups"] if group not in before["groups"]]
        assert [group for group in after["groups"] if group not in added] == before["groups"]
        rules = [rule for group in added for rule in group["rules"]]
        assert len(rules) == 2 * each
        assert [rule["labels"]["budget"] for rule in rules].count("tenant=acme") == each
        assert [rule["labels"]["budget"] for rule in rules].count('team.name=a "b\\c:x') == each
        assert ("500" in str(rules)) == ("2.5" in str(rules)) == True  # noqa: E712 - both are there
    recorded = yaml_files.load((with_budgets / "otel-claude-recording.yaml").read_text())
    (used,) = [
        rule["expr"] for group in recorded["groups"] for rule in group["rules"]
        if rule["record"] == "claude:budget_used:ratio" and rule["labels"]["budget"] != "tenant=acme"
    ]  # fmt: skip
    matchers = {(m.name, m.value) for s in selectors(used) for m in s.matchers.matchers}
    assert matchers == {("claude_tag_team_name", 'a "b\\c:x')}


def test_victoria_metrics_reads_raw_series_and_records_no_growth(tmp_path):
    options = Options(store="victoria-metrics")
    for target in ("dashboards", "rules"):
        export(target, tmp_path / target, options)
    recording = yaml_files.load((tmp_path / "rules/otel-claude-recording.yaml").read_text())
    assert [rule["record"] for group in recording["groups"] for rule in group["rules"]] == [
        "claude:increase:alive", "claude:claude_client_calls:processes", "claude:claude_client_calls:steady",
        "claude:claude_agent:processes",
    ]  # fmt: skip
    for path in (tmp_path / "rules/otel-claude-alerts.yaml", *(tmp_path / "dashboards").glob("*.json")):
        text = path.read_text()
        assert ":increase5m" not in text
        assert ":increase1h" not in text
        assert "${level}" not in text
    usage = json.loads((tmp_path / "dashboards/otel-claude-usage.json").read_text())
    (spend,) = (panel for panel in usage["panels"] if panel["title"] == "Spend")
    assert spend["targets"][0]["expr"].startswith("sum(increase_pure(claude_client_cost_usd_total{")
    assert "level" not in {variable["name"] for variable in usage["templating"]["list"]}


@pytest.mark.parametrize(
    ("store", "endpoint", "more"),
    [
        ("prometheus", "http://prometheus:9090/api/v1/otlp", {"claude-code-scraped.yaml"}),
        ("mimir", "http://mimir:8080/otlp", set()),
        ("victoria-metrics", "http://victoria-metrics:8428/opentelemetry", {"managed-settings-direct.json"}),
    ],
)
def test_files_for_claude_code_are_those_of_the_store(tmp_path, store, endpoint, more):
    written = export("claude-code", tmp_path, Options(store=store))
    assert {path.name for path in written} == more | {
        "claude-code.yaml", "claude-code-events.yaml", "managed-settings.json",
    }  # fmt: skip
    config = yaml_files.load((tmp_path / "claude-code.yaml").read_text())
    assert config["exporters"]["otlp_http/metrics"]["endpoint"] == f"${{env:METRICS_OTLP_ENDPOINT:-{endpoint}}}"
    settings = json.loads((tmp_path / "managed-settings.json").read_text())["env"]
    assert (settings["CLAUDE_CODE_ENABLE_TELEMETRY"], settings["OTEL_LOGS_EXPORTER"]) == ("1", "otlp")
    if "managed-settings-direct.json" in more:
        direct = json.loads((tmp_path / "managed-settings-direct.json").read_text())["env"]
        assert direct["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] == f"{endpoint}/v1/metrics"
        assert "OTEL_LOGS_EXPORTER" not in direct


def test_deltas_are_added_up_as_they_are(tmp_path):
    """Where Claude Code's can be either, its cumulative sums by their growth; in VictoriaMetrics all are deltas."""
    export("rules", tmp_path / "rules")
    rules = {
        rule["record"]: rule["expr"]
        for group in yaml_files.load((tmp_path / "rules/otel-claude-recording.yaml").read_text())["groups"]
        for rule in group["rules"] if "correction" not in rule.get("labels", {}).values()
    }  # fmt: skip
    slot = rules["claude:claude_code_cost_usage_USD:increase5m"]
    assert 'sum_over_time(claude_code_cost_usage_USD_total{claude_temporality="delta"}[5m])' in slot
    assert 'last_over_time(claude_code_cost_usage_USD_total{claude_temporality=""}[5m])' in slot
    assert "k8s_pod_name, claude_temporality)" in slot
    assert "claude_temporality" not in rules["claude:claude_client_cost_usd:increase5m"]
    export("dashboards", tmp_path / "vm", Options(store="victoria-metrics"))
    panels = json.loads((tmp_path / "vm/otel-claude-code.json").read_text())["panels"]
    (cost,) = (panel for panel in panels if panel["title"] == "Cost")
    wanted = 'sum(sum_over_time(claude_code_cost_usage_USD_total{job=~"$job", team=~"$team"}[$__range]))'
    assert cost["targets"][0]["expr"] == wanted


def test_budgets_of_developers_and_teams_reach_the_alerts(tmp_path):
    export("rules", tmp_path, Options(developer_budget=123.0, team_budget=4567.0))
    alerts = (tmp_path / "otel-claude-alerts.yaml").read_text()
    assert "a developer's budget of 123 USD" in alerts
    assert "a team's budget of 4567 USD" in alerts
    for name in ("developer", "team"):
        with pytest.raises(ExportError, match=f"the {name} budget must be more than 0 dollars, not -1"):
            Options(**{f"{name}_budget": -1.0})


def test_labels_of_processes_are_left_out_of_what_is_recorded(tmp_path):
    export("rules", tmp_path / "own", Options(process_labels=("node", "k8s.node.name")))
    export("rules", tmp_path / "dots", Options("utf8", process_labels=("k8s.node.name",)))
    without = "without (instance, service_instance_id, service_version, claude_instance_id, pod, k8s_pod_name"
    assert f"{without}, node, k8s_node_name)" in (tmp_path / "own/otel-claude-recording.yaml").read_text()
    assert '\\"k8s.pod.name\\", \\"k8s.node.name\\")' in (tmp_path / "dots/otel-claude-recording.yaml").read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"store": "influx"}, "unknown store 'influx': it is one of prometheus, mimir, victoria-metrics"),
        (
            {"process_labels": ('a"b',)},
            "'a\"b' is no label: it is written as stored, for example node or k8s_node_name",
        ),
        ({"process_labels": ("",)}, "'' is no label: it is written as stored, for example node or k8s_node_name"),
    ],
)
def test_a_store_and_a_label_that_are_none_are_refused(options, said):
    with pytest.raises(ExportError) as caught:
        Options(**options)
    assert str(caught.value) == said


def test_budgets_of_tags_in_names_with_dots(tmp_path):
    export("rules", tmp_path, Options("utf8", budgets=("tenant=acme:500",)))
    assert '\\"claude.tag.tenant\\"=\\"acme\\"' in (tmp_path / "otel-claude-recording.yaml").read_text()
    assert "?var-tag=claude.tag.tenant&var-tag_value=acme" in (tmp_path / "otel-claude-alerts.yaml").read_text()


def test_budgets_reach_compose_and_kubernetes(tmp_path):
    for target in ("compose", "kubernetes"):
        written = export(target, tmp_path / target, Options(budgets=("tenant=acme:500",)))
        assert any("ClaudeTagBudgetExceeded" in path.read_text() for path in written)


@pytest.mark.parametrize("target", TARGETS)
def test_existing_files_stay_without_force(target, tmp_path):
    (first, *_) = export(target, tmp_path)
    first.write_text("mine")
    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ExportError, match="already there: nothing was written"):
        export(target, tmp_path)
    assert {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == before
    export(target, tmp_path, force=True)
    assert first.read_text() != "mine"


def test_one_existing_file_is_enough_to_write_none(tmp_path):
    (tmp_path / "otel-claude-alerts.yaml").write_text("mine")
    with pytest.raises(ExportError, match=r"otel-claude-alerts\.yaml already there"):
        export("rules", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["otel-claude-alerts.yaml"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"monthly_budget": -1.0}, "the monthly budget must be more than 0 dollars, not -1"),
        ({"daily_budget": 0.0}, "the daily budget must be more than 0 dollars, not 0"),
        ({"daily_budget": float("nan")}, r"daily budget .* nan"),
        ({"monthly_budget": float("inf")}, r"monthly budget .* inf"),
        *(
            (
                {"budgets": (text,)},
                rf"the budget {re.escape(repr(text))} names no tag: it is written as tenant=acme:500",
            )
            for text in ("tenant:5", "acme:5", "tenant=acme", "")
        ),
        *(
            (
                {"budgets": (f"{key}=acme:5",)},
                rf"names no tag: {re.escape(repr(key))} cannot be a tag's key, which has lower case letters",
            )
            for key in ("Tenant", "", "_a", "a-b", "1a", "a" * 61)
        ),
        *(
            (
                {"budgets": (f"tenant={value}:5",)},
                rf"names no tag: {re.escape(repr(value))} cannot be a tag's value here, which has 1 to 200 printable",
            )
            for value in ("", "\t", "{{b}}", "a" * 201)
        ),
        *(
            ({f"{name}_url": address}, rf"--{name}-url must be an address such as https://\w+.example.com.*, not '")
            for name in ("grafana", "runbook")
            for address in (
                "",
                "grafana.example",
                "/d",
                "ftp://grafana.example",
                "https://",
                "https://a b",
                "https://a\n.example",
                "https://h:99999",
                "https://h:port",
                "https://u:S3cret99@h",
                "https://h/{{ x }}",
                "https://h/\u2713",
                "javascript:alert(1)",
            )
        ),
        ({"runbook_url": "https://wiki.example/claude#top"}, "--runbook-url must be an address"),
        *(
            ({"budgets": (f"tenant=acme:{amount}",)}, r"the budget 'tenant=acme:.*' must be more than 0 dollars")
            for amount in ("0", "-1", "nan", "inf", "", "5 USD", "1,000")
        ),
        ({"budgets": ("a=b:1", "c=d:1", "a=b:2")}, "there are 2 budgets for 'a=b': give one"),
        ({"name_style": "dots"}, "unknown naming 'dots': it is one of underscores, utf8"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ExportError, match=message) as caught:
        Options(**options)
    assert "S3cret99" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["http://localhost:3000", "https://grafana.example", "https://h/grafana/", "https://[::1]:3000", "https://h/a?b=c"],
)
def test_good_addresses_are_taken(address):
    Options(grafana_url=address, runbook_url=address)


def test_the_terraform_module_has_its_dashboards_beside_it(tmp_path):
    export("terraform", tmp_path)
    main = (tmp_path / "main.tf").read_text()
    # Terraform reads other paths from where it was started.
    assert 'coalesce(var.dashboards, "${path.module}/dashboards")' in main
    assert re.search(r'source  = "grafana/grafana"\n\s+version = "~> \d+\.\d+"', main)
    assert sorted(path.name for path in (tmp_path / "dashboards").iterdir()) == sorted(dashboards(Options()))
    for path in (ROOT / "deploy/terraform" / found for found in re.findall(r"\{path\.module}/([^\"]+)", COMMITTED)):
        assert list(path.glob("*.json"))


def test_the_tests_of_rules_are_beside_the_rules_that_they_test(tmp_path):
    export("tests", tmp_path / "tests")
    export("rules", tmp_path / "rules")
    assert everything(tmp_path / "tests/rules") == everything(tmp_path / "rules")
    for path in (tmp_path / "tests").glob("*.yaml"):
        for name in yaml_files.load(path.read_text()).get("rule_files", ()):
            assert (path.parent / name).is_file()


@pytest.mark.parametrize("options", [{"name_style": "utf8"}, {"budgets": ("a=b:1",)}, {"daily_budget": 1.0}])
def test_there_are_no_tests_of_rules_with_options(tmp_path, options):
    with pytest.raises(ExportError, match="tests are of the rules as they are without options"):
        export("tests", tmp_path / "new", Options(**options))
    assert not (tmp_path / "new").exists()


def test_unknown_target_is_refused(tmp_path):
    with pytest.raises(ExportError, match="unknown target 'puppet': it is one of dashboards, rules"):
        export("puppet", tmp_path)


def everything(folder):
    """What is in a folder: links by what they lead to, files by what they hold."""
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else path.is_file() and path.read_text()
        for path in folder.rglob("*")
    }


ALERTS = "otel-claude-alerts.yaml"


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", [".otel-claude", ".otel-claude-alerts.yaml", f".{ALERTS}", "precious"])
def test_what_is_the_users_stays(tmp_path, name, force):
    (tmp_path / name).write_text("mine")
    export("rules", tmp_path, force=force)
    assert (tmp_path / name).read_text() == "mine"
    assert sorted(everything(tmp_path)) == sorted([name, ALERTS, "otel-claude-recording.yaml"])


def test_a_folder_of_the_users_stays(tmp_path):
    (tmp_path / ".otel-claude" / "deep").mkdir(parents=True)
    export("rules", tmp_path)
    assert (tmp_path / ".otel-claude" / "deep").is_dir()


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("there", [False, True])
def test_a_link_in_a_files_place_is_not_written_through(tmp_path, there, force):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    if there:
        elsewhere.write_text("mine")
    (out / ALERTS).symlink_to(elsewhere)
    before = everything(tmp_path)
    with pytest.raises(ExportError, match="is no regular file: nothing was written"):
        export("rules", out, force=force)
    assert everything(tmp_path) == before


@pytest.mark.parametrize("force", [False, True])
def test_a_linked_folder_under_the_directory_is_not_written_into(tmp_path, force):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (out / "grafana").symlink_to(elsewhere)
    before = everything(tmp_path)
    with pytest.raises(ExportError, match="grafana is in the way, which is no directory: nothing was written"):
        export("compose", out, force=force)
    assert everything(tmp_path) == before


def test_the_directory_itself_may_be_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    export("rules", tmp_path / "out")
    assert (tmp_path / "real" / ALERTS).is_file()


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_not_overwritten_by_force(tmp_path, kind):
    (tmp_path / ALERTS).mkdir() if kind == "folder" else os.mkfifo(tmp_path / ALERTS)
    with pytest.raises(ExportError, match="is no regular file: nothing was written"):
        export("rules", tmp_path, force=True)
    assert [path.name for path in tmp_path.iterdir()] == [ALERTS]


def test_all_files_are_written_or_none(tmp_path, monkeypatch):
    (first, *_) = export("kubernetes", tmp_path)
    first.write_text("mine")
    before = everything(tmp_path)
    written = []

    def full(path, text, mode):
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        written.append(prepare(path, text, mode))
        return written[-1]

    monkeypatch.setattr(sys.modules[export.__module__], "prepare", full)
    with pytest.raises(ExportError, match=r"cannot write into .*: No space left"):
        export("kubernetes", tmp_path, force=True)
    assert len(written) == 2
    assert everything(tmp_path) == before


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ExportError, match="cannot write into"):
        export("rules", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "a file"


def test_an_unwritable_directory_is_refused():
    # Nobody may make files there, not even root.
    with pytest.raises(ExportError, match="cannot write into /proc/self/out"):
        export("rules", Path("/proc/self/out"))


@pytest.fixture
def run(capsys):
    """Runs the command in this process: its exit code, stdout and stderr."""

    def run(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main(("export", *arguments))
        captured = capsys.readouterr()
        return exit_.value.code, captured.out, captured.err

    return run


def test_command_writes_and_lists(tmp_path, run):
    code, out, _ = run("rules", "--out", str(tmp_path), "--monthly-budget", "100", "--daily-budget", "5")
    assert code == 0
    assert out.split() == [str(tmp_path / f"otel-claude-{kind}.yaml") for kind in ("recording", "alerts")]
    assert "daily budget of 5 USD" in (tmp_path / "otel-claude-alerts.yaml").read_text()


def test_command_takes_several_budgets(tmp_path, run):
    budgets = ("--budget", "tenant=acme:500", "--budget", "feature=search:20.5")
    assert run("rules", "--out", str(tmp_path), *budgets)[0] == 0
    alerts = (tmp_path / "otel-claude-alerts.yaml").read_text()
    assert 'budget: "tenant=acme"' in alerts
    assert "its budget of 20.5 USD" in alerts


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rules", "--budget", "tenant"), "the budget 'tenant' names no tag: it is written as tenant=acme:500"),
        (("puppet",), "unknown target 'puppet'"),
        (("rules", "--daily-budget", "-3"), "the daily budget must be more than 0 dollars, not -3"),
        (("rules", "--naming", "dots"), "unknown naming 'dots'"),
    ],
)
def test_command_says_what_is_wrong(arguments, message, tmp_path, run):
    code, _, err = run(*arguments, "--out", str(tmp_path / "out"))
    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


@pytest.mark.process
def test_committed_files_are_what_the_code_makes():
    result = subprocess.run(
        [sys.executable, ROOT / "scripts/stack-files", "--check"], capture_output=True, text=True, check=False
    )
    assert (result.stdout, result.returncode) == ("", 0), result.stderr


@pytest.mark.process
def test_export_needs_nothing_installed(tmp_path):
    """The wheel's base dependencies are enough: no PyYAML, no grafana-foundation-sdk, no OpenTelemetry SDK."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['yaml', 'grafana_foundation_sdk', 'typer', 'anthropic', "
        "'opentelemetry.sdk', 'starlette'])); "
        "from otel_claude.export import TARGETS, export; from pathlib import Path; "
        "[export(target, Path(sys.argv[1]) / target) for target in TARGETS]"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(TARGETS)
