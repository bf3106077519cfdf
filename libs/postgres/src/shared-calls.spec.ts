import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { SharedCalls } from './shared-calls.js';

/** Answers with the question, when it is told to. */
class Server {
  readonly groups: number[][] = [];
  private readonly doors: (() => void)[] = [];
  underWay = 0;
  most = 0;

  readonly carryOut = async (questions: readonly number[]): Promise<number[]> => {
    this.groups.push([...questions]);
    this.underWay += 1;
    this.most = Math.max(this.most, this.underWay);
    await new Promise<void>(resolve => this.doors.push(resolve));
    this.underWay -= 1;
    if (questions.includes(-1)) throw new Error('no');
    return questions.map(q => q * 10);
  };

  /** Answers what is under way. @returns whether there was something */
  async answer(): Promise<boolean> {
    await turns();
    const door = this.doors.shift();
    door?.();
    await sleep(1);
    return door !== undefined;
  }
}

const limits = { atOnce: 1, together: 3 };

/** Long enough for a group to go that nobody joins any more. */
const turns = async (): Promise<void> => {
  for (let n = 0; n < 20; n += 1) await turn();
};

describe('shared calls', () => {
  it('go together when they come together', async () => {
    const server = new Server();
    const calls = new SharedCalls(server.carryOut, limits);
    const answers = Promise.all([1, 2].map(q => calls.call(q)));
    await server.answer();
    expect([await answers, server.groups]).toEqual([[10, 20], [[1, 2]]]);
  });

  it('wait for those under way and then go together, up to a limit', async () => {
    const server = new Server();
    const calls = new SharedCalls(server.carryOut, limits);
    const first = calls.call(1);
    await turns();
    const others = Promise.all([2, 3, 4, 5].map(q => calls.call(q)));
    for (let i = 0; i < 3; i += 1) await server.answer();
    expect([await first, await others]).toEqual([10, [20, 30, 40, 50]]);
    expect(server.groups).toEqual([[1], [2, 3, 4], [5]]);
  });

  it('wait while each turn of the event loop brings another one, and no longer', async () => {
    const server = new Server();
    const calls = new SharedCalls(server.carryOut, { atOnce: 1, together: 100 });
    const answers: Promise<number>[] = [];
    for (const together of [[1, 2], [3], [4]]) {
      for (const q of together) answers.push(calls.call(q));
      await turn();
    }
    await turns();
    answers.push(calls.call(5));
    while (await server.answer());
    expect([await Promise.all(answers), server.groups]).toEqual([
      [10, 20, 30, 40, 50],
      [[1, 2, 3, 4], [5]],
    ]);
  });

  it('do not wait for ever for those who go on coming', async () => {
    const server = new Server();
    const calls = new SharedCalls(server.carryOut, { atOnce: 1, together: 100 });
    const answers: Promise<number>[] = [];
    for (let q = 1; q <= 30; q += 1) {
      answers.push(calls.call(q), calls.call(100 + q));
      await turn();
    }
    expect(server.groups[0]?.length).toBeLessThan(24);
    while (await server.answer());
    expect(await Promise.all(answers)).toHaveLength(60);
  });

  it('are rejected with those they went with, and with nobody else', async () => {
    const server = new Server();
    const calls = new SharedCalls(server.carryOut, { atOnce: 1, together: 2 });
    const settled = Promise.allSettled([1, -1, 3].map(q => calls.call(q)));
    await server.answer();
    await server.answer();
    expect((await settled).map(s => s.status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  });

  it('are answered once each, whatever comes when, within the limits', async () => {
    const step = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant('answer' as const));
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 20 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 4 }),
        async (steps, atOnce, together) => {
          const server = new Server();
          const calls = new SharedCalls(server.carryOut, { atOnce, together });
          const asked: number[] = [];
          const answers: Promise<number>[] = [];
          for (const one of steps)
            if (one === 'answer') await server.answer();
            else {
              asked.push(one);
              answers.push(calls.call(one));
            }
          while (await server.answer());
          expect(await Promise.all(answers)).toEqual(asked.map(q => q * 10));
          expect(server.groups.flat()).toEqual(asked);
          expect(server.most).toBeLessThanOrEqual(atOnce);
          expect(Math.max(0, ...server.groups.map(g => g.length))).toBeLessThanOrEqual(together);
        },
      ),
      { numRuns: 40 },
    );
  });
});
