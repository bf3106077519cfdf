import { describe, expect, it } from '@jest/globals';
import { ProgressWatch } from './progress-watch.js';

const tp = { topic: 'requests', partition: 0 };

describe('the watch on progress', () => {
  let now = 0;
  const watching = (): ProgressWatch => {
    now = 0;
    return new ProgressWatch(1_000, () => now);
  };
  const ends = (end: bigint) => new Map([['requests/0' as const, end]]);

  it('tells when no fetch ends any more', () => {
    const watch = watching();
    now = 900;
    watch.fetched();
    now = 1_900;
    expect(watch.silence()).toBeUndefined();
    now = 1_901;
    expect(watch.silence()).toMatchObject({ code: 'log.stalled', retryable: true });
  });

  it('tells when a partition stands still although there is more, and only then', () => {
    const watch = watching();
    const check = (position: bigint | undefined, end: bigint, at: number) => {
      now = at;
      watch.fetched();
      return watch.check([{ tp, position }], ends(end));
    };
    expect(check(5n, 5n, 0)).toBeUndefined();
    expect(check(5n, 5n, 5_000)).toBeUndefined();
    expect(check(5n, 9n, 5_500)).toBeUndefined();
    expect(check(6n, 9n, 6_500)).toBeUndefined();
    expect(check(6n, 9n, 7_500)).toBeUndefined();
    expect(check(6n, 9n, 7_501)).toMatchObject({ code: 'log.stalled' });
    expect(check(undefined, 9n, 8_000)).toBeUndefined();
    expect(check(undefined, 9n, 9_001)).toMatchObject({ code: 'log.stalled' });
  });

  it('counts a pause as no stand-still', () => {
    const watch = watching();
    watch.check([{ tp, position: 5n }], ends(9n));
    now = 5_000;
    watch.fetched();
    expect(watch.check([], ends(9n))).toBeUndefined();
    expect(watch.check([{ tp, position: 5n }], ends(9n))).toBeUndefined();
    now = 6_001;
    watch.fetched();
    expect(watch.check([{ tp, position: 5n }], ends(9n))).toMatchObject({ code: 'log.stalled' });
  });
});
