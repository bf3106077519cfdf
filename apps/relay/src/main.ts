import { runRelay } from './run-relay.js';

await runRelay();
