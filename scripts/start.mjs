import path from 'node:path';
import { ENDS_WITH_CALLER, ensureBuilt, ensureInstalled, root, runAndExit } from './workspace.mjs';

ensureInstalled();
ensureBuilt();
runAndExit([path.join(root, 'apps/sever/dist/main.js'), 'up', ...process.argv.slice(2)], ENDS_WITH_CALLER);
