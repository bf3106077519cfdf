import { setTimeout as sleep } from 'node:timers/promises';
import { median, quantile } from '../numbers.mjs';
import { hammer } from './hammer.mjs';
import { hammers, inScimWorld, newConnection, seedUsers } from './world.mjs';

const API = 'urn:ietf:params:scim:api:messages:2.0';
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const OPERATIONS = 1_000;
const ALONE_AGAIN_MS = 2_100;

const userNamed = name => ({ schemas: [USER], userName: name, active: true, displayName: name });
const bulkOf = (operations, path) => [
  'POST',
  `${path}/Bulk`,
  { schemas: [`${API}:BulkRequest`], Operations: operations },
];

/** Bulk of 1,000 operations against 1,000 requests on one keep-alive connection: users that come, and change. */
export const scimBulk = (progress, { rounds = 4 } = {}) =>
  inScimWorld(progress, async world => {
    const connection = await newConnection(world, 'bench');
    const [client] = await hammers(world.port, connection.token, 1);
    const rates = { create: { bulk: [], single: [] }, patch: { bulk: [], single: [] } };
    for (let round = 0; round <= rounds; round += 1) {
      const names = way => Array.from({ length: OPERATIONS }, (_, i) => `${way}${round}-${i}@x.example`);
      // Beside single requests an import gives way for two seconds.
      await sleep(ALONE_AGAIN_MS);
      const bulk = await timed(() => bulkCreate(client, connection, names('b')));
      const bulkPatch = await timed(() => bulkUpdate(client, connection, bulk.result, round));
      const single = await timed(() => singleCreate(client, connection, names('s')));
      const singlePatch = await timed(() => singleUpdate(client, connection, single.result, round));
      progress(
        `round ${round} of ${rounds}: POST ${bulk.rate}/s in bulk, ${single.rate}/s singly; PATCH ${bulkPatch.rate}/s and ${singlePatch.rate}/s`,
      );
      // The first round warms up.
      if (round === 0) continue;
      rates.create.bulk.push(bulk.rate);
      rates.create.single.push(single.rate);
      rates.patch.bulk.push(bulkPatch.rate);
      rates.patch.single.push(singlePatch.rate);
    }
    client.close();
    const rows = Object.entries(rates).flatMap(([kind, { bulk, single }]) => [
      { what: `${kind}: ${OPERATIONS} requests, one connection`, value: median(single) },
      {
        what: `${kind}: one Bulk of ${OPERATIONS} operations`,
        value: median(bulk),
        ratio: median(bulk.map((rate, i) => rate / single[i])),
        against: 'single requests',
        wanted: 5,
      },
    ]);
    return { name: 'scim-bulk', unit: 'operations/s', rows };
  });

async function timed(work) {
  const began = performance.now();
  const result = await work();
  return { result, rate: Math.round(OPERATIONS / ((performance.now() - began) / 1_000)) };
}

/** Creates users of these names in one Bulk. @returns their ids */
export async function bulkCreate(client, { path }, names) {
  const operations = names.map((name, i) => ({
    method: 'POST',
    path: '/Users',
    bulkId: `b${i}`,
    data: userNamed(name),
  }));
  const done = await bulkDone(client, operations, path, '201');
  return done.map(({ location }) => location.slice(location.lastIndexOf('/') + 1));
}

async function bulkUpdate(client, { path }, ids, round) {
  const operations = ids.map(id => ({ method: 'PATCH', path: `/Users/${id}`, data: titled(round) }));
  await bulkDone(client, operations, path, '200');
}

async function bulkDone(client, operations, path, status) {
  const answer = await client.send(...bulkOf(operations, path));
  const done = JSON.parse(answer.body).Operations ?? [];
  const bad = done.find(operation => operation.status !== status);
  if (answer.status !== 200 || bad || done.length !== operations.length)
    throw new Error(`Bulk answered ${answer.status}: ${JSON.stringify(bad ?? answer.body.toString())}`);
  return done;
}

async function singleCreate(client, { path }, names) {
  const ids = [];
  for (const name of names)
    ids.push(JSON.parse((await expected(client, 201, 'POST', `${path}/Users`, userNamed(name))).body).id);
  return ids;
}

async function singleUpdate(client, { path }, ids, round) {
  for (const id of ids) await expected(client, 200, 'PATCH', `${path}/Users/${id}`, titled(round));
}

const titled = round => ({
  schemas: [`${API}:PatchOp`],
  Operations: [{ op: 'replace', path: 'title', value: `t${round}` }],
});

