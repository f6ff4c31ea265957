import type { KubeObject } from '../../base/kubernetes.js';
import { localityAmong } from '../../mesh/localities.js';
import { list, percent } from '../words.js';
import { callerPods } from './callers.js';
import { endpointsOf } from './evidence.js';
import { flowWithoutZones, liveFlow, promisedFlow, seen } from './flow.js';
import type { CauseKind, Flow } from './kind.js';
import { at, type DiagnosisInput } from './objects.js';
import { fromObjects, type Place, placeAt } from './place.js';
import { policiesOf } from './policies.js';

/** Pods get nothing for their zone's sake as well: proxies prefer near pods as soon as outlier detection is on. */
export const preferringNear = (kind: CauseKind): CauseKind => ({
  ...kind,
  confirm: (input) => {
    const far = farPods(input);
    // Pods that are too far are idle as well.
    return far.length > 0 ? fromObjects(far) : kind.confirm(input);
  },
  predict: (candidate, input) =>
    candidate.confirmedBy === 'objects' ? seen(liveFlow(input) ?? promisedFlow(input)) : kind.predict(candidate, input),
});

const SAME = 1e-6;

const differ = (a: Flow, b: Flow): boolean =>
  [...Object.keys(a.share), ...Object.keys(b.share)].some(
    (version) => Math.abs((a.share[version] ?? 0) - (b.share[version] ?? 0)) > SAME,
  );

/** Weights by zone. */
const weights = (policy: unknown): unknown => at(policy, 'loadBalancer', 'localityLbSetting', 'distribute');

/** A policy that makes proxies prefer near pods, where that moves the share. */
function farPods(input: DiagnosisInput): Place[] {
  const policy = policiesOf(input).find(({ value }) => at(value, 'outlierDetection') !== undefined || weights(value));
  const live = policy && liveFlow(input);
  const even = live && flowWithoutZones(input);
  if (!policy || !live || !even || !differ(live, even)) return [];
  const { from = '', versions } = input.scenario;
  const pods = endpointsOf(input);
  const of = (version: string) => pods.flatMap((each) => (each.version === version ? [each.pod] : []));
  const where = [
    `${from} runs in ${placesOf(input, callerPods(input, from))}`,
    ...Object.keys(versions).map((version) => `${version} in ${placesOf(input, of(version))}`),
  ];
  const shares = Object.keys(versions).map((version) => `${version} gets ${percent(live.share[version] ?? 0)}`);
  const setting = at(policy.value, 'loadBalancer', 'localityLbSetting') !== undefined;
  const field = `${policy.field}.${setting ? 'loadBalancer.localityLbSetting' : 'outlierDetection'}`;
  const why = weights(policy.value)
    ? `the weights of distribute send the requests of ${from} by zone, whatever the versions there`
    : `with outlier detection on, the proxies of ${from} send to pods of farther zones only as far as near ones fail`;
  return [
    placeAt(input, policy.rule, field, {
      found: `${list(where)}: ${list(shares)}`,
      expected: 'requests to the pods of every zone',
      fix: `Give each zone pods of every version, or set loadBalancer.localityLbSetting.enabled: false while the split is judged: ${why}.`,
    }),
  ];
}

function placesOf({ objects }: DiagnosisInput, pods: readonly KubeObject[]): string {
  const places = pods.map((pod) => (localityAmong(objects, pod) ?? 'no known zone').replace(/\/+$/, ''));
  return list([...new Set(places)].sort()) || 'no pod';
}
