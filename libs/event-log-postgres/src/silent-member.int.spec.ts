import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { PARTITIONS } from '@sever/event-log';
import { ObservedMember, eventually, startStallingProxy } from '@sever/event-log/testing';
import { listen, rows } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import { presenceOf } from './consumer/group-membership.js';
import { createPostgresEventLogAdmin, createPostgresEventLogConsumer, eventLogMigrations } from './index.js';

describe('a member that is not heard', () => {
  let db: TestDatabase;
  let group: string;
  const members: ObservedMember[] = [];
  beforeAll(async () => {
    db = await createTestDatabase(eventLogMigrations);
    await createPostgresEventLogAdmin(db.owner).ensureTopics(
      ['requests', 'outcomes'].map(topic => ({ topic, partitions: PARTITIONS })),
    );
  });
  beforeEach(() => {
    group = `g-${randomUUID()}`;
  });
  afterEach(() => Promise.all(members.splice(0).map(m => m.consumer.stop({ drainMs: 0 }))));
  afterAll(() => db.drop());

  async function member(o: {
    heartbeatMs?: number;
    sessionTimeoutMs: number;
    url?: string;
  }): Promise<ObservedMember> {
    const { url = db.url, ...timing } = o;
    const observed = new ObservedMember(
      createPostgresEventLogConsumer({
        dataSource: await db.open(url),
        listenUrl: url,
        applicationName: 'spec',
        heartbeatMs: 200,
        ...timing,
      }),
    );
    members.push(observed);
    return observed.start({ group, topics: ['requests', 'outcomes'], from: 'committed' });
  }

  /** A member that was heard six seconds ago and owns nothing or everything. */
  async function silent(id: string, ownsAll: boolean): Promise<void> {
    await db.owner.query(
      `insert into log_group_member (group_name, member, heartbeat_at) values ($1, $2, clock_timestamp() - interval '6 seconds')`,
      [group, id],
    );
    if (ownsAll)
      await db.owner.query(
        `insert into log_group_partition (group_name, topic, partition, owner)
         select $1, topic, partition, $2 from log_partition where topic in ('requests', 'outcomes')`,
        [group, id],
      );
  }

  it('gives up its partitions by its own clock, and owns them again once it is heard', async () => {
    const address = new URL(db.url);
    const proxy = await startStallingProxy({ host: address.hostname, port: Number(address.port) });
    address.host = `127.0.0.1:${proxy.port}`;
    const cut = await member({ url: address.toString(), heartbeatMs: 100, sessionTimeoutMs: 1_000 });
    expect(cut.assigned.size).toBe(2 * PARTITIONS);
    const epochs = new Set(cut.assigned.values());
    proxy.freeze();
    await eventually('the end of its ownership', () => cut.assigned.size === 0);
    expect(
      await rows(db.owner, 'select 1 from log_group_member where group_name = $1', [group]),
    ).toHaveLength(1);
    proxy.thaw();
    await eventually('its return', () => cut.assigned.size === 2 * PARTITIONS);
    for (const epoch of cut.assigned.values()) expect(epochs.has(epoch)).toBe(false);
    await members.pop()?.consumer.stop({ drainMs: 0 });
    await proxy.close();
  }, 30_000);

  it('loses its partitions long before its session times out when its process is dead', async () => {
    await silent(randomUUID(), true);
    const heir = await member({ sessionTimeoutMs: 3_600_000 });
    await eventually('the take-over', () => heir.assigned.size === 2 * PARTITIONS);
  });

  it('is left alone while its process is there, and no longer when it is not', async () => {
    const id = randomUUID();
    let isListening = false;
    const process = listen({
      url: db.url,
      channels: [],
      applicationName: 'silent',
      presence: presenceOf({ group, member: id, topics: [], sessionTimeoutMs: 0 }),
      onWake: () => (isListening = true),
    });
    await eventually('presence', () => isListening);
    await silent(id, false);
    const heir = await member({ heartbeatMs: 100, sessionTimeoutMs: 3_600_000 });
    expect(heir.assigned.size).toBe(PARTITIONS);
    await process.close();
    await eventually('the take-over', () => heir.assigned.size === 2 * PARTITIONS);
  });
});
