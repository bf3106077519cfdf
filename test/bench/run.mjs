import { ingress } from './ingress.mjs';
import { replay } from './replay.mjs';

const BENCHMARKS = { replay, ingress };
const json = process.argv.includes('--json');
const wanted = process.argv.slice(2).find(arg => !arg.startsWith('--'));
if (wanted !== undefined && !(wanted in BENCHMARKS)) {
  console.error(`there is no benchmark ${wanted}; choose one of ${Object.keys(BENCHMARKS).join(', ')}`);
  process.exit(2);
}
const results = [];
for (const [name, run] of Object.entries(BENCHMARKS)) {
  if (wanted !== undefined && name !== wanted) continue;
  results.push(await run(text => process.stderr.write(`${name}: ${text}\n`)));
}
if (json) console.log(JSON.stringify(results));
else
  for (const { name, unit, rows } of results) {
    console.log(`\n${name} (${unit})`);
    for (const row of rows) {
      const ratio = row.ratio === undefined ? '' : `  ${row.ratio.toFixed(2)} × ${row.against}`;
      console.log(`  ${row.what.padEnd(52)} ${Math.round(row.value).toString().padStart(9)}${ratio}`);
    }
  }
