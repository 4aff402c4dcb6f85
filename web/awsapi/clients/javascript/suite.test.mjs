// Drives Tercel with AWS's SDK for JavaScript. TERCEL_CLIENTS is a file with what the server is: see clients_test.go.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import { test } from "node:test";
import * as sfn from "@aws-sdk/client-sfn";
import { NodeHttpHandler } from "@smithy/node-http-handler";

const server = JSON.parse(readFileSync(process.env.TERCEL_CLIENTS, "utf8"));
const scenario = JSON.parse(readFileSync(new URL("../scenario.json", import.meta.url), "utf8"));
const patience = 60_000; // ms
const role = "arn:aws:iam::123456789012:role/any";

// attempts counts what a client sends, so that retries are seen.
let attempts = 0;

// connect makes a client as a program does, but for what changes.
function connect(change = {}) {
  const client = new sfn.SFNClient({
    endpoint: server.endpoint, region: "us-east-1", disableHostPrefix: true,
    credentials: { accessKeyId: server.key, secretAccessKey: server.secret }, ...change,
  });
  client.middlewareStack.add((next) => (args) => { attempts++; return next(args); }, { step: "finalizeRequest", priority: "low" });
  return client;
}

const client = connect();
const send = (operation, input, by = client) => by.send(new sfn[operation + "Command"](input));

// filled puts what was saved in the place of its names.
function filled(value, saved) {
  if (typeof value === "string") return value.replace(/\$([a-z]\w*)/gi, (text, name) => saved[name] ?? text);
  if (Array.isArray(value)) return value.map((v) => filled(v, saved));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, filled(v, saved)]));
}

const at = (value, path) => path.split(".").reduce((v, step) => v?.[step], value);

function expectAt(answer, path, want) {
  const got = at(answer, path);
  if (want === "$time") return assert.ok(got instanceof Date && Math.abs(Date.now() - got) < 3_600_000, `${path} is no time: ${got}`);
  if (want === "$text") return assert.ok(typeof got === "string" && got !== "", `${path} is no text: ${got}`);
  if (want === "$none") return assert.equal(got, undefined, path);
  assert.deepEqual(got, want, path);
}

// refused checks that a call is refused with an error of the model's: its class, its code, and that it was not tried again.
async function refused(call, name, message) {
  const before = attempts;
  const error = await call().then(() => assert.fail(`there is no error, want ${name}`), (e) => e);
  assert.equal(error.name, name, error.stack);
  assert.ok(error instanceof sfn.SFNServiceException, error.stack);
  if (sfn[name]) assert.ok(error instanceof sfn[name], `${name} is not of its class`);
  assert.equal(error.$fault, "client");
  assert.ok(error.$metadata.requestId, "no request id");
  if (message) assert.equal(error.message, message);
  assert.equal(attempts - before, 1, "the client has tried again");
}

