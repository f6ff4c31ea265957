import { Command } from 'commander';
import { ConfigError, EXIT } from '../../base/errors.js';
import { type KubeObject, objectRef } from '../../base/kubernetes.js';
import type { MeshWarning } from '../../mesh/types.js';
import { diffTraffic } from '../explainDiff.js';
import { diffText } from '../explainDiffText.js';
import { type ExplainDocument, explain } from '../explainDocument.js';
import { type Expected, parseExpectations, unkept } from '../explainExpect.js';
import { hostWarning, parseFrom, parseTo, placedCallers, portWarning } from '../explainInput.js';
import { explainText, type PlacedWarning } from '../explainText.js';
import type { Io } from '../io.js';
import { readLiveMesh } from '../liveMesh.js';
import { lineOf, type PlacedObject } from '../placed.js';
import { readWorld, type World } from '../world.js';

const HELP = `
Examples:
  weighbridge explain -f manifests/ --from webapp.shop --to cart:8080
  weighbridge explain -f svc.yaml -f canary.yaml --from webapp.shop \\
    --to cart:8080 --header x-canary=1 --json
  helm template chart/ | weighbridge explain -f - --from webapp.shop --to cart
  weighbridge explain -f manifests/ --gateway \\
    --from istio-ingressgateway.istio-system --to shop.example.com:8080

In CI: exit code 1 unless the objects do what they should, and what a change
of them would change for traffic:
  weighbridge explain -f manifests/ --from webapp.shop --to cart:8080 \\
    --expect v2=10% --expect failed=0%
  weighbridge explain -f main/ --diff branch/ --from webapp.shop
  weighbridge explain --context prod --diff branch/ --from webapp.shop

Deployments stand for ready pods with the labels of their template. A failed
share names the status and Envoy's response flag: UH no ready endpoint, NC
unknown host or subset, NR no route, FI injected fault, UC and UF mutual TLS
that one side does not take; 403 - is denied by an AuthorizationPolicy. On
ports for TLS the host is the server name of the connection.

Exit codes: 0 explained, whatever the warnings · 1 --expect is not met ·
3 usage, or a file is faulty · 4 the cluster does not answer
`;

interface Flags {
  readonly filename: string[];
  readonly from: string;
  readonly to?: string;
  readonly namespace?: string;
  readonly method: string;
  readonly path: string;
  readonly header: string[];
  readonly versionLabel: string;
  readonly gateway?: boolean;
  readonly diff?: string[];
  readonly expect: string[];
  readonly context?: string;
  readonly kubeconfig?: string;
  readonly json?: boolean;
}

const collect = (value: string, before: string[]): string[] => [...before, value];

/** `explain`: what a mesh makes of manifests, for one caller and one host; needs no cluster. */
export function explainCommand(io: Io): Command {
  return new Command('explain')
    .description(
      'What a mesh makes of these manifests: the route table of one caller, and the predicted share of each version',
    )
    .option(
      '-f, --filename <path...>',
      'manifest files or folders (*.yaml, *.yml, *.json), - is standard input; applied in this order',
      [],
    )
    .requiredOption('--from <workload.namespace>', 'the workload that calls')
    .option('--to <host[:port]>', 'the host as the caller writes it; may be left out with --diff: all of them')
    .option('-n, --namespace <name>', 'namespace of objects that name none (default: that of --from)')
    .option('--method <method>', 'method of the request', 'GET')
    .option('--path <path>', 'path of the request, with query', '/')
    .option('--header <name=value>', 'header of the request; may be repeated', collect, [])
    .option('--version-label <label>', 'pod label that tells the versions apart', 'version')
    .option('--gateway', '--from is a gateway workload')
    .option(
      '--diff <path...>',
      'which requests go elsewhere with these manifests instead (with --context: laid over the cluster)',
    )
    .option(
      '--expect <version=percent>',
      'exit code 1 unless this share is predicted; "failed" is what fails; may be repeated',
      collect,
      [],
    )
    .option('--context <name>', 'begin with the objects of the live cluster of this kube context; -f is laid over them')
    .option('--kubeconfig <file>', 'begin with the live cluster of this kubeconfig')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((flags: Flags) => run(io, flags));
}

async function run(io: Io, flags: Flags): Promise<void> {
  const from = parseFrom(flags.from, flags.namespace);
  const expected = parseExpectations(flags.expect);
  const headers = parseHeaders(flags.header);
  checkUsage(flags);
  const live = await liveObjects(io, flags, flags.namespace ?? from.namespace);
  const options = { cwd: io.cwd, namespace: flags.namespace ?? from.namespace, stdin: io.stdin, ...live };
  const before = await readWorld(flags.filename, options);
  const after =
    flags.diff && (await readWorld(flags.diff, { ...options, ...(live.live ? { live: before.objects } : {}) }));
  for (const note of [...before.notes, ...(after?.notes ?? [])]) io.stderr.write(`left out: ${note}\n`);
  const request = { method: flags.method.toUpperCase(), path: flags.path, headers };
  const ask = { io, flags, from, request, expected };
  if (after) compare(before, after, ask);
  else single(before, ask);
}

interface Ask {
  readonly io: Io;
  readonly flags: Flags;
  readonly from: { readonly workload: string; readonly namespace: string };
  readonly request: { readonly method: string; readonly path: string; readonly headers: Record<string, string> };
  readonly expected: readonly Expected[];
}

