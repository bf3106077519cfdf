export { coordinationMigrations } from './coordination-migrations.js';
export {
  claimDue,
  loadCoordinations,
  newCoordination,
  nextDueAt,
  saveCoordinations,
  type Coordination,
} from './coordination-store.js';
