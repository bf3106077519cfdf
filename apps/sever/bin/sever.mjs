#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// The apps need the pinned Node; whoever calls may be older.
const pinned = fileURLToPath(new URL('../../../node_modules/node/bin/node', import.meta.url));
const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
if (!existsSync(main)) {
  console.error('sever: not built yet; run npm start or npm run build first');
  process.exit(3);
}
const child = spawn(existsSync(pinned) ? pinned : process.execPath, [main, ...process.argv.slice(2)], {
  // The pipe ends when this process does, however it ends: a pipeline in the foreground then stops in order.
  stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
  env: { ...process.env, SEVER_PARENT_FD: '3' },
});
child.stdio[3].on('error', () => undefined);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

// npx runs this in a shell. A signal to npx ends that shell and leaves this process behind: then it is meant as well.
const CALLER_CHECK_MS = 250;
const caller = process.ppid;
if (process.env.npm_command !== undefined)
  setInterval(() => process.ppid !== caller && child.kill('SIGTERM'), CALLER_CHECK_MS).unref();
