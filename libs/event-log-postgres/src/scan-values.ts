import { EventLogError, type LogRecord, type Offsets, type TopicPartition } from '@sever/event-log';
import { copyOut, quoteLiteral } from '@sever/postgres';
import type { DataSource, QueryRunner } from 'typeorm';
import { parsePartitionKey, tableOf } from './record-row.js';

/** Of a record, its identity and its bytes. */
export type LoggedValue = Pick<LogRecord, 'topic' | 'partition' | 'offset' | 'logOffset' | 'value'>;

/**
 * The bytes of all records of a cut, partition by partition in order, for readers that look at nothing else.
 * @param to the *next* offset of every partition that is read
 */
export async function* scanValues(
  dataSource: DataSource,
  to: Offsets,
  batchRecords: number,
): AsyncGenerator<readonly LoggedValue[]> {
  const runner = dataSource.createQueryRunner();
  try {
    for (const [key, end] of [...to].sort(([a], [b]) => (a < b ? -1 : 1)))
      yield* scanPartition(runner, parsePartitionKey(key), end, batchRecords);
  } finally {
    await runner.release();
  }
}

async function* scanPartition(
  runner: QueryRunner,
  { topic, partition }: TopicPartition,
  end: bigint,
  batchRecords: number,
): AsyncGenerator<readonly LoggedValue[]> {
  let next = 0n;
  while (next < end) {
    const found = await copyOut(
      runner,
      `select r."offset", r.value from ${tableOf(topic)} r where r.topic = ${quoteLiteral(topic)} and r.partition = ${partition}
         and r."offset" >= ${next} and r."offset" < ${end} order by r."offset" limit ${batchRecords}`,
    );
    const records = found.map(row => loggedValue(topic, partition, row));
    if (records.length === 0) return;
    yield records;
    next = (records.at(-1)?.offset ?? end) + 1n;
  }
}

function loggedValue(topic: string, partition: number, [offset, value]: (Buffer | null)[]): LoggedValue {
  if (!offset || !value)
    throw new EventLogError('log.unavailable', 'the server answered a scan with other columns');
  const at = offset.readBigInt64BE();
  return { topic, partition, offset: at, logOffset: at, value };
}
