import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from '../harness/clients.js';
import type { Ready } from '../harness/pipeline.js';

jest.setTimeout(120_000);

const root = path.resolve(import.meta.dirname, '../..');

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** How it is started, and what the program that was started gets. A shell between npx and Sever survives the end of npx. */
const CASES: [program: string, args: readonly string[], signal: NodeJS.Signals][] = [
  ['npm', ['start', '--'], 'SIGTERM'],
  ['npm', ['start', '--'], 'SIGINT'],
  ['npm', ['start', '--'], 'SIGKILL'],
  ['npx', ['sever', 'up'], 'SIGTERM'],
];

describe('the pipeline in the foreground', () => {
  let npm: ChildProcess | undefined;
  let dataDir = '';
  afterEach(() => {
    if (npm?.pid !== undefined && npm.exitCode === null && npm.signalCode === null)
      process.kill(-npm.pid, 'SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function start(program: string, args: readonly string[]): Promise<{ ready: Ready; lines: string[] }> {
    dataDir = mkdtempSync(path.join(tmpdir(), 'sever-npm-'));
    chmodSync(dataDir, 0o755);
    const options = ['--json', '--port', '0', '--no-sandbox', '--data', dataDir];
    npm = spawn(program, [...args, ...options], {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const child = npm;
    const lines: string[] = [];
    return new Promise((resolve, reject) => {
      child.once('exit', code => reject(new Error(`${program} ended with ${code}`)));
      const output = child.stdout;
      if (!output) throw new Error('npm has no standard output');
      createInterface({ input: output }).on('line', line => {
        lines.push(line);
        if (line.startsWith('{')) resolve({ ready: JSON.parse(line) as Ready, lines });
      });
    });
  }

  it.each(CASES)(
    'started by %s %j prints one line for machines, and ends when that program alone gets %s',
    async (program, args, signal) => {
      const { ready, lines } = await start(program, args);
      expect(ready.processes.map(p => p.name).sort()).toEqual([
        'coordinator',
        'postgres',
        'projector',
        'scim-ingress',
      ]);
      npm?.kill(signal);
      await eventually('the end of every process', () =>
        Promise.resolve(!ready.processes.some(p => isAlive(p.pid))),
      );
      expect(lines.filter(line => line.startsWith('{'))).toHaveLength(1);
    },
  );
});
