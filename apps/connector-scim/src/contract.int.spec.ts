import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { registerContract, type ContractSubject } from '@sever/connector-sdk/testing';
import { scim } from './connector.js';
import { PAGE_SIZE, ScimContractTarget } from './testing/scim-contract-target.js';

const subject: ContractSubject = {
  definition: scim,
  faults: [
    'rate-limited',
    'rate-limited-as-forbidden',
    'server-error',
    'unavailable',
    'reset',
    'refused',
    'hang',
    'unauthorized',
    'malformed',
    'empty',
    'foreign-not-found',
    'truncated-list',
    'redirect',
    'login-page',
    'error-body',
    'write-refused',
    'response-lost',
    'false-success',
    'filter-ignored',
  ],
  manyEntitlements: 2 * PAGE_SIZE + 1,
  leftOut: { C27: 'the connector comes with a bearer token, which is no user of the service' },
  start: () => ScimContractTarget.start(),
};

registerContract('SCIM', subject, { describe, it, beforeAll, afterAll });
