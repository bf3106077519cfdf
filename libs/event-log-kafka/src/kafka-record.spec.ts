import { describe, expect, it } from '@jest/globals';
import type { LogRecord } from '@sever/event-log';
import fc from 'fast-check';
import type { IHeaders } from 'kafkajs';
import { fromMessage, toMessage } from './kafka-record.js';

const header = fc.stringMatching(/^[a-z_]{1,12}$/);
const record: fc.Arbitrary<LogRecord> = fc.record({
  topic: fc.constantFrom('requests', 'outcomes'),
  partition: fc.nat(47),
  offset: fc.bigInt({ min: 0n, max: 2n ** 62n }),
  logOffset: fc.bigInt({ min: 0n, max: 2n ** 62n }),
  key: fc.string({ unit: 'grapheme', minLength: 1 }),
  type: fc.constantFrom('a.v1', 'b.v2'),
  headers: fc.dictionary(
    fc.oneof(header, fc.constantFrom('ce_type', '__proto__')),
    fc.string({ unit: 'grapheme' }),
  ),
  value: fc.uint8Array().map(bytes => Buffer.from(bytes)),
  timestamp: fc.nat(),
});

/** As the brokers give it back. */
const received = (r: LogRecord, over: object = {}) => {
  const m = toMessage(r);
  const headers: IHeaders = Object.fromEntries(
    Object.entries(m.headers ?? {}).map(([name, value]) => [name, Buffer.from(String(value))]),
  );
  return {
    key: Buffer.from(String(m.key)),
    value: m.value as Buffer,
    offset: String(r.offset),
    timestamp: m.timestamp ?? '',
    headers,
    ...over,
  };
};

describe('a record as a message', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(record, r => {
        expect(toMessage(r).partition).toBe(r.partition);
        const back = fromMessage(r.topic, r.partition, received(r));
        expect({ ...back, headers: back.headers }).toEqual(r);
      }),
    );
  });

  it.each<[string, object]>([
    ['without a log offset', { headers: { ce_id: Buffer.from('x') } }],
    ['with a log offset that is none', { headers: { 'sever-log-offset': Buffer.from('-1') } }],
    ['without headers', { headers: undefined }],
    ['without a value', { value: null }],
    ['without a key', { key: null }],
  ])('is refused %s: the relay did not write it', (_what, over) => {
    const [r] = fc.sample(record, 1);
    if (!r) throw new Error('no sample');
    expect(() => fromMessage(r.topic, r.partition, received(r, over))).toThrow(
      expect.objectContaining({ code: 'log.unreadable' }),
    );
  });
});
