import { EXIT, type ExitCode } from '../base/errors.js';
import type { KindRead } from '../cluster/workloads.js';
import { causeUnknown } from '../judge/causes.js';
import type { Cause, CheckResult } from '../judge/types.js';
import type { Observation } from '../observe/types.js';
import type { CallerTables } from '../release/callerTables.js';
import type { Diagnosis } from '../release/diagnose.js';

/** What `diagnose --json` prints; the shape is a contract. */
export interface DiagnoseDocument {
  readonly schemaVersion: 1;
  readonly service: string;
  readonly namespace: string;
  /** The workload whose calls are looked at; null: not known. */
  readonly from: string | null;
  readonly stage: string;
  /** Version -> share, 0..1; null: none was promised. */
  readonly promised: Readonly<Record<string, number>> | null;
  /** `stage`: of the scenario; `expect`: of the command line; `route`: of the route in force. */
  readonly promisedBy: 'stage' | 'expect' | 'route' | 'nobody';
  readonly window: { readonly seconds: number; readonly interrupted: boolean };
  /**
   * cause: at least one was found; refuted: the promise is broken and no cause was found; clear: objects and traffic were seen and nothing
   * is wrong with them; unseen: too little could be looked at.
   */
  readonly result: 'cause' | 'refuted' | 'clear' | 'unseen';
  readonly exitCode: ExitCode;
  readonly causes: readonly Cause[];
  /** Where the promise is broken and no known cause explains it: what was counted, and what the ledger leaves open. */
  readonly unexplained?: string;
  readonly checks: readonly Pick<
    CheckResult,
    'name' | 'vantagePoint' | 'verdict' | 'expected' | 'observed' | 'reason'
  >[];
  readonly looked: readonly Looked[];
}

/** A source of evidence, and what stays unknown where it could not be looked at. */
interface Looked {
  /** A kind of object, or `callers' route tables`, `source proxies`, `destination proxies`, `traffic graph`. */
  readonly source: string;
  readonly seen: boolean;
  /** Objects of a kind that was seen. */
  readonly count?: number;
  /** What was seen, or why not. */
  readonly detail: string;
  /** What cannot be told without it; absent where all was seen. */
  readonly unknown?: string;
}

const UNKNOWN_WITHOUT: Readonly<Record<string, string>> = {
  Namespace: 'whether a sidecar is injected, and where the mesh is ambient',
  Service: 'whether its selector pins a version, and how its ports are named',
  Pod: 'whether pods are ready, have a sidecar and carry their labels',
  Node: 'which pods are near to which callers',
  Deployment: 'replicas, images and pod templates of the versions',
  VirtualService: 'which route is in force, its weights, mirrors and faults',
  DestinationRule: 'what subsets select, and limits on connections',
  Sidecar: 'whether rules are hidden from the caller',
  Gateway: 'whether a route is bound to a gateway',
  'Gateway.gateway.networking.k8s.io': 'which listeners of a gateway take a route',
  HTTPRoute: 'routes of the Gateway API',
  PeerAuthentication: 'whether mutual TLS shuts callers out',
  Telemetry: 'whether metrics are switched off or their labels changed',
};

const POINTS: Readonly<Record<string, { source: string; unknown: string }>> = {
  source: { source: 'source proxies', unknown: 'which version answered the calls, and with which errors' },
  destination: { source: 'destination proxies', unknown: 'retries, mirror copies, and which pods answered' },
  graph: { source: 'traffic graph', unknown: 'what Kiali shows' },
};

export interface DiagnoseInput {
  readonly diagnosis: Diagnosis;
  readonly kinds: readonly KindRead[];
  readonly tables: CallerTables;
  readonly promisedBy: DiagnoseDocument['promisedBy'];
  readonly interrupted: boolean;
}

