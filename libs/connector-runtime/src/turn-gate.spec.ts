import { describe, expect, it } from '@jest/globals';
import { TurnGate } from './turn-gate.js';

describe('the gate of turns', () => {
  it('lets the most urgent go first, equals in the order of asking, and never more than the limit', async () => {
    const gate = new TurnGate(1);
    const order: string[] = [];
    let atOnce = 0;
    const step = (name: string): (() => Promise<void>) => {
      return async () => {
        atOnce += 1;
        expect(atOnce).toBe(1);
        await Promise.resolve();
        order.push(name);
        atOnce -= 1;
      };
    };
    await Promise.all([
      gate.run(3, step('first to come')),
      gate.run(2, step('later step')),
      gate.run(0, step('found a')),
      gate.run(1, step('locked')),
      gate.run(0, step('found b')),
    ]);
    expect(order).toEqual(['first to come', 'found a', 'found b', 'locked', 'later step']);
  });

  it('goes on after a step that failed', async () => {
    const gate = new TurnGate(1);
    await expect(gate.run(0, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await gate.run(0, () => Promise.resolve('yes'))).toBe('yes');
  });

  it('takes in more at once when the limit rises', async () => {
    const gate = new TurnGate(1);
    const held = Promise.withResolvers<void>();
    const first = gate.run(0, () => held.promise);
    const second = gate.run(0, () => Promise.resolve('second'));
    gate.setLimit(2);
    expect(await second).toBe('second');
    held.resolve();
    await first;
  });
});
