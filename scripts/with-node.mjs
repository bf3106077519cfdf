import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fail, root, runAndExit } from './workspace.mjs';

// with-node.mjs PROGRAM [ARGS]: runs an installed program under the Node that the project needs.
const [name = '', ...args] = process.argv.slice(2);
const manifest = path.join(root, 'node_modules', name, 'package.json');
if (!existsSync(manifest)) fail(`${name} is not installed; run npm ci`);
const { bin } = JSON.parse(readFileSync(manifest, 'utf8'));
const file = typeof bin === 'string' ? bin : bin[name];
runAndExit([path.join(root, 'node_modules', name, file), ...args]);
