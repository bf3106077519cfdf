import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { PARTITIONS, toRecord } from '@sever/event-log';
import { createPostgresEventLogAdmin, createPostgresEventLogWriter } from '@sever/event-log-postgres';
import { makeEvent, newEventId } from '@sever/event-contracts';
import { openDatabase } from '@sever/postgres';

const WRITERS = 16;
const SECONDS = 8;
const main = new URL('../../apps/sever/dist/main.js', import.meta.url).pathname;

/** PATCH of a user over HTTP against the raw append of the same event, same database, same number of writers. */
export async function ingress(progress) {
  const data = mkdtempSync(path.join(tmpdir(), 'sever-bench-'));
  const up = spawn(
    process.execPath,
    [main, 'up', '--json', '--port', '0', '--data', data, '--rate-limit', 'off'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  try {
    const ready = JSON.parse(
      await new Promise(resolve => createInterface({ input: up.stdout }).once('line', resolve)),
    );
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
      const until = performance.now() + SECONDS * 1_000;
      let done = 0;
      await Promise.all(
        ids.map(async (_id, i) => {
          while (performance.now() < until) {
            await work(i);
            done += 1;
          }
        }),
      );
      return done / SECONDS;
    };
    await rate(patch);
    progress('warm');
    const patches = await rate(patch);
    progress('PATCH done');
    const appends = await rate(append);
    await db.destroy();
    return {
      name: 'ingress',
      unit: 'writes/s',
      rows: [
        { what: `raw append, ${WRITERS} writers`, value: appends },
        {
          what: `PATCH over HTTP, ${WRITERS} clients`,
          value: patches,
          ratio: patches / appends,
          against: 'raw append',
        },
      ],
    };
  } finally {
    up.kill('SIGTERM');
    await new Promise(resolve => up.once('exit', resolve));
    rmSync(data, { recursive: true, force: true });
  }
}
