import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '@sever/embedded-postgres';
import { brokerClassPath } from '../../libs/kafka-cluster/src/jars/broker-jars.js';

const kafkaFolder = path.resolve(import.meta.dirname, '../../deploy/kafka');
const IDS = [1, 2, 3] as const;

/** Three brokers as `deploy/compose.yaml` starts them, each a process of this machine instead of a container. */
export type DeployedBrokers = {
  /** Addresses of the client listeners. */
  brokers: string;
  /** Runs set-users.sh as the compose service does. */
  setUsers(): Promise<{ code: number | null; output: string }>;
  /** Last lines of every broker. */
  log(): string;
  stop(): Promise<void>;
};

const TOOLS = {
  'kafka-storage.sh': 'kafka.tools.StorageTool',
  'kafka-server-start.sh': 'kafka.Kafka',
  'kafka-configs.sh': 'kafka.admin.ConfigCommand',
};

/** @param folder empty; `folder/secrets` holds what `sever secrets` made, with a broker certificate for localhost */
export async function startDeployedBrokers(folder: string): Promise<DeployedBrokers> {
  const home = await kafkaHome(path.join(folder, 'kafka-home'));
  const secrets = path.join(folder, 'secrets');
  const ports = await Promise.all(
    IDS.map(async () => ({ client: await freePort(), inside: await freePort(), control: await freePort() })),
  );
  const brokers = ports.map(p => `localhost:${p.client}`).join(',');
  const env = { PATH: process.env.PATH, KAFKA_HOME: home, SECRETS_DIR: secrets, KAFKA_BROKERS: brokers };
  const children = IDS.map((id, i) => {
    const own = ports[i] ?? { client: 0, inside: 0, control: 0 };
    const settings = path.join(folder, `server-${id}.properties`);
    const data = path.join(folder, `data-${id}`);
    const text = readFileSync(path.join(kafkaFolder, 'server.properties'), 'utf8')
      .replace(/@kafka-(\d):9093/g, (_all, n: string) => `@localhost:${ports[Number(n) - 1]?.control}`)
      .replace('CLIENT://:9092', `CLIENT://localhost:${own.client}`)
      .replace('INTERNAL://:9091', `INTERNAL://localhost:${own.inside}`)
      .replace('CONTROLLER://:9093', `CONTROLLER://localhost:${own.control}`)
      .replaceAll('/run/secrets', secrets)
      .replace('/var/lib/kafka/data', data);
    writeFileSync(settings, text);
    return start(path.join(folder, `broker-${id}.log`), {
      ...env,
      NODE_ID: String(id),
      KAFKA_SETTINGS: settings,
      ADVERTISED_LISTENERS: `CLIENT://localhost:${own.client},INTERNAL://localhost:${own.inside}`,
    });
  });
  return {
    brokers,
    setUsers: async () => {
      const run = spawn(path.join(kafkaFolder, 'set-users.sh'), { env, stdio: ['ignore', 'pipe', 'pipe'] });
      let output = '';
      for (const stream of [run.stdout, run.stderr]) stream.on('data', data => (output += String(data)));
      const [code] = (await once(run, 'close')) as [number | null];
      return { code, output };
    },
    log: () =>
      IDS.map(id => readFileSync(path.join(folder, `broker-${id}.log`), 'utf8').slice(-2_000)).join('\n'),
    stop: async () => {
      await Promise.all(children.map(stop));
    },
  };
}

function start(log: string, env: NodeJS.ProcessEnv): ChildProcess {
  return spawn('/bin/sh', ['-c', `exec "$0" >"${log}" 2>&1`, path.join(kafkaFolder, 'start-broker.sh')], {
    env,
    stdio: 'ignore',
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** The folder layout of Kafka's distribution around the checked jars. */
async function kafkaHome(dir: string): Promise<string> {
  const classPath = await brokerClassPath();
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(path.join(dir, 'bin'), { recursive: true });
  for (const [name, main] of Object.entries(TOOLS)) {
    const file = path.join(dir, 'bin', name);
    writeFileSync(
      file,
      `#!/bin/sh\nexec java -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '${classPath}' ${main} "$@"\n`,
    );
    chmodSync(file, 0o755);
  }
  return dir;
}
