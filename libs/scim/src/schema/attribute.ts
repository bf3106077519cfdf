/** Definition of an attribute (RFC 7643 §7). Defaults are those of the RFC. */
export type Attribute = {
  name: string;
  type: 'string' | 'boolean' | 'integer' | 'decimal' | 'dateTime' | 'reference' | 'binary' | 'complex';
  multiValued: boolean;
  required: boolean;
  caseExact: boolean;
  mutability: 'readOnly' | 'readWrite' | 'immutable' | 'writeOnly';
  returned: 'always' | 'never' | 'default' | 'request';
  uniqueness: 'none' | 'server' | 'global';
  description: string;
  /** Values that clients may expect; others are taken too (RFC 7643 §7). */
  canonicalValues?: readonly string[];
  /** What a reference points at: names of resource types, `uri` or `external`. */
  referenceTypes?: readonly string[];
  subAttributes: readonly Attribute[];
};

/** A schema as data; discovery, parser, engine and SQL compiler all read it. */
export type Schema = { id: string; name: string; description: string; attributes: readonly Attribute[] };

/** A resource type with its core schema and the extensions that a resource may carry. */
export type ResourceType = {
  name: 'User' | 'Group';
  endpoint: string;
  schema: Schema;
  extensions: readonly Schema[];
};

type Definition = Partial<Omit<Attribute, 'name' | 'subAttributes'>> & { sub?: readonly Attribute[] };

/** An attribute with the defaults of RFC 7643 §2.2. */
export function attribute(name: string, description: string, definition: Definition = {}): Attribute {
  const { sub, ...rest } = definition;
  return {
    name,
    type: sub ? 'complex' : 'string',
    multiValued: false,
    required: false,
    // References and binary values are case exact by their type (RFC 7643 §2.3.6, §2.3.7).
    caseExact: definition.type === 'reference' || definition.type === 'binary',
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    description,
    ...(definition.type === 'reference' && { referenceTypes: ['external'] }),
    subAttributes: sub ?? [],
    ...rest,
  };
}

/** The usual sub-attributes of a multi-valued attribute (RFC 7643 §2.4). */
export const plural = (valueType: 'string' | 'reference' = 'string'): readonly Attribute[] => [
  attribute('value', 'The value', { type: valueType }),
  attribute('display', 'A name for people'),
  attribute('type', 'What the value is for, for example "work"'),
  attribute('primary', 'Whether this is the preferred value', { type: 'boolean' }),
];
