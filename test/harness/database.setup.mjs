import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Starts one PostgreSQL server for all integration specs; the child stops it when its standard input closes. */
export default async function setup() {
  const script = fileURLToPath(new URL('./database.server.mjs', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  process.env.SEVER_TEST_POSTGRES_URL = await new Promise((resolve, reject) => {
    child.once('exit', code =>
      reject(new Error(`the test database ended with ${code}; is everything built (npm run build)?`)),
    );
    child.stdout.once('data', data => resolve(String(data).trim()));
  });
  globalThis.severTestDatabase = child;
}
