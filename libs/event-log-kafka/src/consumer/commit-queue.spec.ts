import { describe, expect, it } from '@jest/globals';
import { CommitQueue } from './commit-queue.js';

const failing = (type: string) => () => Promise.reject(Object.assign(new Error(type), { type }));

describe('the queue of commits', () => {
  it('runs one at a time, in order, and goes on after a failure', async () => {
    const queue = new CommitQueue();
    const order: string[] = [];
    const commit = (name: string) => async () => {
      order.push(`${name} begins`);
      await new Promise(resolve => setTimeout(resolve, 2));
      order.push(`${name} ends`);
    };
    const all = [
      queue.run(commit('a')),
      queue.run(failing('NOT_COORDINATOR_FOR_GROUP')),
      queue.run(commit('b')),
    ];
    expect((await Promise.allSettled(all)).map(r => r.status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
    await queue.idle();
  });

  it('begins each commit in a turn of its own, when everything that was under way in this turn is done', async () => {
    const queue = new CommitQueue();
    let generation = 1;
    const committed = queue.run(() => {
      expect(generation).toBe(2);
      return Promise.resolve();
    });
    for (let i = 0; i < 50; i += 1) await Promise.resolve();
    generation = 2;
    await committed;
  });

  it.each(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS'])(
    'drops a commit that the coordinator fences with %s',
    async type => {
      await expect(new CommitQueue().run(failing(type))).resolves.toBeUndefined();
    },
  );

  it('tells of every other failure', async () => {
    await expect(new CommitQueue().run(failing('COORDINATOR_NOT_AVAILABLE'))).rejects.toMatchObject({
      code: 'log.unavailable',
    });
  });
});
