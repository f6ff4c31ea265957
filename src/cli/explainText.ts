import pc from 'picocolors';
import { formatPercent } from '../base/units.js';
import type { MeshWarning } from '../mesh/types.js';
import type { ExplainDocument, ExplainedRoute } from './explainDocument.js';
import { shareBar } from './shareBar.js';

export interface PlacedWarning extends MeshWarning {
  readonly file?: string;
  readonly line?: number;
}

const PROTOCOLS: Readonly<Record<ExplainDocument['protocol'], string>> = {
  http: 'routed as HTTP, request by request',
  tcp: 'routed as TCP, connection by connection',
  passthrough: 'not routed: the connection passes through',
  none: 'refused',
};

/** The document for people: route table, where the request goes, what is odd. */
export function explainText(
  document: ExplainDocument,
  request: string,
  warnings: readonly PlacedWarning[],
  color: boolean,
): string {
  const paint = pc.createColors(color);
  const lines = [`${paint.bold(`${document.from} → ${document.to}`)}  ${PROTOCOLS[document.protocol]}`];
  if (document.routes.length > 0) {
    lines.push(`routes of ${document.source || 'the Service alone (no VirtualService or HTTPRoute applies)'}`, '');
    lines.push(
      ...columns(
        [['', 'matches', 'destination', 'weight', 'share', '', 'ready'], ...document.routes.flatMap(routeRows)],
        paint,
      ),
    );
    lines.push(...document.routes.flatMap(notes));
  }
  lines.push('', `${paint.bold(request)} ${takes(document)}`);
  const rows = [
    ...Object.entries(document.share).map(([version, share]) => [
      '',
      version,
      shareBar(share),
      formatPercent(share, 4),
      '',
    ]),
    ...Object.entries(document.failed).map(([how, share]) => [
      '',
      how,
      shareBar(share),
      formatPercent(share, 4),
      meaning(how, document.protocol),
    ]),
    ...Object.entries(document.mirrored).map(([version, copies]) => [
      '',
      version === 'lost' ? 'copies lost' : `copies to ${version}`,
      shareBar(Math.min(1, copies)),
      formatPercent(copies, 4),
      'of the requests',
    ]),
  ];
  lines.push(...columns(rows));
  if (warnings.length > 0) {
    lines.push('', paint.bold(`${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'}`));
    lines.push(...warningLines(warnings, paint));
  }
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

export function warningLines(warnings: readonly PlacedWarning[], paint: { yellow(text: string): string }): string[] {
  return warnings.flatMap(({ code, object, field, message, file, line }) => {
    const place = [object, field, file === undefined ? '' : `(${file}${line === undefined ? '' : `:${line}`})`];
    return [`  ${paint.yellow(code)}  ${place.filter((part) => part).join(' ')}`, `      ${message}`];
  });
}

function takes({ taken, routes, protocol }: ExplainDocument): string {
  if (taken >= 0) return routes.length === 1 ? 'goes' : `takes route ${taken + 1} and goes`;
  if (protocol === 'http') return 'matches no route';
  return routes.length > 0 ? 'has a server name that no route takes' : 'is in no route table';
}

function routeRows(route: ExplainedRoute, index: number): string[][] {
  const sum = route.destinations.reduce((total, destination) => total + destination.weight, 0);
  const matches = route.matches.length > 0 ? route.matches : ['every request'];
  const targets = route.answer
    ? [[`${route.answer.kind} ${route.answer.status}`, '', '', '', '']]
    : [
        ...route.destinations.map(({ host, subset, port, weight, endpoints, exists }) => [
          `${host}:${port}${subset ? ` ${subset}` : ''}`,
          String(weight),
          shareBar(weight / sum),
          formatPercent(weight / sum, 3),
          exists ? String(endpoints) : 'unknown to the mesh',
        ]),
        ...route.mirrors.map(({ host, subset, percent, endpoints }) => [
          `copy to ${host}${subset ? ` ${subset}` : ''}`,
          '',
          shareBar(percent / 100),
          formatPercent(percent / 100, 4),
          String(endpoints),
        ]),
      ];
  return Array.from({ length: Math.max(matches.length, targets.length) }, (_, row) => [
    row === 0 ? String(index + 1) : '',
    `${row > 0 && matches[row] ? 'or ' : ''}${matches[row] ?? ''}`,
    ...(targets[row] ?? ['', '', '', '', '']),
  ]);
}

function notes(route: ExplainedRoute, index: number): string[] {
  const { fault, retries, timeoutMs } = route;
  const parts: string[] = [];
  if (fault.delay) parts.push(`${fault.delay.percent} % delayed by ${fault.delay.ms} ms`);
  if (fault.abort) parts.push(`${fault.abort.percent} % aborted with ${fault.abort.status}`);
  if (retries.attempts > 0) {
    const codes = retries.statusCodes.length > 0 ? ` ${retries.statusCodes.join(',')}` : '';
    const each = retries.perTryTimeoutMs > 0 ? `, ${retries.perTryTimeoutMs} ms each` : '';
    parts.push(
      `${retries.attempts} ${retries.attempts === 1 ? 'retry' : 'retries'} on ${retries.retryOn.join(',')}${codes}${each}`,
    );
  } else if (!route.answer && route.name !== 'tcp' && route.name !== 'tls') parts.push('no retries');
  if (timeoutMs > 0) parts.push(`timeout ${timeoutMs} ms`);
  return parts.length > 0 ? [`  ${index + 1}: ${parts.join('; ')}`] : [];
}

const MEANINGS: Readonly<Record<string, string>> = {
  NC: 'the mesh knows no such host, port or subset',
  UH: 'no ready endpoint',
  NR: 'no route matches',
  FI: 'injected fault',
  UC: 'the destination closes the connection: it takes mutual TLS alone',
  UF: 'the handshake with the destination fails',
  '-': 'answered by the proxy itself',
  refused: 'nothing listens there',
  reset: 'the destination takes mutual TLS alone',
};

function meaning(how: string, protocol: ExplainDocument['protocol']): string {
  const flag = how.slice(how.indexOf(' ') + 1);
  if (flag === 'reset' && protocol === 'none')
    return 'no route takes the connection, and only registered hosts may be called';
  return MEANINGS[flag] ?? '';
}

function columns(rows: readonly (readonly string[])[], paint?: { dim(text: string): string }): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  return rows.map((row, index) => {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
    return `  ${index === 0 && paint ? paint.dim(line) : line}`;
  });
}