async function settled(step, input) {
  for (const deadline = Date.now() + patience; ;) {
    const answer = await send(step.call, input);
    const waits = Object.entries(step.until ?? {}).filter(([path, want]) => at(answer, path) !== want);
    if (waits.length === 0) return answer;
    assert.ok(Date.now() < deadline, `${step.call} does not come to ${JSON.stringify(step.until)}: ${JSON.stringify(answer)}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

test("every operation and its errors", async (t) => {
  const saved = { role };
  for (const [i, step] of scenario.steps.entries()) {
    let done = false;
    await t.test(`${i} ${step.call} ${step.error ?? ""}`, async () => {
      const input = filled(step.with, saved);
      if (typeof input.definition === "object") input.definition = JSON.stringify(input.definition);
      if (step.error) await refused(() => send(step.call, input), step.error, filled(step.message, saved));
      done = Boolean(step.error);
      if (done) return;
      const before = attempts;
      const answer = await settled(step, input);
      if (!step.until) assert.equal(attempts - before, 1, "the client has tried again");
      assert.equal(answer.$metadata.httpStatusCode, 200);
      for (const [name, path] of Object.entries(step.save ?? {})) saved[name] = at(answer, path);
      for (const [name, [path, member]] of Object.entries(step.saveJSON ?? {})) saved[name] = JSON.parse(at(answer, path))[member];
      for (const [path, want] of Object.entries(step.expect ?? {})) expectAt(answer, path, filled(want, saved));
      done = true;
    });
    if (!done && step.save) return; // what follows needs the answer
  }
});

async function machine(name, definition, more = {}) {
  const made = await send("CreateStateMachine", { name, roleArn: role, definition: JSON.stringify(definition), ...more });
  return made.stateMachineArn;
}
const pass = { StartAt: "A", States: { A: { Type: "Pass", End: true } } };

test("pages", async (t) => {
  const arn = await machine("paged", pass);
  for (let i = 0; i < 7; i++) await send("StartExecution", { stateMachineArn: arn, name: `x${i}` });
  for (let i = 0; i < 4; i++) {
    await send("CreateActivity", { name: `paged${i}` });
    await machine(`paged${i}`, pass);
  }
  const collect = async (pages, member) => {
    const found = [];
    let count = 0;
    for await (const page of pages) {
      count++;
      found.push(...page[member]);
    }
    return { found, count };
  };
  await t.test("executions", async () => {
    const { found, count } = await collect(sfn.paginateListExecutions({ client, pageSize: 3 }, { stateMachineArn: arn }), "executions");
    assert.deepEqual(found.map((x) => x.name), ["x6", "x5", "x4", "x3", "x2", "x1", "x0"]);
    assert.equal(count, 3);
  });
  await t.test("state machines", async () => {
    const { found } = await collect(sfn.paginateListStateMachines({ client, pageSize: 2 }, {}), "stateMachines");
    assert.equal(new Set(found.map((m) => m.stateMachineArn)).size, found.length);
    for (let i = 0; i < 4; i++) assert.ok(found.some((m) => m.name === `paged${i}`));
  });
  await t.test("activities", async () => {
    const { found, count } = await collect(sfn.paginateListActivities({ client, pageSize: 1 }, {}), "activities");
    assert.equal(found.filter((a) => a.name.startsWith("paged")).length, 4);
    assert.equal(count, found.length);
  });
  await t.test("history", async () => {
    const { executionArn } = await send("StartExecution", { stateMachineArn: arn, name: "history" });
    await settled({ call: "DescribeExecution", until: { status: "SUCCEEDED" } }, { executionArn });
    const { found } = await collect(sfn.paginateGetExecutionHistory({ client, pageSize: 1 }, { executionArn }), "events");
    assert.deepEqual(found.map((e) => e.id), [1, 2, 3, 4]);
  });
  await t.test("a token of another list", async () => {
    const { nextToken } = await send("ListExecutions", { stateMachineArn: arn, maxResults: 2 });
    await refused(() => send("ListActivities", { nextToken, maxResults: 2 }), "InvalidToken");
  });
});

test("a worker waits for its task", async () => {
  const { activityArn } = await send("CreateActivity", { name: "awaited" });
  const worker = send("GetActivityTask", { activityArn, workerName: "bob" });
  const arn = await machine("awaits", { StartAt: "A", States: { A: { Type: "Task", Resource: activityArn, TimeoutSeconds: 600, End: true } } });
  const { executionArn } = await send("StartExecution", { stateMachineArn: arn, input: '"work"' });
  const task = await worker;
  assert.equal(task.input, '"work"');
  await send("SendTaskSuccess", { taskToken: task.taskToken, output: '"done"' });
  const end = await settled({ call: "DescribeExecution", until: { status: "SUCCEEDED" } }, { executionArn });
  assert.equal(end.output, '"done"');
});

// lookup leads every name to the server, as a resolver does that knows names under localhost.
const lookup = (name, options, done) => (options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4));

test("the host with sync- in front", async () => {
  const arn = await machine("prefixed", pass, { type: "EXPRESS" });
  const port = new URL(server.endpoint).port;
  const named = connect({
    endpoint: `http://sfn.localhost:${port}`, disableHostPrefix: false, requestHandler: new NodeHttpHandler({ httpAgent: new http.Agent({ lookup }) }),
  });
  let host;
  named.middlewareStack.add((next) => (args) => { host = args.request.hostname; return next(args); }, { step: "finalizeRequest", priority: "low" });
  const end = await send("StartSyncExecution", { stateMachineArn: arn, input: "3" }, named);
  assert.equal(end.output, "3");
  assert.equal(host, "sync-sfn.localhost");
  named.destroy();
});

test("keys", async (t) => {
  const list = (change) => () => send("ListStateMachines", {}, connect(change));
  const refuses = (name, change, error) => t.test(name, () => refused(list(change), error));
  await refuses("a wrong secret", { credentials: { accessKeyId: server.key, secretAccessKey: "wrong" } }, "InvalidSignatureException");
  await refuses("a key that nobody made", { credentials: { accessKeyId: "TKIAXXXXXXXXXXXXXXXX", secretAccessKey: "x" } }, "UnrecognizedClientException");
  await t.test("a key that may only read", async () => {
    const reader = { credentials: { accessKeyId: server.reader.key, secretAccessKey: server.reader.secret } };
    await list(reader)();
    await refused(() => send("CreateActivity", { name: "mine" }, connect(reader)), "AccessDeniedException");
  });
  await t.test("a clock that is an hour wrong", async () => {
    for (const hours of [-1, 1]) {
      const late = connect({ systemClockOffset: hours * 3_600_000 });
      await send("ListStateMachines", {}, late); // the client sets its clock by the answer, and tries again
      assert.ok(Math.abs(late.config.systemClockOffset) < 300_000, `the offset is ${late.config.systemClockOffset}`);
    }
    await refused(() => send("ListStateMachines", {}, connect({ systemClockOffset: 3_600_000, maxAttempts: 1 })), "InvalidSignatureException");
  });
});
