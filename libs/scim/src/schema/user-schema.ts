import { attribute, plural, type ResourceType, type Schema } from './attribute.js';

export const USER_SCHEMA_ID = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const ENTERPRISE_SCHEMA_ID = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

const name = attribute('name', 'The parts of the name', {
  sub: ['formatted', 'familyName', 'givenName', 'middleName', 'honorificPrefix', 'honorificSuffix'].map(
    part => attribute(part, `The ${part} of the person`),
  ),
});

const address = ['formatted', 'streetAddress', 'locality', 'region', 'postalCode', 'country'].map(part =>
  attribute(part, `The ${part} of the address`),
);

/** RFC 7643 §4.1; `password` is not declared: it is discarded at the edge. */
const userSchema: Schema = {
  id: USER_SCHEMA_ID,
  name: 'User',
  description: 'User Account',
  attributes: [
    attribute('userName', 'The name by which the provider knows the person', {
      required: true,
      uniqueness: 'server',
    }),
    name,
    ...['displayName', 'nickName', 'title', 'userType', 'preferredLanguage', 'locale', 'timezone'].map(
      plain => attribute(plain, `The ${plain} of the person`),
    ),
    attribute('profileUrl', 'A page about the person', { type: 'reference' }),
    // Required, since it cannot be removed (RFC 7644 §3.5.2.2); where a request leaves it out, it is true or stays as it is.
    attribute('active', 'Whether the person may use the connected systems', {
      type: 'boolean',
      required: true,
    }),
    ...['emails', 'phoneNumbers', 'ims', 'entitlements', 'roles'].map(many =>
      attribute(many, `The ${many} of the person`, { multiValued: true, sub: plural() }),
    ),
    attribute('photos', 'Pictures of the person', { multiValued: true, sub: plural('reference') }),
    attribute('addresses', 'Postal addresses', {
      multiValued: true,
      sub: [...address, ...plural().slice(2)],
    }),
    attribute('x509Certificates', 'Certificates', {
      multiValued: true,
      sub: [attribute('value', 'DER, base64', { type: 'binary' }), ...plural().slice(1)],
    }),
    attribute('groups', 'Groups to which the person belongs', {
      multiValued: true,
      mutability: 'readOnly',
      sub: [
        attribute('value', 'Id of the group', { mutability: 'readOnly', caseExact: true }),
        attribute('$ref', 'Address of the group', {
          type: 'reference',
          referenceTypes: ['User', 'Group'],
          mutability: 'readOnly',
        }),
        attribute('display', 'Name of the group', { mutability: 'readOnly' }),
        attribute('type', '"direct" or "indirect"', {
          mutability: 'readOnly',
          canonicalValues: ['direct', 'indirect'],
        }),
      ],
    }),
  ],
};

/** RFC 7643 §4.3. */
const enterpriseSchema: Schema = {
  id: ENTERPRISE_SCHEMA_ID,
  name: 'EnterpriseUser',
  description: 'Enterprise User',
  attributes: [
    ...['employeeNumber', 'costCenter', 'organization', 'division', 'department'].map(plain =>
      attribute(plain, `The ${plain} of the person`),
    ),
    attribute('manager', 'The manager of the person', {
      sub: [
        attribute('value', 'Id of the manager', { caseExact: true }),
        attribute('$ref', 'Address of the manager', { type: 'reference', referenceTypes: ['User'] }),
        attribute('displayName', 'Name of the manager', { mutability: 'readOnly' }),
      ],
    }),
  ],
};

export const USER: ResourceType = {
  name: 'User',
  endpoint: '/Users',
  schema: userSchema,
  extensions: [enterpriseSchema],
};
