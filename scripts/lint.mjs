import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

/** Formatting, ESLint, dependency rules, type check: all are run, the exit status says whether all passed. */
const root = fileURLToPath(new URL('..', import.meta.url));
const node = path.join(root, 'node_modules/node/bin/node');
const CHECKS = [
  ['formatting', 'prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.']],
  ['types', 'typescript/bin/tsc', ['-p', 'tsconfig.json', '--noEmit']],
  ['ESLint', 'eslint/bin/eslint.js', ['libs', 'apps', 'test', '--max-warnings', '0']],
  [
    'dependency rules',
    'dependency-cruiser/bin/dependency-cruiser.mjs',
    ['--config', 'dependency-cruiser.cjs', 'libs', 'apps', 'test'],
  ],
];

let failed = 0;
for (const [name, bin, args] of CHECKS) {
  const run = spawnSync(node, [path.join(root, 'node_modules', bin), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (run.status !== 0) failed += 1;
  console.log(`${run.status === 0 ? 'passed' : 'FAILED'}  ${name}`);
}
console.log(`${CHECKS.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
