from __future__ import annotations

from pathlib import Path

import pytest

from tests.performance import jmeter_home


@pytest.mark.parametrize(
    ("jar", "place"),
    [
        ("ApacheJMeter-5.5.jar", "bin/ApacheJMeter.jar"),
        ("ApacheJMeter_http-5.5.jar", "lib/ext/ApacheJMeter_http-5.5.jar"),
        ("jmeter-plugins-tst-2.5.jar", "lib/ext/jmeter-plugins-tst-2.5.jar"),
        ("jmeter-plugins-cmn-jmeter-0.6.jar", "lib/ext/jmeter-plugins-cmn-jmeter-0.6.jar"),
        ("httpclient-4.5.13.jar", "lib/httpclient-4.5.13.jar"),
        ("jmeter-java-dsl-1.3.jar", None),
    ],
)
def test_each_jar_has_its_place(jar: str, place: str | None) -> None:
    assert jmeter_home.place(jar) == place


def test_without_java_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="apt install default-jre-headless"):
        jmeter_home.install(tmp_path / "jmeter")
    assert not (tmp_path / "jmeter").exists()
