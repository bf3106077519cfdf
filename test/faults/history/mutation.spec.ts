import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkHistory, namesOf } from './check-history.js';
import type { Anomaly } from './finding.js';
import type { Operation, PollOperation } from './operation.js';
import { simulate } from './simulation/simulate.js';

type Of<K extends Operation['kind']> = Extract<Operation, { kind: K }>;

/** Changes a correct history so that it must show one anomaly; undefined when it has no place for it. */
type Mutation = (history: Operation[], pick: (below: number) => number) => Operation[] | undefined;

const isKind =
  <K extends Operation['kind']>(kind: K, also: (o: Of<K>) => boolean = () => true) =>
  (o: Operation): o is Of<K> =>
    o.kind === kind && also(o as Of<K>);

/** Replaces one operation that fits by others. */
const change =
  <K extends Operation['kind']>(
    fits: (o: Operation) => o is Of<K>,
    by: (o: Of<K>, history: readonly Operation[]) => Operation[],
  ): Mutation =>
  (history, pick) => {
    const places = [...history.entries()].filter(([, o]) => fits(o)).map(([i]) => i);
    const at = places[places.length === 0 ? 0 : pick(places.length)];
    const found = at === undefined ? undefined : history[at];
    if (at === undefined || !found || !fits(found)) return undefined;
    return history.toSpliced(at, 1, ...by(found, history));
  };

const polls = (least: number) => isKind('poll', p => p.records.length >= least);
const lastOf = (poll: PollOperation): number => poll.records.at(-1)?.logOffset ?? 0;

/** Whether the next of its reader to poll the partition is the same member in the same epoch: another one would begin behind a gap as well. */
const goesOn = (poll: PollOperation, history: readonly Operation[]): boolean => {
  const next = history
    .slice(history.indexOf(poll) + 1)
    .find(
      (o): o is PollOperation =>
        o.kind === 'poll' && o.reader === poll.reader && o.partition === poll.partition,
    );
  return next?.member === poll.member && next.epoch === poll.epoch;
};

const MUTATIONS: [Anomaly, string, Mutation][] = [
  [
    'lost-write',
    'an acknowledgement for an event that nobody reads',
    change(
      isKind('append', a => a.status === 'acked' && !a.client.startsWith('last')),
      a => [a, { ...a, client: 'another', request: 'lost', eventId: 'lost', logOffset: 0 }],
    ),
  ],
  [
    'unseen',
    'an acknowledgement behind everything that was read',
    history => [
      ...history,
      {
        kind: 'append',
        client: 'late',
        request: 'late',
        status: 'acked',
        eventId: 'late',
        key: 't:0',
        topic: 'requests',
        partition: 0,
        invoked: 1e9,
        completed: 1e9,
      },
    ],
  ],
  [
    'duplicate',
    'one request told by two events',
    (history, pick) => {
      const records = history.filter(isKind('record'));
      if (records.length < 2) return undefined;
      const first = records[pick(records.length)];
      const second = records.find(r => r !== first);
      return history.map(o => (o === second && first ? { ...second, request: first.request ?? '' } : o));
    },
  ],
  ['duplicate', 'a second audit row for an event', change(isKind('audit'), a => [a, a])],
  ['duplicate', 'a fact told twice', change(isKind('effect'), e => [e, e])],
  [
    'inconsistent-offsets',
    'a reader that sees another event at an offset',
    change(polls(1), p => [
      p,
      {
        ...p,
        reader: 'stranger',
        member: 'stranger',
        records: p.records.map((r, i) => (i === 0 ? { ...r, eventId: 'another event' } : r)),
      },
    ]),
  ],
  [
    'aborted-read',
    'a refusal of what is in the log',
    (history, pick) => {
      const asked = history.filter(isKind('append', a => a.status === 'acked'));
      const one = asked[pick(asked.length)];
      return history.map(o => (o === one && one ? { ...one, status: 'failed' as const } : o));
    },
  ],
  [
    'int-poll-skip',
    'a poll without its middle',
    change(polls(3), p => [{ ...p, records: p.records.filter((_, i) => i !== 1) }]),
  ],
  [
    'poll-skip',
    'a poll without its end',
    (history, pick) => {
      const fitting = history.filter(o => polls(2)(o) && goesOn(o, history)).filter(isKind('poll'));
      const one = fitting[fitting.length === 0 ? 0 : pick(fitting.length)];
      if (!one) return undefined;
      return history.map(o => (o === one ? { ...one, records: one.records.slice(0, -1) } : o));
    },
  ],
  ['nonmonotonic-poll', 'a poll that comes twice', change(polls(1), p => [p, p])],
  [
    'zombie-commit',
    'a position that goes back',
    change(
      isKind('commit', c => c.next > 0 && c.reader === 'projector'),
      c => [c, { ...c, next: c.next - 1 }, c],
    ),
  ],
  [
    'zombie-commit',
    'a position stored by a member that never owned the partition',
    change(isKind('commit'), c => [c, { ...c, member: 'zombie', epoch: 0 }]),
  ],
  ['premature-commit', 'a record that was never acted on', change(isKind('applied'), () => [])],
  ['audit-differs', 'a missing audit row', change(isKind('audit'), () => [])],
  [
    'audit-differs',
    'an audit row with other bytes',
    change(isKind('audit'), a => [{ ...a, sha256: 'other' }]),
  ],
  [
    'audit-differs',
    'an audit row with another digest beside its bytes',
    change(isKind('audit'), a => [{ ...a, stated: 'other' }]),
  ],
  [
    'audit-differs',
    'an audit row of nothing in the log',
    change(isKind('audit'), a => [a, { ...a, logOffset: a.logOffset + 1e6, eventId: 'forged' }]),
  ],
  [
    'effect-differs',
    'an account that does not look as its last effect says',
    change(isKind('account'), a => [{ ...a, access: 'absent' }]),
  ],
  [
    'digest-differs',
    'another digest of the live read models',
    change(isKind('digest'), d => [{ ...d, live: 'other' }]),
  ],
  [
    'unseen',
    'a reader that stopped before the end',
    (history, pick) => {
      const ends = history.filter(
        (o): o is PollOperation =>
          o.kind === 'poll' &&
          !history.some(
            p =>
              p.kind === 'poll' &&
              p.reader === o.reader &&
              p.partition === o.partition &&
              lastOf(p) > lastOf(o),
          ),
      );
      const one = ends[pick(ends.length)];
      // Only the last record is taken: polls that begin behind an earlier one stay explained.
      return history.flatMap(o => {
        if (o.kind !== 'poll' || o.reader !== one?.reader || o.partition !== one.partition) return [o];
        const records = o.records.filter(r => r.logOffset !== lastOf(one));
        return records.length > 0 ? [{ ...o, records }] : [];
      });
    },
  ],
];

describe('a correct history', () => {
  it.each(MUTATIONS)('names %s when changed by %s', (anomaly, _what, mutate) => {
    let changed = 0;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), fc.nat(), (seed, choice) => {
        const { operations } = simulate({ seed, steps: 600, partitions: 3, clients: 4, people: 3 });
        const mutated = mutate(operations, below => choice % below);
        if (!mutated) return;
        changed += 1;
        expect(namesOf(checkHistory(mutated))).toEqual([anomaly]);
      }),
      { numRuns: 30 },
    );
    expect(changed).toBeGreaterThan(10);
  });
});
