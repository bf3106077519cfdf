import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DialectReading } from '../dialect/dialect-reading.js';
import { dialectOf } from '../dialect/dialect.js';
import { isObject, type Json, type JsonObject } from '../json-value.js';
import { GROUP } from '../schema/group-schema.js';
import { applyPatch, applyResolved } from './apply-patch.js';
import { membersAfter, splitMembership } from './membership.js';
import type { PatchOperation } from './patch-message.js';

const id = fc.constantFrom('a', 'b', 'c', 'd', 'A');
const member = id.map((value): JsonObject => ({ value, display: `name of ${value}` }));
const members = fc.uniqueArray(member, { maxLength: 5, selector: m => m.value });
const op = (name: PatchOperation['op'], path: string | undefined, value?: Json): PatchOperation => ({
  op: name,
  path,
  value,
});

const operation: fc.Arbitrary<PatchOperation> = fc.oneof(
  members.map(value => op('add', 'members', value)),
  members.map(value => op('replace', 'MEMBERS', value)),
  members.map(value => op('remove', 'members', value)),
  members.map(value => op('add', undefined, { Members: value, displayName: 'new' })),
  id.map(value => op('remove', `members[value eq "${value}"]`)),
  fc.tuple(id, id).map(([a, b]) => op('remove', `members[value eq "${a}" or value eq "${b}"]`)),
  fc.constant(op('remove', 'members')),
  fc.constant(op('replace', 'displayName', 'other')),
);

const reading = (): DialectReading => new DialectReading(dialectOf('lenient'));

describe('the members of a group', () => {
  it('are the same whether a PATCH is applied to the group or as a delta', () => {
    fc.assert(
      fc.property(members, fc.array(operation, { maxLength: 6 }), (before, operations) => {
        const group: JsonObject = { displayName: 'G', ...(before.length > 0 && { members: before }) };
        const whole = applyPatch(group, operations, GROUP, reading());
        const split = splitMembership(operations, GROUP, reading());
        if (!split) throw new Error('this needs no members');
        const rest = applyResolved({ displayName: 'G' }, split.rest, GROUP, reading());
        const after = membersAfter(before, split.members);
        expect(rest.displayName).toBe(whole.displayName);
        expect(new Set(after.map(m => JSON.stringify(m)))).toEqual(
          new Set((Array.isArray(whole.members) ? whole.members : []).map(m => JSON.stringify(m))),
        );
      }),
      { numRuns: 2_000, seed: 11 },
    );
  });

  it('are needed where the outcome depends on them', () => {
    for (const operation of [
      op('remove', 'members[type eq "User"]'),
      op('remove', 'members[not (value eq "a")]'),
      op('replace', 'members[value eq "a"]', { value: 'a' }),
      op('remove', 'members[value eq "a"].display'),
    ])
      expect(splitMembership([operation], GROUP, reading())).toBeUndefined();
  });

  it('of a large group are told apart without comparing each with each', () => {
    const many = Array.from({ length: 20_000 }, (_, i): JsonObject => ({ value: `u${i}` }));
    const group: JsonObject = { displayName: 'G', members: many };
    const after = applyPatch(
      group,
      [op('add', 'members', many), op('remove', 'members', many.slice(0, 10_000))],
      GROUP,
      reading(),
    );
    expect(Array.isArray(after.members) && after.members.length).toBe(10_000);
    expect(isObject(group) && (group.members as Json[]).length).toBe(20_000);
  });
});
