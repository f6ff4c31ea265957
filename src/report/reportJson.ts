import type { Cause, CheckResult, Finding, LedgerLine, VantagePoint, Verdict } from '../judge/types.js';
import type { LatencySummary } from '../load/types.js';
import type { TrafficGraph } from '../observe/types.js';
import type { RunModel, StageModel } from './types.js';

/** `report.json`; the shape is a contract (schema/report.schema.json), fields may be added. Times of day ISO 8601 in UTC. */
export interface Report {
  readonly schemaVersion: 1;
  readonly runId: string;
  readonly scenario: string;
  readonly seed: number;
  readonly engine: string;
  readonly verdict: Verdict;
  readonly exitCode: number;
  readonly headline: string;
  readonly weighbridgeVersion: string;
  readonly target: { readonly kind: 'lab' | 'cluster'; readonly context: string };
  readonly startedAt: string;
  readonly seconds: number;
  readonly finished: boolean;
  /** The journal ends in the middle of this line, from 1. */
  readonly journalCutAtLine?: number;
  readonly interrupted?: string;
  readonly failure?: { readonly code: string; readonly message: string; readonly hint: string };
  readonly unreachable: RunModel['unreachable'];
  readonly stages: readonly ReportStage[];
  readonly load: ReportLoad | null;
  readonly restored?: RunModel['restored'];
}

interface ReportStage {
  readonly name: string;
  readonly verdict: Verdict;
  /** null: not reached. */
  readonly startedAt: string | null;
  /** From stage-started to stage-finished, or to the end of the run. */
  readonly seconds: number;
  readonly reached: boolean;
  readonly arrival: { readonly ms: number; readonly how: string; readonly inferred: boolean } | null;
  readonly checks: readonly ReportCheck[];
  readonly causes: readonly Cause[];
  readonly findings: readonly Finding[];
  readonly ledger: { readonly closed: boolean; readonly lines: readonly LedgerLine[] } | null;
  readonly latency: Percentiles | null;
  readonly graph: TrafficGraph | null;
  readonly changes: StageModel['changes'];
  readonly looks: number;
}

interface ReportCheck {
  readonly name: string;
  readonly vantagePoint: VantagePoint;
  readonly required: boolean;
  readonly verdict: Verdict;
  readonly expected: CheckResult['expected'];
  /** null: nothing was observed. */
  readonly observed: CheckResult['observed'] | null;
  readonly errorRate: number;
  /** Anytime-valid p-value of the promise; absent where the counts are no evidence against it by themselves. */
  readonly pValue?: number;
  readonly reason: string;
  /** The same for a statistician; absent when nothing was counted. */
  readonly statistics?: string;
  /** About how many more requests would tell; absent when decided or not known. */
  readonly need?: number;
  /** Drift: when it began, ms since the counting window opened. */
  readonly changedAt?: number;
  /** ms since the counting window opened; null: undecided. */
  readonly decidedAt: number | null;
}

interface Percentiles {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

interface ReportLoad {
  readonly requests: number;
  readonly failed: number;
  readonly dropped: number;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  readonly bytesReceived: number;
  readonly status: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly responseTime: Percentiles;
  readonly serviceTime: Percentiles;
  readonly generator: NonNullable<RunModel['generator']>;
}

/** The report of a run; a pure function of its journal. */
export function reportOf(run: RunModel): Report {
  const { facts } = run;
  return {
    schemaVersion: 1,
    runId: facts.runId,
    scenario: facts.scenario.name,
    seed: facts.seed,
    engine: facts.engine,
    verdict: run.verdict,
    exitCode: run.exitCode,
    headline: run.headline,
    weighbridgeVersion: facts.weighbridgeVersion,
    target: { kind: facts.target.kind, context: facts.target.context },
    startedAt: new Date(run.startedAt).toISOString(),
    seconds: seconds(run.startedAt, run.lastAt),
    finished: run.finished,
    ...(run.cutLine !== undefined && { journalCutAtLine: run.cutLine }),
    ...(run.interrupted && { interrupted: run.interrupted }),
    ...(run.failure && {
      failure: { code: run.failure.code, message: run.failure.message, hint: run.failure.hint },
    }),
    unreachable: run.unreachable,
    stages: run.stages.map((stage) => stageOf(stage, run.lastAt)),
    load: loadOf(run),
    ...(run.restored && { restored: run.restored }),
  };
}

/** Text of report.json. */
export const reportJson = (run: RunModel): string => `${JSON.stringify(reportOf(run), undefined, 2)}\n`;

function stageOf(stage: StageModel, lastAt: number): ReportStage {
  const { assessment, arrival } = stage;
  return {
    name: stage.name,
    verdict: stage.verdict,
    startedAt: stage.startedAt === undefined ? null : new Date(stage.startedAt).toISOString(),
    seconds: stage.startedAt === undefined ? 0 : seconds(stage.startedAt, stage.endedAt ?? lastAt),
    reached: stage.phase !== 'not-reached',
    arrival: arrival ? { ms: arrival.ms, how: arrival.how, inferred: arrival.inferred } : null,
    checks: (assessment?.checks ?? []).map(checkOf),
    causes: stage.causes,
    findings: stage.findings,
    ledger: assessment ? { closed: assessment.ledger.closed, lines: assessment.ledger.lines } : null,
    latency: stage.latency ? percentilesOf(stage.latency) : null,
    graph: stage.graph ?? null,
    changes: stage.changes,
    looks: stage.looks,
  };
}

function checkOf(check: CheckResult): ReportCheck {
  const { name, vantagePoint, required, verdict, expected, observed, errorRate, reason, decidedAt } = check;
  const { statistics, need } = check;
  return {
    name,
    vantagePoint,
    required,
    verdict,
    expected,
    observed: observed ?? null,
    errorRate,
    ...(check.pValue === undefined ? {} : { pValue: check.pValue }),
    reason,
    ...(statistics === undefined ? {} : { statistics }),
    ...(need === undefined ? {} : { need }),
    ...(check.changedAt === undefined ? {} : { changedAt: check.changedAt }),
    decidedAt: decidedAt ?? null,
  };
}

function loadOf({ load }: RunModel): ReportLoad | null {
  if (!load) return null;
  const { counts, requestsPerSecond, responseTime, serviceTime, generator } = load;
  return {
    requests: counts.sent,
    failed: counts.failed,
    dropped: counts.dropped,
    seconds: load.seconds,
    requestsPerSecond,
    bytesReceived: counts.bytesReceived,
    status: sorted(counts.status),
    errors: sorted(counts.errors),
    responseTime: percentilesOf(responseTime),
    serviceTime: percentilesOf(serviceTime),
    generator,
  };
}

const percentilesOf = ({ count, mean, p50, p90, p99, p999, max }: LatencySummary): Percentiles => ({
  count,
  mean,
  p50,
  p90,
  p99,
  p999,
  max,
});

const sorted = (record: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));

const seconds = (from: number, to: number) => Math.round(to - from) / 1000;
