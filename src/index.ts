/**
 * What other programs may build on: reading scenarios, predicting what objects do, judging counts and looks, and reading a run's journal.
 * Everything else is the command line's own.
 */
export { ConfigError, EnvironmentError, EXIT, type ExitCode, type Problem, WeighbridgeError } from './base/errors.js';
export type { KubeObject } from './base/kubernetes.js';
export { atOdds, type BoundaryOptions, boundaryRule, quantileRanks, type Ranks } from './judge/boundary.js';
export { Bunching, deflated } from './judge/bunching.js';
export { diagnose } from './judge/causes.js';
export { anytimePValue, confidenceSequence, type Interval } from './judge/confidence.js';
export { type CountsPromise, type CountsVerdict, judgeCounts } from './judge/counts.js';
export { cleanRequestsNeeded, type DarkOutcome, type DarkTally, darkOutcome } from './judge/dark.js';
export { type Change, DriftDetector, type DriftOptions } from './judge/drift.js';
export { type ErrorBlock, ErrorRatio, type ErrorRatioOptions } from './judge/errorRatio.js';
export { alarmRate, type CeilingOptions, errorCeiling } from './judge/errors.js';
export { type Decision, type GateOptions, type SequentialRule, shareGate } from './judge/gate.js';
export { type MirrorOptions, type MirrorTally, mirrorDecision } from './judge/mirror.js';
export { lnDirichletRatio, shareIntervals } from './judge/multinomial.js';
export { type BetaPrior, JEFFREYS, lnMixtureRatio } from './judge/numerics.js';
export { type OperatingCharacteristics, operatingCharacteristics } from './judge/operating.js';
export { type Plan, planRun, type Rates } from './judge/plan.js';
export type { PlannedCheck, PlannedTruth } from './judge/planCheck.js';
export { judgeShares, type SharesPromise, type SharesVerdict } from './judge/shares.js';
export { StageJudge } from './judge/stageJudge.js';
export { type PassOptions, passThreshold } from './judge/threshold.js';
export type { Cause, CauseCode, CheckResult, Ledger, Look, StageAssessment, Verdict } from './judge/types.js';
export { compileProxyConfig } from './mesh/compile.js';
export { predictShare } from './mesh/predict.js';
export { compileRouter } from './mesh/router.js';
export type { Caller, ProxyConfig, Route } from './mesh/types.js';
export type { RunEvent } from './release/events.js';
export { readJournal } from './report/journal.js';
export { foldRun } from './report/model.js';
export { loadScenario } from './scenario/load.js';
export type { Scenario, Stage } from './scenario/types.js';
