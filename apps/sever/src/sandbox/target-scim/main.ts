import path from 'node:path';
import { endWithParent, loadConfig, port, setting } from '@sever/config';
import express from 'express';
import SCIMMY from 'scimmy';
import SCIMMYRouters from 'scimmy-routers';
import { z } from 'zod';
import { Journal } from './journal.js';
import { declareGroups, declareUsers, type StoredGroup, type StoredUser } from './resources.js';

const config = loadConfig({
  port: setting('SEVER_TARGET_PORT', 'port of the bundled SCIM service', port),
  token: setting('SEVER_TARGET_TOKEN', 'its bearer token', z.string().min(16), { secret: true }),
  data: setting('SEVER_TARGET_DATA', 'its data folder', z.string().min(1)),
});

const PAGING: ReadonlySet<string> = new Set(['startIndex', 'count']);

const users = new Journal<StoredUser>(path.join(config.data, 'users.jsonl'));
const groups = new Journal<StoredGroup>(path.join(config.data, 'groups.jsonl'));
declareUsers(users, groups);
declareGroups(groups);

const app = express();
// Express 5 makes the query read-only, so that the routers cannot turn paging parameters into numbers themselves.
app.set('query parser', (text: string) =>
  Object.fromEntries(
    [...new URLSearchParams(text)].map(([name, value]) => [
      name,
      PAGING.has(name) && value !== '' ? Number(value) : value,
    ]),
  ),
);
app.get('/healthz', (_request, response) => {
  response.json({ status: 'ok' });
});
const authenticate = (request: express.Request): string => {
  if (request.header('Authorization') !== `Bearer ${config.token}`)
    throw new Error('send the bearer token of this service');
  return 'administrator';
};
app.use(
  '/scim/v2',
  new SCIMMYRouters({ type: 'bearer', handler: authenticate }) as unknown as express.RequestHandler,
);
SCIMMY.Config.set({ patch: true, filter: true });

const server = app.listen(config.port, '127.0.0.1');
endWithParent();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    setTimeout(() => process.exit(0), 2_000).unref();
  });
