import { runIngress } from './run-ingress.js';

await runIngress();
