import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { registerContract, type ContractSubject } from '@sever/connector-sdk/testing';
import { postgres } from './connector.js';
import { PostgresContractTarget } from './testing/postgres-contract-target.js';

const subject: ContractSubject = {
  definition: postgres,
  faults: [
    'server-error',
    'unavailable',
    'reset',
    'refused',
    'hang',
    'unauthorized',
    'malformed',
    'write-refused',
    'response-lost',
    'false-success',
  ],
  manyEntitlements: 12,
  leftOut: {},
  start: () => PostgresContractTarget.start(),
};

registerContract('PostgreSQL', subject, { describe, it, beforeAll, afterAll });
