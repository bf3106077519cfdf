import { governorPaths } from '../governor/openapi-governor.js';
import { connectionPaths } from './connections/openapi-connections.js';
import { answer, body, parameter, problem } from './openapi-parts.js';
import { personEventSchema, subjectPaths } from './people/openapi-subjects.js';
import { killSwitchBodySchema, operatorBodySchema, optOutBodySchema } from './request-bodies.js';

const optOut = { $ref: '#/components/schemas/OptOut' };
const ACTIONS = ['restore', 'retry', 'waive', 'hold', 'release', 'approve', 'reject'];

const action = (name: string): [string, object] => [
  `/v1/opt-outs/{id}/${name}`,
  {
    post: {
      summary: `${name} an opt-out`,
      parameters: [parameter('path', 'id')],
      requestBody: body(operatorBodySchema),
      responses: answer('202', 'The opt-out after it', optOut),
    },
  },
];

/** OpenAPI 3.1 description of the REST door; request bodies come from the schemas that check them. */
export const openApiDocument = (): object => ({
  openapi: '3.1.0',
  info: { title: 'Sever', version: '1.0.0', description: 'The opt-out door: ask, follow, take back.' },
  security: [{ bearer: [] }],
  paths: {
    '/v1/opt-outs': {
      post: {
        summary: 'Opt a person out',
        parameters: [parameter('header', 'Idempotency-Key')],
        requestBody: body(optOutBodySchema),
        responses: answer('202', 'The opt-out', optOut),
      },
      get: {
        summary: 'Opt-outs, newest first',
        parameters: ['tenant', 'userName', 'state', 'cursor', 'limit'].map(name => parameter('query', name)),
        responses: answer('200', 'A page', {
          type: 'object',
          required: ['items', 'next'],
          properties: { items: { type: 'array', items: optOut }, next: { type: ['string', 'null'] } },
        }),
      },
    },
    '/v1/opt-outs/{id}': {
      get: {
        summary: 'One opt-out',
        parameters: [parameter('path', 'id')],
        responses: answer('200', 'The opt-out', optOut),
      },
    },
    '/v1/opt-outs/{id}/events': {
      get: {
        summary: 'Server-sent events, one per change',
        parameters: [parameter('path', 'id')],
        responses: {
          200: { description: 'A stream', content: { 'text/event-stream': {} } },
          default: problem,
        },
      },
    },
    ...Object.fromEntries(ACTIONS.map(action)),
    '/v1/kill-switch': {
      get: { summary: 'The kill switch', responses: answer('200', 'Its state') },
      put: {
        summary: 'Stop or resume every side effect',
        requestBody: body(killSwitchBodySchema),
        responses: answer('200', 'Its state'),
      },
    },
    ...subjectPaths(),
    '/v1/connectors': {
      get: {
        summary: 'Health of the connectors',
        responses: answer('200', 'One entry per connector', { type: 'array' }),
      },
    },
    ...connectionPaths(),
    ...governorPaths(),
  },
  components: {
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
    schemas: {
      Problem: {
        type: 'object',
        required: ['status', 'code', 'detail'],
        properties: { status: { type: 'integer' }, code: { type: 'string' }, detail: { type: 'string' } },
      },
      PersonEvent: personEventSchema,
      OptOut: {
        type: 'object',
        required: [
          'id',
          'tenant',
          'subject',
          'userName',
          'state',
          'needsAttention',
          'source',
          'reason',
          'requestedAt',
          'cutAt',
          'purgeAfter',
          'closedAt',
          'connectors',
          'timeline',
        ],
        properties: {
          id: { type: 'string', format: 'uuid' },
          state: { type: 'string' },
          connectors: { type: 'array' },
          timeline: { type: 'array' },
        },
      },
    },
  },
});
