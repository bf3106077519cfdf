import path from 'node:path';
import { ensureBuilt, ensureInstalled, root, runAndExit } from './workspace.mjs';

// bench.mjs [NAME] [--json]: benchmarks, each with its baseline from the same run.
ensureInstalled();
ensureBuilt();
runAndExit([path.join(root, 'test/bench/run.mjs'), ...process.argv.slice(2)]);
