import path from 'node:path';
import { ensureBuilt, ensureInstalled, root, runAndExit } from './workspace.mjs';

// test.mjs [faults] [JEST OPTIONS]: everything that needs only Node and npm, or the fault suite.
const [first, ...rest] = process.argv.slice(2);
const faults = first === 'faults';
const tiers = faults ? ['fault'] : ['unit', 'int', 'e2e'];
const options = faults || first === undefined ? rest : [first, ...rest];
ensureInstalled();
ensureBuilt();
runAndExit(
  [
    path.join(root, 'node_modules/jest/bin/jest.js'),
    '--selectProjects',
    ...tiers,
    ...(faults ? ['--runInBand'] : []),
    ...options,
  ],
  {
    NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
  },
);
