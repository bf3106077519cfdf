import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, renameSync, statSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { inheritedEnvironment } from '@sever/config';
import { SeverError } from '../sever-error.js';
import type { Handle, Service } from './supervised.js';

export type NodeServiceOptions = {
  name: string;
  /** File that is run. */
  main: string;
  env: Readonly<Record<string, string>>;
  logFile: string;
  /** Address that answers 200 when the process is healthy. */
  healthUrl: string;
  /** Where processors are scarce the others go first: nobody's access depends on this process. */
  isBackground?: boolean;
};

/** Processes that stay small: a young generation of a few MiB, an old one that is cleaned before it has grown by a fifth. */
const FLAGS = ['--max-semi-space-size=4', '--heap-growing-percent=20'];

/** glibc gives large blocks, such as the buffers of a batch, back to the system when they are freed. Other C libraries do anyway. */
const MALLOC = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' };

const LOG_BYTES_MAX = 20 * 1024 * 1024;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 11_000;

/** One Node process in a group of its own, its output in a log file, ended by the end of an inherited pipe when we die. */
export function nodeService(o: NodeServiceOptions): Service {
  let starts = 0;
  return {
    name: o.name,
    start: () => {
      starts += 1;
      return start(o, starts === 1);
    },
  };
}

function letOthersFirst(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Ended already, or not ours to lower: it runs as the others do.
  }
}

/** @param isFirst a fault test's failpoint kills the first process of a service, not its successors */
async function start(o: NodeServiceOptions, isFirst: boolean): Promise<Handle> {
  rotate(o.logFile);
  const log = openSync(o.logFile, 'a', 0o600);
  const child = spawn(process.execPath, [...FLAGS, o.main], {
    detached: true,
    stdio: ['ignore', log, log, 'pipe'],
    env: {
      ...inheritedEnvironment(),
      ...(isFirst ? {} : { SEVER_FAILPOINT: '' }),
      ...MALLOC,
      ...o.env,
      SEVER_PARENT_FD: '3',
    },
  });
  closeSync(log);
  if (o.isBackground) letOthersFirst(child.pid);
  child.stdio[3]?.on('error', () => undefined);
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>(resolve => {
    child.once('error', () => resolve({ code: 127, signal: null }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const handle: Handle = { pid: child.pid ?? 0, exited, stop: () => stop(child.pid ?? 0, exited) };
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await isHealthy(o.healthUrl))) {
    if (child.exitCode !== null || child.signalCode !== null || !child.pid)
      throw new SeverError(
        'process.ended',
        `${o.name} ended while starting (${child.signalCode ?? child.exitCode}); see ${o.logFile}`,
      );
    if (Date.now() > deadline) {
      await handle.stop();
      throw new SeverError(
        'process.not-healthy',
        `${o.name} was not healthy within ${START_TIMEOUT_MS / 1_000} s; see ${o.logFile}`,
      );
    }
    await sleep(50);
  }
  return handle;
}

async function stop(pid: number, exited: Handle['exited']): Promise<void> {
  const kill = (signal: NodeJS.Signals): void => {
    try {
      process.kill(pid, signal);
    } catch {
      // Gone already.
    }
  };
  kill('SIGTERM');
  const timer = setTimeout(() => kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}

export async function isHealthy(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}

function rotate(file: string): void {
  if (existsSync(file) && statSync(file).size > LOG_BYTES_MAX) renameSync(file, `${file}.1`);
}
