import { median } from '../numbers.mjs';
import { rateOf } from './hammer.mjs';
import { bulkCreate } from './many.mjs';
import { CLIENTS, hammers, inScimWorld, newConnection, settle, startPeer } from './world.mjs';

const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const DEACTIVATE = {
  schemas: [PATCH_OP],
  Operations: [{ op: 'replace', path: 'active', value: false }],
};

/** Clients that ask at once: as many as there are connections to the database, and a crowd that has to wait for them. */
const WIDTHS = [CLIENTS, 4 * CLIENTS];

/**
 * GET by id and PATCH `active=false`, each user once, against scimmy-routers on Express with the same PostgreSQL, round by round. The
 * PATCH of the ingress is an opt-out with its event; that of the other server one UPDATE.
 */
export const scimRequests = (progress, { rounds = 4, users = 3_000, reads = 20_000 } = {}) =>
  inScimWorld(progress, async world => {
    const connection = await newConnection(world, 'bench');
    const ids = await usersOf(world, connection, users * (rounds + 1) * WIDTHS.length);
    const peer = await startPeer(world, ids);
    const servers = { sever: { ...connection, port: world.port }, scimmy: peer };
    const rows = [];
    for (const width of WIDTHS) {
      const some = ids.splice(0, users * (rounds + 1));
      rows.push(...(await compared({ progress, servers, ids: some, rounds, users, reads, width })));
    }
    await peer.stop();
    return { name: 'scim-requests', unit: 'requests/s', rows };
  });

/** Both servers in turn, asked by `width` clients at once. */
async function compared({ progress, servers, ids, rounds, users, reads, width }) {
  const rates = { sever: { get: [], patch: [] }, scimmy: { get: [], patch: [] } };
  for (let round = 0; round <= rounds; round += 1)
    // Each is the first one in every other round.
    for (const [name, server] of inTurn(Object.entries(servers), round)) {
      // Anew each time: a server closes what is idle for some seconds.
      const clients = await hammers(server.port, server.token, width);
      const get = await rateOf(clients, getEach(server, ids, reads), [200]);
      const mine = ids.slice(round * users, (round + 1) * users);
      const patch = await rateOf(clients, patchEach(server, mine), [200]);
      for (const client of clients) client.close();
      progress(
        `${width} clients, round ${round} of ${rounds}: ${name} GET ${Math.round(get)}/s, PATCH ${Math.round(patch)}/s`,
      );
      // The first round warms up.
      if (round === 0) continue;
      rates[name].get.push(get);
      rates[name].patch.push(patch);
    }
  const against = (kind, wanted) => ({
    value: median(rates.sever[kind]),
    ratio: median(rates.sever[kind].map((rate, i) => rate / rates.scimmy[kind][i])),
    against: 'scimmy-routers',
    wanted,
  });
  const of = what => `${what}, ${width} clients`;
  return [
    { what: of('GET by id, scimmy-routers on Express'), value: median(rates.scimmy.get) },
    { what: of('GET by id'), ...against('get', 5) },
    { what: of('PATCH active=false, scimmy-routers on Express'), value: median(rates.scimmy.patch) },
    { what: of('PATCH active=false: an opt-out'), ...against('patch', 3) },
  ];
}

const inTurn = (list, round) => (round % 2 === 0 ? list : list.toReversed());

/** Users that came through the door, with everything that it keeps of them. */
async function usersOf(world, connection, count) {
  const [client] = await hammers(world.port, connection.token, 1);
  const report = world.progress.stage('users created', count);
  const ids = [];
  while (ids.length < count) {
    const names = Array.from(
      { length: Math.min(1_000, count - ids.length) },
      (_, i) => `u${ids.length + i}@x.example`,
    );
    ids.push(...(await bulkCreate(client, connection, names)));
    report(ids.length);
  }
  client.close();
  await settle(world);
  return ids;
}

function getEach({ path }, ids, reads) {
  let n = 0;
  return () => (n < reads ? ['GET', `${path}/Users/${ids[(n += 1) % ids.length]}`] : undefined);
}

function patchEach({ path }, ids) {
  let n = 0;
  return () => (n < ids.length ? ['PATCH', `${path}/Users/${ids[n++]}`, DEACTIVATE] : undefined);
}
