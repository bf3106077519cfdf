import {
  PARTITIONS,
  type Appended,
  type EventLogScanner,
  type LogRecord,
  type NewRecord,
  type Offsets,
  type PartitionKey,
} from '@sever/event-log';
import {
  createPostgresEventLogAdmin,
  createPostgresEventLogWriter,
  eventLogMigrations,
} from '@sever/event-log-postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import { createKafkaRelayTarget } from '../kafka-relay-target.js';
import type { KafkaConnection } from '../kafka-settings.js';

export const TOPICS = ['requests', 'outcomes'];

/** Connection settings without encryption. */
export const plainConnection = (brokers: string): KafkaConnection => ({
  kafkaBrokers: brokers.split(','),
});

/** The log in PostgreSQL, carried to Kafka record by record when something is appended. */
export class KafkaLog {
  private carrying: Promise<unknown> = Promise.resolve();
  private carried: Offsets = new Map<PartitionKey, bigint>();

  private constructor(
    readonly db: TestDatabase,
    private readonly target: ReturnType<typeof createKafkaRelayTarget>,
  ) {}

  static async open(connection: KafkaConnection): Promise<KafkaLog> {
    const db = await createTestDatabase(eventLogMigrations);
    await createPostgresEventLogAdmin(db.owner).ensureTopics(
      TOPICS.map(topic => ({ topic, partitions: PARTITIONS })),
    );
    return new KafkaLog(db, createKafkaRelayTarget(connection));
  }

  /** Resolves when the brokers have what was appended. */
  async append(records: readonly NewRecord[]): Promise<readonly Appended[]> {
    const { owner } = this.db;
    const appended = await owner.transaction(em => createPostgresEventLogWriter(owner).append(em, records));
    const carried = this.carrying.then(() => this.carry());
    this.carrying = carried.catch(() => undefined);
    await carried;
    return appended;
  }

  async close(): Promise<void> {
    await this.target.close();
    await this.db.drop();
  }

  private async carry(): Promise<void> {
    const log = createPostgresEventLogAdmin(this.db.owner);
    const ends = await Promise.all(TOPICS.map(topic => log.endOffsets(topic)));
    const to = new Map(ends.flatMap(e => [...e]).filter(([key, end]) => end > (this.carried.get(key) ?? 0n)));
    await this.send(log, to);
    this.carried = new Map([...this.carried, ...to]);
  }

  private async send(log: EventLogScanner, to: Offsets): Promise<void> {
    const batch = [];
    for await (const records of log.scan({ topics: TOPICS, from: this.carried, to })) batch.push(...records);
    if (batch.length > 0) await this.insist(batch);
  }

  /** As the relay does: the same batch again until it is acknowledged. Leaders of a new topic are not there at once. */
  private async insist(batch: readonly LogRecord[]): Promise<unknown> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      try {
        return await this.target.send(batch);
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await new Promise(resolve => setTimeout(resolve, 200));
      }
    }
  }
}
