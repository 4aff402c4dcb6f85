"""Drives Tercel with the AWS CLI: its own driver, in this process, with the words that a shell would give it."""

import contextlib
import datetime
import io
import json
import re
import sys
import tempfile
import time
import unittest
from pathlib import Path

from awscli.clidriver import create_clidriver

sys.path.insert(0, str(Path(__file__).parent.parent / "python"))
from scenario import PATIENCE, ROLE, SCENARIO, SERVER, at, filled  # noqa: E402

DRIVER = create_clidriver()


def aws(operation, params):
    """Makes a call; gives the exit code, and what is printed."""
    command = re.sub(r"(?<!^)(?=[A-Z])", "-", operation).lower()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(params, file)
        file.flush()
        words = ["stepfunctions", command, "--cli-input-json", "file://" + file.name, "--output", "json", "--endpoint-url", SERVER["endpoint"]]
        if operation.startswith("List") or operation == "GetExecutionHistory":
            words.append("--no-paginate")
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = DRIVER.main(words)
        texts = []
        for stream in (out, err):
            stream.flush()
            texts.append(stream.buffer.getvalue().decode())
    return code, texts[0], texts[1]


class Suite(unittest.TestCase):
    maxDiff = None

    def test_every_operation_and_its_errors(self):
        with contextlib.suppress(SystemExit):
            if aws("ValidateStateMachineDefinition", {"definition": "{}"})[0] == 252:  # of words that it does not know
                self.skipTest("this CLI is older than the operations")
        saved = {"role": ROLE}
        for i, step in enumerate(SCENARIO["steps"]):
            done = False
            with self.subTest(f"{i} {step['call']} {step.get('error', '')}"):
                done = self.step(step, saved)
            if not done and "save" in step:
                break  # what follows needs the answer

    def step(self, step, saved):
        params = filled(step["with"], saved)
        if isinstance(params.get("definition"), dict):
            params["definition"] = json.dumps(params["definition"])
        deadline = time.monotonic() + PATIENCE
        while True:
            code, out, err = aws(step["call"], params)
            if 'endpoint URL: "http://sync-' in err or "Unknown parameter in input" in err or "Invalid choice" in err:
                print(f"this CLI is too old for {step['call']}: {err.strip()[-200:]}")
                return True
            answer = json.loads(out) if out.strip() else {}
            if code != 0 or all(at(answer, path) == want for path, want in step.get("until", {}).items()):
                break
            self.assertLess(time.monotonic(), deadline, f"it does not come to {step['until']}: {out}")
        if "error" in step:
            self.assertNotEqual(code, 0, out)
            message = filled(step.get("message", ""), saved)
            self.assertIn(f"An error occurred ({step['error']}) when calling the {step['call']} operation: {message}", err)
            return True
        self.assertEqual(code, 0, err)
        for name, path in step.get("save", {}).items():
            saved[name] = at(answer, path)
        for name, (path, member) in step.get("saveJSON", {}).items():
            saved[name] = json.loads(at(answer, path))[member]
        for path, want in step.get("expect", {}).items():
            self.expect(answer, path, filled(want, saved))
        return True

    def expect(self, answer, path, want):
        got = at(answer, path)
        if want == "$time":  # the CLI's first version prints numbers
            when = datetime.datetime.fromisoformat(got).timestamp() if isinstance(got, str) else got
            self.assertLess(abs(time.time() - when), 3600, path)
        elif want == "$text":
            self.assertTrue(isinstance(got, str) and got, path)
        elif want == "$none":
            self.assertIsNone(got, path)
        else:
            self.assertEqual(got, want, path)

    def test_pages_are_joined(self):
        for i in range(3):
            self.assertEqual(aws("CreateActivity", {"name": f"paged{i}"})[0], 0)
        out = io.TextIOWrapper(io.BytesIO(), "utf-8")
        with contextlib.redirect_stdout(out):
            code = DRIVER.main(["stepfunctions", "list-activities", "--page-size", "1", "--query", "activities[].name", "--output", "json", "--endpoint-url", SERVER["endpoint"]])
        out.flush()
        self.assertEqual(code, 0)
        self.assertLessEqual({"paged0", "paged1", "paged2"}, set(json.loads(out.buffer.getvalue())))


if __name__ == "__main__":
    unittest.main(verbosity=1)
