"""What docs/team.md tells a team to do works: roles, the first run, another member."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from programs import python_path
from team_services import PASSWORD, Postgres, fresh_catalog
from test_docs import examples

PAGE = Path(__file__).parents[1] / "docs" / "team.md"
SQL = re.compile(r"^```sql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = re.compile(r"postgresql://(\w+)@db\.example\.org/runs")


@pytest.mark.team
def test_members_share_a_store_that_is_set_up_as_the_page_says(
    postgres: Postgres, tmp_path: Path
) -> None:
    name = fresh_catalog(postgres).name
    with postgres.administer() as connection:
        connection.execute(f"DROP DATABASE {name}")
        for statement in (
            SQL.findall(PAGE.read_text("utf-8"))[0].replace(" runs", f" {name}").split(";")
        ):
            connection.execute(statement)
        for role in ("ada", "ben"):
            connection.execute(
                f"ALTER ROLE {role} PASSWORD '{PASSWORD.replace(chr(39), chr(39) * 2)}'"
            )
    address = rf"postgresql://\1:{quote(PASSWORD, '')}@127.0.0.1:{postgres.port}/{name}"
    for number, script in enumerate(examples(PAGE)):
        script = ADDRESS.sub(address, script.replace("/shared/runs", str(tmp_path / "shared")))
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", script],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": python_path(),
                "NBTRACK_REMOTE_DIR": f"machine{number}",
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert PASSWORD not in done.stdout + done.stderr
    assert (tmp_path / "shared" / "artifacts").is_dir()
    assert "loss" in done.stdout
