export { type Check } from './check.js';
export { type CheckId } from './check-id.js';
export { ContractViolation, must, mustEqual } from './violation.js';
export { CONTRACT, HELD_BY_THE_RUNTIME, reasonToLeaveOut, runCheck } from './contract.js';
export { ContractBench, type Alteration } from './contract-bench.js';
export {
  FAULT_NAMES,
  type AccountState,
  type AccountWish,
  type ContractAccount,
  type ContractSubject,
  type ContractTarget,
  type Fault,
  type FaultName,
  type InjectedFault,
  type NegativeConfig,
  type Place,
} from './contract-target.js';
export { PLANTED_VIOLATIONS, type PlantedViolation } from './planted-violations.js';
export { mustFail, registerContract, type TestRunner } from './register-contract.js';
export {
  HttpFaultGate,
  type GateReply,
  type GateRequest,
  type HttpFaultGateOptions,
  type Script,
} from './http-fault-gate.js';
