import { INSTALL_PEERS, peerPath } from '../support/peers.js';
import { type Bench, DEFAULT_SECONDS, generate, load, pairs } from './measure.js';
import { k6Run } from './peers.js';
import { type Measured, type Row, row } from './row.js';

const MANY = 10_000;
const SOME = 1000;
/** Opening the connections must not be most of it. */
const LEAST_SECONDS = 20;
/** Users start over one second. */
const START_SECONDS = 2;
const MEGABYTE = 1e6;

/** Users with a connection each, one request a second each. */
export async function manyUsers(bench: Bench): Promise<Measured> {
  const seconds = Math.max(bench.seconds, bench.seconds < DEFAULT_SECONDS ? START_SECONDS : LEAST_SECONDS);
  const rows: Row[] = [];
  const skipped: string[] = [];
  const what = (users: number) => `${users.toLocaleString('en-US')} users, 1 request/s each`;
  const { url, folder } = bench.server;
  const ours = async (users: number) => {
    const ran = await load(bench, [url, '--users', String(users), '--think-time', '1s', '--duration', `${seconds}s`]);
    // Everyone has had a turn after two a user.
    if (ran.requests > 2 * users && ran.connections < users) {
      throw new Error(`${users} users had ${ran.connections} connections`);
    }
    return ran;
  };
  const memory = (
    of: string,
    runs: readonly { readonly peakRssBytes?: number | undefined }[],
    goal?: { atMost: number },
  ) => {
    const peaks = runs.flatMap(({ peakRssBytes }) => (peakRssBytes === undefined ? [] : [peakRssBytes / MEGABYTE]));
    if (peaks.length > 0) rows.push(row('users', of, peaks, 'MB', goal));
  };

  const autocannon = peerPath('autocannon');
  const theirs = async () =>
    autocannon === undefined
      ? undefined
      : generate(bench, [autocannon, '-c', String(MANY), '-R', String(MANY), '-d', String(seconds), '-n', url]);
  const many = await pairs(bench, () => ours(MANY), theirs);
  memory(
    `${what(MANY)}: peak memory`,
    many.map((pair) => pair.ours.document.generator),
    { atMost: 130 },
  );
  if (autocannon) {
    memory(
      `${what(MANY)}: peak memory of autocannon -R`,
      many.flatMap((pair) => pair.theirs ?? []),
    );
    const ratios = many.flatMap((pair) => (pair.theirs ? [pair.theirs.perCpuSecond / pair.ours.perCpuSecond] : []));
    rows.push(row('users', `${what(MANY)}: CPU per request, times autocannon -R`, ratios, 'x', { atMost: 0.65 }));
  } else skipped.push(`${what(MANY)}: autocannon is not installed; ${INSTALL_PEERS} installs it`);

  const k6 = peerPath('k6');
  if (k6) {
    const script = `import http from 'k6/http';
import { sleep } from 'k6';
export const options = { discardResponseBodies: true };
export default () => { http.get(${JSON.stringify(url)}); sleep(1); };
`;
    const command = k6Run(k6, script, { connections: SOME, seconds, folder });
    const some = await pairs(
      bench,
      () => ours(SOME),
      () => generate(bench, command),
    );
    memory(
      `${what(SOME)}: peak memory`,
      some.map((pair) => pair.ours.document.generator),
    );
    memory(
      `${what(SOME)}: peak memory of k6`,
      some.map((pair) => pair.theirs),
    );
  } else skipped.push(`${what(SOME)}: k6 is not installed; ${INSTALL_PEERS} installs it`);
  return { rows, skipped };
}
