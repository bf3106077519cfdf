import path from 'node:path';
import { ensureBuilt, ensureInstalled, root, runAndExit } from './workspace.mjs';

// test.mjs [faults|kafka|conformance|fuzz] [JEST OPTIONS]: everything that needs only Node and npm, the fault suite, what needs a real broker,
// what needs tools written in Python, or 100,000 inputs for the SCIM core and its door (SCIM_FUZZ_RUNS, SCIM_FUZZ_REQUESTS, SCIM_FUZZ_SEED).
const [first, ...rest] = process.argv.slice(2);
const SUITES = { faults: ['fault'], kafka: ['kafka'], conformance: ['conformance'], fuzz: ['unit', 'int'] };
/** Inputs for each of six properties of the core, and requests to the door. */
const { SCIM_FUZZ_RUNS = '16000', SCIM_FUZZ_REQUESTS = '8000' } = process.env;
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
    ...(first === 'fuzz' ? ['--testPathPatterns', 'fuzz\\.'] : []),
    ...options,
  ],
  {
    NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
    ...(first === 'fuzz' && { SCIM_FUZZ_RUNS, SCIM_FUZZ_REQUESTS }),
  },
);
