import { postgresUrl, setting } from '@sever/config';
import { z } from 'zod';

/** What `sever setup` reads from its environment. */
export const setupSettings = {
  databaseUrl: setting('DATABASE_URL', 'the database, as the role that owns it', postgresUrl, {
    secret: true,
  }),
  keysDir: setting(
    'SEVER_KEYS_DIR',
    'folder of the key-encryption keys; made, with a first key, where it is empty',
    z.string().min(1),
  ),
};
