"""Drives Tercel with boto3. TERCEL_CLIENTS is a file with what the server is: see clients_test.go."""

import datetime
import json
import re
import socket
import threading
import time
import unittest
from unittest import mock
from urllib.parse import urlsplit

import boto3
import botocore.auth
from botocore.config import Config
from botocore.exceptions import ClientError

from scenario import PATIENCE, ROLE, SCENARIO, SERVER, at, filled

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}

attempts = 0


def sent(**_):
    global attempts
    attempts += 1


def connect(key=SERVER["key"], secret=SERVER["secret"], endpoint=SERVER["endpoint"], **config):
    """Makes a client as a program does."""
    config.setdefault("inject_host_prefix", False)
    client = boto3.client(
        "stepfunctions", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret,
        config=Config(read_timeout=90, **config),
    )
    client.meta.events.register("before-send.stepfunctions", sent)
    return client


CLIENT = connect()


def snake(operation):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()


def send(operation, by=CLIENT, **params):
    return getattr(by, snake(operation))(**params)


def settled(operation, until, **params):
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = send(operation, **params)
        if all(at(answer, path) == want for path, want in until.items()):
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{operation} does not come to {until}: {answer}")
        time.sleep(0.05)


# Debian 12 has a boto3 without the newer operations, which the scenario leads through, and with another way of telling the time.
OLD = unittest.skipIf("ValidateStateMachineDefinition" not in CLIENT.meta.service_model.operation_names, "this boto3 is older than the operations")


