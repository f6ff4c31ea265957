import { partsOf } from '../../scenario/workload.js';
import { type PreparedRequest, prepareRequests } from '../requests.js';
import { urisOf } from '../schedule.js';
import type { LoadSpec } from '../types.js';
import { lapOf } from '../workload/uriWalk.js';
import type { K6Part, K6Plan, K6Request, K6Settings } from './contract.js';
import { executorOf } from './executors.js';
import { refuseForK6 } from './lacks.js';
import { thresholdsFor } from './summary.js';

export interface PlanOptions {
  /** Told apart from other runs by it in a Prometheus that all write to: the tag `testid` of every sample; default: no tag. */
  readonly testId?: string;
  /** As `K6Settings.gateUrl`. */
  readonly gateUrl?: string;
}

/** Of a sample, beside our own: few, because each is written with every one of k6's samples. */
const SYSTEM_TAGS = ['scenario', 'name', 'status', 'error_code'];
const TREND_STATS = ['count', 'min', 'avg', 'med', 'p(90)', 'p(99)', 'p(99.9)', 'max'];

/**
 * The data file of the scripts (`K6Plan`), for `JSON.stringify`: the URI list with its variables filled in and resolved against the base
 * URL, weights as laps, marker, and the models as k6's executors. It holds the headers of the requests: whoever keeps it keeps their secrets.
 * @throws ConfigError with everything that k6 cannot do, or that cannot be resolved.
 */
export function renderPlan(spec: LoadSpec, { testId, gateUrl }: PlanOptions = {}): K6Plan {
  refuseForK6(spec);
  const { seed, order, timeoutMs, marker, defaultVersion, durationMs, maxRequests } = spec;
  const requests = prepareRequests(spec).map(requestOf);
  // A replay was refused.
  const models = spec.model.kind === 'replay' ? [] : partsOf(spec.model);
  const parts: K6Part[] = models.map(({ model }, index) => ({
    name: models.length === 1 ? 'load' : `load-${index + 1}`,
    model,
  }));
  const limits = {
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(maxRequests === undefined ? {} : { maxRequests }),
  };
  const versions = [
    ...new Set([...Object.keys(marker?.versions ?? {}), ...(defaultVersion === undefined ? [] : [defaultVersion])]),
  ];
  const settings: K6Settings = {
    planVersion: 1,
    seed,
    order,
    timeoutMs,
    marker: {
      versions: marker?.versions ?? {},
      ...(marker?.failed === undefined ? {} : { failed: marker.failed }),
      ...(defaultVersion === undefined ? {} : { byAbsence: defaultVersion }),
    },
    parts,
    limits,
    options: {
      scenarios: Object.fromEntries(
        parts.map(({ name, model }) => [name, executorOf(model, { ...limits, timeoutMs })]),
      ),
      thresholds: thresholdsFor(versions),
      summaryTrendStats: TREND_STATS,
      systemTags: SYSTEM_TAGS,
      tags: testId === undefined ? {} : { testid: testId },
      discardResponseBodies: true,
      noConnectionReuse: (spec.freshShare ?? 0) === 1,
      insecureSkipTLSVerify: spec.tls?.insecure === true,
    },
    ...(gateUrl === undefined ? {} : { gateUrl }),
  };
  return { settings, requests, laps: models.map((part) => [...lapOf(order, urisOf(spec.uris, part))]) };
}

function requestOf({ name, origin, path, method, headers, body, tellsVersion }: PreparedRequest): K6Request {
  const pairs = Array.from({ length: headers.length / 2 }, (_, index) => headers.slice(2 * index, 2 * index + 2));
  return {
    name,
    method,
    url: origin + path,
    headers: Object.fromEntries(pairs),
    ...(body === undefined ? {} : { body: body.toString('base64') }),
    tellsVersion,
  };
}
