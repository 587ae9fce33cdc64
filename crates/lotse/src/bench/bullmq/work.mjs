// One worker: does the effect of each job that is due, and writes a line per effect.
//
// Argument: JSON with redis, prefix, queue, open, concurrency, count, first (ms), over (ms), and
// holdAt: after that many jobs it takes no further step, so that it is killed with work in hand.
// Lines: `ready`, `row lateness-ms again`, `again row`, `holding`. Ends when its input does.
import { Worker } from "bullmq";
import { Redis } from "ioredis";
import { dueOf, indexOf } from "./plan.mjs";

const run = JSON.parse(process.argv[2]);
const rows = new Redis(run.redis);
let handled = 0;

async function handle(job) {
  handled += 1;
  if (run.holdAt && handled >= run.holdAt) {
    if (handled === run.holdAt) process.stdout.write("holding\n");
    await new Promise(() => {});
  }
  const again = job.attemptsStarted > 1 || job.stalledCounter > 0;
  // The row's own state decides, as an idempotent handler has it: only the first finds it open.
  const first = await rows.srem(run.open, job.id);
  const index = indexOf(job.id);
  const late = Date.now() - dueOf(run, index);
  process.stdout.write(first ? `${index} ${late} ${again ? 1 : 0}\n` : `again ${index}\n`);
}

const worker = new Worker(run.queue, handle, {
  connection: { url: run.redis, maxRetriesPerRequest: null },
  prefix: run.prefix,
  concurrency: run.concurrency,
});
worker.on("error", (error) => process.stderr.write(`${error.message}\n`));
await worker.waitUntilReady();
process.stdout.write("ready\n");

process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