export function diagnoseDocument({
  diagnosis,
  kinds,
  tables,
  promisedBy,
  interrupted,
}: DiagnoseInput): DiagnoseDocument {
  const { scenario, stage, look, assessment, causes } = diagnosis;
  const looked = [...kinds.map(lookedAtKind), lookedAtTables(tables), ...look.observations.map(lookedAtPoint)];
  const result = resultOf(diagnosis, kinds);
  const unexplained = causeUnknown(assessment, causes)?.message;
  return {
    schemaVersion: 1,
    service: scenario.service,
    namespace: scenario.namespace,
    from: scenario.from ?? null,
    stage: stage.name,
    promised: stage.expect.share ?? null,
    promisedBy,
    window: { seconds: look.at / 1000, interrupted },
    result,
    exitCode: EXIT_OF[result],
    causes,
    ...(unexplained === undefined ? {} : { unexplained }),
    checks: assessment.checks.map(({ name, vantagePoint, verdict, expected, observed, reason }) => ({
      name,
      vantagePoint,
      verdict,
      expected,
      observed,
      reason,
    })),
    looked,
  };
}

const EXIT_OF = {
  cause: EXIT.fail,
  refuted: EXIT.fail,
  clear: EXIT.pass,
  unseen: EXIT.inconclusive,
} as const satisfies Record<DiagnoseDocument['result'], ExitCode>;

/** Nothing wrong is only said of what was seen: the Service's routes, and requests that some version answered. */
function resultOf({ look, assessment, causes }: Diagnosis, kinds: readonly KindRead[]): DiagnoseDocument['result'] {
  if (causes.length > 0) return 'cause';
  if (assessment.verdict === 'fail') return 'refuted';
  const seen = ['Service', 'VirtualService'].every((kind) => kinds.some((each) => each.kind === kind && each.from));
  const answered = look.observations.some((each) => each.vantagePoint !== 'client' && answeredAt(each) > 0);
  return seen && answered ? 'clear' : 'unseen';
}

const answeredAt = (observation: Observation): number =>
  observation.status === 'ok'
    ? Object.values(observation.counts.versions).reduce((sum, { total }) => sum + total, 0)
    : 0;

function lookedAtKind({ kind, from, count, refused }: KindRead): Looked {
  const unknown = UNKNOWN_WITHOUT[kind] ?? kind;
  if (from === undefined) return { source: kind, seen: false, detail: refused ?? 'not allowed', unknown };
  const objects = `${count} ${count === 1 ? 'object' : 'objects'}`;
  if (refused === undefined) return { source: kind, seen: true, count, detail: objects };
  return {
    source: kind,
    seen: true,
    count,
    detail: `${objects} of this namespace alone: ${refused}`,
    unknown: 'rules of other namespaces for this host',
  };
}

function lookedAtTables({ routes, detail }: CallerTables): Looked {
  const source = "callers' route tables";
  if (routes) return { source, seen: true, detail };
  return { source, seen: false, detail, unknown: 'whether a proxy still holds old routes' };
}

function lookedAtPoint(observation: Observation): Looked {
  const { source, unknown } = POINTS[observation.vantagePoint] ?? { source: observation.vantagePoint, unknown: '' };
  if (observation.status === 'no-data') return { source, seen: false, detail: observation.reason, unknown };
  const { versions, unknown: lost, foreign } = observation.counts;
  const own = Object.entries(versions).map(([name, { total }]) => `${name} ${Math.round(total)}`);
  const others = Object.values(foreign).reduce((sum, count) => sum + count, 0);
  const parts = [
    `calls answered by ${own.join(', ')}`,
    ...(lost.total > 0 ? [`${Math.round(lost.total)} reached no version`] : []),
    ...(others > 0 ? [`${Math.round(others)} of other callers`] : []),
  ];
  const counted = answeredAt(observation) + lost.total + others;
  if (counted > 0) return { source, seen: true, detail: parts.join('; ') };
  return { source, seen: false, detail: 'no call of the service in the window', unknown };
}
