import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { PARTITIONS } from '@sever/event-log';
import { ObservedMember, eventually } from '@sever/event-log/testing';
import { listen, type Listener } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import { lockGroup, presenceOf } from './consumer/group-membership.js';
import { createPostgresEventLogAdmin, createPostgresEventLogConsumer, eventLogMigrations } from './index.js';

const HOUR_MS = 3_600_000;

describe('a member that has not been heard of for some seconds, long before its session times out', () => {
  let db: TestDatabase;
  let group: string;
  let silent: string;
  beforeAll(async () => {
    db = await createTestDatabase(eventLogMigrations);
    await createPostgresEventLogAdmin(db.owner).ensureTopics([{ topic: 'requests', partitions: PARTITIONS }]);
  });
  afterAll(() => db.drop());
  beforeEach(async () => {
    group = `g-${randomUUID()}`;
    silent = randomUUID();
    await db.owner.query(
      `insert into log_group_member (group_name, member, heartbeat_at) values ($1, $2, clock_timestamp() - interval '6 seconds')`,
      [group, silent],
    );
    await db.owner.query(
      `insert into log_group_partition (group_name, topic, partition, owner) select $1, topic, partition, $2 from log_partition`,
      [group, silent],
    );
  });

  /** The connection of a living process. */
  async function presence(): Promise<Listener> {
    let isListening = false;
    const listener = listen({
      url: db.url,
      channels: [],
      applicationName: 'silent',
      presence: presenceOf({ group, member: silent, topics: [], sessionTimeoutMs: HOUR_MS }),
      onWake: () => (isListening = true),
    });
    await eventually('presence', () => isListening);
    return listener;
  }

  async function join(): Promise<ObservedMember> {
    const consumer = createPostgresEventLogConsumer({
      dataSource: await db.open(db.url),
      listenUrl: db.url,
      applicationName: 'spec',
      heartbeatMs: 100,
      sessionTimeoutMs: HOUR_MS,
    });
    const member = new ObservedMember(consumer);
    await member.start({ group, topics: ['requests'], from: 'committed' });
    return member;
  }

  it('is buried when its process is gone', async () => {
    const member = await join();
    await eventually('the take-over', () => member.assigned.size === PARTITIONS);
    await member.consumer.stop({ drainMs: 0 });
  });

  it('is left alone while its process is there', async () => {
    const process = await presence();
    const member = await join();
    expect(member.assigned.size).toBe(0);
    await process.close();
    await eventually('the take-over', () => member.assigned.size === PARTITIONS);
    await member.consumer.stop({ drainMs: 0 });
  });
});

describe('a member that stands still in the middle of an exchange', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase(eventLogMigrations);
    await createPostgresEventLogAdmin(db.owner).ensureTopics([{ topic: 'requests', partitions: PARTITIONS }]);
  });
  afterAll(() => db.drop());

  it('keeps nobody out of the group', async () => {
    const frozen = { group: 'frozen', member: randomUUID(), topics: ['requests'], sessionTimeoutMs: 1_000 };
    const still = (await db.open(db.url)).transaction(async em => {
      await lockGroup(em, frozen);
      await new Promise(resolve => setTimeout(resolve, HOUR_MS).unref());
    });
    still.catch(() => undefined);
    const consumer = createPostgresEventLogConsumer({
      dataSource: await db.open(db.url),
      listenUrl: db.url,
      applicationName: 'spec',
      sessionTimeoutMs: HOUR_MS,
    });
    const member = new ObservedMember(consumer);
    await member.start({ group: 'frozen', topics: ['requests'], from: 'committed' });
    await eventually('its partitions', () => member.assigned.size === PARTITIONS);
    await member.consumer.stop({ drainMs: 0 });
  });
});
