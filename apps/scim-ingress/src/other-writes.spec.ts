import { expect, it } from '@jest/globals';
import Fastify from 'fastify';
import { OtherWrites, noteOtherWrites } from './other-writes.js';

it.each([
  ['PATCH', '/scim/v2/okta/Users/1', true],
  ['POST', '/v1/opt-outs', true],
  ['DELETE', '/scim/v2/okta/Users/bulk-buyer', true],
  ['GET', '/scim/v2/okta/Users', false],
  ['POST', '/scim/v2/okta/Bulk', false],
  ['POST', '/scim/v2/okta/bulk/', false],
  ['POST', '/scim/v2/okta/Bulk?x=1', false],
  ['POST', '/scim/v2/okta/Users/.search', false],
  ['POST', '/scim/v2/okta/groups/.Search/', false],
  ['POST', '/scim/v2/okta/.search', false],
  ['POST', '/scim/v2/okta/SecurityEvents', false],
  ['POST', '/oauth2/token', false],
  ['HEAD', '/scim/v2/okta/Users', false],
  ['OPTIONS', '/scim/v2/okta/Users', false],
  ['POST', '/scim/v2/okta/Users', true],
  ['PUT', '/scim/v2/okta/Groups/1', true],
  ['DELETE', '/scim/v2/okta/Users/bulk', true],
  ['PATCH', '/scim/v2/okta/Users/.search', true],
  ['POST', '/v1/connections/token/rotate', true],
])('%s %s is noted: %s, for two seconds', async (method, url, isNoted) => {
  let now = 0;
  const writes = new OtherWrites(() => now);
  const fastify = Fastify();
  noteOtherWrites(fastify, writes);
  await fastify.inject({ method: method as 'GET', url });
  expect(writes.areExpected()).toBe(isNoted);
  now += 2_001;
  expect(writes.areExpected()).toBe(false);
  await fastify.close();
});
