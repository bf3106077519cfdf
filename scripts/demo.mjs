import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ensureBuilt, ensureInstalled, environment, nodeBinary, root, runAndExit } from './workspace.mjs';

// With a running pipeline on the default folder the demo uses it; otherwise it starts one and stops it again.
ensureInstalled();
ensureBuilt();
const main = path.join(root, 'apps/sever/dist/main.js');
const data = path.resolve('.sever');
if (existsSync(path.join(data, 'run.json')))
  runAndExit([main, 'demo', '--data', data, ...process.argv.slice(2)]);
else {
  const up = spawn(nodeBinary(), [main, 'up', '--json', '--port', '0', '--data', data], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: environment(),
  });
  up.on('exit', code => process.exit(code ?? 1));
  createInterface({ input: up.stdout }).once('line', () => {
    const demo = spawn(nodeBinary(), [main, 'demo', '--data', data, ...process.argv.slice(2)], {
      stdio: 'inherit',
      env: environment(),
    });
    demo.on('exit', code => {
      up.removeAllListeners('exit');
      up.on('exit', () => process.exit(code ?? 1));
      up.kill('SIGTERM');
    });
  });
}
