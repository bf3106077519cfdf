import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import pg from 'pg';

// The floor's front half in bare `pg`: a request, one durable transaction with a directory row and an appended event, a hint, an answer.
const PARTITIONS = 48;
const pool = new pg.Pool({ connectionString: process.env.FLOOR_DATABASE, max: 16 });

async function optOut(name) {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(
      'insert into floor_person (name, active) values ($1, false) on conflict (name) do update set active = false',
      [name],
    );
    // Numbered under the lock of a counter: a sequence would let readers overlook a row that commits late.
    await client.query(
      `with counted as (update floor_counter set next = next + 1 where part = $1 returning next - 1 as n)
       insert into floor_log (part, n, event_id, value) select $1, n, $2, $3 from counted`,
      [
        Math.floor(Math.random() * PARTITIONS),
        randomUUID(),
        Buffer.from(JSON.stringify({ name, filler: 'x'.repeat(500) })),
      ],
    );
    await client.query('commit');
  } finally {
    client.release();
  }
  void pool.query(`select pg_notify('floor', '')`);
}

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    optOut(new URL(request.url ?? '/', 'http://localhost').searchParams.get('name')).then(
      () => response.writeHead(204).end(),
      error => response.writeHead(500).end(String(error)),
    );
  });
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
process.on('SIGTERM', () => process.exit(0));
