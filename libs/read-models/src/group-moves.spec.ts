import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { makeEvent, type SeverEvent } from '@sever/event-contracts';
import fc from 'fast-check';
import { movesOf } from './group-moves.js';

const PEOPLE = Array.from({ length: 6 }, () => randomUUID());
const moved = (subjects: readonly string[]) => ({
  ...{ count: subjects.length, groups: 0, subjects: [...subjects], unnamed: 0 },
  digest: null,
});

function changed(added: readonly string[], removed: readonly string[]): SeverEvent {
  const group = randomUUID();
  return makeEvent({
    ...{ type: 'sever.group.members-changed.v1', id: randomUUID(), source: '/connections/okta' },
    ...{ tenant: 'acme', subject: group, time: new Date(1_700_000_000_000) },
    data: {
      actor: { kind: 'connection', id: 'okta' },
      target: { kind: 'resource', id: group },
      door: { via: 'scim', operation: 'update', connection: 'okta' },
      ...{ connection: 'okta', group, attributes: [], added: moved(added), removed: moved(removed) },
    },
  });
}

describe('the moves that a group event tells', () => {
  it('are one for each person who is on one side only, whatever the lists', () => {
    const some = fc.array(fc.constantFrom(...PEOPLE));
    fc.assert(
      fc.property(some, some, (added, removed) => {
        const told = movesOf(changed(added, removed)).map(m => `${m.subject} ${m.moved}`);
        const expected = PEOPLE.flatMap(subject => {
          const [joins, leaves] = [added.includes(subject), removed.includes(subject)];
          return joins === leaves ? [] : [`${subject} ${joins ? 'joined' : 'left'}`];
        });
        expect(told.sort()).toEqual(expected.sort());
      }),
    );
  });

  it('name the event, its actor, its connection and the group', () => {
    const [person = ''] = PEOPLE;
    const event = changed([], [person]);
    expect(movesOf(event)).toEqual([
      {
        ...{ tenant: 'acme', subject: person, id: event.id, type: event.type, at: event.time },
        ...{ actor: 'okta', connection: 'okta', group: event.subject, moved: 'left' },
      },
    ]);
  });
});
