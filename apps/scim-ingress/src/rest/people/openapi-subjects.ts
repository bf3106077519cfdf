import { answer, parameter } from '../openapi-parts.js';

/** An entry of a person's timeline. */
export const personEventSchema: object = {
  type: 'object',
  required: ['id', 'type', 'at', 'actor', 'connection', 'connector', 'optOut', 'group', 'moved'],
  properties: {
    id: { type: 'string', format: 'uuid' },
    type: { type: 'string' },
    at: { type: 'string', format: 'date-time' },
    actor: { type: 'string' },
    connection: { type: ['string', 'null'] },
    connector: { type: ['string', 'null'] },
    optOut: { type: ['string', 'null'] },
    group: { type: ['string', 'null'] },
    moved: { enum: ['joined', 'left', null] },
  },
};

/** What the description of the REST door says about people. */
export const subjectPaths = (): object => ({
  '/v1/subjects/opted-out': {
    get: {
      summary: 'Whether somebody is opted out; a tenant that is not there is 404, not a no',
      parameters: [parameter('query', 'tenant', true), parameter('query', 'userName', true)],
      responses: answer('200', '`{ optedOut, since }`'),
    },
  },
  '/v1/subjects/timeline': {
    get: {
      summary: 'What the log knows about a person, newest first; name the person by userName or subject',
      parameters: [
        parameter('query', 'tenant', true),
        ...['userName', 'subject', 'cursor', 'limit'].map(name => parameter('query', name)),
      ],
      responses: answer('200', 'A page', {
        type: 'object',
        required: ['tenant', 'subject', 'items', 'next'],
        properties: {
          tenant: { type: 'string' },
          subject: { type: 'string', format: 'uuid' },
          items: { type: 'array', items: { $ref: '#/components/schemas/PersonEvent' } },
          next: { type: ['string', 'null'] },
        },
      }),
    },
  },
});
