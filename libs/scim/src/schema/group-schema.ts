import { attribute, type ResourceType, type Schema } from './attribute.js';

export const GROUP_SCHEMA_ID = 'urn:ietf:params:scim:schemas:core:2.0:Group';

/** RFC 7643 §4.2. A member is its `value`; what else it says is set once. */
const groupSchema: Schema = {
  id: GROUP_SCHEMA_ID,
  name: 'Group',
  description: 'Group',
  attributes: [
    attribute('displayName', 'The name of the group', { required: true }),
    attribute('members', 'Who is in the group', {
      multiValued: true,
      sub: [
        attribute('value', 'Id of the member', { caseExact: true, required: true, mutability: 'immutable' }),
        attribute('$ref', 'Address of the member', {
          type: 'reference',
          referenceTypes: ['User', 'Group'],
          mutability: 'immutable',
        }),
        attribute('type', 'What the member is', {
          mutability: 'immutable',
          canonicalValues: ['User', 'Group'],
        }),
        attribute('display', 'Name of the member', { mutability: 'immutable' }),
      ],
    }),
  ],
};

export const GROUP: ResourceType = {
  name: 'Group',
  endpoint: '/Groups',
  schema: groupSchema,
  extensions: [],
};
