import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { canonicalJson } from './canonical-json.js';
import { EVENTS } from './event-catalogue.js';
import {
  EVENT_BYTES_MAX,
  decodeEvent,
  encodeEvent,
  makeEvent,
  parseEnvelope,
  type NewEvent,
} from './event-codec.js';
import { decisionId, nameBasedId, outcomeId } from './event-ids.js';
import { OUTCOME_EVENT_TYPE, OUTCOME_KINDS } from './outcome-kinds.js';
import { upcast } from './upcasters.js';

const golden = readFileSync(new URL('../golden/events.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');

const update = (attributes: string[]): NewEvent<'sever.subject.updated.v1'> => ({
  type: 'sever.subject.updated.v1',
  id: nameBasedId('spec'),
  source: '/connections/entra',
  tenant: 'acme',
  subject: nameBasedId('subject'),
  time: new Date(0),
  data: {
    actor: { kind: 'connection', id: 'entra' },
    target: { kind: 'subject', id: nameBasedId('subject') },
    door: { via: 'scim', operation: 'update' },
    connection: 'entra',
    resource: 'r1',
    attributes,
  },
});

describe('golden events', () => {
  it('exist for every event type', () => {
    const types = new Set(golden.map(line => parseEnvelope(Buffer.from(line)).type));
    expect([...types].sort()).toEqual(Object.keys(EVENTS).sort());
  });

  it.each(golden.map(line => [parseEnvelope(Buffer.from(line)).type, line]))(
    '%s is read and written byte for byte',
    (_type, line) => {
      expect(encodeEvent(decodeEvent(Buffer.from(line))).toString('utf8')).toBe(line);
    },
  );
});

describe('the codec', () => {
  it('keeps bytes through decode and encode for hostile strings', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', minLength: 1 }), { maxLength: 5 }), attributes => {
        const bytes = encodeEvent(makeEvent(update(attributes)));
        expect(encodeEvent(decodeEvent(bytes)).equals(bytes)).toBe(true);
      }),
    );
  });

  it('refuses what JCS cannot carry', () => {
    expect(() => canonicalJson({ a: '\ud800' })).toThrow(
      expect.objectContaining({ code: 'event.not-canonical' }),
    );
    expect(() => canonicalJson({ a: 2 ** 53 })).toThrow(
      expect.objectContaining({ code: 'event.not-canonical' }),
    );
    expect(() => canonicalJson({ a: 0.5 })).toThrow(expect.objectContaining({ code: 'event.not-canonical' }));
    expect(() => canonicalJson({ a: () => 1 })).toThrow(
      expect.objectContaining({ code: 'event.not-canonical' }),
    );
    expect(() => canonicalJson({ a: new Date() })).toThrow(
      expect.objectContaining({ code: 'event.not-canonical' }),
    );
    expect(() => canonicalJson(JSON.parse('{"__proto__":1}'))).toThrow(
      expect.objectContaining({ code: 'event.not-canonical' }),
    );
  });

  it('sorts members by UTF-16 code units', () => {
    expect(canonicalJson({ '\ufb33': 1, '\u{1f600}': 2, a: 3 })).toBe('{"a":3,"\u{1f600}":2,"\ufb33":1}');
  });

  it('refuses an event above the limit and accepts one at it', () => {
    const size = encodeEvent(makeEvent(update(['']))).length;
    expect(encodeEvent(makeEvent(update(['x'.repeat(EVENT_BYTES_MAX - size)]))).length).toBe(EVENT_BYTES_MAX);
    expect(() => encodeEvent(makeEvent(update(['x'.repeat(EVENT_BYTES_MAX - size + 1)])))).toThrow(
      expect.objectContaining({ code: 'event.too-large' }),
    );
  });

  it.each([
    ['event.unreadable', 'no json'],
    ['event.invalid', '{}'],
    [
      'event.unknown-type',
      golden[0]?.replace(/sever\.[a-z-]+\.[a-z-]+\.v1/, 'sever.something.happened.v1') ?? '',
    ],
    ['event.invalid', golden[0]?.replace('"data":{', '"data":{"surprise":1,') ?? ''],
  ])('answers %s', (code, text) => {
    expect(() => decodeEvent(Buffer.from(text))).toThrow(expect.objectContaining({ code }));
  });
});

describe('ids', () => {
  it('meet themselves and nothing else', () => {
    expect(nameBasedId('a', 'b')).toBe(nameBasedId('a', 'b'));
    expect(nameBasedId('a', 'b')).not.toBe(nameBasedId('a,b'));
    expect(nameBasedId('a', '1')).not.toBe(nameBasedId('a', 1));
    expect(decisionId('o', 'cut')).not.toBe(decisionId('o', 'cut', 1));
    const attempt = { instance: 'scim', requestEvent: 'e', step: 'suspend', fact: 'acted', attempt: 1 };
    expect(outcomeId(attempt)).toBe(outcomeId({ ...attempt }));
    expect(outcomeId(attempt)).not.toBe(outcomeId({ ...attempt, attempt: 2 }));
  });
});

describe('upcasting', () => {
  it('lifts an event through every version', () => {
    const old = { ...parseEnvelope(Buffer.from(golden[0] ?? '')), type: 'sever.spec.happened.v1' };
    const to = (type: string) => (event: typeof old) => ({ ...event, type });
    const lifted = upcast(old, {
      'sever.spec.happened.v1': to('sever.spec.happened.v2'),
      'sever.spec.happened.v2': to('sever.spec.happened.v3'),
    });
    expect(lifted.type).toBe('sever.spec.happened.v3');
  });
});

describe('the outcome table', () => {
  it('gives every outcome kind an event type of its own', () => {
    expect(new Set(Object.values(OUTCOME_EVENT_TYPE)).size).toBe(OUTCOME_KINDS.length);
  });
});
