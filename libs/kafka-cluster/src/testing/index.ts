export { startScratchKafka } from './scratch-kafka.js';
export { registerForScram256 } from './register-for-scram-256.js';
