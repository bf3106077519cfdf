import { deadConnector } from './dead-connector.mjs';
import { footprint } from './footprint.mjs';
import { ingress } from './ingress.mjs';
import { latency } from './latency.mjs';
import { createProgress } from './progress.mjs';
import { replay } from './replay.mjs';

// run.mjs [NAME] [--json] [--OPTION NUMBER …]: options are those of the benchmark, for example --people or --opt-outs.
const BENCHMARKS = { replay, ingress, latency, 'dead-connector': deadConnector, footprint };

const { name, json, options } = readArguments(process.argv.slice(2));
const results = [];
for (const [key, run] of Object.entries(BENCHMARKS))
  if (name === undefined || name === key) results.push(await run(createProgress(key), options));
if (json) console.log(JSON.stringify(results));
else for (const result of results) print(result);

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
  if (found.name !== undefined && !(found.name in BENCHMARKS))
    fail(`there is no benchmark ${found.name}; choose one of ${Object.keys(BENCHMARKS).join(', ')}`);
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
