import { randomUUID } from 'node:crypto';
import {
  bindInstance,
  directoryMigrations,
  ensureTenant,
  putInstance,
  setKillSwitch,
} from '@sever/directory';
import {
  FIELD_PATHS,
  decodeEvent,
  makeEvent,
  subjectKey,
  type EventData,
  type EventType,
  type SeverEvent,
} from '@sever/event-contracts';
import { toRecord, type LogRecord, type Verdict } from '@sever/event-log';
import {
  createPostgresEventLogAdmin,
  createPostgresEventLogWriter,
  eventLogMigrations,
} from '@sever/event-log-postgres';
import { rows } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import { createSubjectKeys, openKeyFolder, subjectKeyMigrations } from '@sever/subject-keys';
import { scratchKeyFolder } from '@sever/subject-keys/testing';
import { createLogger } from '@sever/telemetry';
import { Registry } from 'prom-client';
import type { DataSource } from 'typeorm';
import { BindingCache } from '../binding-cache.js';
import { InstanceBreaker } from '../breaker/instance-breaker.js';
import type { InstanceContext } from '../engine/work-context.js';
import { InstanceEngine } from '../instance-engine.js';
import { InstanceMetrics } from '../instance-metrics.js';
import { TurnGate } from '../turn-gate.js';
import { PermitGate } from '../permit-gate.js';
import { connectorRuntimeMigrations } from '../store/connector-runtime-migrations.js';
import { claimDueWork } from '../store/work-item-store.js';
import { ScriptedConnector, scriptedManifest } from './scripted-connector.js';

const TENANT = 'acme';

/** A person with an opt-out in the log. */
/** A person who is cut off. `formerUserName`: what they were called before a rename on the way out. */
export type Case = {
  optOutId: string;
  subject: string;
  userName: string;
  formerUserName?: string;
  key: string;
};

/** One instance's engine on a database of its own, connected as the instance's role. */
export class EngineHarness {
  readonly connector = new ScriptedConnector();
  engine: InstanceEngine;
  private offset = 0n;
  private dying = false;

  private constructor(
    readonly instance: string,
    readonly database: TestDatabase,
    readonly dataSource: DataSource,
    private readonly context: Omit<InstanceContext, 'breaker' | 'turns' | 'permits'>,
    private readonly dispose: () => void,
  ) {
    this.engine = this.start();
  }

  static async open(): Promise<EngineHarness> {
    const instance = `scripted-${randomUUID().slice(0, 8)}`;
    const database = await createTestDatabase([
      ...eventLogMigrations,
      ...subjectKeyMigrations,
      ...directoryMigrations,
      ...connectorRuntimeMigrations,
    ]);
    await createPostgresEventLogAdmin(database.owner).ensureTopics([
      { topic: 'requests', partitions: 48 },
      { topic: 'outcomes', partitions: 48 },
    ]);
    await ensureTenant(database.owner, TENANT);
    const steps = scriptedManifest.steps.map(({ step, support, stage }) => ({ step, support, stage }));
    await putInstance(database.owner, { id: instance, system: 'scripted', settings: {}, steps });
    await bindInstance(database.owner, { tenant: TENANT, instance, match: { by: 'userName' } });
    const dataSource = await database.open(await database.urlAsConnector(instance));
    const folder = scratchKeyFolder();
    const harness: EngineHarness = new EngineHarness(
      instance,
      database,
      dataSource,
      {
        instance,
        owner: randomUUID(),
        manifest: scriptedManifest,
        connector: new ScriptedConnector(),
        dataSource,
        writer: createPostgresEventLogWriter(dataSource),
        keys: createSubjectKeys(openKeyFolder(folder.dir)),
        bindings: new BindingCache(dataSource, instance),
        metrics: new InstanceMetrics([new Registry()]),
        logger: createLogger('test', 'silent'),
      },
      () => folder.dispose(),
    );
    return harness;
  }

  /** A fresh engine on the same rows, as after a restart of the process. */
  start(): InstanceEngine {
    const breaker = new InstanceBreaker(this.connector, {
      onOpen: () => Promise.resolve(),
      onClose: () => Promise.resolve(),
      onError: () => undefined,
    });
    this.breakers.push(breaker);
    const permits = new PermitGate(this.dataSource, () => breaker.isOpen);
    const dataSource = this.mortal(this.dataSource);
    this.engine = new InstanceEngine({
      ...this.context,
      dataSource,
      connector: this.connector,
      breaker,
      turns: new TurnGate(scriptedManifest.concurrency),
      permits,
    });
    return this.engine;
  }

