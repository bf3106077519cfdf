import pg from 'pg';

// The floor's back half: woken by the hint, one indexed read, one durable row per event, one call.
const connectionString = process.env.FLOOR_DATABASE;
const pool = new pg.Pool({ connectionString, max: 16 });
const listener = new pg.Client({ connectionString });
const next = Array.from({ length: 48 }, () => 0);
let woken = false;
let reading = false;

async function deliver({ id, value }) {
  await pool.query('insert into floor_work (event_id, state) values ($1, $2)', [id, 'running']);
  const { name } = JSON.parse(value.toString('utf8'));
  const reply = await fetch(`${process.env.FLOOR_TARGET}/floor?name=${encodeURIComponent(name)}`);
  await reply.arrayBuffer();
}

async function read() {
  woken = true;
  if (reading) return;
  reading = true;
  while (woken) {
    woken = false;
    const { rows } = await pool.query(
      `select f.* from unnest($1::bigint[]) with ordinality as u(n, i) join floor_counter c on c.part = u.i - 1 and c.next > u.n
        cross join lateral (
          select l.part, l.n, l.event_id as id, l.value from floor_log l where l.part = c.part and l.n >= u.n order by l.n limit 1000) f`,
      [next],
    );
    for (const row of rows) {
      next[row.part] = Math.max(next[row.part], Number(row.n) + 1);
      void deliver(row);
    }
  }
  reading = false;
}

await listener.connect();
listener.on('notification', () => void read());
await listener.query('listen floor');
console.log(JSON.stringify({ ready: true }));
process.on('SIGTERM', () => process.exit(0));
