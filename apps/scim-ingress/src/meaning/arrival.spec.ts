import { describe, expect, it } from '@jest/globals';
import { REBIND_DECISIONS, REBIND_POLICIES } from '@sever/directory';
import fc from 'fast-check';
import { arrivalOf, type Arrival, type ArrivalQuestion, type Candidate } from './arrival.js';

const LEAVER: Candidate = { id: 'leaver', active: false };
const OTHER: Candidate = { id: 'other', active: false };
const THERE: Candidate = { id: 'there', active: true };

const ask = (about: Partial<ArrivalQuestion>): Arrival =>
  arrivalOf({
    ...{ active: true, namesake: undefined, sharers: [], policy: 'externalId', decision: undefined },
    ...about,
  });

const newcomer = { kind: 'newcomer', releases: false };
const newcomerWithName = { kind: 'newcomer', releases: true };
const returns = (id: string, releases = false) => ({ kind: 'returns', id, releases });

describe('who a POST brings', () => {
  it.each<[string, Partial<ArrivalQuestion>, object]>([
    ['nobody is known', {}, newcomer],
    ['the name is of somebody active', { namesake: THERE }, { kind: 'taken' }],
    ['name and externalId are of somebody active', { namesake: THERE, sharers: [THERE] }, { kind: 'taken' }],
    ['the externalId is of somebody active', { sharers: [THERE] }, newcomer],
    ['the externalId is of one leaver', { sharers: [LEAVER] }, returns('leaver')],
    ['the externalId is of two leavers', { sharers: [LEAVER, OTHER] }, newcomer],
    ['the externalId is of a leaver and somebody active', { sharers: [LEAVER, THERE] }, newcomer],
    ['name and externalId are of one leaver', { namesake: LEAVER, sharers: [LEAVER] }, returns('leaver')],
    ['only the name is of a leaver', { namesake: LEAVER }, newcomerWithName],
    [
      'the name is of a leaver, who shares the externalId',
      { namesake: LEAVER, sharers: [LEAVER, OTHER] },
      newcomerWithName,
    ],
    [
      'name and externalId are of two leavers',
      { namesake: LEAVER, sharers: [OTHER] },
      returns('other', true),
    ],
    [
      'an inactive user is created with a leaver’s externalId',
      { active: false, sharers: [LEAVER] },
      newcomer,
    ],
    [
      'an inactive user is created once more',
      { active: false, namesake: LEAVER, sharers: [LEAVER] },
      returns('leaver'),
    ],
  ])('%s', (_, about, expected) => {
    expect(ask(about)).toEqual(expected);
  });

  it.each<[string, Partial<ArrivalQuestion>, object]>([
    ['an operator is asked about a name', { namesake: LEAVER }, { kind: 'undecided' }],
    [
      'an operator is asked about a name beside a known externalId',
      { namesake: LEAVER, sharers: [OTHER] },
      { kind: 'undecided' },
    ],
    ['the same person comes back', { namesake: LEAVER, decision: 'same-person' }, returns('leaver')],
    ['another person gets the name', { namesake: LEAVER, decision: 'another-person' }, newcomerWithName],
    ['the externalId needs no operator', { namesake: LEAVER, sharers: [LEAVER] }, returns('leaver')],
    ['nobody has the name', { sharers: [LEAVER] }, returns('leaver')],
  ])('manual: %s', (_, about, expected) => {
    expect(ask({ policy: 'manual', ...about })).toEqual(expected);
  });

  it.each<[string, Partial<ArrivalQuestion>, object]>([
    ['the externalId is of one leaver', { sharers: [LEAVER] }, newcomer],
    ['name and externalId are of one leaver', { namesake: LEAVER, sharers: [LEAVER] }, newcomerWithName],
    ['the name is of somebody active', { namesake: THERE }, { kind: 'taken' }],
  ])('never: %s', (_, about, expected) => {
    expect(ask({ policy: 'never', ...about })).toEqual(expected);
  });
});

const candidate = fc.constantFrom(LEAVER, OTHER, THERE);
const question: fc.Arbitrary<ArrivalQuestion> = fc.record({
  active: fc.boolean(),
  namesake: fc.option(candidate, { nil: undefined }),
  sharers: fc.uniqueArray(candidate, { selector: c => c.id }),
  policy: fc.constantFrom(...REBIND_POLICIES),
  decision: fc.option(fc.constantFrom(...REBIND_DECISIONS), { nil: undefined }),
});

describe('whatever is asked', () => {
  it('only somebody inactive comes back: the only one with the externalId, or whom an operator named', () => {
    fc.assert(
      fc.property(question, q => {
        const arrival = arrivalOf(q);
        if (arrival.kind !== 'returns') return;
        const isNamed =
          q.policy === 'manual' && q.decision === 'same-person' && arrival.id === q.namesake?.id;
        const isOnly = q.sharers.length === 1 && q.sharers[0]?.id === arrival.id && q.policy !== 'never';
        expect(isNamed || isOnly).toBe(true);
        expect([LEAVER.id, OTHER.id]).toContain(arrival.id);
      }),
    );
  });

  it('a name has one holder afterwards: it is refused, undecided, its holder comes back, or gives it away', () => {
    fc.assert(
      fc.property(question, q => {
        const arrival = arrivalOf(q);
        if (arrival.kind === 'taken') expect(q.namesake?.active).toBe(true);
        else if (arrival.kind === 'undecided') expect(q.policy).toBe('manual');
        else {
          const comesBack = arrival.kind === 'returns' && arrival.id === q.namesake?.id;
          expect(arrival.releases).toBe(q.namesake !== undefined && !comesBack);
        }
      }),
    );
  });
});
