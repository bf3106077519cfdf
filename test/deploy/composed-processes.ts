import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { freePort } from '@sever/embedded-postgres';
import { eventually } from '../harness/clients.js';
import { deployFolder, type Service } from './compose-file.js';

const container = path.join(deployFolder, 'container');
const node = path.resolve(deployFolder, '../node_modules/node/bin/node');
/** Compose kills a container that has not drained by then. */
const STOP_GRACE_MS = 20_000;

/** What stands in the environment and command of a container -> what it is on this machine: folders, addresses. */
export type Places = Record<string, string>;

const placed = (text: string, places: Places): string =>
  Object.entries(places).reduce((done, [inside, here]) => done.replaceAll(inside, here), text);

/** The environment of a service with paths and ports of this machine, and nobody who collects traces. */
function environmentOf(service: Service, places: Places, port: number): NodeJS.ProcessEnv {
  const declared = Object.entries(service.environment ?? {}).map(([name, value]) => [
    name,
    placed(String(value), places),
  ]);
  return {
    ...Object.fromEntries(declared),
    SEVER_HTTP_HOST: '127.0.0.1',
    SEVER_HTTP_PORT: String(port),
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: '',
  };
}

const argv = (service: Service, places: Places): string[] => [
  path.join(container, 'start-app.mjs'),
  ...(service.command ?? []).map(word => placed(word, places)),
];

/** Runs a service that ends by itself. */
export function runOnce(
  service: Service,
  places: Places,
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(node, argv(service, places), {
    env: environmentOf(service, places, 0),
    encoding: 'utf8',
    timeout: 60_000,
  });
}

/** A running service, healthy as its image's own check says. */
export type Running = { url: string; log(): string; stop(): Promise<number | null> };

export async function startService(name: string, service: Service, places: Places): Promise<Running> {
  const port = await freePort();
  const env = environmentOf(service, places, port);
  const child = spawn(node, argv(service, places), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (output += String(data)));
  const check = (): boolean =>
    spawnSync(node, [path.join(container, 'check-health.mjs')], { env }).status === 0;
  const running: Running = {
    url: `http://127.0.0.1:${port}`,
    log: () => output,
    stop: () => stop(child),
  };
  try {
    await eventually(`${name} healthy`, () => Promise.resolve(check()), 60_000, 200);
    return running;
  } catch (error) {
    await stop(child);
    throw new Error(`${String(error)}\n${output}`, { cause: error });
  }
}

async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
    await once(child, 'exit');
    clearTimeout(late);
  }
  return child.exitCode;
}
