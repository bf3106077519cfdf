import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { ensureInstalled, nodeBinary, root } from './workspace.mjs';

/** Formatting, ESLint, dependency rules, type check: all are run, the exit status says whether all passed. */
ensureInstalled();
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
  const run = spawnSync(nodeBinary(), [path.join(root, 'node_modules', bin), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (run.status !== 0) failed += 1;
  console.log(`${run.status === 0 ? 'passed' : 'FAILED'}  ${name}`);
}
console.log(`${CHECKS.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
