import { attribute, type Attribute, type ResourceType } from './attribute.js';

/** Attributes of every resource (RFC 7643 §3.1). */
const COMMON: readonly Attribute[] = [
  attribute('schemas', 'The schemas of the resource', {
    multiValued: true,
    type: 'reference',
    caseExact: true,
    returned: 'always',
    required: true,
  }),
  attribute('id', 'The id given by this service', {
    caseExact: true,
    mutability: 'readOnly',
    returned: 'always',
    uniqueness: 'server',
  }),
  attribute('externalId', 'The id given by the client', { caseExact: true }),
  attribute('meta', 'Facts about the resource itself', {
    mutability: 'readOnly',
    sub: [
      attribute('resourceType', 'The name of the type', { mutability: 'readOnly', caseExact: true }),
      attribute('created', 'When it was made', { type: 'dateTime', mutability: 'readOnly' }),
      attribute('lastModified', 'When it was last changed', { type: 'dateTime', mutability: 'readOnly' }),
      attribute('location', 'Its address', { type: 'reference', mutability: 'readOnly', caseExact: true }),
      attribute('version', 'Its entity tag', { mutability: 'readOnly', caseExact: true }),
    ],
  }),
];

/** An attribute of a type, with the extension it stands under (undefined: at the top of the resource). */
export type Resolved = { attribute: Attribute; extension: string | undefined };

const named = (attributes: readonly Attribute[], name: string): Attribute | undefined => {
  const lower = name.toLowerCase();
  return attributes.find(a => a.name.toLowerCase() === lower);
};

/** Finds an attribute by name, case-insensitively; `urn` is a schema URN that qualified the name. */
export function findAttribute(type: ResourceType, name: string, urn?: string): Resolved | undefined {
  if (!urn || urn.toLowerCase() === type.schema.id.toLowerCase()) {
    const found = named(COMMON, name) ?? named(type.schema.attributes, name);
    return found && { attribute: found, extension: undefined };
  }
  const extension = findExtension(type, urn);
  const found = extension && named(extension.attributes, name);
  return found && { attribute: found, extension: extension.id };
}

/**
 * An attribute named without a URN that the core schema does not have and exactly one extension has: of several, nobody knows which
 * is meant.
 */
export function findBareAttribute(type: ResourceType, name: string): Resolved | undefined {
  if (findAttribute(type, name)) return undefined;
  const found = type.extensions.flatMap(extension => findAttribute(type, name, extension.id) ?? []);
  return found.length === 1 ? found[0] : undefined;
}

export const findExtension = (type: ResourceType, urn: string): ResourceType['schema'] | undefined =>
  type.extensions.find(e => e.id.toLowerCase() === urn.toLowerCase());

export const findSubAttribute = (attribute_: Attribute, name: string): Attribute | undefined =>
  named(attribute_.subAttributes, name);

export const commonAttributes = (): readonly Attribute[] => COMMON;
