// Register and run the example's task definition with the JavaScript SDK, wait for RUNNING, stop it; print JSON.
import { readFileSync } from "node:fs";
import {
  DescribeTasksCommand, ECSClient, RegisterTaskDefinitionCommand, RunTaskCommand, StopTaskCommand,
  waitUntilTasksRunning, waitUntilTasksStopped,
} from "@aws-sdk/client-ecs";

const [definitionFile, subnet] = process.argv.slice(2);
const client = new ECSClient({});
const definition = JSON.parse(readFileSync(definitionFile, "utf8"));
const { taskDefinition } = await client.send(new RegisterTaskDefinitionCommand(definition));
const { tasks, failures } = await client.send(new RunTaskCommand({
  taskDefinition: taskDefinition.taskDefinitionArn,
  launchType: "FARGATE",
  networkConfiguration: { awsvpcConfiguration: { subnets: [subnet] } },
}));
if (failures.length) throw new Error(JSON.stringify(failures));
const described = { tasks: [tasks[0].taskArn] };
const patience = { client, maxWaitTime: 300, minDelay: 1, maxDelay: 1 };
await waitUntilTasksRunning(patience, described);
const running = (await client.send(new DescribeTasksCommand(described))).tasks[0];
await client.send(new StopTaskCommand({ task: running.taskArn, reason: "seen enough" }));
await waitUntilTasksStopped(patience, described);
const stopped = (await client.send(new DescribeTasksCommand(described))).tasks[0];
console.log(JSON.stringify({ running, stopped }));
