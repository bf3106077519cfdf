import path from 'node:path';
import { ensureBuilt, ensureInstalled, root, runAndExit } from './workspace.mjs';

// test.mjs [faults|kafka|conformance] [JEST OPTIONS]: everything that needs only Node and npm, the fault suite, what needs a real broker,
// or what needs tools written in Python.
const [first, ...rest] = process.argv.slice(2);
const SUITES = { faults: ['fault'], kafka: ['kafka'], conformance: ['conformance'] };
const suite = SUITES[first];
const tiers = suite ?? ['unit', 'int', 'e2e'];
const options = suite || first === undefined ? rest : [first, ...rest];
ensureInstalled();
ensureBuilt();
runAndExit(
  [
    path.join(root, 'node_modules/jest/bin/jest.js'),
    '--selectProjects',
    ...tiers,
    ...(suite ? ['--runInBand'] : []),
    ...options,
  ],
  {
    NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
  },
);
