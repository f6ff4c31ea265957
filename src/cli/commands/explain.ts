import { Command } from 'commander';
import { ConfigError, EXIT } from '../../base/errors.js';
import { objectRef } from '../../base/kubernetes.js';
import type { MeshWarning } from '../../mesh/types.js';
import type { ManifestObject } from '../../scenario/types.js';
import { explain } from '../explainDocument.js';
import { callerOf, hostWarning, parseFrom, parseTo, readObjects } from '../explainInput.js';
import { explainText, type PlacedWarning } from '../explainText.js';
import type { Io } from '../io.js';

const HELP = `
Examples:
  weighbridge explain -f manifests/ --from webapp.shop --to cart:8080
  weighbridge explain -f svc.yaml -f canary.yaml --from webapp.shop \\
    --to cart:8080 --header x-canary=1 --json
  weighbridge explain -f manifests/ --gateway \\
    --from istio-ingressgateway.istio-system --to shop.example.com:8080

Deployments stand for ready pods with the labels of their template. A failed
share names the status and Envoy's response flag: UH no ready endpoint, NC
unknown host or subset, NR no route, FI injected fault.

Exit codes: 0 explained, whatever the warnings · 3 usage, or a file is faulty
`;

interface Flags {
  readonly filename: string[];
  readonly from: string;
  readonly to: string;
  readonly namespace?: string;
  readonly method: string;
  readonly path: string;
  readonly header: string[];
  readonly versionLabel: string;
  readonly gateway?: boolean;
  readonly json?: boolean;
}

const collect = (value: string, before: string[]): string[] => [...before, value];

/** `explain`: what a mesh makes of manifests, for one caller and one host; needs no cluster. */
export function explainCommand(io: Io): Command {
  return new Command('explain')
    .description(
      'What a mesh makes of these manifests: the route table of one caller, and the predicted share of each version',
    )
    .requiredOption(
      '-f, --filename <path...>',
      'manifest files or folders (*.yaml, *.yml, *.json); applied in this order',
    )
    .requiredOption('--from <workload.namespace>', 'the workload that calls')
    .requiredOption('--to <host[:port]>', 'the host as the caller writes it')
    .option('-n, --namespace <name>', 'namespace of objects that name none (default: that of --from)')
    .option('--method <method>', 'method of the request', 'GET')
    .option('--path <path>', 'path of the request, with query', '/')
    .option('--header <name=value>', 'header of the request; may be repeated', collect, [])
    .option('--version-label <label>', 'pod label that tells the versions apart', 'version')
    .option('--gateway', '--from is a gateway workload')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action(async (flags: Flags) => {
      const from = parseFrom(flags.from, flags.namespace);
      const { host, port } = parseTo(flags.to);
      const headers = parseHeaders(flags.header);
      if (!flags.path.startsWith('/')) {
        throw new ConfigError([
          { file: '--path', message: `found "${flags.path}"; allowed is a path that starts with /` },
        ]);
      }
      const { manifests, warnings } = await readObjects(flags.filename, io.cwd, flags.namespace ?? from.namespace);
      const objects = manifests.map((manifest) => manifest.object);
      const known = callerOf(objects, from, flags.gateway === true);
      const method = flags.method.toUpperCase();
      const document = explain({
        objects,
        caller: known.caller,
        host,
        port,
        method,
        path: flags.path,
        headers,
        versionLabel: flags.versionLabel,
      });
      const unrouted = document.protocol === 'passthrough' || document.protocol === 'none';
      const all: MeshWarning[] = [
        ...warnings,
        ...known.warnings,
        ...(unrouted ? [hostWarning(objects, host, document.to, from.namespace)] : []),
        ...document.warnings,
      ];
      const placed = all.map((warning) => placeWarning(warning, manifests));
      if (flags.json) io.stdout.write(`${JSON.stringify({ ...document, warnings: placed }, null, 2)}\n`);
      else {
        const shown = [method, flags.path, ...flags.header.map((header) => header.replace('=', ': '))].join(' ');
        io.stdout.write(explainText(document, shown, placed, io.stdout.color));
      }
      io.setExitCode(EXIT.pass);
    });
}

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
function placeWarning(warning: MeshWarning, manifests: readonly ManifestObject[]): PlacedWarning {
  const manifest = manifests.find(({ object }) => objectRef(object) === warning.object);
  if (!manifest) return warning;
  let field = warning.field;
  while (field && manifest.lines[field] === undefined) field = field.replace(/(\.[^.[\]]*|\[[^\]]*\]|^[^.[]*)$/, '');
  return { ...warning, file: manifest.file, line: manifest.lines[field] ?? manifest.line };
}
