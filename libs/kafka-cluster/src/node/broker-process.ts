import { inheritedEnvironment } from '@sever/config';
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { javaProgram } from '../cluster-settings.js';
import { KafkaClusterError } from '../kafka-cluster-error.js';
import type { NodeFolder } from './node-folder.js';

export type BrokerExit = { code: number | null; signal: NodeJS.Signals | null };

/** A running broker. `pid` is that of the Java process. */
export type BrokerProcess = {
  pid: number;
  exited: Promise<BrokerExit>;
  /** Asks it to shut down, and kills it when it does not. */
  stop(): Promise<void>;
  signal(name: NodeJS.Signals): void;
};

/** Small enough for three on a laptop; a broker that runs out of memory ends instead of limping. */
const JVM = [
  '-Xmx384m',
  '-Xms96m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:+ExitOnOutOfMemoryError',
  '-Djava.awt.headless=true',
];
/** A controlled shutdown needs the quorum; when all nodes stop at once the last ones wait in vain. */
const STOP_TIMEOUT_MS = 4_000;

/**
 * The shell becomes the broker (`exec`), so the pid is Java's. The reader that it leaves behind sees the end of an inherited pipe
 * when we die, however we die, and then ends the broker: in order first, by force after some seconds.
 */
const START_AND_WATCH = `
(
  read _ <&3
  kill -TERM $$ 2>/dev/null
  i=0
  while [ $i -lt 40 ] && kill -0 $$ 2>/dev/null; do sleep 0.1; i=$((i + 1)); done
  kill -KILL $$ 2>/dev/null
) >/dev/null 2>&1 &
exec "$@" 3<&-`;

/** Starts a broker in a process group of its own; does not wait until it is ready. */
export function spawnBroker(folder: NodeFolder, classPath: string): BrokerProcess {
  const log = openSync(folder.consoleLog, 'w', 0o600);
  const java = [
    javaProgram('java'),
    ...JVM,
    `-Dlog4j2.configurationFile=${folder.logProperties}`,
    '-cp',
    classPath,
    'kafka.Kafka',
    folder.properties,
  ];
  const child = spawn('/bin/sh', ['-c', START_AND_WATCH, 'sh', ...java], {
    detached: true,
    stdio: ['ignore', log, log, 'pipe'],
    env: inheritedEnvironment(),
  });
  closeSync(log);
  if (child.pid) writeFileSync(folder.pidFile, String(child.pid), { mode: 0o600 });
  return handle(child, folder);
}

function handle(child: ChildProcess, folder: NodeFolder): BrokerProcess {
  const pipe = child.stdio[3];
  pipe?.on('error', () => undefined);
  const pid = child.pid ?? 0;
  const exited = new Promise<BrokerExit>(resolve => {
    child.once('error', () => resolve({ code: 127, signal: null }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  }).then(exit => {
    pipe?.destroy();
    rmSync(folder.pidFile, { force: true });
    return exit;
  });
  const signal = (name: NodeJS.Signals): void => void (pid > 0 && child.kill(name));
  return {
    pid,
    exited,
    signal,
    stop: async () => {
      signal('SIGTERM');
      const force = setTimeout(() => signal('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(force);
    },
  };
}

/** Ends a broker that still runs on this folder because its parent was killed. */
export async function endLeftover(folder: NodeFolder): Promise<void> {
  if (!existsSync(folder.pidFile)) return;
  const pid = Number(readFileSync(folder.pidFile, 'utf8'));
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  if (isBrokerOf(pid, folder)) process.kill(pid, 'SIGTERM');
  while (Date.now() < deadline && isBrokerOf(pid, folder)) await sleep(50);
  if (isBrokerOf(pid, folder)) process.kill(pid, 'SIGKILL');
  while (isBrokerOf(pid, folder)) await sleep(50);
  rmSync(folder.pidFile, { force: true });
}

/** Pids are used again: the command line tells whose this is. */
function isBrokerOf(pid: number, folder: NodeFolder): boolean {
  if (!Number.isInteger(pid) || pid <= 1) return false;
  return commandLine(pid).includes(folder.properties);
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** The error of a broker that ended while it was starting, with the last lines of its logs that tell why. */
export function startFailure(folder: NodeFolder, exit: BrokerExit): KafkaClusterError {
  const linesOf = (file: string): string[] =>
    existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  const errors = linesOf(folder.serverLog).filter(line => / (ERROR|FATAL) /.test(line));
  const told = [...errors.slice(-5), ...linesOf(folder.consoleLog).slice(-5)].filter(Boolean);
  return new KafkaClusterError(
    'kafka.start-failed',
    `the broker in ${folder.dir} ended while starting (${exit.signal ?? exit.code}); server.log there has everything. It said:\n${told.join('\n')}`,
  );
}
