import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { PARTITIONS, type EventLogConsumer, type LogRecord, type TopicPartition } from '@sever/event-log';
import {
  createPostgresEventLogAdmin,
  createPostgresEventLogConsumer,
  createPostgresEventLogWriter,
  eventLogMigrations,
} from '@sever/event-log-postgres';
import { eventually, keyIn, specRecord } from '@sever/event-log/testing';
import { rows } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import type { DataSource, EntityManager } from 'typeorm';
import { ScriptedConsumer } from './testing/scripted-consumer.js';
import { TransactionalConsumer, type TransactionalConsumerOptions } from './transactional-consumer.js';

const A: TopicPartition = { topic: 'requests', partition: 0 };
const B: TopicPartition = { topic: 'requests', partition: 1 };

const record = (tp: TopicPartition, offset: number, logOffset = offset): LogRecord => ({
  ...tp,
  offset: BigInt(offset),
  logOffset: BigInt(logOffset),
  key: `k${tp.partition}`,
  type: 'happened',
  headers: { ce_id: `${tp.partition}-${logOffset}` },
  value: Buffer.alloc(0),
  timestamp: 0,
});
const range = (tp: TopicPartition, from: number, to: number): LogRecord[] =>
  Array.from({ length: to - from }, (_, i) => record(tp, from + i));

class Fatal extends Error {}