async function expected(client, status, ...request) {
  const answer = await client.send(...request);
  if (answer.status !== status)
    throw new Error(`${request[0]} ${request[1]} answered ${answer.status}: ${answer.body}`);
  return answer;
}

/** Adding ten members to a group of 100,000 against adding them to an empty one, in turn. */
export const scimMembers = (progress, { members = 100_000, rounds = 60 } = {}) =>
  inScimWorld(progress, async world => {
    const connection = await newConnection(world, 'bench');
    const ids = await seedUsers(world, connection, members + 10 * (rounds + 10));
    const [client] = await hammers(world.port, connection.token, 1);
    const group = async displayName =>
      JSON.parse(
        (await expected(client, 201, 'POST', `${connection.path}/Groups`, { schemas: [GROUP], displayName }))
          .body,
      ).id;
    const large = await group('large');
    const report = progress.stage('members added', members);
    for (let n = 0; n < members; n += OPERATIONS) {
      await expected(client, 200, ...add(connection, large, ids.slice(n, Math.min(members, n + OPERATIONS))));
      report(Math.min(members, n + OPERATIONS));
    }
    const times = { empty: [], large: [] };
    for (let round = -10; round < rounds; round += 1) {
      const ten = ids.slice(members + (round + 10) * 10, members + (round + 11) * 10);
      const empty = await group(`empty ${round}`);
      for (const [name, id] of Object.entries({ empty, large })) {
        const began = performance.now();
        await expected(client, 200, ...add(connection, id, ten));
        // The first ones warm up.
        if (round >= 0) times[name].push(performance.now() - began);
      }
    }
    client.close();
    return {
      name: 'scim-members',
      unit: 'ms',
      rows: [
        { what: 'ten members to an empty group', value: median(times.empty) },
        {
          what: `ten members to a group of ${members}`,
          value: median(times.large),
          ratio: median(times.large) / median(times.empty),
          against: 'an empty one (at most)',
          wanted: 3,
        },
      ],
    };
  });

const add = ({ path }, group, ids) => [
  'PATCH',
  `${path}/Groups/${group}?excludedAttributes=members`,
  {
    schemas: [`${API}:PatchOp`],
    Operations: [{ op: 'add', path: 'members', value: ids.map(value => ({ value })) }],
  },
];

/** How long an opt-out waits for its acknowledgement while another connection imports users in bulk, against a quiet time. */
export const scimImport = (progress, { users = 100_000, every = 50 } = {}) =>
  inScimWorld(progress, async world => {
    const importing = await newConnection(world, 'importing');
    const leaving = await newConnection(world, 'leaving');
    const ids = await seedUsers(world, leaving, 20_000);
    const client = await hammer(world.port, leaving.token);
    const next = (() => {
      let n = 0;
      return () => ids[n++ % ids.length];
    })();
    const optOuts = async until => {
      const times = [];
      while (!until()) {
        const began = performance.now();
        await expected(client, 204, 'DELETE', `${leaving.path}/Users/${next()}`);
        times.push(performance.now() - began);
        await new Promise(resolve => setTimeout(resolve, every));
      }
      return times;
    };
    const quietUntil = performance.now() + 20_000;
    await optOuts(() => performance.now() > quietUntil - 15_000);
    const quiet = await optOuts(() => performance.now() > quietUntil);
    let isDone = false;
    const imported = bulkImport(world, importing, users, progress).finally(() => (isDone = true));
    const busy = await optOuts(() => isDone);
    const rate = await imported;
    client.close();
    const rows = [0.5, 0.99].flatMap(q => [
      { what: `opt-out until acknowledged, quiet, p${q * 100}`, value: quantile(quiet, q) },
      {
        what: `opt-out beside an import of ${users} users, p${q * 100}`,
        value: quantile(busy, q),
        ratio: quantile(busy, q) / quantile(quiet, q),
        against: 'quiet (at most)',
        wanted: 2,
      },
    ]);
    return { name: 'scim-import', unit: 'ms', rows, notes: [`${Math.round(rate)} users/s were imported`] };
  });

async function bulkImport({ port }, { token, path }, users, progress) {
  const client = await hammer(port, token);
  const report = progress.stage('users imported', users);
  const began = performance.now();
  for (let n = 0; n < users; n += OPERATIONS) {
    const names = Array.from({ length: Math.min(OPERATIONS, users - n) }, (_, i) => `i${n + i}@x.example`);
    await bulkCreate(client, { path }, names);
    report(n + names.length);
  }
  client.close();
  return users / ((performance.now() - began) / 1_000);
}
