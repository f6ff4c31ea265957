import type { KubeObject } from '../base/kubernetes.js';
import { durationMs, isRecord } from './read.js';

/** What to look at below a value; of a list, below each entry. */
type Shape = 'duration' | { readonly [key: string]: Shape };

const POLICY: Shape = {
  outlierDetection: { interval: 'duration', baseEjectionTime: 'duration' },
  connectionPool: {
    tcp: {
      connectTimeout: 'duration',
      maxConnectionDuration: 'duration',
      tcpKeepalive: { interval: 'duration', time: 'duration' },
    },
    http: { idleTimeout: 'duration', http2KeepAlive: { interval: 'duration', timeout: 'duration' } },
  },
  loadBalancer: { warmup: { duration: 'duration' }, warmupDurationSecs: 'duration' },
};
const POLICIES: Shape = { ...POLICY, portLevelSettings: POLICY };

/** Fields with the rule `duration(self) >= duration('1ms')` in Istio's CRDs (1.31). */
const CHECKED: Readonly<Record<string, Shape>> = {
  VirtualService: {
    http: {
      timeout: 'duration',
      retries: { perTryTimeout: 'duration', backoff: 'duration' },
      fault: { delay: { fixedDelay: 'duration', exponentialDelay: 'duration' } },
      corsPolicy: { maxAge: 'duration' },
    },
  },
  DestinationRule: { trafficPolicy: POLICIES, subsets: { trafficPolicy: POLICIES } },
};

interface Found {
  /** `spec.http[0].timeout` */
  readonly field: string;
  readonly value: unknown;
}

/** Durations that the API server does not take: shorter than 1 ms, `0s` too, or none at all. */
export function refusedDurations({ kind, spec }: KubeObject): Found[] {
  const found: Found[] = [];
  const shape = CHECKED[kind];
  if (shape) look(spec, shape, 'spec', found);
  return found;
}

function look(value: unknown, shape: Shape, field: string, found: Found[]): void {
  if (shape === 'duration') {
    if ((durationMs(value) ?? 0) < 1) found.push({ field, value });
  } else if (Array.isArray(value)) {
    value.forEach((each, index) => {
      look(each, shape, `${field}[${index}]`, found);
    });
  } else if (isRecord(value)) {
    for (const [key, below] of Object.entries(shape)) {
      if (value[key] !== undefined) look(value[key], below, `${field}.${key}`, found);
    }
  }
}