class Suite(unittest.TestCase):
    maxDiff = None

    def refused(self, call, name, message=None):
        before = attempts
        with self.assertRaises(ClientError) as caught:
            call()
        error = caught.exception
        self.assertEqual(error.response["Error"]["Code"], name, str(error))
        modelled = name in CLIENT.meta.service_model.shape_names
        if modelled:
            self.assertIsInstance(error, getattr(CLIENT.exceptions, name))
        if message:
            self.assertEqual(error.response["Error"]["Message"], message)
        self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        self.assertTrue(error.response["ResponseMetadata"]["RequestId"])
        self.assertEqual(attempts - before, 1, "the client has tried again")

    def expect(self, answer, path, want):
        got = at(answer, path)
        if want == "$time":
            self.assertIsInstance(got, datetime.datetime, path)
            self.assertLess(abs(datetime.datetime.now(datetime.timezone.utc) - got), datetime.timedelta(hours=1), path)
        elif want == "$text":
            self.assertTrue(isinstance(got, str) and got, path)
        elif want == "$none":
            self.assertIsNone(got, path)
        else:
            self.assertEqual(got, want, path)

    def machine(self, name, definition, **more):
        return send("CreateStateMachine", name=name, roleArn=ROLE, definition=json.dumps(definition), **more)["stateMachineArn"]

    @OLD
    def test_1_every_operation_and_its_errors(self):
        known = {op: set(CLIENT.meta.service_model.operation_model(op).input_shape.members) for op in CLIENT.meta.service_model.operation_names}
        saved, unknown = {"role": ROLE}, []
        for i, step in enumerate(SCENARIO["steps"]):
            if step["call"] not in known or set(step["with"]) - known[step["call"]]:
                unknown.append(f"{i} {step['call']}")  # this boto3 is older than the operation or the member
                continue
            if "\x24" in json.dumps([v for k, v in filled(step["with"], saved).items() if k != "definition"]):
                unknown.append(f"{i} {step['call']}")  # follows from one that was left out
                continue
            done = False
            with self.subTest(f"{i} {step['call']} {step.get('error', '')}"):
                self.step(step, saved)
                done = True
            if not done and "save" in step:
                break  # what follows needs the answer
        if unknown:
            print("not known to this version of boto3:", ", ".join(unknown))

    def step(self, step, saved):
        params = filled(step["with"], saved)
        if isinstance(params.get("definition"), dict):
            params["definition"] = json.dumps(params["definition"])
        if "error" in step:
            self.refused(lambda: send(step["call"], **params), step["error"], filled(step.get("message"), saved))
            return
        before = attempts
        answer = settled(step["call"], step.get("until", {}), **params)
        if "until" not in step:
            self.assertEqual(attempts - before, 1, "the client has tried again")
        for name, path in step.get("save", {}).items():
            saved[name] = at(answer, path)
        for name, (path, member) in step.get("saveJSON", {}).items():
            saved[name] = json.loads(at(answer, path))[member]
        for path, want in step.get("expect", {}).items():
            if path.split(".")[0] in CLIENT.meta.service_model.operation_model(step["call"]).output_shape.members:
                self.expect(answer, path, filled(want, saved))

    def test_pages(self):
        arn = self.machine("paged", PASS)
        for i in range(7):
            send("StartExecution", stateMachineArn=arn, name=f"x{i}")
        for i in range(4):
            send("CreateActivity", name=f"paged{i}")
            self.machine(f"paged{i}", PASS)

        def collect(operation, member, size, **params):
            pages = list(CLIENT.get_paginator(operation).paginate(PaginationConfig={"PageSize": size}, **params))
            return [x for page in pages for x in page[member]], len(pages)

        found, count = collect("list_executions", "executions", 3, stateMachineArn=arn)
        self.assertEqual([x["name"] for x in found], ["x6", "x5", "x4", "x3", "x2", "x1", "x0"])
        self.assertEqual(count, 3)
        found, _ = collect("list_state_machines", "stateMachines", 2)
        self.assertEqual(len({m["stateMachineArn"] for m in found}), len(found))
        self.assertLessEqual({f"paged{i}" for i in range(4)}, {m["name"] for m in found})
        found, count = collect("list_activities", "activities", 1)
        self.assertEqual(len([a for a in found if a["name"].startswith("paged")]), 4)
        self.assertEqual(count, len(found))
        execution = send("StartExecution", stateMachineArn=arn, name="history")["executionArn"]
        settled("DescribeExecution", {"status": "SUCCEEDED"}, executionArn=execution)
        found, _ = collect("get_execution_history", "events", 1, executionArn=execution)
        self.assertEqual([e["id"] for e in found], [1, 2, 3, 4])
        token = send("ListExecutions", stateMachineArn=arn, maxResults=2)["nextToken"]
        self.refused(lambda: send("ListActivities", nextToken=token, maxResults=2), "InvalidToken")

    def test_a_worker_waits_for_its_task(self):
        activity = send("CreateActivity", name="awaited")["activityArn"]
        tasks = []
        worker = threading.Thread(target=lambda: tasks.append(send("GetActivityTask", activityArn=activity, workerName="bob")))
        worker.start()
        arn = self.machine("awaits", {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": activity, "TimeoutSeconds": 600, "End": True}}})
        execution = send("StartExecution", stateMachineArn=arn, input='"work"')["executionArn"]
        worker.join(PATIENCE)
        self.assertEqual(tasks[0]["input"], '"work"')
        send("SendTaskSuccess", taskToken=tasks[0]["taskToken"], output='"done"')
        self.assertEqual(settled("DescribeExecution", {"status": "SUCCEEDED"}, executionArn=execution)["output"], '"done"')

    def test_the_host_with_sync_in_front(self):
        arn = self.machine("prefixed", PASS, type="EXPRESS")
        url = urlsplit(SERVER["endpoint"])
        named = connect(endpoint=f"http://sfn.localhost:{url.port}", inject_host_prefix=True)
        real, asked = socket.getaddrinfo, []

        def resolve(host, *words, **more):
            asked.append(host)
            return real("127.0.0.1", *words, **more)

        with mock.patch("socket.getaddrinfo", resolve):
            end = send("StartSyncExecution", by=named, stateMachineArn=arn, input="3")
        self.assertEqual(end["output"], "3")
        self.assertIn("sync-sfn.localhost", asked)

    def test_keys(self):
        self.refused(lambda: send("ListStateMachines", by=connect(secret="wrong")), "InvalidSignatureException")
        self.refused(lambda: send("ListStateMachines", by=connect(key="TKIAXXXXXXXXXXXXXXXX")), "UnrecognizedClientException")
        reader = connect(SERVER["reader"]["key"], SERVER["reader"]["secret"])
        send("ListStateMachines", by=reader)
        self.refused(lambda: send("CreateActivity", by=reader, name="mine"), "AccessDeniedException")

    @OLD
    def test_a_clock_that_is_an_hour_wrong(self):
        real = botocore.auth.SigV4Auth._modify_request_before_signing

        def modified(signer, request):
            then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
            request.context["timestamp"] = then.strftime("%Y%m%dT%H%M%SZ")
            real(signer, request)

        late = connect()
        with mock.patch.object(botocore.auth.SigV4Auth, "_modify_request_before_signing", modified):
            self.refused(lambda: send("ListStateMachines", by=late), "InvalidSignatureException")


if __name__ == "__main__":
    unittest.main(verbosity=1)
