import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ack, park, retry, skip, stop, type LogRecord, type TopicPartition } from '@sever/event-log';
import fc from 'fast-check';
import { DispatcherModel, LIMITS } from './testing/dispatcher-model.js';
import { KeyedDispatcher, type DispatcherOptions } from './keyed-dispatcher.js';

type Made = (o: DispatcherOptions) => KeyedDispatcher;

/** What is done to a dispatcher, in any order. Numbers pick among what is possible then. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('push' as const), keys: fc.array(fc.nat(6), { maxLength: 6 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('finish' as const),
      pick: fc.nat(20),
      verdict: fc.constantFrom(ack, skip('other'), park('x'), retry(10, 'later'), retry(50, 'much later')),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(5, 10, 50) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), partition: fc.nat(2) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('limit' as const), limit: fc.integer({ min: 0, max: 6 }) }),
  },
);

/** Plays the steps on a dispatcher and on the model beside it; then lets everything finish. */
async function play(
  make: Made,
  steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[],
): Promise<void> {
  const model = new DispatcherModel(make);
  for (const s of steps) {
    if (s.do === 'push') model.push(s.keys);
    else if (s.do === 'finish') model.finish(s.pick, s.verdict);
    else if (s.do === 'drop') model.drop(s.partition);
    else if (s.do === 'limit') model.limit(s.limit);
    else await model.wait(s.ms);
    await model.settle();
    model.check();
  }
  await model.finishAll();
}

const property = (make: Made): fc.IAsyncProperty<unknown> =>
  fc.asyncProperty(fc.array(step, { maxLength: 60 }), steps => play(make, steps));

describe('the dispatcher', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('agrees with a model in any order of pushes, verdicts, drops and limits', async () => {
    await fc.assert(
      property(o => new KeyedDispatcher(o)),
      { numRuns: 300 },
    );
  });

  class Disordered extends KeyedDispatcher {
    override push(records: readonly LogRecord[], epoch: number): void {
      super.push([...records].reverse(), epoch);
    }
  }
  class Keeping extends KeyedDispatcher {
    override drop(_tps: readonly TopicPartition[]): void {}
  }
  class Doubling extends KeyedDispatcher {
    override push(records: readonly LogRecord[], epoch: number): void {
      super.push([...records, ...records.slice(3, 4)], epoch);
    }
  }

  it.each<[string, Made]>([
    ['mixes the order of a key', o => new Disordered(o)],
    ['exceeds its limit', o => new KeyedDispatcher({ ...o, concurrency: o.concurrency + 1 })],
    ['keeps what was dropped', o => new Keeping(o)],
    ['delivers twice', o => new Doubling(o)],
    [
      'settles what asked to be tried again',
      o =>
        new KeyedDispatcher({
          ...o,
          handle: async (r, e) => {
            const verdict = await o.handle(r, e);
            return verdict.kind === 'retry' ? ack : verdict;
          },
        }),
    ],
    ['signals pressure late', o => new KeyedDispatcher({ ...o, highWater: o.highWater + 1 })],
  ])('is told from one that %s', async (_bug, make) => {
    const found = await fc.check(property(make), { numRuns: 300 });
    expect(found.failed).toBe(true);
  });

  it('waits for the partitions asked about, not for others', async () => {
    const model = new DispatcherModel(o => new KeyedDispatcher(o));
    model.push([0, 1]);
    const [mine, other] = model.running();
    if (!mine || !other) throw new Error('nothing runs');
    const order: string[] = [];
    void model.dispatcher.idle([mine.record]).then(() => order.push('mine'));
    void model.dispatcher.idle().then(() => order.push('all'));
    mine.done(ack);
    await model.settle();
    expect(order).toEqual(['mine']);
    other.done(ack);
    await model.settle();
    expect(order).toEqual(['mine', 'all']);
  });

  it('does not try again what was dropped while it waited or ran', async () => {
    const model = new DispatcherModel(o => new KeyedDispatcher(o));
    model.push([0, 1]);
    const [waits, runs] = model.running();
    waits?.done(retry(10, 'later'));
    await model.settle();
    model.dispatcher.drop([0, 1, 2].map(partition => ({ topic: 'requests', partition })));
    runs?.done(retry(10, 'later'));
    await model.settle();
    await model.wait(1_000);
    expect(model.running()).toEqual([]);
    expect(model.dispatcher.stats()).toEqual({ inFlight: 0, queued: 0 });
  });

  it('runs a record again in a new epoch only after its old run has ended', async () => {
    const model = new DispatcherModel(o => new KeyedDispatcher(o));
    const [record] = model.push([0]);
    const [old] = model.running();
    if (!record || !old) throw new Error('nothing runs');
    model.dispatcher.drop([record]);
    model.dispatcher.push([record], 2);
    await model.settle();
    expect(model.running()).toEqual([old]);
    old.done(ack);
    await model.settle();
    expect(model.running().map(r => r.epoch)).toEqual([2]);
  });

  it.each([
    ['stop', (): ReturnType<DispatcherOptions['handle']> => Promise.resolve(stop(new Error('a bug')))],
    ['an exception', (): ReturnType<DispatcherOptions['handle']> => Promise.reject(new Error('a bug'))],
  ])('begins nothing after %s and settles nothing of it', async (_how, handle) => {
    const settled: LogRecord[] = [];
    const fatal: Error[] = [];
    const begun: LogRecord[] = [];
    const dispatcher = new KeyedDispatcher({
      ...LIMITS,
      concurrency: 1,
      handle: record => {
        begun.push(record);
        return handle();
      },
      onSettled: record => settled.push(record),
      onPressure: () => undefined,
      onFatal: error => fatal.push(error),
    });
    const model = new DispatcherModel(() => dispatcher);
    model.push([0, 1, 2]);
    await model.settle();
    dispatcher.push(begun, 2);
    await model.settle();
    expect(fatal.map(e => e.message)).toEqual(['a bug']);
    expect([begun.length, settled.length]).toEqual([1, 0]);
    await dispatcher.idle();
  });
});
