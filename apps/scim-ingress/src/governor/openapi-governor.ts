import { answer, body, parameter } from '../rest/openapi-parts.js';
import { limitsBodySchema, stagedBodySchema } from './governor-bodies.js';

const staged = (verdict: string, summary: string): object => ({
  post: {
    summary,
    requestBody: body(stagedBodySchema),
    responses: answer(
      '200',
      `\`{ ${verdict}, reclaimed, waiting, next }\`: how many; who was left out because somebody else has the name now; who still waits; where to go on`,
    ),
  },
});

/** The governor's part of the description of the REST door. */
export const governorPaths = (): object => ({
  '/v1/governor': {
    get: {
      summary: 'What each source of a tenant did within its window, its limit, and how many opt-outs wait',
      parameters: [parameter('query', 'tenant', true)],
      responses: answer('200', '`{ governor, tenant, items }`'),
    },
    put: {
      summary: 'Change limits of a connection, or of all sources of a tenant that have none of their own',
      requestBody: body(limitsBodySchema),
      responses: answer('200', 'As the GET'),
    },
  },
  '/v1/staged-opt-outs/approve': staged('approved', 'Let all opt-outs begin that the governor holds'),
  '/v1/staged-opt-outs/reject': staged('rejected', 'End all opt-outs that the governor holds'),
});
