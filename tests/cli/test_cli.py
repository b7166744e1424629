"""The command line as people use it: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from llm_router.cli.main import VERBS, main
from llm_router.policy.lint import LINTS
from llm_router.testing import Emulator, Say, serve
from tests.cli.running import running

ROOT = Path(__file__).resolve().parents[2]

GOOD = """\
version: 1
tasks: [code]
metadata: {pii: boolean}
rules:
  - name: code
    when: {task: code}
    use: [openai:gpt-4o, mistral:mistral-large-latest]
  - name: rest
    use: [openai:gpt-4o-mini, mistral:mistral-large-latest]
guards:
  - name: eu
    when: {metadata.pii: true}
    only: {provider: mistral}
    instead: refuse
tests:
  - name: code goes to the best
    request: {task: code}
    expect: {rule: code, deployment: "openai:gpt-4o"}
  - name: an outage is survived
    request: {task: code}
    given: {"openai:gpt-4o": unavailable}
    expect: {deployment: "mistral:mistral-large-latest"}
"""

AT_THE_EMULATOR = GOOD + 'providers: {openai: {base_url: "${env:TEST_BASE_URL}"}}\n'

BAD = """\
version: 1
rulse: []
rules:
  - use: [openai:gpt-4o, gtp]
"""

Write = Callable[[str], str]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(text: str) -> str:
        path = tmp_path / "spec.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return put


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def test_a_good_spec_checks_clean(run: Run, write: Write) -> None:
    code, out, _ = run("check", write(GOOD))
    assert (code, out) == (0, "1 file checked: 0 errors, 0 warnings\n")


def test_a_bad_spec_is_shown_with_its_lines(run: Run, write: Write) -> None:
    path = write(BAD)
    code, out, _ = run("check", path)
    assert code == 1
    assert f"{path}:2:1: error[" in out
    assert "rulse: []" in out
    assert "did you mean `rules`?" in out


def test_check_prints_json_for_programs(run: Run, write: Write) -> None:
    path = write(BAD)
    code, out, _ = run("check", path, "--format", "json")
    found = json.loads(out)["diagnostics"]
    assert code == 1
    assert set(found[0]) == {"code", "severity", "message", "help", "file", "line", "column", "end_line", "end_column"}
    assert (found[0]["file"], found[0]["line"], found[0]["column"]) == (path, 2, 1)


def test_check_prints_sarif_for_ci(run: Run, write: Write) -> None:
    _, out, _ = run("check", write(BAD), "--format", "sarif")
    report = json.loads(out)
    assert report["version"] == "2.1.0"
    place = report["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["region"]["startLine"] == 2


def test_warnings_fail_only_when_strict(run: Run, write: Write) -> None:
    path = write("version: 1\nrules:\n  - use: openai:gpt-4\n")  # retired
    assert run("check", path)[0] == 0
    assert run("check", path, "--strict")[0] == 1


def test_check_with_the_environment_names_the_missing_variable(
    run: Run, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    code, out, _ = run("check", write(GOOD), "--env")
    assert code == 0
    assert "MISTRAL_API_KEY" in out
    assert "sk-planted" not in out


def test_check_finds_misspelt_names_in_tests(run: Run, write: Write) -> None:
    code, out, _ = run("check", write(GOOD.replace("{rule: code,", "{rule: coed,")))
    assert code == 1
    assert "did you mean `code`?" in out


def test_a_missing_file_is_a_clear_error(run: Run) -> None:
    code, _, err = run("plan", "nowhere.yaml")
    assert code == 2
    assert err == "error: nowhere.yaml: No such file or directory\n"


def test_a_missing_file_hides_nothing_of_the_others(run: Run, write: Write) -> None:
    code, out, _ = run("check", "nowhere.yaml", write(BAD), "--format", "json")
    assert code == 1
    assert {each["file"].rpartition("/")[2] for each in json.loads(out)["diagnostics"]} == {"nowhere.yaml", "spec.yaml"}


def test_verdicts_do_not_depend_on_keys(run: Run, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(GOOD)
    verbs = (("check", path), ("plan", path), ("plan", path, "--format", "json"), ("test", path, "-v"))
    told = []
    for key in ("sk-one", None):
        if key:
            monkeypatch.setenv("OPENAI_API_KEY", key)
        else:
            monkeypatch.delenv("OPENAI_API_KEY")
        told.append([(code, out.rpartition(" in ")[0] or out) for code, out, _ in (run(*verb) for verb in verbs)])
    assert told[0] == told[1]


def test_explain_tells_rule_candidates_and_rejections(run: Run, write: Write) -> None:
    code, out, _ = run("explain", "hello", "-s", write(GOOD), "--task", "code", "--metadata", "pii=true")
    assert code == 0
    assert "code" in out
    assert "openai:gpt-4o: the guard `eu` keeps this request from it" in out
    assert "hello" not in out


def test_explain_tells_who_would_embed(run: Run, write: Write) -> None:
    spec = write(GOOD + "embeddings: {docs: {use: [mistral:mistral-embed]}}\n")
    code, out, _ = run("explain", "hello", "-s", spec, "--embed", "docs", "--metadata", "pii=true")
    assert code == 0
    assert "the rule `embeddings.docs` decides; mistral:mistral-embed is asked first" in out
    assert "openai" not in out
    code, _, err = run("explain", "hello", "-s", spec, "--embed", "dosc")
    assert code == 1
    assert "did you mean `docs`" in err
    assert run("explain", "hello", "-s", write(GOOD), "--embed", "docs")[0] == 1


def test_explain_prints_json(run: Run, write: Write) -> None:
    code, out, _ = run("explain", "hello", "-s", write(GOOD), "--format", "json")
    told = json.loads(out)
    assert code == 0
    assert told["decision"]["rule"] == "rest"


def test_explain_reads_a_file_of_messages(run: Run, write: Write, tmp_path: Path) -> None:
    messages = tmp_path / "messages.json"
    picture = {"type": "image_url", "image_url": {"url": "https://pictures.example/cat.png"}}
    messages.write_text(
        json.dumps([{"role": "system", "content": "Be brief."}, {"role": "user", "content": [picture]}])
    )
    code, out, _ = run("explain", "--messages", str(messages), "-s", write(GOOD))
    assert code == 0
    assert "openai:gpt-4o-mini" in out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"role": "user"}', "holds no list of messages"),
        ('[{"role": "user"}]', "message 1 has no `role` and `content`"),
        ('[{"role": "robot", "content": "hi"}]', "message 1 has the role `robot`"),
        ('[{"role": "user", "content": [{"type": "smell"}]}]', "a part of"),
        ("[", "can't be read"),
    ],
)
def test_messages_that_can_not_be_read_say_where(
    run: Run, write: Write, tmp_path: Path, content: str, said: str
) -> None:
    messages = tmp_path / "messages.json"
    messages.write_text(content)
    code, _, err = run("explain", "--messages", str(messages), "-s", write(GOOD))
    assert code == 1
    assert said in err


def test_a_misspelt_hint_proposes_the_right_one(run: Run, write: Write) -> None:
    code, _, err = run("explain", "hello", "-s", write(GOOD), "--task", "coed")
    assert code == 1
    assert "did you mean `code`?" in err


def test_ask_streams_the_answer_and_tells_the_rest_apart(
    run: Run, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(Emulator({"gpt-4o-mini": Say("Forty-two.")})) as url:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
        monkeypatch.setenv("TEST_BASE_URL", f"{url}/v1")
        code, out, err = run("ask", "what is the answer?", "-s", write(AT_THE_EMULATOR))
    assert (code, out) == (0, "Forty-two.\n")
    assert "rule `rest` → openai:gpt-4o-mini (openai, gpt-4o-mini)" in err
    assert "#1 openai:gpt-4o-mini: ok" in err
    assert "tokens in" in err
    assert "sk-planted" not in out + err


def test_ask_tells_every_attempt_when_nobody_answers(run: Run, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Emulator({"*": "authentication"})) as url:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
        monkeypatch.setenv("TEST_BASE_URL", f"{url}/v1")
        monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
        code, out, err = run("ask", "hello", "-s", write(AT_THE_EMULATOR), "--no-stream")
    assert (code, out) == (1, "")
    assert "#1 openai:gpt-4o-mini: authentication 401" in err


def test_a_spec_s_tests_run(run: Run, write: Write) -> None:
    code, out, _ = run("test", write(GOOD))
    assert code == 0
    assert out.startswith("2 passed, 0 failed")


def test_a_failing_test_shows_what_differs(run: Run, write: Write) -> None:
    code, out, _ = run("test", write(GOOD.replace('deployment: "openai:gpt-4o"}', 'deployment: "openai:gpt-4o-mini"}')))
    assert code == 1
    assert "FAIL" in out
    assert "openai:gpt-4o-mini" in out
    assert "1 passed, 1 failed" in out


def test_test_names_can_be_picked(run: Run, write: Write) -> None:
    _, out, _ = run("test", write(GOOD), "-k", "outage", "-v")
    assert "an outage is survived" in out
    assert "1 passed, 0 failed" in out


def test_choosing_no_test_is_a_failure(run: Run, write: Write) -> None:
    code, out, _ = run("test", write(GOOD), "-k", "outtage")
    assert code == 1
    assert "no tests with `outtage` in their names" in out


def test_plan_shows_rules_deployments_and_guards(run: Run, write: Write) -> None:
    code, out, _ = run("plan", write(GOOD))
    assert code == 0
    assert "1. code: task is code" in out
    assert "2.5 / 10 USD" in out
    assert "eu: only mistral:mistral-large-latest; else refused" in out
    assert "1 of 2 rules are found by a hint's value" in out


def test_the_schema_is_printed_and_is_one(run: Run, tmp_path: Path) -> None:
    _, out, _ = run("schema")
    jsonschema.Draft7Validator.check_schema(json.loads(out))
    target = tmp_path / "schema.json"
    run("schema", "-o", str(target))
    assert json.loads(target.read_text()) == json.loads(out)


def test_lints_are_listed_and_explained(run: Run) -> None:
    _, out, _ = run("lints")
    assert [line.split()[0] for line in out.splitlines()] == [lint.code for lint in LINTS]
    _, out, _ = run("lints", "LR402")
    assert "Example:" in out
    code, _, err = run("lints", "LR40")
    assert code == 2
    assert "did you mean" in err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_the_verbs(run: Run, shell: str) -> None:
    code, out, _ = run("completion", shell)
    assert code == 0
    assert all(verb.__name__.rpartition(".")[2] in out for verb in VERBS)


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in VERBS:
        with pytest.raises(SystemExit) as left:
            main([verb.__name__.rpartition(".")[2], "--help"])
        assert left.value.code == 0
        assert len(capsys.readouterr().out.splitlines()) > 8


def test_colour_is_for_terminals(run: Run, write: Write) -> None:
    assert "\033[" not in run("check", write(BAD))[1]
    assert "\033[" in run("--color", "always", "check", write(BAD))[1]


def test_emulate_serves_until_interrupted() -> None:
    with running("emulate", "--fault", "gpt-4o=rate_limit,ok") as process:
        assert process.out.readline().startswith("listening on http://127.0.0.1:")
        assert process.interrupted() == 130


def test_emulate_refuses_unknown_faults(run: Run) -> None:
    code, _, err = run("emulate", "--fault", "gpt-4o=rate_limti")
    assert code == 2
    assert "did you mean `rate_limit`?" in err


def test_emulate_lists_its_faults(run: Run) -> None:
    _, out, _ = run("emulate", "--faults")
    assert "rate_limit" in out
    assert "stall" in out


def test_the_demo_needs_no_key(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "GROQ_API_KEY", "MISTRAL_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    code, out, _ = run("demo")
    assert code == 0
    for told in ("LangChain: a chain", "LlamaIndex: a query engine", "streamed", "an outage"):
        assert told in out
    assert out.count("answered ") == 6
    outage = out[out.index("an outage") :]
    assert "unavailable" in outage
    assert "#3" in outage


def test_the_demo_plays_any_spec(run: Run) -> None:
    code, out, _ = run("demo", str(ROOT / "recipes" / "cheapest-first.yaml"), "--emulate")
    assert code == 0
    assert "rule        cheapest" in out
