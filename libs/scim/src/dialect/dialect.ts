import { DIALECT_RULES, type DialectRule } from './dialect-rules.js';

/** How one kind of identity provider speaks SCIM: which deviations it is granted, and what it expects in return. */
export type Dialect = {
  name: DialectName;
  /** For whom it is, in one sentence. */
  meantFor: string;
  /** What the choice rests on: rows of observed requests, or a statement that none were captured. */
  evidence: string;
  allows: ReadonlySet<DialectRule>;
  /** Status of a PATCH that succeeded; 200 carries the resource. */
  patchStatus: 200 | 204;
  /** Read-only attributes in a PATCH are ignored only when they repeat what is stored. */
  dropsEqualReadOnlyOnly: boolean;
  /** Two groups of a connection cannot have the same `displayName`. */
  isGroupNameUnique: boolean;
};

const ALL = Object.keys(DIALECT_RULES) as DialectRule[];
const allBut = (...rules: DialectRule[]): ReadonlySet<DialectRule> =>
  new Set(ALL.filter(rule => !rules.includes(rule)));

/** Everything that can be understood without guessing; the start of each preset. */
const LOOSE = {
  allows: allBut(),
  patchStatus: 200,
  dropsEqualReadOnlyOnly: false,
  isGroupNameUnique: false,
} as const;

const DEFINITIONS = {
  strict: {
    ...LOOSE,
    meantFor: 'clients that keep to the RFCs and the interoperability profile',
    evidence: 'RFC 7643, RFC 7644, draft-zollner-scim-interop-profile-02',
    allows: new Set<DialectRule>(),
  },
  entra: {
    ...LOOSE,
    meantFor:
      'Microsoft Entra ID, with and without the flag `aadOptscim062020`: provisioning on demand ignores the flag, so one tenant sends both',
    evidence: 'E1 to E21',
    patchStatus: 204,
    isGroupNameUnique: true,
  },
  okta: {
    ...LOOSE,
    meantFor: 'Okta, catalogue and custom apps',
    evidence: 'O1 to O12',
    allows: allBut(
      'dotted-keys',
      'create-missing-element',
      'loose-filter-literal',
      'bare-reference',
      'display-alias',
      'empty-operations',
    ),
    dropsEqualReadOnlyOnly: true,
  },
  keycloak: {
    ...LOOSE,
    meantFor: 'Keycloak with a SCIM client extension',
    evidence: 'K1, K2; no request bodies captured',
  },
  jumpcloud: {
    ...LOOSE,
    meantFor: 'JumpCloud',
    evidence: 'J1, J2; no request bodies captured',
  },
  ping: {
    ...LOOSE,
    meantFor: 'PingOne and PingFederate',
    evidence: 'P1; no request bodies captured',
  },
  authentik: {
    ...LOOSE,
    meantFor: 'authentik, which sends the whole user for every change',
    evidence: 'A1, A2',
  },
  lenient: {
    ...LOOSE,
    meantFor: 'everybody else: whatever has one meaning only is taken',
    evidence: 'L1; no request bodies captured',
  },
} as const satisfies Record<string, Omit<Dialect, 'name'>>;

export type DialectName = keyof typeof DEFINITIONS;

export const DIALECT_NAMES = Object.keys(DEFINITIONS) as DialectName[];
export const isDialectName = (name: string): name is DialectName => Object.hasOwn(DEFINITIONS, name);

const DIALECTS = new Map<DialectName, Dialect>(
  DIALECT_NAMES.map(name => [name, { name, ...DEFINITIONS[name] }]),
);

export function dialectOf(name: DialectName): Dialect {
  const dialect = DIALECTS.get(name);
  if (!dialect) throw new Error(`there is no dialect ${name}`);
  return dialect;
}
