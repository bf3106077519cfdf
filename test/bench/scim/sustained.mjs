import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../numbers.mjs';
import { hammers, inScimWorld, newConnection, seedUsers } from './world.mjs';

const API = 'urn:ietf:params:scim:api:messages:2.0';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
/** Requests per second that a tenant may count on, and member operations that one of them may hold (OpenID IPSIE AL1). */
const RATE = 25;
const MEMBERS = 50;
const GROUPS = 20;

/**
 * PATCHes of 50 member operations, 25 a second of one tenant, each sent when it is due whether or not those before it are answered; then
 * as fast as one connection to the server can.
 */
export const scimSustained = (progress, { seconds = 20 } = {}) =>
  inScimWorld(progress, async world => {
    const connection = await newConnection(world, 'bench');
    const requests = RATE * seconds;
    const further = Math.ceil(requests / 4);
    const people = await seedUsers(world, connection, (requests + further) * MEMBERS);
    const clients = await hammers(world.port, connection.token);
    const groups = await groupsOf(clients[0], connection, GROUPS);
    const patchOf = n => [
      'PATCH',
      `${connection.path}/Groups/${groups[n % GROUPS]}?attributes=displayName`,
      { schemas: [`${API}:PatchOp`], Operations: people.slice(n * MEMBERS, (n + 1) * MEMBERS).map(joins) },
    ];
    const report = progress.stage('requests sent', requests);
    const times = await atRate(clients, requests, patchOf, report);
    const fast = await asFastAsPossible(clients[0], further, n => patchOf(requests + n));
    for (const client of clients) client.close();
    const stored = await world.db.query(
      'select count(*)::int as n from scim_group_member where connection = $1',
      [connection.id],
    );
    if (stored[0].n !== people.length) throw new Error(`${stored[0].n} members, not ${people.length}`);
    return [
      {
        name: 'scim-sustained',
        unit: 'ms',
        rows: [
          {
            what: `PATCH of ${MEMBERS} member operations, ${RATE} a second, p50`,
            value: quantile(times, 0.5),
          },
          { what: 'the same, p99', value: quantile(times, 0.99) },
        ],
      },
      {
        name: 'scim-sustained-most',
        unit: 'requests/s',
        rows: [
          {
            what: `PATCH of ${MEMBERS} member operations, one client without a pause`,
            value: fast,
            ratio: fast / RATE,
            against: `${RATE} a second`,
            wanted: 1,
          },
        ],
      },
    ];
  });

const joins = value => ({ op: 'add', path: 'members', value: [{ value }] });

async function groupsOf(client, { path }, count) {
  const ids = [];
  for (let i = 0; i < count; i += 1) {
    const { status, body } = await client.send('POST', `${path}/Groups`, {
      schemas: [GROUP],
      displayName: `g${i}`,
    });
    if (status !== 201) throw new Error(`a group was answered ${status}: ${body}`);
    ids.push(JSON.parse(body).id);
  }
  return ids;
}

/** @returns how long each request took from when it was due, in milliseconds: one that had to wait for a free client counts the wait */
async function atRate(clients, requests, requestOf, report) {
  const free = [...clients];
  const began = performance.now();
  const times = [];
  const pending = [];
  for (let n = 0; n < requests; n += 1) {
    const due = began + (n * 1_000) / RATE;
    await sleep(Math.max(0, due - performance.now()));
    while (free.length === 0) await sleep(1);
    const client = free.pop();
    pending.push(
      sent(client, requestOf(n)).then(() => {
        times.push(performance.now() - due);
        free.push(client);
        report(times.length);
      }),
    );
  }
  await Promise.all(pending);
  return times;
}

/** @returns requests per second */
async function asFastAsPossible(client, requests, requestOf) {
  const began = performance.now();
  for (let n = 0; n < requests; n += 1) await sent(client, requestOf(n));
  return requests / ((performance.now() - began) / 1_000);
}

async function sent(client, request) {
  const { status, body } = await client.send(...request);
  if (status !== 200) throw new Error(`${request[0]} ${request[1]} answered ${status}: ${body}`);
}
