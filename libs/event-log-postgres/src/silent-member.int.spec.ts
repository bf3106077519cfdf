import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PARTITIONS } from '@sever/event-log';
import { ObservedMember, eventually, startStallingProxy, type StallingProxy } from '@sever/event-log/testing';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import { createPostgresEventLogAdmin, createPostgresEventLogConsumer, eventLogMigrations } from './index.js';

describe('a member whose database does not answer', () => {
  let db: TestDatabase;
  let proxy: StallingProxy;
  beforeAll(async () => {
    db = await createTestDatabase(eventLogMigrations);
    await createPostgresEventLogAdmin(db.owner).ensureTopics([{ topic: 'requests', partitions: PARTITIONS }]);
    const address = new URL(db.url);
    proxy = await startStallingProxy({ host: address.hostname, port: Number(address.port) });
  });
  afterAll(async () => {
    await db.drop();
    await proxy.close();
  });

  it('gives up its partitions by its own clock, and owns them again once it is heard', async () => {
    const address = new URL(db.url);
    address.host = `127.0.0.1:${proxy.port}`;
    const member = new ObservedMember(
      createPostgresEventLogConsumer({
        dataSource: await db.open(address.toString()),
        listenUrl: address.toString(),
        applicationName: 'silent',
        heartbeatMs: 100,
        sessionTimeoutMs: 1_000,
      }),
    );
    await member.start({ group: 'silent', topics: ['requests'], from: 'committed' });
    expect(member.assigned.size).toBe(PARTITIONS);
    const epochs = new Set(member.assigned.values());
    proxy.freeze();
    await eventually('the end of its ownership', () => member.assigned.size === 0);
    proxy.thaw();
    await eventually('its return', () => member.assigned.size === PARTITIONS);
    for (const epoch of member.assigned.values()) expect(epochs.has(epoch)).toBe(false);
    await member.consumer.stop({ drainMs: 0 });
  }, 30_000);
});
