export { startScratchPostgres } from './scratch-postgres.js';
