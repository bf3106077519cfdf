import type { EventLogConsumer } from '@sever/event-log';
import { createPostgresEventLogConsumer } from '@sever/event-log-postgres';
import { openDatabase } from '@sever/postgres';
import type { Pipeline } from '../../../harness/pipeline.js';
import { sql } from '../../../harness/clients.js';
import type { CommitOperation, Operation } from '../operation.js';

/** A subscription and how to let go of what it needs. */
export type OpenedConsumer = { consumer: EventLogConsumer; release(): Promise<void> };

/** A stored position of a consumer. */
export type Position = Pick<CommitOperation, 'reader' | 'topic' | 'partition' | 'next'>;

/** A way in which consumers read the log: everything in which one profile differs from another. */
export type Profile = {
  name: string;
  /** Options of `sever up`. */
  options: readonly string[];
  openConsumer(pipeline: Pipeline, name: string): Promise<OpenedConsumer>;
  /** What is stored for every group and every consumer that keeps its own positions. */
  positions(pipeline: Pipeline): Promise<Position[]>;
  /** What a log beside the one in PostgreSQL holds now, as the polls of a reader that begins at the beginning. */
  readAgain?(pipeline: Pipeline): Promise<Operation[]>;
};

/** The log in PostgreSQL. */
export const embedded: Profile = {
  name: 'embedded',
  options: ['--profile', 'embedded'],
  openConsumer: async (pipeline, name) => {
    const url = pipeline.ready.databaseUrl;
    const dataSource = await openDatabase({ url, applicationName: name, poolMax: 3 });
    const consumer = createPostgresEventLogConsumer({
      dataSource,
      listenUrl: url,
      applicationName: `${name}-listen`,
      heartbeatMs: 500,
      sessionTimeoutMs: 10_000,
    });
    return { consumer, release: () => dataSource.destroy() };
  },
  positions: async pipeline =>
    (
      await sql<{ reader: string; topic: string; partition: number; next: string }>(
        pipeline.ready.databaseUrl,
        // A consumer that keeps its own positions has a group as well, which only shares out partitions.
        `select group_name as reader, topic, partition, next_offset as next from log_group_partition g
          where not exists (select 1 from consumer_offset o where o.consumer = g.group_name)
         union all
         select c.consumer, lp.topic, lp.partition, coalesce(o.next_offset, 0)
           from (select distinct consumer from consumer_offset) c cross join log_partition lp
           left join consumer_offset o on o.consumer = c.consumer and o.topic = lp.topic and o.partition = lp.partition`,
      )
    ).map(row => ({ ...row, next: Number(row.next) })),
};
