/** One way in which a request may deviate from the strict reading; `evidence` names what was seen on the wire. */
export type Deviation = { means: string; example: string; evidence: string };

/**
 * Every deviation that some dialect grants. An id that fires is recorded with the event, so that an auditor sees what was sent
 * and what it was taken for. E, O, J and A number the requests of Entra, Okta, JumpCloud and authentik.
 */
export const DIALECT_RULES = {
  'op-any-case': {
    means: 'the `op` of a PATCH operation in any case',
    example: '`"op":"Replace"`',
    evidence: 'E4, E7, E10, E14, E15',
  },
  'string-boolean': {
    means: 'a boolean attribute as a string',
    example: '`"active":"False"`',
    evidence: 'E3, E4, E6',
  },
  'pathless-patch': {
    means: 'a PATCH operation without a path, the attributes in its value',
    example: '`{"op":"replace","value":{"active":false}}`',
    evidence: 'E8, O4, O5, O9',
  },
  'dotted-keys': {
    means: 'keys with a dot, a filter or a URN in a path-less value',
    example: '`"name.givenName"`',
    evidence: 'E8',
  },
  'readonly-dropped': {
    means: 'a read-only attribute in a PATCH is left out',
    example: '`"value":{"id":"…","displayName":"G"}`',
    evidence: 'O9',
  },
  'remove-with-value': {
    means: 'a removal of elements that lists them in `value`',
    example: '`{"op":"remove","path":"members","value":[{"value":"id"}]}`',
    evidence: 'E15, J2',
  },
  'empty-removal': {
    means: 'a removal that lists nothing removes nothing',
    example: '`{"op":"remove","path":"members","value":[]}`',
    evidence: 'E15',
  },
  'create-missing-element': {
    means: 'a change of an element that is not there makes it',
    example: '`emails[type eq "work"].value` without such an element',
    evidence: 'E7',
  },
  'unknown-dropped': {
    means: 'an unknown attribute or schema is left out and recorded by name',
    example: '`"schemas":["http://schemas.microsoft.com/…/Group"]`',
    evidence: 'E13, O3',
  },
  'loose-filter-literal': {
    means: 'a filter value without quotes, or a boolean or number with them',
    example: '`externalId eq jyoung`, `primary eq "True"`',
    evidence: 'E2, E9',
  },
  'bare-reference': {
    means: 'a bare string where an object with `value` belongs',
    example: '`"manager":"m1"`',
    evidence: 'E10',
  },
  'bare-extension-name': {
    means: 'an attribute that one extension only has, without the URN of the extension',
    example: '`"path":"manager"`, `manager eq "m1"`',
    evidence: 'E19, E20, E21',
  },
  'list-of-one': {
    means: 'a list of one where a single value belongs',
    example: '`"path":"manager","value":[{"value":"m1"}]`',
    evidence: 'E19',
  },
  'display-alias': {
    means: '`displayName` of an element that the schema calls `display`',
    example: '`"members":[{"value":"id","displayName":"G"}]`',
    evidence: "Microsoft's test collection",
  },
  'empty-operations': {
    means: 'a PATCH without operations changes nothing',
    example: '`"Operations":[]`',
    evidence: 'E18',
  },
  'password-discarded': {
    means: 'a password is discarded unread',
    example: '`"password":"…"`',
    evidence: 'O3, O5',
  },
} as const satisfies Record<string, Deviation>;

export type DialectRule = keyof typeof DIALECT_RULES;
