// Adds the jobs of one run in bulk and says how long BullMQ took for it.
//
// Argument: JSON with redis, prefix, queue, count, chunk, first (ms), over (ms).
import { Queue } from "bullmq";
import { dueOf, rowOf } from "./plan.mjs";

const run = JSON.parse(process.argv[2]);
const queue = new Queue(run.queue, {
  connection: { url: run.redis },
  prefix: run.prefix,
  defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
});
await queue.waitUntilReady();

let took = 0n;
for (let from = 0; from < run.count; from += run.chunk) {
  const rows = Math.min(run.chunk, run.count - from);
  const now = Date.now();
  const jobs = Array.from({ length: rows }, (_, index) => {
    const delay = Math.max(1, dueOf(run, from + index) - now);
    // The row is all a timer names, so the job carries nothing else.
    return { name: "t", data: {}, opts: { jobId: rowOf(from + index), timestamp: now, delay } };
  });
  const began = process.hrtime.bigint();
  await queue.addBulk(jobs);
  took += process.hrtime.bigint() - began;
}
await queue.close();
process.stdout.write(`${Number(took) / 1e9}\n`);
