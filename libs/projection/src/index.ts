export { projectBatch } from './project-batch.js';
export { verifyReplay, type ReplayProgress, type ReplayReport } from './verify-replay.js';
