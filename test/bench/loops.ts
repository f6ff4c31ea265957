import { readFileSync } from 'node:fs';
import { INSTALL_PEERS, peerPath } from '../support/peers.js';
import { type Bench, besidePeers, DEFAULT_SECONDS, type LoadDocument, load, pairs, type Run } from './measure.js';
import { k6Run } from './peers.js';
import { type Measured, row } from './row.js';
import { MEAN_PAGE, V2_TEXT } from './server.js';

const CONNECTIONS = 32;
const URIS = `${process.cwd()}/uris/loadtest-uris.txt`;
const CUSTOMER = '0b5c1f6e8a0d4c0e';

const closed = ({ seconds }: Bench): string[] => [
  ...['--users', String(CONNECTIONS), '--think-time', '0', '--duration', `${seconds}s`],
];

/** One URL again and again: what a request costs. */
export function bareLoop(bench: Bench): Promise<Measured> {
  const { url } = bench.server;
  return besidePeers(bench, 'bare', `bare loop, ${CONNECTIONS} connections, 2 kB`, {
    ours: [url, ...closed(bench)],
    url,
    connections: CONNECTIONS,
    peers: [
      { name: 'wrk', goal: { atLeast: 0.85, aim: 1 } },
      { name: 'autocannon', goal: { atLeast: 2.1, aim: 2.5 } },
      { name: 'hey', goal: { atLeast: 2.4, aim: 3 } },
      { name: 'k6', goal: { atLeast: 5.5 } },
    ],
  });
}

/** The URI list, with every body scanned and every answer in the books of its version, beside peers that do less on pages of the same size. */
export async function scripted(bench: Bench): Promise<Measured> {
  const what = 'Pitstop list, versions told by a marker';
  const { origin, hasPitstop } = bench.server;
  if (!hasPitstop) return { rows: [], skipped: [`${what}: nginx is not installed`] };
  const marker = ['--marker', 'v1=', '--marker', `v2=${V2_TEXT}`, '--marker-failed', 'offline'];
  const list = ['--uris', URIS, '--base-url', origin, '--set', `customerId=${CUSTOMER}`];
  return besidePeers(bench, 'scripted', what, {
    ours: [...list, ...marker, '--marker-uri', '/CustomerManagement/Details/*', ...closed(bench)],
    url: `${origin}${MEAN_PAGE}`,
    connections: CONNECTIONS,
    check: checkVersions,
    peers: [
      { name: 'wrk', doing: 'bare', goal: { atLeast: 0.65 } },
      { name: 'autocannon', doing: 'bare', goal: { atLeast: 1.5 } },
      {
        name: 'k6',
        doing: 'with one check',
        goal: { atLeast: 6 },
        command: (program) =>
          k6Run(program, k6Script(origin), { ...bench, connections: CONNECTIONS, folder: bench.server.folder }),
      },
    ],
  });
}

/** Half of the list is the details page, and a tenth of those come from v2: without the marker's count there would be none. */
function checkVersions({ requests, versions: { v1 = 0, v2 = 0 } }: LoadDocument): void {
  const [told, second] = [(v1 + v2) / requests, v2 / (v1 + v2)];
  if (Math.abs(told - 0.5) > 0.05 || Math.abs(second - 0.1) > 0.05) {
    throw new Error(`of ${requests} answers ${v1} told v1 and ${v2} v2; the server gives a tenth of half of them v2`);
  }
}

function k6Script(origin: string): string {
  const paths = readFileSync(URIS, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('/'))
    .map((path) => path.replace('{customerId}', CUSTOMER));
  return `import http from 'k6/http';
import { check } from 'k6';
const paths = ${JSON.stringify(paths)};
let at = __VU;
export default () => {
  const answer = http.get(${JSON.stringify(origin)} + paths[at++ % paths.length]);
  check(answer, { 'is a page': ({ status, body }) => status === 200 && !body.includes('offline') });
};
`;
}

/** Users whose memory is measured. */
const SOME = 1000;
/** Making so many users must not be most of it. */
const LEAST_SECONDS = 20;

/** The engines of `load`: each one's own process counts, and for k6 that of weighbridge as well, which reads its samples. */
export async function engines(bench: Bench): Promise<Measured> {
  const bare = [bench.server.url, ...closed(bench)];
  const undici = await against(bench, bare, ['--engine', 'undici']);
  const rows = [row('engines', 'bare loop: times --engine undici', undici.map(ratio), 'x')];
  const program = peerPath('k6');
  if (!program) return { rows, skipped: [`--engine k6: k6 is not installed; ${INSTALL_PEERS} installs it`] };
  const k6 = ['--engine', 'k6', '--k6', program];
  rows.push(row('engines', 'bare loop: times --engine k6', (await against(bench, bare, k6)).map(ratio), 'x'));
  const seconds = bench.seconds < DEFAULT_SECONDS ? bench.seconds : Math.max(bench.seconds, LEAST_SECONDS);
  const users = [bench.server.url, '--users', String(SOME), '--think-time', '1s', '--duration', `${seconds}s`];
  const some = await against(bench, users, k6);
  const what = `${SOME.toLocaleString('en-US')} users, 1 request/s each`;
  rows.push(row('engines', `${what}: times --engine k6`, some.map(ratio), 'x'));
  const megabytes = some.map(({ theirs }) => theirs.document.generator.peakRssBytes / 1e6);
  rows.push(row('engines', `${what}: peak memory of --engine k6`, megabytes, 'MB'));
  return { rows, skipped: [] };
}

const ratio = ({ ours, theirs }: { ours: Run; theirs: Run }): number => ours.perCpuSecond / theirs.perCpuSecond;

/** The node engine beside another with the same load. */
const against = (bench: Bench, args: readonly string[], engine: readonly string[]) =>
  pairs(
    bench,
    () => load(bench, args),
    () => load(bench, [...args, ...engine]),
  );
