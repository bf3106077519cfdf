import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern } from '@nestjs/microservices';
import {
  ack,
  park,
  retry,
  skip,
  stop,
  type LogRecord,
  type TopicPartition,
  type Verdict,
} from '@sever/event-log';
import { eventually } from '@sever/event-log/testing';
import { EMPTY, of, throwError } from 'rxjs';
import { EventLogServer, type EventLogServerOptions } from './event-log-server.js';
import { UnchangedErrors } from './unchanged-errors.js';
import { ScriptedConsumer } from './testing/scripted-consumer.js';

const A: TopicPartition = { topic: 'requests', partition: 0 };
const B: TopicPartition = { topic: 'requests', partition: 1 };

const record = (tp: TopicPartition, offset: number, over: Partial<LogRecord> = {}): LogRecord => ({
  ...tp,
  offset: BigInt(offset),
  logOffset: BigInt(offset),
  key: `k${tp.partition}-${offset}`,
  type: 'happened',
  headers: {},
  value: Buffer.from(String(offset)),
  timestamp: 0,
  ...over,
});

describe('the event log server', () => {
  let consumer: ScriptedConsumer;
  let fatal: Error[];
  const servers: EventLogServer[] = [];
  beforeEach(() => {
    consumer = new ScriptedConsumer();
    fatal = [];
  });
  afterEach(() => Promise.all(servers.splice(0).map(server => server.close())));

  type Handler = (value: Buffer, ctx: { record: LogRecord }) => unknown;

  async function serve(handler: Handler, over: Partial<EventLogServerOptions> = {}): Promise<EventLogServer> {
    const server = new EventLogServer({
      consumer,
      group: 'spec',
      topics: ['requests'],
      commitEveryMs: 5,
      drainMs: 200,
      onFatal: error => fatal.push(error),
      ...over,
    });
    servers.push(server);
    server.addHandler(
      'happened',
      (value: Buffer, ctx: { record: LogRecord }) => Promise.resolve(handler(value, ctx)),
      true,
    );
    await listening(server);
    return server;
  }

  const listening = (server: EventLogServer): Promise<void> =>
    new Promise((resolve, reject) => {
      server.listen(error => (error ? reject(error as Error) : resolve()));
    });

  /** A handler whose calls a spec answers by hand. */
  function byHand(): {
    handler: Handler;
    begun: LogRecord[];
    answer(offset: number, verdict: Verdict): void;
  } {
    const begun: LogRecord[] = [];
    const open: { record: LogRecord; resolve: (v: Verdict) => void }[] = [];
    return {
      begun,
      handler: (_value, { record: r }) => {
        begun.push(r);
        return new Promise<Verdict>(resolve => open.push({ record: r, resolve }));
      },
      answer: (offset, verdict) => {
        const at = open.findIndex(o => Number(o.record.offset) === offset);
        open.splice(at, 1)[0]?.resolve(verdict);
      },
    };
  }

  describe('handlers', () => {
    it('refuses two for one type at start-up', async () => {
      const server = new EventLogServer({
        consumer,
        group: 'g',
        topics: ['requests'],
        onFatal: () => undefined,
      });
      const handler = (): Promise<Verdict> => Promise.resolve(ack);
      server.addHandler('happened', handler, true);
      server.addHandler('happened', handler.bind(undefined), true);
      await expect(listening(server)).rejects.toThrow(/two handlers for happened/);
    });

    it.each<[string, Handler]>([
      ['a verdict', () => ack],
      ['a promise', () => Promise.resolve(skip('not mine'))],
      ['a stream', () => of(park('taken out'))],
      ['a promise of a stream', () => Promise.resolve(of(ack))],
    ])('settles what %s says', async (_how, handler) => {
      await serve(handler);
      consumer.deliver(await consumer.assign(A), record(A, 4), record(A, 9));
      await eventually('the commit', () => consumer.committed(A) === 10);
      expect(fatal).toEqual([]);
    });

    it.each<[string, Handler, RegExp]>([
      ['returns nothing', () => undefined, /no verdict/],
      ['returns an empty stream', () => EMPTY, /no verdict/],
      ['returns something else', () => ({ kind: 'fine' }), /no verdict/],
      [
        'throws',
        () => {
          throw new Error('a bug');
        },
        /a bug/,
      ],
      ['rejects', () => Promise.reject(new Error('a bug')), /a bug/],
      ['returns a stream that fails', () => throwError(() => new Error('a bug')), /a bug/],
      ['says stop', () => stop(new Error('a bug')), /a bug/],
    ])('ends the process when one %s, and commits nothing from there on', async (_how, broken, message) => {
      await serve((value, ctx) => (ctx.record.offset === 6n ? broken(value, ctx) : ack), { concurrency: 8 });
      consumer.deliver(await consumer.assign(A, B), ...[5, 6, 7, 8].map(o => record(A, o)), record(B, 3));
      await eventually('the fatal error', () => fatal.length > 0);
      await eventually(
        'commits of what was done',
        () => consumer.committed(A) === 6 && consumer.committed(B) === 4,
      );
      await servers[0]?.close();
      expect(consumer.committed(A)).toBe(6);
      expect(fatal).toHaveLength(1);
      expect(fatal[0]?.message).toMatch(message);
    });

    it('settles a type without a handler, or stops if told so', async () => {
      await serve(() => ack);
      consumer.deliver(await consumer.assign(A), record(A, 1, { type: 'unheard of' }));
      await eventually('the commit', () => consumer.committed(A) === 2);
      consumer = new ScriptedConsumer();
      await serve(() => ack, { unknownType: 'stop' });
      consumer.deliver(await consumer.assign(A), record(A, 1, { type: 'unheard of' }));
      await eventually('the fatal error', () => fatal.length > 0);
      expect(fatal[0]?.message).toMatch(/no handler for unheard of/);
      expect(consumer.committed(A)).toBeUndefined();
    });

    it('does not trust a hook to wait for its callback', async () => {
      const { handler, answer, begun } = byHand();
      const server = await serve(handler);
      server.setOnProcessingStartHook((_id, _ctx, done) => void done());
      let ended = 0;
      server.setOnProcessingEndHook(() => {
        ended += 1;
      });
      consumer.deliver(await consumer.assign(A), record(A, 1));
      await eventually('the call', () => begun.length === 1);
      expect([ended, consumer.committed(A)]).toEqual([0, undefined]);
      answer(1, ack);
      await eventually('the commit', () => consumer.committed(A) === 2);
      expect(ended).toBe(1);
    });

    it('tries again what asked for it, in its turn', async () => {
      const tries: bigint[] = [];
      await serve((_v, ctx) => {
        tries.push(ctx.record.offset);
        return tries.filter(o => o === ctx.record.offset).length < 3 && ctx.record.offset === 1n
          ? retry(1, 'later')
          : ack;
      });
      consumer.deliver(await consumer.assign(A), record(A, 1, { key: 'k' }), record(A, 2, { key: 'k' }));
      await eventually('the commit', () => consumer.committed(A) === 3);
      expect(tries).toEqual([1n, 1n, 1n, 2n]);
    });

    it('keeps the error of a handler of a Nest application as it was thrown', async () => {
      @Controller()
      class Handlers {
        @EventPattern('happened')
        happened(_value: unknown): Verdict {
          throw new TypeError('x is not a function');
        }
      }
      @Module({ controllers: [Handlers] })
      class App {}
      const server = new EventLogServer({
        consumer,
        group: 'g',
        topics: ['requests'],
        onFatal: error => fatal.push(error),
      });
      servers.push(server);
      const app = await NestFactory.createMicroservice(App, { strategy: server, logger: false });
      app.useGlobalFilters(new UnchangedErrors());
      await app.listen();
      consumer.deliver(await consumer.assign(A), record(A, 1));
      await eventually('the fatal error', () => fatal.length > 0);
      expect(fatal[0]?.message).toMatch(/x is not a function/);
      await app.close();
    });
  });

  describe('a revocation', () => {
    it('waits for what is in work, commits what is settled and nothing else', async () => {
      const { handler, answer, begun } = byHand();
      await serve(handler, { concurrency: 3, commitEveryMs: 60_000 });
      const epoch = await consumer.assign(A);
      consumer.deliver(epoch, ...[10, 11, 12, 13].map(o => record(A, o)));
      await eventually('three calls', () => begun.length === 3);
      answer(10, ack);
      await eventually('the fourth call', () => begun.length === 4);
      const revoked = consumer.revoke(epoch, A);
      answer(12, ack);
      answer(13, ack);
      answer(11, retry(0, 'later'));
      await revoked;
      expect(consumer.committed(A)).toBe(11);
      expect(begun).toHaveLength(4);
    });

    it('does not wait for work of other partitions', async () => {
      const { handler, answer, begun } = byHand();
      await serve(handler);
      const epoch = await consumer.assign(A, B);
      consumer.deliver(epoch, record(A, 1), record(B, 1, { key: 'slow' }), record(A, 2));
      await eventually('the calls', () => begun.length === 3);
      answer(1, ack);
      answer(2, ack);
      await consumer.revoke(epoch, A);
      expect(consumer.committed(A)).toBe(3);
      answer(1, ack);
      await eventually('the commit of the other', () => consumer.committed(B) === 2);
    });

    it('whose end comes late leaves the next assignment of the partition alone', async () => {
      const { handler, answer, begun } = byHand();
      const server = await serve(handler);
      const first = await consumer.assign(A);
      consumer.deliver(first, record(A, 1, { key: 'slow' }));
      await eventually('the call', () => begun.length === 1);
      const revoked = consumer.revoke(first, A);
      const second = await consumer.assign(A);
      consumer.deliver(second, record(A, 1, { key: 'slow' }), record(A, 2));
      await eventually('the call of the new epoch', () => begun.length === 2);
      answer(2, ack);
      answer(1, ack);
      await revoked;
      await eventually('the repetition', () => begun.length === 3);
      expect(consumer.calls.filter(call => call.startsWith(`commit ${second}`))).toEqual([]);
      answer(1, ack);
      await eventually('the commit of the new epoch', () =>
        consumer.calls.includes(`commit ${second} requests/0=3`),
      );
      server.pause('admin');
      expect(consumer.calls.at(-1)).toBe('pause admin requests/0');
    });

    it('forgets what waits to be tried again', async () => {
      let calls = 0;
      await serve(() => {
        calls += 1;
        return retry(20, 'later');
      });
      const epoch = await consumer.assign(A, B);
      consumer.deliver(epoch, record(A, 1));
      await eventually('the first try', () => calls === 1);
      await consumer.revoke(epoch, A);
      const before = calls;
      consumer.deliver(epoch, record(B, 1));
      await eventually('tries of another', () => calls >= before + 4);
      expect(consumer.committed(A)).toBeUndefined();
      expect((await servers[0]?.stats())?.queued).toBeLessThanOrEqual(1);
    });
  });

  describe('a pause', () => {
    it('holds for later assignments until its reason is taken back', async () => {
      const server = await serve(() => ack);
      server.pause('breaker');
      const epoch = await consumer.assign(A);
      server.pause('admin');
      await consumer.revoke(epoch, A);
      await consumer.assign(A, B);
      expect(consumer.paused.get('requests/0')).toEqual(new Set(['breaker', 'admin']));
      expect(consumer.paused.get('requests/1')).toEqual(new Set(['breaker', 'admin']));
      server.resume('breaker');
      await consumer.assign(A, B);
      expect(consumer.paused.get('requests/1')).toEqual(new Set(['admin']));
      server.resume('admin');
      expect(consumer.paused.get('requests/1')).toEqual(new Set());
    });

    it('comes with pressure and goes when the queue is short again', async () => {
      const { handler, answer, begun } = byHand();
      await serve(handler, { concurrency: 4_000 });
      const epoch = await consumer.assign(A, B);
      consumer.deliver(epoch, ...Array.from({ length: 2_000 }, (_, i) => record(A, i)));
      expect(consumer.paused.get('requests/0')).toEqual(new Set(['backpressure']));
      expect(consumer.paused.get('requests/1')).toEqual(new Set());
      await eventually('the calls', () => begun.length === 2_000);
      for (let i = 0; i < 1_600; i += 1) answer(i, ack);
      await eventually('the end of the pressure', () => consumer.paused.get('requests/0')?.size === 0);
      for (let i = 1_600; i < 2_000; i += 1) answer(i, ack);
    });
  });

  describe('commits', () => {
    it('one at a time, and again what failed', async () => {
      await serve(() => ack);
      const epoch = await consumer.assign(A);
      let [running, most, failures] = [0, 0, 2];
      consumer.onCommit = async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise(resolve => setTimeout(resolve, 15));
        running -= 1;
        failures -= 1;
        if (failures >= 0) throw new Error('the broker is away');
      };
      consumer.deliver(epoch, ...Array.from({ length: 1_200 }, (_, i) => record(A, i)));
      await eventually('the commit', () => failures < 0 && consumer.committed(A) === 1_200);
      expect(most).toBe(1);
    });
  });

  describe('the end', () => {
    it('finishes what is in work, begins nothing, commits, leaves, in this order', async () => {
      const { handler, answer, begun } = byHand();
      const server = await serve(handler, { concurrency: 1, drainMs: 5_000, commitEveryMs: 60_000 });
      const epoch = await consumer.assign(A);
      consumer.deliver(epoch, record(A, 1), record(A, 2));
      await eventually('the call', () => begun.length === 1);
      const closed = server.close();
      expect(server.close()).toBe(closed);
      consumer.deliver(epoch, record(A, 3));
      answer(1, ack);
      await closed;
      expect(begun).toHaveLength(1);
      expect(consumer.calls).toEqual(['pause draining requests/0', 'commit 1 requests/0=2', 'stop']);
    });

    it('does not wait for ever', async () => {
      const { handler, begun } = byHand();
      const server = await serve(handler, { drainMs: 20 });
      consumer.deliver(await consumer.assign(A), record(A, 1));
      await eventually('the call', () => begun.length === 1);
      await server.close();
      expect(consumer.calls).toEqual(['pause draining requests/0', 'stop']);
    });
  });

  it('tells how much is in work, waits and is behind', async () => {
    const { handler, begun } = byHand();
    const server = await serve(handler, { concurrency: 2 });
    consumer.behind = new Map([
      ['requests/0', 4n],
      ['requests/1', 3n],
    ]);
    consumer.deliver(await consumer.assign(A), ...[1, 2, 3].map(o => record(A, o)));
    await eventually('two calls', () => begun.length === 2);
    expect(await server.stats()).toEqual({ inFlight: 2, queued: 1, lag: 7 });
  });
});
