import { parseArgs } from 'node:util';
import { KafkaClusterError, startKafkaCluster } from '../dist/index.js';

const say = text => process.stderr.write(`kafka: ${text}\n`);
const usage = text => {
  say(`${text}\nusage: npm run kafka:up [-- --brokers 1|3] [--data DIR] [--json]`);
  process.exit(2);
};

function options() {
  try {
    return parseArgs({
      options: {
        brokers: { type: 'string', default: '1' },
        data: { type: 'string', default: '.sever/kafka-up' },
        json: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return usage(error.message);
  }
}

const { brokers, data, json } = options();
if (brokers !== '1' && brokers !== '3') usage('--brokers is 1 or 3');
const stopped = new Promise(resolve => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, resolve);
});

try {
  const started = startKafkaCluster({ brokers: Number(brokers), dataDir: data, onLog: say });
  const cluster = await Promise.race([started, stopped.then(() => undefined)]);
  // A start that is given up leaves its brokers to their watchers: they end when this process does.
  if (!cluster) process.exit(1);
  const nodes = cluster.nodes.map(({ id, pid, port }) => ({ id, pid, port }));
  if (json) process.stdout.write(`${JSON.stringify({ brokers: cluster.brokers, nodes })}\n`);
  else {
    for (const n of nodes) process.stdout.write(`broker ${n.id}  127.0.0.1:${n.port}  pid ${n.pid}\n`);
    say(`ready: KAFKA_BROKERS=${cluster.brokers} (data in ${data}); Ctrl-C stops`);
  }
  await stopped;
  say('stopping');
  await cluster.stop();
} catch (error) {
  if (!(error instanceof KafkaClusterError)) throw error;
  say(`${error.code}: ${error.message}`);
  process.exit(3);
}
