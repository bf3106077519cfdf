import { startScratchPostgres } from '@sever/embedded-postgres/testing';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { call, eventually, sql } from '../harness/clients.js';
import { startScimService, type ScimService } from '../harness/scim-service.js';
import { deployFolder, type Compose, type Service } from './compose-file.js';
import { runOnce, startService, type Places, type Running } from './composed-processes.js';

type Server = Awaited<ReturnType<typeof startScratchPostgres>>;
type Example = { instances: { id: string; settings: Record<string, unknown> }[] };

/** What the services of a compose file need around them: a database, secrets, and the two systems of the example. */
export class ComposedStack {
  readonly running = new Map<string, Running>();

  private constructor(
    readonly folder: string,
    readonly places: Places,
    private readonly database: Server,
    readonly target: Server,
    readonly wiki: ScimService,
  ) {}

  static async prepare(): Promise<ComposedStack> {
    const folder = mkdtempSync(path.join(tmpdir(), 'sever-composed-'));
    const at = (name: string): string => path.join(folder, name);
    const places = { '/run/secrets': at('secrets'), '/etc/sever': folder, '/var/lib/sever/keys': at('keys') };
    mkdirSync(at('wiki'));
    const [database, target, wiki] = await Promise.all([
      startScratchPostgres({ fsync: 'off', max_connections: '200' }),
      startScratchPostgres({ fsync: 'off' }),
      startScimService(at('wiki')),
    ]);
    const stack = new ComposedStack(folder, places, database, target, wiki);
    await sql(database.url, 'create database sever');
    await sql(target.url, `create role sever_connector superuser login password 'connector-password'`);
    await sql(target.url, 'create role leavers_heir nologin');
    stack.writeInstances(at('instances.json'));
    stack.makeSecrets();
    return stack;
  }

  secret(name: string): string {
    return readFileSync(path.join(this.places['/run/secrets'] ?? '', name), 'utf8').trim();
  }

  keepSecret(name: string, content: string): void {
    writeFileSync(path.join(this.places['/run/secrets'] ?? '', name), content);
  }

  /** Runs the one-shot service `setup`. */
  setUp({ services }: Compose): ReturnType<typeof runOnce> {
    if (!services.setup) throw new Error('there is no set-up');
    return runOnce(services.setup, this.places);
  }

  /** Starts every app of the compose file that stays. */
  async startApps({ services }: Compose): Promise<string[]> {
    const stays = ([, s]: [string, Service]): boolean =>
      s.environment?.APP !== undefined && s.restart !== 'no';
    for (const [name, service] of Object.entries(services).filter(stays))
      this.running.set(name, await startService(name, service, this.places));
    return [...this.running.keys()].sort();
  }

  ask(method: string, route: string, body?: unknown): ReturnType<typeof call> {
    return call(method, `${this.running.get('scim-ingress')?.url}${route}`, this.secret('api-token'), body);
  }

  /** Opts somebody out who has an account in both systems; gives the closed opt-out and what is left of the accounts. */
  async optOut(userName: string): Promise<{ connectors: unknown; scimStatus: number; roles: number }> {
    const id = await this.wiki.addUser(userName);
    await sql(this.target.url, `create role "${userName}" login password 'a-password'`);
    const person = { tenant: 'acme', userName, create: true, reason: 'asked to be removed' };
    const made = await this.ask('POST', '/v1/opt-outs', person);
    if (made.status !== 202) throw new Error(`the opt-out was answered with ${made.status}`);
    const closed = await eventually(
      'the end of the opt-out',
      async () => {
        const { body } = await this.ask('GET', `/v1/opt-outs/${String(made.body.id)}`);
        return body.state === 'closed' ? body : undefined;
      },
      60_000,
    );
    const roles = await sql(this.target.url, 'select 1 from pg_roles where rolname = $1', [userName]);
    return {
      connectors: closed.connectors,
      scimStatus: (await this.wiki.user(id)).status,
      roles: roles.length,
    };
  }

  /** Stops every app as a container is stopped; gives their exit statuses. */
  async stopApps(): Promise<Record<string, number | null>> {
    const ended = await Promise.all(
      [...this.running].map(async ([name, r]) => [name, await r.stop()] as const),
    );
    this.running.clear();
    return Object.fromEntries(ended);
  }

  async dispose(): Promise<void> {
    await this.stopApps();
    await Promise.all([this.wiki.stop(), this.target.dispose(), this.database.dispose()]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private makeSecrets(): void {
    const url = new URL(this.database.url);
    url.pathname = '/sever';
    const made = runOnce(
      {
        environment: { APP: 'sever', DATABASE_URL: url.toString() },
        command: ['secrets', '--secrets', '/run/secrets', '--instances', '/etc/sever/instances.json'],
      },
      this.places,
    );
    if (made.status !== 0) throw new Error(made.stderr);
    this.keepSecret('target-scim-token', this.wiki.token);
    this.keepSecret('target-postgres-password', 'connector-password\n');
  }

  /** The example of the repository, with the systems of this test in place of those of its companies. */
  private writeInstances(file: string): void {
    const text = readFileSync(path.join(deployFolder, 'instances.example.json'), 'utf8');
    const example = JSON.parse(text.replaceAll('/run/secrets', this.places['/run/secrets'] ?? '')) as Example;
    const { hostname, port } = new URL(this.target.url);
    const own: Record<string, object> = {
      scim: { baseUrl: this.wiki.baseUrl },
      postgres: { host: hostname, port: Number(port), ssl: false },
    };
    for (const { id, settings } of example.instances) Object.assign(settings, own[id]);
    writeFileSync(file, JSON.stringify(example));
  }
}
