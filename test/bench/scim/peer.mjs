import express from 'express';
import pg from 'pg';
import SCIMMY from 'scimmy';
import SCIMMYRouters from 'scimmy-routers';

// peer.mjs: the smallest honest SCIM server on scimmy-routers: each user is one row of PostgreSQL, each write one committed statement.
// PEER_DATABASE_URL, PEER_PORT, PEER_TOKEN and PEER_POOL say where, how and how wide.
const { PEER_DATABASE_URL, PEER_PORT, PEER_TOKEN, PEER_POOL } = process.env;
const pool = new pg.Pool({ connectionString: PEER_DATABASE_URL, max: Number(PEER_POOL) });
pool.on('error', error => console.error(error.message));

SCIMMY.Config.set({ patch: true, filter: true });
SCIMMY.Resources.declare(SCIMMY.Resources.User)
  .ingress(async (resource, user) => {
    const document = { ...user, id: resource.id };
    const { rows } = await pool.query({
      name: 'write',
      text: 'update peer_user set document = $2 where id = $1 returning document',
      values: [resource.id, JSON.stringify(document)],
    });
    if (!rows[0]) throw new SCIMMY.Types.Error(404, null, `no user ${resource.id}`);
    return rows[0].document;
  })
  .egress(async resource => {
    const { rows } = await pool.query({
      name: 'read',
      text: 'select document from peer_user where id = $1',
      values: [resource.id],
    });
    if (!rows[0]) throw new SCIMMY.Types.Error(404, null, `no user ${resource.id}`);
    return rows[0].document;
  })
  .degress(resource => pool.query('delete from peer_user where id = $1', [resource.id]));

const app = express();
app.use(
  '/scim/v2',
  new SCIMMYRouters({
    type: 'bearer',
    handler: request => {
      if (request.header('Authorization') !== `Bearer ${PEER_TOKEN}`) throw new Error('not authorized');
      return 'bench';
    },
  }),
);
app.listen(Number(PEER_PORT), '127.0.0.1');
process.once('disconnect', () => process.exit(0));
