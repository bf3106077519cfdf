/** Ids of the ways in which a request may deviate from the strict reading; each that fires is recorded with the event. */
export const DIALECT_RULES = {
  'op-any-case': 'The `op` of a PATCH operation in any case ("Replace").',
  'string-boolean': 'A boolean attribute sent as the string "True" or "False".',
  'pathless-patch': 'A PATCH operation without a path, the attributes in its value.',
  'dotted-keys': 'Keys such as "name.givenName" or URN-qualified keys in a path-less value.',
  'readonly-dropped': 'A read-only attribute in a PATCH is ignored.',
  'remove-with-value': 'Removal of members that lists them in `value`.',
  'create-missing-element':
    'Replacing inside a multi-valued attribute without a matching element creates it.',
  'unknown-dropped': 'An unknown attribute or schema is ignored.',
  'loose-filter-literal': 'A filter value without quotes, or a boolean as a string.',
  'bare-reference': 'A bare string where a reference object belongs.',
  'empty-operations': 'A PATCH without operations changes nothing.',
  'password-discarded': 'A password is discarded unread.',
} as const;
export type DialectRule = keyof typeof DIALECT_RULES;

export type DialectName = 'strict' | 'entra' | 'okta' | 'lenient';

/** How one identity provider speaks SCIM: which deviations it is granted, and how a PATCH is answered. */
export type Dialect = {
  name: DialectName;
  allows: ReadonlySet<DialectRule>;
  patchStatus: 200 | 204;
  dropsEqualReadOnlyOnly: boolean;
};

const all = Object.keys(DIALECT_RULES) as DialectRule[];
const allBut = (...rules: DialectRule[]): ReadonlySet<DialectRule> =>
  new Set(all.filter(rule => !rules.includes(rule)));

const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  strict: { name: 'strict', allows: new Set(), patchStatus: 200, dropsEqualReadOnlyOnly: false },
  entra: { name: 'entra', allows: allBut(), patchStatus: 204, dropsEqualReadOnlyOnly: false },
  okta: {
    name: 'okta',
    allows: allBut(
      'dotted-keys',
      'create-missing-element',
      'loose-filter-literal',
      'bare-reference',
      'empty-operations',
    ),
    patchStatus: 200,
    dropsEqualReadOnlyOnly: true,
  },
  lenient: { name: 'lenient', allows: allBut(), patchStatus: 200, dropsEqualReadOnlyOnly: false },
};

export const isDialectName = (name: string): name is DialectName => Object.hasOwn(DIALECTS, name);
export const dialectOf = (name: DialectName): Dialect => DIALECTS[name];

/** Collects the rules that fired while one request was read. */
export class DialectReading {
  private readonly fired = new Set<DialectRule>();
  constructor(readonly dialect: Dialect) {}

  /** Whether the dialect grants the deviation; if so it is recorded. */
  grants(rule: DialectRule): boolean {
    if (!this.dialect.allows.has(rule)) return false;
    this.fired.add(rule);
    return true;
  }

  rules(): DialectRule[] {
    return [...this.fired].sort();
  }
}
