import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { prefersAsync } from './prefer.js';

describe('the Prefer header', () => {
  it.each<[string | string[] | undefined, boolean]>([
    ['respond-async', true],
    ['Respond-Async', true],
    ['respond-async=""', true],
    ['respond-async = ; wait=1', true],
    ['return=minimal, respond-async', true],
    ['respond-async; wait=10', true],
    ['wait=10, respond-async ;x="a,b"', true],
    [['return=minimal', 'respond-async'], true],
    ['x="respond-async"', false],
    ['x="a, respond-async, b"', false],
    ['x="a\\", respond-async, b"', false],
    ['x=respond-async', false],
    ['respond-asynchronously', false],
    ['no-respond-async', false],
    ['return=minimal;respond-async', false],
    ['', false],
    [undefined, false],
  ])('%j: %s', (header, isAsked) => {
    expect(prefersAsync(header)).toBe(isAsked);
  });

  it('is read whatever it holds, and found among any others', () => {
    const other = fc
      .tuple(fc.stringMatching(/^[a-z]{1,8}$/), fc.string())
      .map(([n, v]) => `${n}=${JSON.stringify(v)}`);
    fc.assert(
      fc.property(fc.array(other), fc.array(other), (before, after) => {
        expect(prefersAsync([...before, 'respond-async', ...after].join(', '))).toBe(true);
        expect(prefersAsync([...before, ...after].join(', '))).toBe(false);
      }),
    );
    fc.assert(fc.property(fc.string({ unit: 'binary' }), text => typeof prefersAsync(text) === 'boolean'));
  });
});
