import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** The ready line, as far as tests use it. */
export type Ready = {
  dataDir: string;
  profile: string;
  kafkaBrokers: string | null;
  databaseUrl: string;
  api: { baseUrl: string; token: string };
  connections: { id: string; tenant: string; dialect: string; baseUrl: string; token: string }[];
  downstream: { connector: string; baseUrl?: string; token?: string; url?: string; heir?: string }[];
  processes: { name: string; pid: number }[];
};

/** A running `sever up` on a folder of its own. */
export type Pipeline = {
  ready: Ready;
  dataDir: string;
  /** The ready file as it is now (pids change when processes are restarted). */
  current(): Ready;
  connection(id: string): Ready['connections'][number];
  scimTarget(connector?: string): { baseUrl: string; token: string };
  postgresTarget(): { url: string; heir: string };
  /** What `sever up` said on standard error so far. */
  log(): string;
  stop(): Promise<number | null>;
  /** SIGKILL of `sever up` itself. */
  kill(): Promise<void>;
  dispose(): Promise<void>;
};

const root = path.resolve(import.meta.dirname, '../..');

/** Starts the built pipeline as a user would; rejects with what it printed when it does not become ready. */
export async function startPipeline(
  options: readonly string[] = [],
  o: { dataDir?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<Pipeline> {
  const dataDir = o.dataDir ?? newFolder();
  const child = spawn(
    path.join(root, 'node_modules/node/bin/node'),
    [
      path.join(root, 'apps/sever/dist/main.js'),
      'up',
      '--json',
      '--port',
      '0',
      '--data',
      dataDir,
      ...options,
    ],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, NODE_OPTIONS: '', ...o.env },
    },
  );
  const errors: string[] = [];
  const ready = await readyLine(child, errors);
  const current = (): Ready => JSON.parse(readFileSync(path.join(dataDir, 'run.json'), 'utf8')) as Ready;
  const stop = async (): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    return child.exitCode;
  };
  return {
    ready,
    dataDir,
    current,
    connection: id =>
      found(
        ready.connections.find(c => c.id === id),
        `connection ${id}`,
      ),
    scimTarget: (connector = 'scim') => {
      const target = found(
        ready.downstream.find(d => d.connector === connector),
        `target ${connector}`,
      );
      return { baseUrl: found(target.baseUrl, 'its address'), token: found(target.token, 'its token') };
    },
    postgresTarget: () => {
      const target = found(
        ready.downstream.find(d => d.connector === 'postgres'),
        'target postgres',
      );
      return { url: found(target.url, 'its address'), heir: found(target.heir, 'its heir') };
    },
    log: () => errors.join(''),
    stop,
    kill: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    dispose: async () => {
      await stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** As root the databases run as another user, who must be able to enter: their files then disappear with the folder. */
function newFolder(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'sever-e2e-'));
  chmodSync(dir, 0o755);
  return dir;
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the ready file has no ${what}`);
  return value;
}

async function readyLine(child: ChildProcess, errors: string[]): Promise<Ready> {
  child.stderr?.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  const lines = createInterface({ input: found(child.stdout ?? undefined, 'standard output') });
  return new Promise((resolve, reject) => {
    lines.on('line', line => {
      if (line.startsWith('{')) resolve(JSON.parse(line) as Ready);
    });
    child.once('exit', code =>
      reject(new Error(`sever up ended with ${code}:\n${errors.join('').slice(-4_000)}`)),
    );
  });
}
