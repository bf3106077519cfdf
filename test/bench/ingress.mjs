import { PARTITIONS, toRecord } from '@sever/event-log';
import { createPostgresEventLogAdmin, createPostgresEventLogWriter } from '@sever/event-log-postgres';
import { makeEvent, newEventId } from '@sever/event-contracts';
import { openDatabase } from '@sever/postgres';
import { median } from './numbers.mjs';
import { startPipeline } from './pipeline.mjs';

const WRITERS = 16;

/** PATCH of a user over HTTP against the raw append of the same event, same database, same number of writers, round by round. */
export async function ingress(progress, { rounds = 5, seconds = 4 } = {}) {
  const pipeline = await startPipeline(['--rate-limit', 'off']);
  try {
    const { ready } = pipeline;
    const { baseUrl, token } = ready.connections.find(c => c.id === 'strict');
    const send = (method, route, body) =>
      fetch(baseUrl + route, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' },
        body: JSON.stringify(body),
      });
    const ids = [];
    for (let i = 0; i < WRITERS; i += 1) {
      const reply = await send('POST', '/Users', {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
        userName: `bench.${i}@acme.example`,
      });
      ids.push((await reply.json()).id);
    }
    const db = await openDatabase({ url: ready.databaseUrl, applicationName: 'bench', poolMax: WRITERS });
    await createPostgresEventLogAdmin(db).ensureTopics([{ topic: 'requests', partitions: PARTITIONS }]);
    const writer = createPostgresEventLogWriter(db);
    const subjects = ids.map(() => newEventId());
    const append = i =>
      db.transaction(em =>
        writer.append(em, [
          toRecord(
            makeEvent({
              type: 'sever.subject.updated.v1',
              id: newEventId(),
              source: '/connections/strict',
              tenant: 'acme',
              subject: subjects[i],
              time: new Date(),
              data: {
                actor: { kind: 'connection', id: 'strict' },
                target: { kind: 'subject', id: subjects[i] },
                door: {
                  via: 'scim',
                  operation: 'update',
                  connection: 'strict',
                  resource: ids[i],
                  dialect: 'strict',
                  rules: [],
                },
                connection: 'strict',
                resource: ids[i],
                attributes: ['title'],
              },
            }),
          ),
        ]),
      );
    let n = 0;
    const patch = async i => {
      const reply = await send('PATCH', `/Users/${ids[i]}`, {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
        Operations: [{ op: 'replace', path: 'title', value: `t${(n += 1)}` }],
      });
      if (reply.status !== 200) throw new Error(`PATCH answered ${reply.status}`);
      await reply.arrayBuffer();
    };
    const rate = async work => {
      const until = performance.now() + seconds * 1_000;
      let done = 0;
      await Promise.all(
        ids.map(async (_id, i) => {
          while (performance.now() < until) {
            await work(i);
            done += 1;
          }
        }),
      );
      return done / seconds;
    };
    const rates = { patch: [], append: [] };
    for (let round = 0; round <= rounds; round += 1) {
      const [patches, appends] = [await rate(patch), await rate(append)];
      progress(
        `round ${round} of ${rounds}: PATCH ${Math.round(patches)}/s, raw append ${Math.round(appends)}/s, ${(rounds - round) * seconds * 2} s left`,
      );
      // The first round warms up.
      if (round === 0) continue;
      rates.patch.push(patches);
      rates.append.push(appends);
    }
    await db.destroy();
    return {
      name: 'ingress',
      unit: 'writes/s',
      rows: [
        { what: `raw append, ${WRITERS} writers`, value: median(rates.append) },
        {
          what: `PATCH over HTTP, ${WRITERS} clients`,
          value: median(rates.patch),
          ratio: median(rates.patch.map((patches, i) => patches / rates.append[i])),
          against: 'raw append',
          wanted: 0.5,
        },
      ],
    };
  } finally {
    await pipeline.stop();
  }
}
