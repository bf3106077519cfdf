import {
  changeBodySchema,
  clientBodySchema,
  connectionBodySchema,
  issuerBodySchema,
  rebindBodySchema,
  retireBodySchema,
  rotateBodySchema,
} from './connection-bodies.js';
import { answer, body, parameter, problem } from '../openapi-parts.js';

const ID = parameter('path', 'id');
const gone = { 204: { description: 'Done' }, default: problem };

/** The connections' part of the description of the REST door. */
export const connectionPaths = (): object => ({
  '/v1/connections': {
    post: {
      summary: 'Make a connection',
      requestBody: body(connectionBodySchema),
      responses: answer('201', 'The connection with its token or client secret, shown once'),
    },
    get: {
      summary: 'Connections with what may open them, without secrets',
      parameters: [parameter('query', 'tenant')],
      responses: answer('200', '`{ items }`'),
    },
  },
  '/v1/connections/{id}': {
    get: { summary: 'One connection', parameters: [ID], responses: answer('200', 'The connection') },
    patch: {
      summary: 'Change who decides whether an inactive namesake is the same person',
      parameters: [ID],
      requestBody: body(changeBodySchema),
      responses: answer('200', 'The connection'),
    },
  },
  '/v1/connections/{id}/rebinds': {
    get: {
      summary: 'Namesakes of whom an operator must say whether they are the same person',
      parameters: [ID],
      responses: answer('200', '`{ items }`'),
    },
  },
  '/v1/connections/{id}/rebinds/{case}': {
    put: {
      summary: 'Decide it for the next request',
      parameters: [ID, parameter('path', 'case')],
      requestBody: body(rebindBodySchema),
      responses: answer('200', 'The question with its answer'),
    },
  },
  '/v1/connections/{id}/people': {
    get: {
      summary: 'Who is still active through it',
      parameters: [ID, parameter('query', 'cursor'), parameter('query', 'limit')],
      responses: answer('200', 'A page: `{ items, next }`'),
    },
  },
  '/v1/connections/{id}/refusals': {
    get: {
      summary: 'Requests that it sent and that were refused, by form and without values',
      parameters: [ID],
      responses: answer('200', '`{ items }`'),
    },
  },
  '/v1/connections/{id}/rotate': {
    post: {
      summary: 'A new token; the former ones end after an overlap',
      parameters: [ID],
      requestBody: body(rotateBodySchema),
      responses: answer('201', 'The token, shown once'),
    },
  },
  '/v1/connections/{id}/clients': {
    post: {
      summary: 'A client for the token endpoint',
      parameters: [ID],
      requestBody: body(clientBodySchema),
      responses: answer('201', 'The client with its secret, shown once'),
    },
  },
  '/v1/connections/{id}/clients/{client}': {
    delete: {
      summary: 'End a client and its tokens',
      parameters: [ID, parameter('path', 'client')],
      responses: gone,
    },
  },
  '/v1/connections/{id}/issuers': {
    put: {
      summary: 'Trust an issuer of JWTs',
      parameters: [ID],
      requestBody: body(issuerBodySchema),
      responses: answer('200', 'The connection'),
    },
    delete: {
      summary: 'Trust an issuer no more',
      parameters: [ID, parameter('query', 'issuer', true)],
      responses: gone,
    },
  },
  '/v1/connections/{id}/retire': {
    post: {
      summary: 'End a connection; says what becomes of people who are active through it',
      parameters: [ID],
      requestBody: body(retireBodySchema),
      responses: answer('200', 'The retirement'),
    },
  },
});
