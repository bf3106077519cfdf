import { describe, expect, it } from '@jest/globals';
import { BELIEVED_MS, TokenCache, bearerToken } from './token-cache.js';

describe('the token cache', () => {
  const world = (endsAt = Infinity) => {
    const state = { now: 0, looks: 0, owner: 'idp' as string | undefined };
    const cache = new TokenCache<string>(
      () => {
        state.looks += 1;
        return Promise.resolve(state.owner);
      },
      () => endsAt,
      () => state.now,
    );
    return { state, cache };
  };

  it('believes an answer for some seconds, then asks again', async () => {
    const { state, cache } = world();
    expect(await cache.owner('t')).toBe('idp');
    state.owner = undefined;
    state.now = BELIEVED_MS - 1;
    expect(await cache.owner('t')).toBe('idp');
    state.now = BELIEVED_MS;
    expect(await cache.owner('t')).toBeUndefined();
    expect(state.looks).toBe(2);
  });

  it('believes no token beyond its end', async () => {
    const { state, cache } = world(1_000);
    expect(await cache.owner('t')).toBe('idp');
    state.owner = undefined;
    state.now = 1_000;
    expect(await cache.owner('t')).toBeUndefined();
  });

  it('remembers no misses', async () => {
    const { state, cache } = world();
    state.owner = undefined;
    await cache.owner('t');
    await cache.owner('t');
    expect(state.looks).toBe(2);
  });
});

describe('the bearer header', () => {
  it.each([
    ['Bearer abc', 'abc'],
    ['bearer a.b-c_d~+/=', 'a.b-c_d~+/='],
    ['Bearer  two', undefined],
    ['Bearer a b', undefined],
    ['Basic abc', undefined],
    ['Bearer ', undefined],
    [`Bearer ${'x'.repeat(8_193)}`, undefined],
    [undefined, undefined],
  ])('%s', (header, token) => {
    expect(bearerToken(header)).toBe(token);
  });
});