function checkUsage({ path, filename, diff, to, context, kubeconfig, expect }: Flags): void {
  const refuse = (file: string, message: string, hint?: string): never => {
    throw new ConfigError([{ file, message, ...(hint ? { hint } : {}) }]);
  };
  if (!path.startsWith('/')) refuse('--path', `found "${path}"; allowed is a path that starts with /`);
  if (filename.length === 0 && context === undefined && kubeconfig === undefined) {
    refuse('--filename', 'no manifests are named', 'name files or folders with -f, or a live cluster with --context');
  }
  if (to === undefined && !diff) refuse('--to', 'is missing; needed is the host that is called, such as cart:8080');
  if (to === undefined && expect.length > 0) refuse('--expect', 'needs --to: the shares of one host are expected');
  if ([...filename, ...(diff ?? [])].filter((place) => place === '-').length > 1) {
    refuse('--filename', 'standard input can be read only once');
  }
}

/** What a live cluster holds, when one is named; what may not be read is said. */
async function liveObjects(
  io: Io,
  { context, kubeconfig }: Flags,
  namespace: string,
): Promise<{ live?: readonly KubeObject[] }> {
  if (context === undefined && kubeconfig === undefined) return {};
  const { objects, unread } = await readLiveMesh({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    namespace,
  });
  for (const line of unread) io.stderr.write(`not read: ${line}\n`);
  return { live: objects };
}

function single(world: World, ask: Ask): void {
  const { io, flags } = ask;
  const { document, placed } = explained(world, ask, flags.to ?? '');
  if (flags.json) io.stdout.write(`${JSON.stringify({ ...document, warnings: placed }, null, 2)}\n`);
  else io.stdout.write(explainText(document, shownRequest(flags), placed, io.stdout.color));
  judge(document, ask);
}

function compare(before: World, after: World, ask: Ask): void {
  const { io, flags, from, request } = ask;
  const { versionLabel } = flags;
  const gateway = flags.gateway === true;
  const diff = diffTraffic({
    before: before.objects,
    after: after.objects,
    callersBefore: placedCallers(before.objects, from, gateway).callers,
    callersAfter: placedCallers(after.objects, from, gateway).callers,
    to: flags.to === undefined ? undefined : parseTo(flags.to),
    request,
    versionLabel,
  });
  const sides = [before, after].map((world) => explained(world, ask, flags.to ?? ''));
  const key = ({ code, object, field }: PlacedWarning) => `${code} ${object} ${field}`;
  const known = new Set(sides[0]?.placed.map(key));
  const kept = new Set(sides[1]?.placed.map(key));
  const warnings = sides[1]?.placed.filter((warning) => !known.has(key(warning))) ?? [];
  const resolved = sides[0]?.placed.filter((warning) => !kept.has(key(warning))) ?? [];
  const document = { from: `${from.workload}.${from.namespace}`, ...diff, warnings, resolved };
  io.stdout.write(flags.json ? `${JSON.stringify(document, null, 2)}\n` : diffText(document, io.stdout.color));
  const told = sides[1]?.document;
  if (told && flags.to !== undefined) judge(told, ask);
  else io.setExitCode(EXIT.pass);
}

/** The document of one host, or with an empty one the warnings alone. */
function explained(world: World, { flags, from, request }: Ask, to: string) {
  const { objects } = world;
  const known = placedCallers(objects, from, flags.gateway === true);
  const [{ caller }] = known.callers;
  const { host, port } = to === '' ? { host: '', port: undefined } : parseTo(to);
  const { versionLabel } = flags;
  const document = explain({ objects, callers: known.callers, host, port, ...request, versionLabel });
  const unrouted = caller.sidecar !== false && ['passthrough', 'none'].includes(document.protocol) && to !== '';
  const whyUnrouted = () =>
    flags.gateway ? portWarning(objects, caller, document.to) : hostWarning(objects, host, document.to, from.namespace);
  const all: MeshWarning[] = [
    ...world.warnings,
    ...known.warnings,
    ...(unrouted ? [whyUnrouted()] : []),
    ...document.warnings,
  ];
  const manifests = new Map(world.placed.map((manifest) => [objectRef(manifest.object), manifest]));
  return { document, placed: all.map((warning) => placeWarning(warning, manifests)) };
}

/** Says what is expected and not predicted. */
function judge(document: ExplainDocument, { io, expected }: Ask): void {
  const broken = unkept(expected, document);
  for (const line of broken) io.stderr.write(`--expect: ${line}\n`);
  io.setExitCode(broken.length > 0 ? EXIT.fail : EXIT.pass);
}

const shownRequest = ({ method, path, header }: Flags): string =>
  [method.toUpperCase(), path, ...header.map((pair) => pair.replace('=', ': '))].join(' ');

function parseHeaders(pairs: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  const problems = [];
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, equals).trim().toLowerCase();
    if (equals < 1 || !/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) {
      problems.push({
        file: '--header',
        message: `found "${pair}"; allowed is NAME=VALUE`,
        hint: 'such as x-canary=1',
      });
    } else headers[name] = pair.slice(equals + 1);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return headers;
}

/** With the file and line of the field, or of the nearest thing around it that is written. */
function placeWarning(warning: MeshWarning, manifests: ReadonlyMap<string, PlacedObject>): PlacedWarning {
  const manifest = manifests.get(warning.object);
  if (manifest?.file === undefined) return warning;
  const line = lineOf(manifest, warning.field);
  return { ...warning, file: manifest.file, ...(line === undefined ? {} : { line }) };
}
