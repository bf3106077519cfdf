import { z } from 'zod';

const UNIT_SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 };

/** `10s`, `5m`, `30d`, `500ms` -> seconds. */
export const durationSeconds = z
  .string()
  .regex(/^[0-9]+(ms|s|m|h|d)$/, 'must be a number with a unit: 500ms, 10s, 5m, 12h or 30d')
  .transform(text => {
    const unit = /[a-z]+$/.exec(text)?.[0] ?? 's';
    return Number(text.slice(0, -unit.length)) * (UNIT_SECONDS[unit] ?? 1);
  });

/** A TCP port; `0` asks for any free one. */
export const port = z.coerce.number().int().min(0).max(65_535);

/** `on`/`true`/`1` and `off`/`false`/`0`. */
export const onOff = z
  .enum(['on', 'off', 'true', 'false', '1', '0'])
  .transform(value => value === 'on' || value === 'true' || value === '1');

export const positiveInteger = z.coerce.number().int().positive();
export const postgresUrl = z.string().regex(/^postgres(ql)?:\/\//, 'must begin with postgres://');
