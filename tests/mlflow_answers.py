"""What MLflow's own server answers to hundreds of requests, recorded; and asking them again.

``python mlflow_answers.py`` asks MLflow's server anew and writes the record. A line has

- ``ask``: method, path and body; ``{run}`` stands for an id that an earlier answer gave, and
  ``{"repeat": ["x", 501]}`` for a long text;
- ``keep``: names for ids of the answer, and where they are in it;
- ``status``, and ``answer`` where it is compared;
- ``ours`` and ``why`` where nbtrack answers otherwise on purpose.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

RECORD = Path(__file__).parent / "recorded" / "mlflow_answers.jsonl"
_IDS = re.compile(r"(m-)?[0-9a-f]{32}")
_NOW = 1_600_000_000_000  # a greater number is a time


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in RECORD.read_text("utf-8").splitlines()]


@dataclass
class Asker:
    """Asks a server one request after the other, and remembers ids that it gives."""

    connection: HTTPConnection
    known: dict[str, str] = field(default_factory=dict)

    def ask(self, line: dict[str, Any]) -> tuple[int, Any]:
        """Return the status and the answer, with names in place of ids and times."""
        method, path, body = line["ask"]
        text, headers = None, {}
        if isinstance(body, str):
            text = body
        elif body is not None:
            text, headers = json.dumps(self._given(body)), {"Content-Type": "application/json"}
        self.connection.request(method, self._given(path), text, headers)
        response = self.connection.getresponse()
        text, status = response.read().decode(), response.status
        try:
            answer = json.loads(text)
        except ValueError:
            answer = text
        for name, way in line.get("keep", {}).items():
            found = answer
            for part in way.split("."):
                found = found[part]
            self.known[name] = str(found)
        return status, self._plain(answer)

    def _given(self, value: Any) -> Any:
        match value:
            case {"repeat": [text, count]}:
                return text * count
            case str():
                for name, known in self.known.items():
                    value = value.replace(f"{{{name}}}", known)
                return value
            case dict():
                return {key: self._given(item) for key, item in value.items()}
            case list():
                return [self._given(item) for item in value]
        return value

    def _plain(self, value: Any) -> Any:
        match value:
            case str():
                for name, known in self.known.items():
                    if len(known) > 3:
                        value = value.replace(known, f"{{{name}}}")
                return _IDS.sub(r"\1ID", value)
            case dict():
                unused = ("sqlstate", "error_class")
                return {k: self._plain(v) for k, v in sorted(value.items()) if k not in unused}
            case list():
                return [self._plain(item) for item in value]
            case int() if value > _NOW:
                return "TIME"
        return value


def is_same(expected: Any, answer: Any) -> bool:
    """Return whether an answer is the recorded one; errors may go on with advice."""
    if isinstance(expected, dict) and "error_code" in expected and isinstance(answer, dict):
        return bool(
            answer.get("error_code") == expected["error_code"]
            and answer["message"].startswith(expected["message"].rstrip("."))
        )
    return bool(answer == expected)


def record() -> None:
    """Ask MLflow's server, and write down what it answers."""
    from tracking_servers import MlflowServer

    known = lines()
    with tempfile.TemporaryDirectory() as folder:
        server = MlflowServer(Path(folder)).start()
        try:
            with closing(HTTPConnection("127.0.0.1", server.port)) as connection:
                asker = Asker(connection)
                for line in known:
                    line["status"], answer = asker.ask(line)
                    if "answer" in line:
                        line["answer"] = answer
        finally:
            server.stop()
    texts = [json.dumps(line, ensure_ascii=False) for line in known]
    RECORD.write_text("\n".join(texts) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(record())
