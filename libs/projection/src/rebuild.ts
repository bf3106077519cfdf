import { partitionKey, type Offsets } from '@sever/event-log';
import { advanceConsumerOffsets, scanValues, type LoggedValue } from '@sever/event-log-postgres';
import { quoteIdentifier } from '@sever/postgres';
import type { DataSource, QueryRunner } from 'typeorm';
import { projectBatch } from './project-batch.js';
import { readAhead } from './read-ahead.js';

/** How many batches the projector has in work at once. Rows follow from keys, keys from partitions: lanes share no row. */
export const PROJECTOR_LANES = 2;

const BATCH = 2_000;

export type RebuildOptions = {
  /** Schema whose tables are filled; they must be empty. */
  schema: string;
  /** The cut up to which the log is read. */
  to: Offsets;
  batchRecords?: number;
  lanes?: number;
  /** Called after every commit with the number of its records. */
  onCommitted?: (records: number) => void;
};

/** Projects the log from offset zero as the projector does: each batch moves the stored offsets in its transaction. */
export async function rebuild(dataSource: DataSource, o: RebuildOptions): Promise<void> {
  const lanes = o.lanes ?? PROJECTOR_LANES;
  const work = Array.from({ length: lanes }, async (_, lane) => {
    const to = new Map(
      [...o.to].filter(([key]) => Number(key.slice(key.lastIndexOf('/') + 1)) % lanes === lane),
    );
    const runner = dataSource.createQueryRunner();
    try {
      await runner.query(`set search_path = ${quoteIdentifier(o.schema)}, public`);
      await rebuildLane(dataSource, runner, { ...o, to });
      await runner.query('reset search_path');
    } finally {
      await runner.release();
    }
  });
  // Every lane has ended before an error goes on: nobody writes into a schema that is dropped.
  const failed = (await Promise.allSettled(work)).find(end => end.status === 'rejected');
  if (failed) throw failed.reason;
}

async function rebuildLane(dataSource: DataSource, runner: QueryRunner, o: RebuildOptions): Promise<void> {
  const size = o.batchRecords ?? BATCH;
  for await (const batch of readAhead(batches(dataSource, o.to, size))) {
    await runner.startTransaction();
    try {
      await advanceConsumerOffsets(runner.manager, 'projector', movesOf(batch));
      await projectBatch(runner.manager, batch);
      await runner.commitTransaction();
    } catch (error) {
      await runner.rollbackTransaction();
      throw error;
    }
    o.onCommitted?.(batch.length);
  }
}

/** Batches over several partitions, as the projector sees them. */
async function* batches(
  dataSource: DataSource,
  to: Offsets,
  size: number,
): AsyncGenerator<readonly LoggedValue[]> {
  let waiting: LoggedValue[] = [];
  for await (const records of scanValues(dataSource, to, size)) {
    waiting = waiting.concat(records);
    if (waiting.length < size) continue;
    yield waiting;
    waiting = [];
  }
  if (waiting.length > 0) yield waiting;
}

function movesOf(batch: readonly LoggedValue[]): Parameters<typeof advanceConsumerOffsets>[2] {
  const moves = new Map<string, Parameters<typeof advanceConsumerOffsets>[2][number]>();
  for (const { topic, partition, offset, logOffset } of batch) {
    const key = partitionKey({ topic, partition });
    const expected = moves.get(key)?.expected ?? offset;
    moves.set(key, { topic, partition, expected, next: offset + 1n, nextLogOffset: logOffset + 1n });
  }
  return [...moves.values()];
}
