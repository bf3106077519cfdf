import { randomUUID } from 'node:crypto';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { INestMicroservice } from '@nestjs/common';
import type { ConnectorDefinition } from '@sever/connector-sdk';
import { SWITCH_CHANNEL, findInstance } from '@sever/directory';
import { makeEvent, newEventId } from '@sever/event-contracts';
import { toRecord } from '@sever/event-log';
import { createPostgresEventLogWriter } from '@sever/event-log-postgres';
import {
  EventLogServer,
  UnchangedErrors,
  connectEventLog,
  type EventLogSettings,
} from '@sever/event-log-transport';
import { openDatabase } from '@sever/postgres';
import type { SubjectKeys } from '@sever/subject-keys';
import { currentTraceparent, inSpan, type Logger } from '@sever/telemetry';
import { BindingCache } from './binding-cache.js';
import { InstanceBreaker } from './breaker/instance-breaker.js';
import { ConnectorHandlers } from './connector-handlers.js';
import type { InstanceContext } from './engine/work-context.js';
import { InstanceEngine } from './instance-engine.js';
import type { InstanceMetrics } from './instance-metrics.js';
import { PermitGate } from './permit-gate.js';
import { RetryLoop } from './retry-loop.js';
import { TurnGate } from './turn-gate.js';
import { createSecretResolver } from './secret-reference.js';
import { DeadLetters } from './store/dead-letters.js';
import { readHealth, saveBreaker, saveCounts } from './store/health-store.js';
import { hastenAll, workOverview } from './store/work-item-store.js';

export type InstanceOptions<S> = {
  definition: ConnectorDefinition<S>;
  instance: string;
  databaseUrl: string;
  /** Which log to read, and as whom. */
  settings: EventLogSettings;
  keys: SubjectKeys;
  metrics: InstanceMetrics;
  logger: Logger;
  onFatal: (error: Error) => void;
};

/** Between two looks at what waits: often while something does. The overview counts an instance as up for 15 s. */
const HEALTH_BUSY_MS = 2_000;
const HEALTH_IDLE_MS = 6_000;
/** People whose work has begun, for each step that may run: whoever comes under load is found before others' work goes on. */
const PEOPLE_PER_TURN = 16;
const SLOW_START_MS = 500;

@Module({})
class InstanceModule {
  static of(engine: InstanceEngine, deadLetters: DeadLetters): DynamicModule {
    return {
      module: InstanceModule,
      controllers: [ConnectorHandlers],
      providers: [
        { provide: InstanceEngine, useValue: engine },
        { provide: DeadLetters, useValue: deadLetters },
      ],
    };
  }
}

/** One running instance of a connector: its subscription, its engine, its retries and its breaker. */
export class ConnectorInstance {
  private service: INestMicroservice | undefined;
  private healthTimer: NodeJS.Timeout | undefined;
  private stopping = false;

