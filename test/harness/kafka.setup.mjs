import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import startDatabase from './database.setup.mjs';

/**
 * Starts one broker, and one PostgreSQL server, for all specs of this tier. Without a broker every spec fails; none is left out.
 * The child stops the broker when its standard input closes.
 */
export default async function setup() {
  const script = fileURLToPath(new URL('./kafka.server.mjs', import.meta.url));
  const options = ['--disable-warning=TimeoutNegativeWarning', script];
  const child = spawn(process.execPath, options, { stdio: ['pipe', 'pipe', 'inherit'] });
  globalThis.severTestKafka = child;
  process.env.SEVER_TEST_KAFKA = await new Promise((resolve, reject) => {
    child.once('exit', code => reject(new Error(`the test broker ended with ${code}; the reason is above`)));
    child.stdout.once('data', data => resolve(String(data).trim()));
  });
  await startDatabase();
}
