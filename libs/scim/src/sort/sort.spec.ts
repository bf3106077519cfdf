import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../json-value.js';
import { GROUP } from '../schema/group-schema.js';
import { USER } from '../schema/user-schema.js';
import { parseSort, sortResources } from './sort-resources.js';

const people: JsonObject[] = [
  { id: '1', userName: 'b', externalId: 'b', emails: [{ value: 'z' }, { value: 'a', primary: true }] },
  { id: '2', userName: 'A', externalId: 'A', emails: [{ value: 'M' }], active: true },
  { id: '3', userName: 'é', emails: [{ value: '' }, { value: 'b' }], active: false },
  { id: '4', userName: 'c', externalId: 'a' },
];

const order = (by: string, direction?: string): unknown => {
  const sort = parseSort(by, direction, USER, [GROUP]);
  return (
    sort &&
    sortResources(people, sort)
      .map(p => p.id)
      .join('')
  );
};

describe('an order', () => {
  it.each([
    ['userName', '2143'],
    ['USERNAME', '2143'],
    ['externalId', '2413'],
    ['emails', '1324'],
    ['emails.value', '1324'],
    ['active', '3214'],
    ['title', '1234'],
    ['members.value', '1234'],
  ])('by %s: people without a value come last', (by, expected) => {
    expect(order(by)).toBe(expected);
  });

  it.each([
    ['userName', '3412'],
    ['externalId', '3142'],
    ['emails', '4231'],
  ])('by %s, descending: people without a value come first', (by, expected) => {
    expect(order(by, 'Descending')).toBe(expected);
  });

  it('is only read when it is asked for', () => {
    expect(parseSort(undefined, undefined, USER)).toBeUndefined();
    expect(parseSort('', 'ascending', USER)).toBeUndefined();
  });

  it.each([
    ['shoe', undefined, 'invalidPath'],
    ['members', undefined, 'invalidPath'],
    ['name', undefined, 'invalidPath'],
    ['__proto__', undefined, 'invalidPath'],
    ['userName', 'sideways', 'invalidValue'],
  ])('by %s %s is refused', (by, direction, scimType) => {
    expect(() => parseSort(by, direction, USER)).toThrow(expect.objectContaining({ status: 400, scimType }));
  });
});
