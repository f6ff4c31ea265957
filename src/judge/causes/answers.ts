import type { WindowCounts } from '../../observe/types.js';
import { confidenceSequence } from '../confidence.js';
import { attributed, goodObservation, versionFailed, versionTotal } from '../tallies.js';
import type { Cause } from '../types.js';
import { percent } from '../words.js';
import { ALPHA, causeAt } from './evidence.js';
import { at, type DiagnosisInput, deploymentsOf, items, text } from './objects.js';

/** Of the calls to a version, so many may fail before fewer marked answers need another explanation. */
const TOLERATED = 0.01;

/** Fewer answers than that may be of requests that were under way when the window opened. */
const FEW = 5;

/** Both counted the very same requests: nothing is in flight, so a difference is no chance. */
const sameRequests = ({ observations }: DiagnosisInput, client: WindowCounts, source: WindowCounts): boolean =>
  observations.settled &&
  Math.abs(attributed(client) - attributed(source)) <= Math.max(FEW, TOLERATED * attributed(source));

/**
 * Client and callers' proxies disagree about who answers: the router sent requests to the version's pods, and the answers are another's.
 * Failures are no evidence, because a failed page tells no version.
 */
export function answersOfOthers(input: DiagnosisInput): Cause[] {
  const client = goodObservation(input.observations, 'client')?.counts;
  const seen = goodObservation(input.observations, 'source');
  const source = seen?.counts;
  if (!client || !source || source.failed > TOLERATED * attributed(source)) return [];
  // Calls over TCP are no requests to the proxy, so it has not counted all that were answered.
  if (Object.values(seen.connections ?? {}).some((opened) => opened > 0)) return [];
  const version = Object.keys(input.scenario.versions).findLast((each) => {
    if (sameRequests(input, client, source))
      return (
        Math.abs(versionTotal(client, each) - versionTotal(source, each)) >
        Math.max(FEW, TOLERATED * attributed(source))
      );
    const answers = confidenceSequence(versionTotal(client, each), attributed(client), ALPHA);
    const calls = confidenceSequence(versionTotal(source, each), attributed(source), ALPHA);
    return attributed(client) > 0 && attributed(source) > 0 && (answers.high < calls.low || answers.low > calls.high);
  });
  if (version === undefined || versionFailed(source, version) > TOLERATED * versionTotal(source, version)) return [];
  const shares = `${version} in ${percent(versionTotal(client, version) / attributed(client))} of the marked answers, in ${percent(versionTotal(source, version) / attributed(source))} of the calls`;
  const base = { code: 'ANSWER_NOT_FROM_VERSION', found: shares, expected: 'the same share in both' } as const;
  const deployment = deploymentsOf(input, version)[0];
  const image = deployment && imageOf(deployment);
  const twin = Object.keys(input.scenario.versions)
    .filter((each) => each !== version)
    .flatMap((each) => deploymentsOf(input, each))
    .find((each) => imageOf(each) === image);
  if (deployment && image !== undefined && twin) {
    const fix = `Give ${version} its own image: its pods run what ${twin.metadata.name} runs.`;
    return [
      causeAt(input, deployment, 'spec.template.spec.containers[0].image', {
        ...base,
        found: `${image}, the image of ${twin.metadata.name}; ${shares}`,
        expected: `an image of ${version}`,
        fix,
      }),
    ];
  }
  const { namespace, service } = input.scenario;
  const fix = `See whether a cache answers in its place (Age, Via and X-Cache headers), whether pods of ${version} run the right image, and whether the marker is still what ${version} alone says.`;
  return [{ ...base, object: `Service/${namespace}/${service}`, field: 'answers', fix }];
}

const imageOf = (deployment: Parameters<typeof causeAt>[1]): string | undefined =>
  text(at(items(at(deployment.spec, 'template', 'spec', 'containers'))[0], 'image'));