  private constructor(
    private readonly c: InstanceContext,
    private readonly server: EventLogServer,
    private readonly engine: InstanceEngine,
    private readonly retries: RetryLoop,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Connects everything; nothing is consumed before {@link start}. */
  static async open<S>(o: InstanceOptions<S>): Promise<ConnectorInstance> {
    const name = `connector-${o.instance}`;
    const dataSource = await openDatabase({ url: o.databaseUrl, applicationName: name, poolMax: 8 });
    const row = await findInstance(dataSource, o.instance);
    if (!row)
      throw new Error(`instance ${o.instance} is not registered; register it before its connector starts`);
    const connector = o.definition.connect({
      id: o.instance,
      settings: o.definition.parseSettings(row.settings),
      secret: createSecretResolver(),
    });
    const onError = (error: unknown): void =>
      o.logger.warn({ err: error, connector: o.instance }, 'the connector tries again');
    const writer = createPostgresEventLogWriter(dataSource);
    let opened: ConnectorInstance | undefined = undefined;
    const breaker: InstanceBreaker = new InstanceBreaker(connector, {
      onOpen: cause => opened?.paused(cause) ?? Promise.resolve(),
      onClose: () => opened?.resumed() ?? Promise.resolve(),
      onError,
    });
    const c: InstanceContext = {
      instance: o.instance,
      owner: randomUUID(),
      manifest: o.definition.manifest,
      connector,
      dataSource,
      writer,
      keys: o.keys,
      bindings: new BindingCache(dataSource, o.instance),
      permits: new PermitGate(dataSource, () => breaker.isOpen),
      breaker,
      turns: new TurnGate(o.definition.manifest.concurrency),
      metrics: o.metrics,
      logger: o.logger.child({ connector: o.instance }),
    };
    const consumer = connectEventLog({
      settings: o.settings,
      dataSource,
      databaseUrl: o.databaseUrl,
      applicationName: `${name}-listen`,
      onError,
    });
    const server = new EventLogServer({
      consumer,
      group: name,
      topics: ['requests'],
      concurrency: o.definition.manifest.concurrency * PEOPLE_PER_TURN,
      onFatal: o.onFatal,
    });
    const engine = new InstanceEngine(c, at => opened?.retries.poke(at));
    opened = new ConnectorInstance(c, server, engine, new RetryLoop(c, engine, onError), onError);
    return opened;
  }

  async start(): Promise<void> {
    await this.resumeStoredBreaker();
    this.service = await NestFactory.createMicroservice(
      InstanceModule.of(this.engine, new DeadLetters(this.c.dataSource, this.c.instance)),
      {
        strategy: this.server,
        logger: false,
      },
    );
    this.service.useGlobalFilters(new UnchangedErrors());
    await this.service.listen();
    this.retries.start();
    await this.watchHealth();
  }

  /** Stops intake, lets work finish, then aborts what does not end. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.healthTimer);
    this.c.breaker.stop();
    const abort = setTimeout(() => this.engine.abort(), 6_000);
    await Promise.all([this.service?.close(), this.retries.stop()]);
    clearTimeout(abort);
  }

  async release(): Promise<void> {
    await this.c.connector.close();
    await this.c.dataSource.destroy();
  }

  get isOpen(): boolean {
    return this.c.breaker.isOpen;
  }

  /** A restart during an outage starts paused. */
  private async resumeStoredBreaker(): Promise<void> {
    const stored = await readHealth(this.c.dataSource, this.c.instance);
    if (!stored || stored.breaker === 'closed') return;
    this.c.breaker.resumeOpen(stored.openedAt ?? new Date());
    this.server.pause('breaker');
    this.c.metrics.breakerOpen.set({ connector: this.c.instance }, 1);
  }

  private async paused(cause: string): Promise<void> {
    this.server.pause('breaker');
    this.c.metrics.breakerOpen.set({ connector: this.c.instance }, 1);
    await this.announce('sever.connector.paused.v1', cause, { breaker: 'open', cause, openedAt: new Date() });
  }

  private async resumed(): Promise<void> {
    await this.announce('sever.connector.resumed.v1', 'probe.healthy', {
      breaker: 'closed',
      cause: null,
      openedAt: null,
    });
    await hastenAll(this.c.dataSource, this.c.instance);
    this.c.metrics.breakerOpen.set({ connector: this.c.instance }, 0);
    this.slowStart(1);
    this.server.resume('breaker');
    this.retries.poke();
  }

  /** 1, 2, 4 … steps at once, so that the crowd does not knock the target over again. */
  private slowStart(limit: number): void {
    this.c.turns.setLimit(limit);
    if (limit < this.c.manifest.concurrency)
      setTimeout(() => this.slowStart(limit * 2), SLOW_START_MS).unref();
  }

  private async announce(
    type: 'sever.connector.paused.v1' | 'sever.connector.resumed.v1',
    cause: string,
    state: Parameters<typeof saveBreaker>[2],
  ): Promise<void> {
    const { instance, dataSource, writer } = this.c;
    const fact = {
      actor: { kind: 'connector', id: instance } as const,
      target: { kind: 'instance', id: instance } as const,
      instance,
      cause,
    };
    const event = await inSpan(type, { attributes: { connector: instance } }, () =>
      Promise.resolve(
        makeEvent({
          type,
          id: newEventId(),
          source: `/connectors/${instance}`,
          tenant: '-',
          subject: '-',
          time: new Date(),
          traceparent: currentTraceparent(),
          data: type === 'sever.connector.paused.v1' ? { ...fact, until: null } : fact,
        }),
      ),
    );
    await dataSource.transaction(async em => {
      await saveBreaker(em, instance, state);
      await writer.append(em, [toRecord(event)]);
    });
    writer.wake();
    await dataSource.query(`select pg_notify('${SWITCH_CHANNEL}', $1)`, [instance]);
  }

  private async watchHealth(): Promise<void> {
    const isBusy = await this.reportHealth().catch((error: unknown) => {
      this.onError(error);
      return true;
    });
    if (this.stopping) return;
    this.healthTimer = setTimeout(() => void this.watchHealth(), isBusy ? HEALTH_BUSY_MS : HEALTH_IDLE_MS);
  }

  /** @returns whether anything waits or runs */
  private async reportHealth(): Promise<boolean> {
    const { instance, dataSource, metrics } = this.c;
    const [{ lag, inFlight, queued }, { parked, retrying }] = await Promise.all([
      this.server.stats(),
      workOverview(dataSource, instance),
    ]);
    await saveCounts(dataSource, instance, { lag: lag + queued, parked, retrying });
    for (const [state, value] of Object.entries({ inFlight, queued, parked, retrying }))
      metrics.work.set({ connector: instance, state }, value);
    return lag + inFlight + queued + parked + retrying > 0;
  }
}
