import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { USER_SCHEMA_ID } from '@sever/scim';
import { connectDialects, type DialectConnections } from '../testing/dialect-connections.js';

let ingress: DialectConnections;
beforeAll(async () => {
  ingress = await connectDialects();
}, 60_000);
afterAll(() => ingress.stop());

it.each(['userName', 'externalId'])('refuses a %s that no index takes', async name => {
  const long = randomBytes(4_000).toString('hex');
  const body = { schemas: [USER_SCHEMA_ID], userName: `someone.${name}`, [name]: long };
  const refused = await ingress.send('strict', 'POST', '/Users', body);
  expect([refused.status, refused.body.scimType]).toEqual([400, 'invalidValue']);
  const kept = await ingress.send('strict', 'POST', '/Users', { ...body, [name]: long.slice(0, 500) });
  expect(kept.status).toBe(201);
});
