import { EventLogError, partitionKey, type Offsets, type PartitionKey } from '@sever/event-log';
import type { Admin, Kafka } from 'kafkajs';
import { logIn, type Commit } from './consumer/commit-note.js';
import { unavailable } from './kafka-client.js';

type Row = { partition: number; offset: string };

/** Questions to the brokers over one connection, which is made anew after a failure. Rejects with `log.unavailable`. */
export class KafkaAdminSession {
  private admin: Promise<Admin> | undefined;

  constructor(private readonly kafka: Kafka) {}

  /** First offset and end of every partition. */
  bounds(topic: string): Promise<{ starts: Offsets; ends: Offsets }> {
    return this.ask(async admin => {
      const found = await admin.fetchTopicOffsets(topic);
      const by = (pick: (o: (typeof found)[number]) => string): Offsets =>
        toOffsets(
          topic,
          found.map(o => ({ partition: o.partition, offset: pick(o) })),
        );
      return { starts: by(o => o.low), ends: by(o => o.high) };
    });
  }

  /** First offset at or after a time; the end where there is none. */
  offsetsForTime(topic: string, timestamp: number): Promise<Offsets> {
    return this.ask(async admin =>
      toOffsets(topic, await admin.fetchTopicOffsetsByTimestamp(topic, timestamp)),
    );
  }

  /** What a group has committed; partitions without a commit are missing. */
  commits(group: string, topics: readonly string[]): Promise<ReadonlyMap<PartitionKey, Commit>> {
    return this.ask(async admin => {
      const found = await admin.fetchOffsets({ groupId: group, topics: [...topics] });
      return new Map(
        found.flatMap(({ topic, partitions }) =>
          partitions.flatMap(({ partition, offset, metadata }) =>
            BigInt(offset) === NO_COMMIT
              ? []
              : [
                  [
                    partitionKey({ topic, partition }),
                    { offset: BigInt(offset), log: logIn(metadata) },
                  ] as const,
                ],
          ),
        ),
      );
    });
  }

  async deleteGroup(group: string): Promise<void> {
    await this.ask(admin => admin.deleteGroups([group]));
  }

  async close(): Promise<void> {
    const admin = await this.admin?.catch(() => undefined);
    this.admin = undefined;
    await admin?.disconnect().catch(() => undefined);
  }

  private async ask<T>(question: (admin: Admin) => Promise<T>): Promise<T> {
    this.admin ??= this.connect();
    const asked = this.admin;
    try {
      return await question(await asked);
    } catch (error) {
      if (error instanceof EventLogError) throw error;
      if (this.admin === asked) await this.close();
      throw unavailable('Kafka did not answer', error);
    }
  }

  private async connect(): Promise<Admin> {
    const admin = this.kafka.admin({ retry: { retries: 3, initialRetryTime: 100 } });
    await admin.connect();
    return admin;
  }
}

const NO_COMMIT = -1n;

const toOffsets = (topic: string, rows: readonly Row[]): Offsets =>
  new Map<PartitionKey, bigint>(
    rows.map(row => [partitionKey({ topic, partition: row.partition }), BigInt(row.offset)]),
  );
