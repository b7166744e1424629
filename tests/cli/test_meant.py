"""A misspelt verb, option or word of the command line is answered with what was probably meant."""

from __future__ import annotations

import pytest

from llm_router.cli.main import main


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        (["chekc"], "check"),
        (["modles"], "models"),
        (["check", "--lvie"], "--live"),
        (["check", "--stict", "spec.yaml"], "--strict"),
        (["models", "--max-inputprice=3"], "--max-input-price"),
        (["key", "lst"], "list"),
        (["key", "set", "work", "--stdni"], "--stdin"),
        (["completion", "bsh"], "bash"),
        (["--colour=never", "lints"], "--color"),
    ],
    ids=" ".join,
)
def test_what_was_meant_is_proposed(capsys: pytest.CaptureFixture[str], line: list[str], meant: str) -> None:
    with pytest.raises(SystemExit) as left:
        main(line)
    assert left.value.code == 2
    assert f"did you mean `{meant}`?" in capsys.readouterr().err


def test_what_resembles_nothing_gets_no_proposal(capsys: pytest.CaptureFixture[str]) -> None:
    for line in (["zzzzzz"], ["check", "--zzzzzz"]):
        with pytest.raises(SystemExit):
            main(line)
        assert "did you mean" not in capsys.readouterr().err
