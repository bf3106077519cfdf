import { PARTITIONS, partitionKey } from '@sever/event-log';
import { describeSubscription, startStallingProxy, type StallingProxy } from '@sever/event-log/testing';
import { openDatabase, rows } from '@sever/postgres';
import { createTestDatabase } from '@sever/postgres/testing';
import type { DataSource } from 'typeorm';
import {
  createPostgresEventLogAdmin,
  createPostgresEventLogConsumer,
  createPostgresEventLogWriter,
  eventLogMigrations,
} from './index.js';

const SHORT = { applicationName: 'spec', pollMs: 200, heartbeatMs: 200, sessionTimeoutMs: 2_000 };

describeSubscription('the log in PostgreSQL', {
  open: async () => {
    const db = await createTestDatabase(eventLogMigrations);
    const source = await db.open(db.url, { poolMax: 20 });
    const admin = createPostgresEventLogAdmin(source);
    await admin.ensureTopics(['requests', 'outcomes'].map(topic => ({ topic, partitions: PARTITIONS })));
    const writer = createPostgresEventLogWriter(source);
    const opened: { proxy: StallingProxy; source: DataSource }[] = [];
    return {
      admin,
      append: async records => {
        const appended = await source.transaction(em => writer.append(em, records));
        writer.wake();
        return appended;
      },
      makeConsumer: () => createPostgresEventLogConsumer({ ...SHORT, dataSource: source, listenUrl: db.url }),
      makeFreezable: async () => {
        const address = new URL(db.url);
        const proxy = await startStallingProxy({ host: address.hostname, port: Number(address.port) });
        address.host = `127.0.0.1:${proxy.port}`;
        const through = await openDatabase({ url: address.toString(), applicationName: 'frozen' });
        opened.push({ proxy, source: through });
        const consumer = createPostgresEventLogConsumer({
          ...SHORT,
          dataSource: through,
          listenUrl: address.toString(),
        });
        return { consumer, freeze: proxy.freeze, thaw: proxy.thaw };
      },
      committed: async group => {
        const found = await rows<{ topic: string; partition: number; next: string }>(
          source,
          'select topic, partition, next_offset as next from log_group_partition where group_name = $1',
          [group],
        );
        return new Map(found.map(row => [partitionKey(row), BigInt(row.next)]));
      },
      close: async () => {
        for (const { proxy, source: through } of opened) {
          await through.destroy();
          await proxy.close();
        }
        await db.drop();
      },
    };
  },
});