describe('the transactional consumer', () => {
  jest.setTimeout(60_000);
  let db: TestDatabase;
  let source: DataSource;
  let name: string;
  let errors: unknown[];
  let fatal: Error[];
  const started: TransactionalConsumer[] = [];
  beforeAll(async () => {
    db = await createTestDatabase(eventLogMigrations);
    source = await db.open(db.url, { poolMax: 20 });
    await createPostgresEventLogAdmin(source).ensureTopics(
      ['requests', 'outcomes'].map(topic => ({ topic, partitions: PARTITIONS })),
    );
    await source.query(
      'create table applied (consumer text, event text, seq bigint generated always as identity)',
    );
  });
  afterAll(() => db.drop());
  beforeEach(() => {
    name = `c-${randomUUID()}`;
    errors = [];
    fatal = [];
  });
  afterEach(() => Promise.all(started.splice(0).map(c => c.stop())));

  const apply = async (em: EntityManager, records: readonly LogRecord[]): Promise<void> => {
    await em.query('insert into applied (consumer, event) select $1, unnest($2::text[])', [
      name,
      records.map(r => r.headers.ce_id),
    ]);
  };
  const applied = async (): Promise<string[]> =>
    (
      await rows<{ event: string }>(source, 'select event from applied where consumer = $1 order by seq', [
        name,
      ])
    ).map(row => row.event);
  const appliedOf = async (tp: TopicPartition): Promise<number[]> =>
    (await applied())
      .filter(event => event.startsWith(`${tp.partition}-`))
      .map(event => Number(event.split('-')[1]));

  async function consume(
    consumer: EventLogConsumer,
    over: Partial<TransactionalConsumerOptions> = {},
  ): Promise<TransactionalConsumer> {
    const made = new TransactionalConsumer({
      name,
      topics: ['requests'],
      consumer,
      dataSource: source,
      handleBatch: apply,
      isFatal: error => error instanceof Fatal,
      onFatal: error => fatal.push(error),
      onError: error => errors.push(error),
      ...over,
    });
    started.push(made);
    await made.start();
    return made;
  }

  /** A batch handler that waits in its transaction until it is let go. */
  function gated(): { handleBatch: typeof apply; inside: () => number; open: () => void } {
    const gate = Promise.withResolvers<void>();
    let inside = 0;
    return {
      inside: () => inside,
      open: () => gate.resolve(),
      handleBatch: async (em, records) => {
        inside += 1;
        await gate.promise;
        await apply(em, records);
      },
    };
  }

  it('applies each record once and keeps the position, across restarts', async () => {
    for (const [from, to] of [
      [0, 3],
      [3, 5],
    ] as const) {
      const script = new ScriptedConsumer();
      const consumer = await consume(script);
      const epoch = await script.assign(A, B);
      expect(script.sought).toEqual(from === 0 ? [] : [new Map([['requests/0', 3n]])]);
      script.deliver(epoch, ...range(A, from, to));
      await eventually('the batch', async () => (await appliedOf(A)).length === to);
      await consumer.stop();
    }
    expect(await appliedOf(A)).toEqual([0, 1, 2, 3, 4]);
  });

  it('applies a batch that was rolled back again, from the stored position, and nothing twice or out of order', async () => {
    const script = new ScriptedConsumer();
    let failures = 2;
    let rolledBack = 0;
    const committed: string[] = [];
    await consume(script, {
      handleBatch: async (em, records) => {
        await apply(em, records);
        if (records.some(r => r.logOffset === 3n) && failures > 0) {
          failures -= 1;
          throw new Error('a deadlock');
        }
      },
      onRolledBack: () => {
        rolledBack += 1;
      },
      onCommitted: batch => committed.push(...batch.map(r => r.headers.ce_id ?? '')),
    });
    script.onSeek = offsets => {
      const from = Number(offsets.get('requests/0'));
      script.deliver(epoch, ...range(A, from, 6));
    };
    const epoch = await script.assign(A);
    script.deliver(epoch, ...range(A, 0, 2));
    await eventually('the first batch', async () => (await appliedOf(A)).length === 2);
    script.deliver(epoch, ...range(A, 2, 4));
    await eventually('the failure', () => rolledBack > 0);
    script.deliver(epoch, ...range(A, 4, 6));
    await eventually('the rest', async () => (await appliedOf(A)).length === 6);
    expect(await appliedOf(A)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(committed).toEqual([0, 1, 2, 3, 4, 5].map(o => `0-${o}`));
    expect([rolledBack, errors.length, fatal.length]).toEqual([2, 2, 0]);
  });

  it('goes back to the first record of an assignment when nothing is stored yet', async () => {
    const script = new ScriptedConsumer();
    let failures = 1;
    await consume(script, {
      handleBatch: async (em, records) => {
        failures -= 1;
        if (failures >= 0) throw new Error('a deadlock');
        await apply(em, records);
      },
    });
    script.onSeek = offsets => {
      expect(offsets).toEqual(new Map([['requests/0', 700n]]));
      script.deliver(epoch, record(A, 700, 0), record(A, 705, 1));
    };
    const epoch = await script.assign(A, B);
    script.deliver(epoch, record(A, 700, 0), record(A, 705, 1));
    await eventually('the batch', async () => (await appliedOf(A)).length === 2);
    expect(await appliedOf(A)).toEqual([0, 1]);
  });

  it('does not apply what another moved past: a zombie fails and reads again from the stored position', async () => {
    const [slow, fast] = [new ScriptedConsumer(), new ScriptedConsumer()];
    await consume(slow);
    await consume(fast);
    const [slowEpoch, fastEpoch] = [await slow.assign(A), await fast.assign(A)];
    fast.deliver(fastEpoch, ...range(A, 0, 5));
    await eventually('the batch', async () => (await appliedOf(A)).length === 5);
    slow.deliver(slowEpoch, ...range(A, 0, 3));
    await eventually('the rewind', () => slow.sought.length > 0);
    expect(slow.sought.at(-1)).toEqual(new Map([['requests/0', 5n]]));
    slow.deliver(slowEpoch, ...range(A, 5, 6));
    await eventually('the rest', async () => (await appliedOf(A)).length === 6);
    expect(await appliedOf(A)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(errors).toMatchObject([{ code: 'log.position-lost' }]);
  });

  describe('a revocation', () => {
    it('waits for the running transaction only, and drops what waits', async () => {
      const script = new ScriptedConsumer();
      const gate = gated();
      await consume(script, { handleBatch: gate.handleBatch, batchRecords: 2 });
      const epoch = await script.assign(A, B);
      script.deliver(epoch, ...range(A, 0, 4), ...range(B, 0, 2));
      await eventually('the transaction', () => gate.inside() === 1);
      const revoked = script.revoke(epoch, A);
      gate.open();
      await revoked;
      expect(await appliedOf(A)).toEqual([0, 1]);
      await eventually('the other partition', async () => (await appliedOf(B)).length === 2);
      expect(await appliedOf(A)).toEqual([0, 1]);
    });

    it('does not wait until everything that streams in is applied', async () => {
      const script = new ScriptedConsumer();
      let next = 0;
      const ended = { yes: false };
      await consume(script, {
        batchRecords: 1,
        handleBatch: async (em, records) => {
          if (!ended.yes) script.deliver(epoch, record(B, next++));
          await apply(em, records);
        },
      });
      const epoch = await script.assign(A, B);
      script.deliver(epoch, record(B, next++), record(A, 0));
      await eventually('some batches', () => next > 5);
      await script.revoke(epoch, A);
      ended.yes = true;
      expect(next).toBeGreaterThan(5);
    });

    it('during the transaction leaves the next assignment a right position', async () => {
      const script = new ScriptedConsumer();
      const gate = gated();
      await consume(script, { handleBatch: gate.handleBatch });
      const first = await script.assign(A);
      script.deliver(first, ...range(A, 0, 3));
      await eventually('the transaction', () => gate.inside() === 1);
      const revoked = script.revoke(first, A);
      const second = script.assign(A);
      gate.open();
      await revoked;
      const epoch = await second;
      script.onSeek = offsets => script.deliver(epoch, ...range(A, Number(offsets.get('requests/0')), 5));
      script.deliver(epoch, ...range(A, Number(script.sought.at(-1)?.get('requests/0') ?? 0n), 5));
      await eventually('the rest', async () => (await appliedOf(A)).length === 5);
      expect(await appliedOf(A)).toEqual([0, 1, 2, 3, 4]);
    });
  });

  it('obeys the newest assignment although the positions of an older one come later', async () => {
    const script = new ScriptedConsumer();
    const held = Promise.withResolvers<void>();
    let loads = 0;
    const slowFirst = new Proxy(source, {
      get: (target, property, receiver) => {
        if (property !== 'query') return Reflect.get(target, property, receiver) as unknown;
        return async (...args: Parameters<DataSource['query']>) => {
          loads += 1;
          if (loads === 1) await held.promise;
          return target.query(...args);
        };
      },
    });
    await consume(script, { dataSource: slowFirst });
    const first = script.assign(A);
    await eventually('the first load', () => loads === 1);
    await script.revoke(1, A);
    const epoch = await script.assign(A);
    held.resolve();
    await first;
    script.deliver(epoch, ...range(A, 0, 3));
    await eventually('the batch', async () => (await appliedOf(A)).length === 3);
  });

  it('keeps what a partition delivered that was assigned while another was rewound', async () => {
    const script = new ScriptedConsumer();
    let failures = 1;
    let blocked: PromiseWithResolvers<void> | undefined;
    let waiting = false;
    const slowLoads = new Proxy(source, {
      get: (target, property, receiver) => {
        if (property !== 'query') return Reflect.get(target, property, receiver) as unknown;
        return async (...args: Parameters<DataSource['query']>) => {
          const gate = blocked;
          blocked = undefined;
          if (gate) {
            waiting = true;
            await gate.promise;
          }
          return target.query(...args);
        };
      },
    });
    const gate = Promise.withResolvers<void>();
    await consume(script, {
      dataSource: slowLoads,
      handleBatch: async (em, records) => {
        failures -= 1;
        if (failures >= 0) {
          blocked = gate;
          throw new Error('a deadlock');
        }
        await apply(em, records);
      },
    });
    const first = await script.assign(A);
    script.onSeek = offsets => {
      if (offsets.has('requests/0')) script.deliver(first, ...range(A, 0, 2));
    };
    script.deliver(first, ...range(A, 0, 2));
    await eventually('the rewind', () => waiting);
    const second = await script.assign(B);
    script.deliver(second, ...range(B, 0, 2));
    gate.resolve();
    await eventually(
      'both',
      async () => (await appliedOf(A)).length === 2 && (await appliedOf(B)).length === 2,
    );
  });

  it('drops what the log repeats, by its log offset, and ends at a gap', async () => {
    const script = new ScriptedConsumer();
    await consume(script);
    const epoch = await script.assign(A);
    script.deliver(
      epoch,
      record(A, 10, 0),
      record(A, 11, 1),
      record(A, 12, 0),
      record(A, 13, 1),
      record(A, 14, 2),
    );
    await eventually('the batch', async () => (await appliedOf(A)).length === 3);
    script.deliver(epoch, record(A, 15, 1));
    script.deliver(epoch, record(A, 16, 4));
    await eventually('the end', () => fatal.length > 0);
    expect(fatal).toMatchObject([{ code: 'log.gap' }]);
    expect(await appliedOf(A)).toEqual([0, 1, 2]);
  });

  it('begins a partition that it stored under another log at a position that misses nothing', async () => {
    await source.query(
      `insert into consumer_offset (consumer, topic, partition, next_offset, next_log_offset) values ($1, 'requests', 0, 9, 6)`,
      [name],
    );
    const script = new ScriptedConsumer();
    await consume(script);
    const epoch = await script.assign(A);
    expect(script.sought).toEqual([new Map([['requests/0', 6n]])]);
    script.deliver(epoch, ...range(A, 5, 8));
    await eventually('the batch', async () => (await appliedOf(A)).length === 2);
    expect(await appliedOf(A)).toEqual([6, 7]);
  });

  it('ends at an error that no repetition cures', async () => {
    const script = new ScriptedConsumer();
    await consume(script, { handleBatch: () => Promise.reject(new Fatal('cannot be read')) });
    script.deliver(await script.assign(A), ...range(A, 0, 2));
    await eventually('the end', () => fatal.length > 0);
    expect(await applied()).toEqual([]);
    expect(fatal).toHaveLength(1);
  });

  it('holds back what comes while much waits, also of later assignments', async () => {
    const script = new ScriptedConsumer();
    const gate = gated();
    await consume(script, { handleBatch: gate.handleBatch });
    const epoch = await script.assign(A);
    script.deliver(epoch, ...range(A, 0, 28_001));
    expect(script.paused.get('requests/0')).toEqual(new Set(['backpressure']));
    await script.assign(B);
    expect(script.paused.get('requests/1')).toEqual(new Set(['backpressure']));
    gate.open();
    await eventually('the end of the pressure', () => [...script.paused.values()].every(r => r.size === 0));
    await eventually('everything', async () => (await appliedOf(A)).length === 28_001);
  });

  it('tells what waits and for how long nothing was finished', async () => {
    const script = new ScriptedConsumer();
    const gate = gated();
    const consumer = await consume(script, { handleBatch: gate.handleBatch });
    expect(consumer.progress()).toEqual({ queued: 0, stuckMs: 0 });
    const epoch = await script.assign(A);
    script.deliver(epoch, ...range(A, 0, 2));
    await eventually('the transaction', () => gate.inside() === 1);
    script.deliver(epoch, ...range(A, 2, 5));
    script.behind = new Map([['requests/0', 4n]]);
    expect(consumer.progress().queued).toBe(3);
    expect(await consumer.lag()).toBe(7);
    await eventually('some time without progress', () => consumer.progress().stuckMs > 5);
    gate.open();
    await eventually('rest', () => consumer.progress().stuckMs === 0);
  });

  it('applies everything once and in order on the real log while members come, go and fail', async () => {
    const keys = Array.from({ length: 12 }, (_, partition) => keyIn(partition));
    const sent: string[] = [];
    const writer = createPostgresEventLogWriter(source);
    const append = async (): Promise<void> => {
      const batch = keys.map(key => specRecord(key));
      sent.push(...batch.map(r => r.eventId));
      await source.transaction(em => writer.append(em, batch));
      writer.wake();
    };
    let turn = 0;
    const member = (): Promise<TransactionalConsumer> =>
      consume(
        createPostgresEventLogConsumer({
          dataSource: source,
          listenUrl: db.url,
          applicationName: 'spec',
          pollMs: 50,
          heartbeatMs: 50,
          sessionTimeoutMs: 2_000,
        }),
        {
          batchRecords: 7,
          handleBatch: async (em, records) => {
            await apply(em, records);
            turn += 1;
            if (turn % 5 === 0) throw new Error('every fifth fails');
          },
        },
      );
    const members = [await member()];
    for (let round = 0; round < 20; round += 1) {
      await append();
      if (round % 4 === 1) members.push(await member());
      if (round % 4 === 3) await members.shift()?.stop();
    }
    await eventually('everything', async () => (await applied()).length >= sent.length);
    const got = await applied();
    expect(got).toHaveLength(sent.length);
    for (const at of keys.keys()) {
      const of = (all: readonly string[]): string[] => {
        const mine = new Set(sent.filter((_, i) => i % keys.length === at));
        return all.filter(id => mine.has(id));
      };
      expect(of(got)).toEqual(of(sent));
    }
    expect(fatal).toEqual([]);
  });
});
