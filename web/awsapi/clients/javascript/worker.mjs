// Does the tasks of an activity: it prices orders. An ordinary program for AWS Step Functions, which knows nothing of Tercel; where
// the service is it has from AWS_ENDPOINT_URL_SFN, as every program that uses AWS's SDK. Usage: worker.mjs ACTIVITY-ARN
import {
  GetActivityTaskCommand, SendTaskFailureCommand, SendTaskHeartbeatCommand, SendTaskSuccessCommand, SFNClient, TaskTimedOut,
} from "@aws-sdk/client-sfn";

const client = new SFNClient({});
const activityArn = process.argv[2];

function price(order) {
  if (!order.lines?.length) throw new Error("the order has no lines");
  return order.lines.reduce((sum, l) => sum + l.quantity * l.price, 0);
}

for (;;) {
  const { taskToken, input } = await client.send(new GetActivityTaskCommand({ activityArn, workerName: "pricing" }));
  if (!taskToken) continue;
  await client.send(new SendTaskHeartbeatCommand({ taskToken }));
  try {
    const output = JSON.stringify(price(JSON.parse(input)));
    await client.send(new SendTaskSuccessCommand({ taskToken, output }));
  } catch (e) {
    if (e instanceof TaskTimedOut) continue;
    await client.send(new SendTaskFailureCommand({ taskToken, error: "BadOrder", cause: e.message }));
  }
}