  /** A pool that fails, outside transactions, from the moment at which the process is said to die. */
  private mortal(dataSource: DataSource): DataSource {
    return new Proxy(dataSource, {
      get: (target, name) => {
        if (name === 'query' && this.dying)
          return (sql: string, ...rest: unknown[]) =>
            sql.startsWith('update work_item set state')
              ? Promise.reject(Object.assign(new Error('Connection terminated'), { code: 'ECONNRESET' }))
              : target.query(sql, rest[0] as unknown[]);
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  private get breakers(): InstanceBreaker[] {
    return (this.opened ??= []);
  }
  private opened: InstanceBreaker[] | undefined;

  async close(): Promise<void> {
    for (const breaker of this.breakers) breaker.stop();
    await this.database.drop();
    this.dispose();
  }

  async newCase(userName: string): Promise<Case> {
    const subject = randomUUID();
    return Promise.resolve({ optOutId: randomUUID(), subject, userName, key: subjectKey(TENANT, subject) });
  }

  /** The opt-out of a person reaches the instance. */
  async requested(c: Case, o: { withoutKey?: boolean } = {}): Promise<Verdict> {
    const id = randomUUID();
    const cut = await this.cut(c, id);
    if (o.withoutKey) await this.loseKeys();
    const asker = { kind: 'api', id: 'console' } as const;
    return this.deliver(c, 'sever.optout.requested.v1', id, { ...cut, asker, resourceRemoved: false });
  }

  /** The same, held by the governor. */
  async staged(c: Case): Promise<Verdict> {
    const id = randomUUID();
    return this.deliver(c, 'sever.optout.staged.v1', id, {
      ...(await this.cut(c, id)),
      asker: { kind: 'connection', id: 'entra' },
      resourceRemoved: false,
      guard: { rule: 'max-opt-outs', count: 501, limit: 500, windowSeconds: 600 },
    });
  }

  /** An operator lets a staged opt-out begin. */
  async approved(c: Case): Promise<Verdict> {
    const id = randomUUID();
    return this.deliver(c, 'sever.optout.approved.v1', id, await this.cut(c, id));
  }

  private async cut(c: Case, eventId: string): Promise<EventData<'sever.optout.approved.v1'>> {
    const field = { tenant: TENANT, subject: c.subject, eventId, path: FIELD_PATHS.identifiers };
    const identifiers = await this.context.keys.encrypt(
      this.database.owner,
      field,
      JSON.stringify({ userName: c.userName, formerUserName: c.formerUserName }),
    );
    const steps = scriptedManifest.steps.map(({ step, support, stage }) => ({ step, support, stage }));
    return {
      ...this.asked(c),
      identifiers,
      instances: [{ instance: this.instance, system: 'scripted', steps, waivers: [] }],
      nothingBound: false,
      hold: { kind: 'none', seconds: 0, ignoreResidualAccess: true },
      cutDeadlineSeconds: 300,
    };
  }

  command(
    c: Case,
    type: 'sever.optout.purge-started.v1' | 'sever.optout.restore-started.v1',
  ): Promise<Verdict> {
    const { actor, target } = this.asked(c);
    return this.deliver(c, type, randomUUID(), { actor, target, instances: [this.instance] });
  }

  waived(c: Case): Promise<Verdict> {
    return this.deliver(c, 'sever.optout.waived.v1', randomUUID(), {
      ...this.asked(c),
      instance: this.instance,
      step: null,
      owner: 'operator-1',
      expiresAt: null,
    });
  }

  retryRequested(c: Case): Promise<Verdict> {
    return this.deliver(c, 'sever.optout.retry-requested.v1', randomUUID(), {
      ...this.asked(c),
      instance: null,
      step: null,
    });
  }

  killSwitch(on: boolean): Promise<boolean> {
    return setKillSwitch(this.database.owner, on, 'operator-1');
  }

  /** The process dies right after the transaction of its last fact: whatever it would do to the row afterwards never happens. */
  dieAfterLastFact(): void {
    this.dying = true;
  }

  /** The older piece of work is settled, the process dies before it takes up the next one; a new one starts. */
  async dieBetweenTwoPieces(c: Case): Promise<void> {
    await this.database.owner.query(
      `update work_item set state = 'done', due_at = null where opt_out_id = $1 and state = 'retrying'`,
      [c.optOutId],
    );
    await this.restart();
  }

  /** Whether the breaker of the running engine is open. */
  isPaused(): boolean {
    return this.breakers.at(-1)?.isOpen ?? false;
  }

  /** A process takes up the person's cut and dies before the first step is proven; its lease is over. */
  async dieInTheMiddle(c: Case): Promise<void> {
    const unreachable = { kind: 'Transient', code: 'http.503', effectUnknown: false, evidence: {} } as const;
    this.connector.faults.push({ what: 'suspend', times: 2, answer: () => Promise.resolve(unreachable) });
    await this.requested(c);
    await this.database.owner.query(
      `update work_item set state = 'running', due_at = null, owner = $2, lease_until = clock_timestamp() - interval '1 second'
        where opt_out_id = $1 and state = 'retrying'`,
      [c.optOutId, randomUUID()],
    );
  }

  /** Another process takes up the person's work while this one is at it. */
  async takeOver(c: Case): Promise<void> {
    await this.database.owner.query(
      `update work_item set runs = runs + 1, owner = $2 where opt_out_id = $1 and state = 'running'`,
      [c.optOutId, randomUUID()],
    );
  }

  /** The record of the person's latest work comes again, as to a process that starts from the stored position. */
  async redelivered(c: Case): Promise<Verdict> {
    const [row] = await rows<{ event: Buffer }>(
      this.database.owner,
      'select event from work_item where opt_out_id = $1 order by seq desc limit 1',
      [c.optOutId],
    );
    if (!row) throw new Error('nothing was delivered before');
    return this.handle(decodeEvent(row.event));
  }

  claimDue(): ReturnType<typeof claimDueWork> {
    return claimDueWork(this.dataSource, this.instance, this.context.owner, 100);
  }

  /** A new process takes over what the dead one left behind. */
  async restart(): Promise<void> {
    this.dying = false;
    await this.database.owner.query(
      `update work_item set lease_until = clock_timestamp() - interval '1 second' where state = 'running'`,
    );
    this.start();
  }

  /** Takes the keys of everybody away, as if another tenant's connector asked. */
  async loseKeys(): Promise<void> {
    await this.database.owner.query('delete from subject_key');
  }

  /** What earlier cases left to be tried later is nobody's business any more: it would run beside the next case. */
  async forgetWork(): Promise<void> {
    await this.database.owner.query(
      `update work_item set state = 'superseded', due_at = null where state not in ('done', 'superseded')`,
    );
  }

  /** Everything that is due runs once. @returns how much there was */
  async runDue(): Promise<number> {
    const due = await this.claimDue();
    for (const item of due) await this.engine.resume(item);
    return due.length;
  }

  async makeDue(): Promise<void> {
    await this.database.owner.query(
      `update work_item set due_at = clock_timestamp() where state = 'retrying'`,
    );
  }

  async state(c: Case): Promise<string[]> {
    const found = await rows<{ state: string }>(
      this.database.owner,
      'select state from work_item where opt_out_id = $1 order by seq',
      [c.optOutId],
    );
    return found.map(row => row.state);
  }

  /** Outcomes of a person in order, decoded from their exact bytes. */
  async outcomes(c: Case): Promise<SeverEvent[]> {
    const found = await rows<{ value: Buffer }>(
      this.database.owner,
      `select value from log_outcomes where key = $1 order by "offset"`,
      [c.key],
    );
    return found.map(row => decodeEvent(row.value));
  }

  private asked(
    c: Case,
  ): Pick<EventData<'sever.optout.hold-placed.v1'>, 'actor' | 'target' | 'door' | 'reason'> {
    return {
      actor: { kind: 'api', id: 'console' },
      target: { kind: 'subject', id: c.subject },
      door: { via: 'rest', operation: 'operator' },
      reason: null,
    };
  }

  private deliver<T extends EventType>(c: Case, type: T, id: string, data: EventData<T>): Promise<Verdict> {
    const event = makeEvent<EventType>({
      type,
      id,
      source: '/ingress',
      tenant: TENANT,
      subject: c.subject,
      time: new Date(),
      optOutId: c.optOutId,
      data,
    });
    return this.handle(event);
  }

  private handle(event: SeverEvent): Promise<Verdict> {
    this.offset += 1n;
    const record: LogRecord = {
      ...toRecord(event),
      partition: 0,
      offset: this.offset,
      logOffset: this.offset,
      timestamp: Date.now(),
    };
    return this.engine.handle(record, event);
  }
}
