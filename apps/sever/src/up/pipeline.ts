import { addApiToken } from '@sever/directory';
import { openDatabase } from '@sever/postgres';
import { makeKeyFolder } from '@sever/subject-keys';
import { fileURLToPath } from 'node:url';
import type { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { connectorSystems } from '../registry/connector-apps.js';
import { HEIR, SANDBOX_CONNECTIONS, registerSandbox } from '../sandbox/sandbox.js';
import { holdSessions, seedIngress, seedPostgresTarget, seedScimTarget } from '../sandbox/seed-people.js';
import { writeAtomically, type DataFolder } from './data-folder.js';
import { KAFKA_SERVICES, prepareBrokers, type KafkaBrokers } from './kafka-brokers.js';
import { nodeService } from './node-service.js';
import { postgresService } from './postgres-service.js';
import { instancesToRun, readOwnInstances, registerOwnInstances } from './own-instances.js';
import { Ports, requirePort } from './ports.js';
import { DATABASE, ensureLogins, ensureTopics, prepareDatabase } from '../database/prepare-database.js';
import type { ReadyFile } from './ready-file.js';
import type { Supervisor } from './supervised.js';
import type { UpOptions } from './up-options.js';
import { existsSync } from 'node:fs';

const SUPERUSER = 'sever_owner';
const TARGET_SUPERUSER = 'sever_admin';

/** Small machines are the usual place: memory is bounded, durability is not traded. */
const LOG_SETTINGS = {
  max_connections: '120',
  shared_buffers: '96MB',
  max_wal_size: '2GB',
  wal_compression: 'on',
  autovacuum_naptime: '30s',
  jit: 'off',
};
const TARGET_SETTINGS = { max_connections: '250', shared_buffers: '24MB', jit: 'off' };

/** Order of stopping: intake first, the database last. */
export const STOP_ORDER: readonly (readonly string[])[] = [
  ['scim-ingress'],
  connectorSystems().map(system => `connector-${system}`),
  ['coordinator'],
  ['projector', 'relay'],
  [...KAFKA_SERVICES, 'target-scim', 'target-scim-globex', 'target-postgres'],
  ['postgres'],
];

/** Starts everything in order and keeps what the ready file tells. */
export class Pipeline {
  private readonly ports: Ports;
  private sessions: Client[] = [];

  constructor(
    private readonly folder: DataFolder,
    private readonly options: UpOptions,
    private readonly supervisor: Supervisor,
    private readonly progress: (line: string) => void,
  ) {
    this.ports = new Ports(folder.file('ports.json'));
  }

  async start(): Promise<Omit<ReadyFile, 'processes'>> {
    const own = await readOwnInstances(this.options.instancesFile);
    const apiPort =
      this.options.port === 0 ? await this.ports.get('api') : await requirePort(this.options.port);
    const apiUrl = `http://127.0.0.1:${apiPort}`;
    makeKeyFolder(this.folder.file('keys'));
    this.progress('starting the databases');
    const starting = [
      this.startLogDatabase(),
      this.options.sandbox ? this.startTargets() : Promise.resolve(undefined),
      this.options.profile === 'kafka'
        ? prepareBrokers(this.folder, this.options.brokersLocal, this.supervisor, this.progress)
        : Promise.resolve(undefined),
    ] as const;
    // When one cannot be started the others are known by then, and are stopped.
    await Promise.allSettled(starting);
    const [ownerUrl, target, brokers] = await Promise.all(starting);
    const owner = await openDatabase({ url: ownerUrl, applicationName: 'sever-up', poolMax: 3 });
    try {
      await ensureTopics(owner);
      await addApiToken(owner, this.folder.secret('api-token'), 'operator');
      if (target) await registerSandbox(owner, this.folder, target);
      await registerOwnInstances(owner, own, this.progress);
      await this.startApps(owner, ownerUrl, { apiPort, apiUrl, brokers });
      if (target) await this.seed(target, apiUrl);
    } finally {
      await owner.destroy();
    }
    return this.readyFile(ownerUrl, apiUrl, target, brokers);
  }

  async stop(): Promise<void> {
    await this.supervisor.stop(STOP_ORDER.slice(0, 1));
    await Promise.all(this.sessions.map(session => session.end().catch(() => undefined)));
    await this.supervisor.stop(STOP_ORDER.slice(1));
  }

  private async startLogDatabase(): Promise<string> {
    const port = await this.ports.get('postgres');
    const password = this.folder.secret('postgres-owner');
    await this.supervisor.add(
      postgresService({
        name: 'postgres',
        dataDir: this.folder.file('pg'),
        port,
        superuser: SUPERUSER,
        password,
        logFile: this.folder.file('logs', 'postgres.log'),
        settings: LOG_SETTINGS,
      }),
    );
    const url = `postgres://${SUPERUSER}:${encodeURIComponent(password)}@127.0.0.1:${port}`;
    await prepareDatabase(`${url}/postgres`, `${url}/${DATABASE}`);
    return `${url}/${DATABASE}`;
  }

  private async startTargets(): Promise<Targets> {
    const postgresPort = await this.ports.get('target-postgres');
    const password = this.folder.secret('target-postgres-admin');
    const [scimPort, scimGlobexPort] = [
      await this.ports.get('target-scim'),
      await this.ports.get('target-scim-globex'),
    ];
    await Promise.all([
      this.supervisor.add(
        postgresService({
          name: 'target-postgres',
          dataDir: this.folder.file('target-pg'),
          port: postgresPort,
          superuser: TARGET_SUPERUSER,
          password,
          logFile: this.folder.file('logs', 'target-postgres.log'),
          settings: TARGET_SETTINGS,
        }),
      ),
      this.addScimTarget('target-scim', 'target-scim', scimPort),
      this.addScimTarget('target-scim-globex', 'target-scim-globex', scimGlobexPort),
    ]);
    return {
      scimPort,
      scimGlobexPort,
      postgresPort,
      postgresDatabase: 'postgres',
      adminUrl: `postgres://${TARGET_SUPERUSER}:${encodeURIComponent(password)}@127.0.0.1:${postgresPort}/postgres`,
    };
  }

  private addScimTarget(name: string, secret: string, port: number): Promise<void> {
    return this.supervisor.add(
      nodeService({
        name,
        main: fileURLToPath(new URL('../sandbox/target-scim/main.js', import.meta.url)),
        env: {
          SEVER_TARGET_PORT: String(port),
          SEVER_TARGET_TOKEN: this.folder.secret(secret),
          SEVER_TARGET_DATA: this.folder.file(name),
        },
        logFile: this.folder.file('logs', `${name}.log`),
        healthUrl: `http://127.0.0.1:${port}/healthz`,
      }),
    );
  }

  private async startApps(
    owner: DataSource,
    ownerUrl: string,
    { apiPort, apiUrl, brokers }: { apiPort: number; apiUrl: string; brokers: KafkaBrokers | undefined },
  ): Promise<void> {
    const instances = await instancesToRun(owner, this.options.sandbox);
    const logins = await ensureLogins(
      owner,
      ownerUrl,
      instances.map(i => i.id),
      name => this.folder.secret(name),
    );
    this.progress('starting the apps');
    const log = brokers?.env ?? { SEVER_PROFILE: 'embedded' };
    const keys = { ...log, SEVER_KEYS_DIR: this.folder.file('keys') };
    const ingress = {
      ...keys,
      DATABASE_URL: logins.apps.ingress,
      SEVER_PUBLIC_URL: apiUrl,
      SEVER_HOLD: this.options.hold,
      SEVER_HOLD_IGNORES_RESIDUAL: this.options.sandbox ? 'on' : 'off',
      SEVER_RATE_LIMIT: this.options.rateLimit,
      SEVER_GOVERNOR: this.options.governor,
    };
    const connectors = [...new Set(instances.map(i => i.system))].map(system => {
      const own = instances
        .filter(i => i.system === system)
        .map(i => ({ id: i.id, databaseUrl: logins.instances.get(i.id) }));
      return this.addApp(`connector-${system}`, { ...keys, SEVER_INSTANCES: JSON.stringify(own) });
    });
    await Promise.all([
      this.addApp('scim-ingress', ingress, { port: apiPort }),
      this.addApp('coordinator', { ...log, DATABASE_URL: logins.apps.coordinator }, { isBackground: true }),
      this.addApp('projector', { ...log, DATABASE_URL: logins.apps.projector }, { isBackground: true }),
      ...connectors,
      // While Kafka is away the relay is not ready, and there is no use in starting it again.
      ...(brokers
        ? [this.addApp('relay', { ...log, DATABASE_URL: logins.apps.relay }, { health: 'healthz' })]
        : []),
    ]);
  }

  private async addApp(
    name: string,
    env: Readonly<Record<string, string>>,
    o: { port?: number; health?: 'readyz' | 'healthz'; isBackground?: boolean } = {},
  ): Promise<void> {
    const port = o.port ?? (await this.ports.get(name));
    await this.supervisor.add(
      nodeService({
        name,
        main: fileURLToPath(new URL(`../../../${name}/dist/main.js`, import.meta.url)),
        env: {
          ...env,
          SEVER_HTTP_HOST: '127.0.0.1',
          SEVER_HTTP_PORT: String(port),
        },
        logFile: this.folder.file('logs', `${name}.log`),
        healthUrl: `http://127.0.0.1:${port}/${o.health ?? 'readyz'}`,
        isBackground: o.isBackground ?? false,
      }),
    );
  }

  /** People are made once per data folder; their open sessions in every run. */
  private async seed(target: Targets, apiUrl: string): Promise<void> {
    const marker = this.folder.file('seeded');
    const personPassword = this.folder.secret('sandbox-person');
    if (!existsSync(marker)) {
      this.progress('seeding the sandbox');
      const ingress = (id: string): { baseUrl: string; token: string } => ({
        baseUrl: `${apiUrl}/scim/v2/${id}`,
        token: this.folder.secret(`connection-${id}`),
      });
      await Promise.all([
        seedPostgresTarget(target.adminUrl, this.folder.secret('target-postgres-connector'), personPassword),
        seedScimTarget(
          {
            baseUrl: `http://127.0.0.1:${target.scimPort}/scim/v2`,
            token: this.folder.secret('target-scim'),
          },
          'acme',
        ),
        seedScimTarget(
          {
            baseUrl: `http://127.0.0.1:${target.scimGlobexPort}/scim/v2`,
            token: this.folder.secret('target-scim-globex'),
          },
          'globex',
        ),
        seedIngress(ingress('entra'), 'acme'),
        seedIngress(ingress('globex'), 'globex'),
      ]);
      writeAtomically(marker, new Date().toISOString());
    }
    this.sessions = await holdSessions(target.adminUrl, personPassword);
  }

  private readyFile(
    ownerUrl: string,
    apiUrl: string,
    target: Targets | undefined,
    brokers: KafkaBrokers | undefined,
  ): Omit<ReadyFile, 'processes'> {
    const scim = (connector: string, port: number): ReadyFile['downstream'][number] => ({
      connector,
      baseUrl: `http://127.0.0.1:${port}/scim/v2`,
      token: this.folder.secret(`target-${connector}`),
    });
    return {
      version: 1,
      profile: this.options.profile,
      dataDir: this.folder.dir,
      databaseUrl: ownerUrl,
      kafkaBrokers: brokers?.addresses ?? null,
      api: { baseUrl: apiUrl, token: this.folder.secret('api-token') },
      connections: target
        ? SANDBOX_CONNECTIONS.map(c => ({
            ...c,
            baseUrl: `${apiUrl}/scim/v2/${c.id}`,
            token: this.folder.secret(`connection-${c.id}`),
          }))
        : [],
      console: null,
      downstream: target
        ? [
            scim('scim', target.scimPort),
            { connector: 'postgres', url: target.adminUrl, heir: HEIR },
            scim('scim-globex', target.scimGlobexPort),
          ]
        : [],
    };
  }
}

type Targets = {
  scimPort: number;
  scimGlobexPort: number;
  postgresPort: number;
  postgresDatabase: string;
  adminUrl: string;
};
