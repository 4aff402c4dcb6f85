// Answers a task that waits for its token. An ordinary program for AWS Step Functions, which knows nothing of Tercel; where the
// service is it has from AWS_ENDPOINT_URL_SFN, as every program that uses AWS's SDK. Usage: callback.mjs TOKEN OUTPUT
import { SendTaskSuccessCommand, SFNClient, TaskTimedOut } from "@aws-sdk/client-sfn";

const [taskToken, output] = process.argv.slice(2);
try {
  await new SFNClient({}).send(new SendTaskSuccessCommand({ taskToken, output }));
  console.log("told");
} catch (e) {
  if (!(e instanceof TaskTimedOut)) throw e;
  console.log("too late");
}
