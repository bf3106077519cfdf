import { execFile } from 'node:child_process';
import path from 'node:path';
import type { Pipeline } from './pipeline.js';

const root = path.resolve(import.meta.dirname, '../..');

/** Runs one `sever` command against a running pipeline. */
export function sever(
  pipeline: Pipeline,
  args: readonly string[],
): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise(resolve => {
    execFile(
      path.join(root, 'node_modules/node/bin/node'),
      [path.join(root, 'apps/sever/dist/main.js'), ...args, '--data', pipeline.dataDir],
      { cwd: root, env: { ...process.env, NODE_OPTIONS: '', CI: 'true' }, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const status = error ? (typeof error.code === 'number' ? error.code : 1) : 0;
        resolve({ status, stdout, stderr });
      },
    );
  });
}
