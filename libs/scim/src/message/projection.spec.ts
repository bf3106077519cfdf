import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../json-value.js';
import { attribute, plural, type ResourceType } from '../schema/attribute.js';
import { GROUP, GROUP_SCHEMA_ID } from '../schema/group-schema.js';
import { ENTERPRISE_SCHEMA_ID, USER, USER_SCHEMA_ID } from '../schema/user-schema.js';
import { attributeNames, project } from './projection.js';

const user: JsonObject = {
  schemas: [USER_SCHEMA_ID],
  id: 'i',
  userName: 'u',
  name: { givenName: 'g', familyName: 'f' },
  emails: [{ value: 'a', type: 'work' }, { value: 'b' }],
  [ENTERPRISE_SCHEMA_ID]: { department: 'd', manager: { value: 'm' } },
  meta: { resourceType: 'User', version: 'v' },
};
const { schemas, id } = user;
const shown = (attributes?: string, excluded?: string, type = USER, resource = user): JsonObject =>
  project(resource, type, attributeNames(attributes), attributeNames(excluded));

describe('attributes', () => {
  it.each<[string, JsonObject]>([
    ['userName', { userName: 'u' }],
    ['USERNAME, name.GIVENNAME', { userName: 'u', name: { givenName: 'g' } }],
    ['emails.value', { emails: [{ value: 'a' }, { value: 'b' }] }],
    ['emails.type', { emails: [{ type: 'work' }] }],
    ['emails[type eq "work,home"]', { emails: user.emails ?? null }],
    [`${USER_SCHEMA_ID}:userName`, { userName: 'u' }],
    [`${ENTERPRISE_SCHEMA_ID}:department`, { [ENTERPRISE_SCHEMA_ID]: { department: 'd' } }],
    [`${ENTERPRISE_SCHEMA_ID}`, { [ENTERPRISE_SCHEMA_ID]: user[ENTERPRISE_SCHEMA_ID] ?? null }],
    [`${ENTERPRISE_SCHEMA_ID}:manager.value`, { [ENTERPRISE_SCHEMA_ID]: { manager: { value: 'm' } } }],
    ['meta.version', { meta: { version: 'v' } }],
    ['nothing.known', {}],
    ['__proto__,constructor', {}],
  ])('%s', (names, expected) => {
    expect(shown(names)).toEqual({ schemas, id, ...expected });
  });
});

describe('excludedAttributes', () => {
  it('leaves out what it names, but never what is always returned', () => {
    const { name: _name, ...rest } = user;
    expect(shown(undefined, 'name,id,schemas')).toEqual(rest);
    expect(shown(undefined, 'emails.type').emails).toEqual([{ value: 'a' }, { value: 'b' }]);
    expect(shown(undefined, ENTERPRISE_SCHEMA_ID)[ENTERPRISE_SCHEMA_ID]).toBeUndefined();
    expect(shown(undefined, `${ENTERPRISE_SCHEMA_ID}:department`)[ENTERPRISE_SCHEMA_ID]).toEqual({
      manager: { value: 'm' },
    });
  });

  it('takes away from what attributes chose', () => {
    expect(shown('userName,name', 'name.familyName')).toEqual({
      schemas,
      id,
      userName: 'u',
      name: { givenName: 'g' },
    });
  });

  it('E12: shows a group without its members', () => {
    const group: JsonObject = {
      schemas: [GROUP_SCHEMA_ID],
      id: 'g',
      displayName: 'G',
      members: [{ value: 'u' }],
    };
    const { members: _members, ...rest } = group;
    expect(shown(undefined, 'members', GROUP, group)).toEqual(rest);
  });

  it('changes nothing of the resource itself', () => {
    const before = structuredClone(user);
    shown('emails.value', 'name');
    expect(user).toEqual(before);
  });
});

describe('an attribute', () => {
  const extension = {
    id: 'urn:x:y',
    name: 'X',
    description: '',
    attributes: [
      attribute('badge', '', { returned: 'always' }),
      attribute('secret', '', { returned: 'never' }),
      attribute('large', '', { returned: 'request' }),
      attribute('keys', '', {
        multiValued: true,
        sub: [
          attribute('pin', '', { returned: 'never' }),
          attribute('note', '', { returned: 'request' }),
          ...plural(),
        ],
      }),
    ],
  };
  const type: ResourceType = { ...USER, extensions: [extension] };
  const resource: JsonObject = {
    schemas: [USER_SCHEMA_ID, 'urn:x:y'],
    id: 'i',
    userName: 'u',
    'urn:x:y': { badge: 'b', secret: 's', large: 'l', keys: [{ value: 'k', pin: 'p', note: 'n' }] },
  };
  const of = (attributes?: string, excluded?: string): unknown =>
    shown(attributes, excluded, type, resource)['urn:x:y'];

  it('is returned as its schema says', () => {
    expect(of()).toEqual({ badge: 'b', keys: [{ value: 'k' }] });
    expect(of('userName')).toEqual({ badge: 'b' });
    expect(of(undefined, 'urn:x:y')).toEqual({ badge: 'b' });
    expect(of(undefined, 'urn:x:y:badge')).toEqual({ badge: 'b', keys: [{ value: 'k' }] });
    expect(of('urn:x:y:large')).toEqual({ badge: 'b', large: 'l' });
    expect(of('urn:x:y:secret,urn:x:y:keys.pin')).toEqual({ badge: 'b' });
    expect(of('urn:x:y:keys.note')).toEqual({ badge: 'b', keys: [{ note: 'n' }] });
  });
});
