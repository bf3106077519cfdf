import { deadConnector } from './dead-connector.mjs';
import { footprint } from './footprint.mjs';
import { ingress } from './ingress.mjs';
import { kafkaIdle } from './kafka/idle.mjs';
import { kafkaIsolation } from './kafka/isolation.mjs';
import { kafkaRead } from './kafka/read.mjs';
import { kafkaRelay } from './kafka/relay.mjs';
import { latency } from './latency.mjs';
import { createProgress } from './progress.mjs';
import { replay } from './replay.mjs';
import { closeAll } from './resources.mjs';
import { scimDirectory } from './scim/directory.mjs';
import { scimBulk, scimImport, scimMembers } from './scim/many.mjs';
import { scimRequests } from './scim/requests.mjs';
import { scimSustained } from './scim/sustained.mjs';
import { TimeLimitError, closeEarly, withinSeconds } from './time-limit.mjs';

// run.mjs [NAME] [--json] [--limit SECONDS] [--OPTION NUMBER …]: options are those of the benchmark, for example --people or
// --opt-outs. The name of a family runs all of it: kafka means kafka-read, kafka-relay and so on. The limit is for each of them.
const BENCHMARKS = {
  replay: { run: replay, seconds: 600 },
  ingress: { run: ingress, seconds: 300 },
  latency: { run: latency, seconds: 300 },
  'dead-connector': { run: deadConnector, seconds: 600 },
  footprint: { run: footprint, seconds: 600 },
  'scim-requests': { run: scimRequests, seconds: 300 },
  'scim-directory': { run: scimDirectory, seconds: 900 },
  'scim-bulk': { run: scimBulk, seconds: 300 },
  'scim-members': { run: scimMembers, seconds: 300 },
  'scim-sustained': { run: scimSustained, seconds: 300 },
  'scim-import': { run: scimImport, seconds: 600 },
  'kafka-read': { run: kafkaRead, seconds: 300 },
  'kafka-relay': { run: kafkaRelay, seconds: 300 },
  'kafka-isolation': { run: kafkaIsolation, seconds: 300 },
  'kafka-idle': { run: kafkaIdle, seconds: 240 },
};
const isChosen = (key, name) => name === undefined || key === name || key.startsWith(`${name}-`);

const { name, json, options } = readArguments(process.argv.slice(2));
const results = [];
let failure;
closeEarly();
for (const [key, { run, seconds }] of Object.entries(BENCHMARKS))
  // One that hangs would go on beside the next.
  if (isChosen(key, name) && !(failure instanceof TimeLimitError))
    await measure(key, run, options.limit ?? seconds);
if (json) console.log(JSON.stringify(results));
else for (const result of results) print(result);
// Whatever a benchmark that failed left running must not keep this process.
process.exit(failure ? 1 : 0);

async function measure(key, run, seconds) {
  try {
    const found = await withinSeconds(key, seconds, () => run(createProgress(key), options));
    results.push(...[found].flat());
  } catch (error) {
    failure = error;
    console.error(`${key} failed:`, error);
  } finally {
    await closeAll();
  }
}

function readArguments(args) {
  const found = { name: undefined, json: false, options: {} };
  while (args.length > 0) {
    const arg = args.shift();
    if (arg === '--json') found.json = true;
    else if (arg.startsWith('--')) {
      const value = Number(args.shift());
      if (!(value > 0)) fail(`${arg} needs a positive number`);
      found.options[arg.slice(2).replace(/-./g, dash => dash[1].toUpperCase())] = value;
    } else found.name = arg;
  }
  if (!Object.keys(BENCHMARKS).some(key => isChosen(key, found.name)))
    fail(
      `there is no benchmark ${found.name}; choose one of ${Object.keys(BENCHMARKS).join(', ')}, or a family: kafka, scim`,
    );
  return found;
}

function fail(message) {
  console.error(message);
  process.exit(2);
}

function print({ name: title, unit, rows, notes = [] }) {
  console.log(`\n${title} (${unit})`);
  for (const row of rows) {
    const value = row.value < 100 ? row.value.toFixed(1) : Math.round(row.value).toString();
    const ratio = row.ratio === undefined ? '' : `  ${row.ratio.toFixed(2)} × ${row.against}`;
    const wanted = row.wanted === undefined ? '' : ` (wanted ${row.wanted})`;
    console.log(`  ${row.what.padEnd(56)} ${value.padStart(9)}${ratio}${wanted}`);
  }
  for (const note of notes) console.log(`  ${note}`);
}
