import { existsSync, readdirSync } from 'node:fs';

// APP=NAME node start-app.mjs [ARGS]: runs one app in this very process, so that signals reach it.
const apps = new URL('../../apps/', import.meta.url);
const mainOf = name => new URL(`${name}/dist/main.js`, apps);
const names = readdirSync(apps).filter(name => existsSync(mainOf(name)));
const app = process.env.APP ?? '';
if (!names.includes(app)) {
  process.stderr.write(`sever: APP must name an app of this image (${names.join(', ')}), not "${app}"\n`);
  process.exit(2);
}

// The first process of a container gets no default action for signals: before an app listens, and after it has drained and
// raised the signal again, nobody would end it.
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    if (process.listenerCount(signal) === 1) process.exit(0);
  });

await import(mainOf(app).href);
