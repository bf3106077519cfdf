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

// The first process of a container gets no default action for signals: without this, a container that is stopped before its app
// listens would be killed only after its grace. Once the app has drained and raises the signal again, this ends the process.
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    if (process.listenerCount(signal) === 1) process.exit(0);
  });

await import(mainOf(app).href);
