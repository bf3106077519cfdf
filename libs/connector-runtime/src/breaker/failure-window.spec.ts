import { describe, expect, it } from '@jest/globals';
import { FailureWindow, WINDOW_MS } from './failure-window.js';

describe('the failure window', () => {
  it('opens on five failures of three people', () => {
    const window = new FailureWindow();
    expect(['a', 'b', 'c', 'a'].map((s, i) => window.add(s, i))).toEqual([false, false, false, false]);
    expect(window.add('b', 5)).toBe(true);
  });

  it('never opens for one or two people, however often they fail', () => {
    const window = new FailureWindow();
    expect(Array.from({ length: 50 }, (_, i) => window.add(i % 2 ? 'a' : 'b', i))).not.toContain(true);
  });

  it('forgets what is older than a minute', () => {
    const window = new FailureWindow();
    for (const [i, s] of ['a', 'b', 'c', 'a'].entries()) window.add(s, i);
    expect(window.add('b', WINDOW_MS + 10)).toBe(false);
  });
});
