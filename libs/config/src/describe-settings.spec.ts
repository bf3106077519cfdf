import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { describeSettings } from './describe-settings.js';
import { durationSeconds, onOff, port, positiveInteger, postgresUrl } from './schemas.js';
import { setting } from './setting.js';

describe('the description of settings', () => {
  it('says what is needed and what counts otherwise, as one would write it', () => {
    const described = describeSettings({
      url: setting('DATABASE_URL', 'the database', postgresUrl, { secret: true }),
      hold: setting('HOLD', 'wait', z.union([z.literal('none'), durationSeconds]).default(30 * 86_400)),
      short: setting('SHORT', 'wait', durationSeconds.default(90)),
      again: setting(
        'AGAIN',
        'times',
        z
          .string()
          .default('1h,2m')
          .transform(t => t.split(','))
          .pipe(z.array(durationSeconds)),
      ),
      on: setting('SWITCH', 'a switch', onOff.default(false)),
      port: setting('PORT', 'a port', port),
      pool: setting('POOL', 'connections', positiveInteger.default(16)),
      extra: setting('EXTRA', 'an extra', z.string().optional()),
    });
    expect(described.map(d => [d.env, d.required, d.fallback, d.secret])).toEqual([
      ['AGAIN', false, '1h,2m', false],
      ['DATABASE_URL', true, undefined, true],
      ['EXTRA', false, undefined, false],
      ['HOLD', false, '30d', false],
      ['POOL', false, '16', false],
      ['PORT', true, undefined, false],
      ['SHORT', false, '90s', false],
      ['SWITCH', false, 'off', false],
    ]);
  });
});
