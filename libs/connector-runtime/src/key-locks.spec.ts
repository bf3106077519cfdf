import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeyLocks } from './key-locks.js';

describe('the locks per key', () => {
  it('run what was asked for a key in order and never two at once, while other keys go on', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 20 }),
        async (s, keys) => {
          const locks = new KeyLocks();
          const running = new Set<string>();
          const order: Record<string, number[]> = { a: [], b: [], c: [] };
          const all = keys.map((key, i) =>
            locks.run(key, async () => {
              expect(running.has(key)).toBe(false);
              running.add(key);
              await s.schedule(Promise.resolve());
              running.delete(key);
              order[key]?.push(i);
            }),
          );
          await s.waitFor(Promise.all(all));
          for (const done of Object.values(order)) expect(done).toEqual([...done].sort((x, y) => x - y));
        },
      ),
    );
  });

  it('go on after a failure, which reaches only its own caller', async () => {
    const locks = new KeyLocks();
    const failing = locks.run('a', () => Promise.reject(new Error('first')));
    const next = locks.run('a', () => Promise.resolve('second'));
    await expect(failing).rejects.toThrow('first');
    await expect(next).resolves.toBe('second');
  });
});
