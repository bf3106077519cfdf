import { createServer } from 'node:http';

// A scripted target: answers as a SCIM service whose every person exists, and remembers when a person was first asked for.
// GET /times gives the nanoseconds of the machine's monotonic clock by name, and forgets them.
const first = new Map();
const active = new Map();

const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
const user = name => ({
  schemas: [USER_SCHEMA],
  id: Buffer.from(name).toString('hex'),
  userName: name,
  active: active.get(name) ?? true,
});
const list = items => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
  totalResults: items.length,
  startIndex: 1,
  itemsPerPage: items.length,
  Resources: items,
});

function answer(method, url) {
  const [, , , kind, id] = url.pathname.split('/');
  if (kind === 'Groups') return list([]);
  if (kind === 'ServiceProviderConfig') return { patch: { supported: true } };
  if (id === undefined) {
    const name = /^userName eq "(.*)"$/.exec(url.searchParams.get('filter') ?? '')?.[1];
    if (name === undefined || name === 'sever-probe') return list([]);
    seen(name);
    return list([user(name)]);
  }
  const name = Buffer.from(id, 'hex').toString('utf8');
  if (method === 'PATCH') active.set(name, false);
  return user(name);
}

function seen(name) {
  if (!first.has(name)) first.set(name, String(process.hrtime.bigint()));
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const reply = body => {
    response.setHeader('content-type', 'application/scim+json');
    response.end(JSON.stringify(body));
  };
  if (url.pathname === '/times') {
    reply(Object.fromEntries(first));
    first.clear();
    return;
  }
  if (url.pathname === '/floor') {
    seen(url.searchParams.get('name') ?? '');
    reply({});
    return;
  }
  request.resume().on('end', () => reply(answer(request.method, url)));
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
process.on('SIGTERM', () => process.exit(0));
