import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { TOPICS } from '@sever/event-contracts';
import { createPostgresEventLogAdmin, createPostgresEventLogConsumer } from '@sever/event-log-postgres';
import { openDatabase } from '@sever/postgres';

/** Writes every event of the log as a JSON line, in the order of topic, partition and offset; the bytes are the log's own. */
export async function writeLog(
  databaseUrl: string,
  file: string,
  onProgress: (done: number) => void,
): Promise<number> {
  const dataSource = await openDatabase({ url: databaseUrl, applicationName: 'sever-export', poolMax: 2 });
  const out = createWriteStream(file, { mode: 0o600 });
  let done = 0;
  try {
    const admin = createPostgresEventLogAdmin(dataSource);
    const to = new Map(
      (await Promise.all(TOPICS.map(topic => admin.endOffsets(topic)))).flatMap(offsets => [...offsets]),
    );
    for await (const records of admin.scan({ topics: TOPICS, to })) {
      if (!out.write(records.map(r => `${r.value.toString('utf8')}\n`).join(''))) await once(out, 'drain');
      done += records.length;
      onProgress(done);
    }
  } finally {
    out.end();
    await once(out, 'close');
    await dataSource.destroy();
  }
  return done;
}

/** Gives every event from now on, until the process is told to stop. */
export async function followLog(databaseUrl: string, onLine: (line: string) => void): Promise<void> {
  const dataSource = await openDatabase({ url: databaseUrl, applicationName: 'sever-tail', poolMax: 3 });
  const consumer = createPostgresEventLogConsumer({
    dataSource,
    listenUrl: databaseUrl,
    applicationName: 'sever-tail-listen',
  });
  const stopped = new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
  });
  const admin = createPostgresEventLogAdmin(dataSource);
  const ends = new Map(
    (await Promise.all(TOPICS.map(topic => admin.endOffsets(topic)))).flatMap(offsets => [...offsets]),
  );
  await consumer.start({
    topics: TOPICS,
    from: { offsets: ends },
    onRecords: (_tp, records) => {
      for (const record of records) onLine(record.value.toString('utf8'));
    },
  });
  await stopped;
  await consumer.stop({ drainMs: 0 });
  await dataSource.destroy();
}
