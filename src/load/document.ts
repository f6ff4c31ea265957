import pc from 'picocolors';
import { formatPercent } from '../base/units.js';
import type { ConnectionCounts, FailureSample, GeneratorHealth, LatencySummary, LoadSummary } from './types.js';

const round = (ms: number): number => Math.round(ms * 1000) / 1000;

function latency({ p50, p90, p99, p999, max, mean, count }: LatencySummary) {
  return {
    p50: round(p50),
    p90: round(p90),
    p99: round(p99),
    p999: round(p999),
    max: round(max),
    mean: round(mean),
    count,
  };
}

function generatorFields(generator: GeneratorHealth) {
  const { lateness, loopDelayP99, gcShare, longestGcMs } = generator;
  const told = Object.entries({ loopDelayP99, gcShare, longestGcMs }).filter(([, value]) => value !== undefined);
  return {
    ...generator,
    cpuSeconds: round(generator.cpuSeconds),
    cpuShare: round(generator.cpuShare),
    ...(lateness ? { lateness: { p50: round(lateness.p50), p99: round(lateness.p99), max: round(lateness.max) } } : {}),
    ...Object.fromEntries(told.map(([key, value = 0]) => [key, round(value)])),
  };
}

/** The machine-readable summary of a load; its fields are a contract. Times in ms. */
export function loadDocument(summary: LoadSummary, run: { readonly engine: string; readonly seed: number }) {
  const { counts, generator } = summary;
  return {
    requests: counts.sent,
    failed: counts.failed,
    dropped: counts.dropped,
    seconds: round(summary.seconds),
    requestsPerSecond: round(summary.requestsPerSecond),
    /** Bodies only. */
    bytesReceived: counts.bytesReceived,
    status: counts.status,
    errors: counts.errors,
    /** Good answers by the version that their marker tells, and those that tell none. */
    versions: counts.versions,
    unmarked: counts.unmarked,
    ...(counts.connections === undefined ? {} : { connections: counts.connections }),
    ...(summary.samples === undefined ? {} : { failures: summary.samples }),
    responseTime: latency(summary.responseTime),
    serviceTime: latency(summary.serviceTime),
    generator: generatorFields(generator),
    ...run,
  };
}

function connectionsText({ opened, fresh, pairs, agreeing }: ConnectionCounts): string {
  return [
    `connections ${opened} opened`,
    ...(fresh > 0 ? [`${fresh} requests on one of their own`] : []),
    ...(pairs > 0 ? [`${formatPercent(agreeing / pairs)} of the answers on one tell the version before`] : []),
  ].join(', ');
}

/** Lines of a sample's body that are shown. */
const BODY_LINES = 8;
const LINE_LENGTH = 160;

/** What came back in the first failed requests. */
function samplesText(samples: readonly FailureSample[], failed: number): string[] {
  if (samples.length === 0) return [];
  const indented = (text: string, most: number) => {
    const lines = text.split('\n');
    const shown = lines
      .slice(0, most)
      .map((line) => (line.length > LINE_LENGTH ? `${line.slice(0, LINE_LENGTH)}...` : line));
    return [...shown, ...(lines.length > most ? ['...'] : [])].map((line) => `    ${line}`.trimEnd());
  };
  return [
    '',
    `the first ${samples.length} of ${failed} failed`,
    ...samples.flatMap(({ atMs, uri, connection, failure, reason, head, body }) => [
      `  ${(atMs / 1000).toFixed(3)} s  ${uri}${connection === undefined ? '' : `, connection ${connection}`}: ${failure}${reason === undefined ? '' : `, ${reason}`}`,
      ...(head === '' ? [] : indented(head, Number.POSITIVE_INFINITY)),
      ...(body === '' ? [] : ['', ...indented(body, BODY_LINES)]),
    ]),
  ];
}

const TIMES = ['p50', 'p90', 'p99', 'p999', 'max'] as const;

/** The same for people, one fact a line. @param color terminal colours for what is wrong. */
export function loadText(summary: LoadSummary, color: boolean): string {
  const { counts } = summary;
  const { red } = pc.createColors(color);
  const row = (label: string, ...cells: string[]) =>
    label.padEnd(15) +
    cells
      .map((cell) => cell.padStart(11))
      .join('')
      .trimEnd();
  const times = (label: string, value: LatencySummary) =>
    row(label, ...TIMES.map((key) => (value.count === 0 ? '-' : `${value[key].toFixed(1)} ms`)));
  const list = (counted: Readonly<Record<string, number>>) =>
    Object.entries(counted)
      .sort(([, a], [, b]) => b - a)
      .map(([key, value]) => `${key}: ${value}`)
      .join(', ');
  const failedShare = counts.ended === 0 ? 0 : counts.failed / counts.ended;
  const lines = [
    `${counts.sent} requests in ${summary.seconds.toFixed(1)} s, ${summary.requestsPerSecond.toFixed(1)} requests/s, ${(counts.bytesReceived / 1e6).toFixed(2)} MB of bodies`,
    (counts.failed + counts.dropped > 0 ? red : String)(
      `${counts.failed} failed (${formatPercent(failedShare, 2)})${counts.dropped > 0 ? `, ${counts.dropped} dropped` : ''}`,
    ),
    ...(counts.sent > counts.ended ? [`${counts.sent - counts.ended} cut: they were in flight at the end`] : []),
    '',
    row('', 'p50', 'p90', 'p99', 'p99.9', 'max'),
    times('response time', summary.responseTime),
    times('service time', summary.serviceTime),
    '',
    `status     ${list(counts.status) || 'no answer'}`,
    ...(Object.keys(counts.versions).length > 0
      ? [`versions   ${list({ ...counts.versions, untold: counts.unmarked })}`]
      : []),
    ...(Object.keys(counts.errors).length > 0 ? [`errors     ${list(counts.errors)}`] : []),
    ...(counts.connections === undefined ? [] : [connectionsText(counts.connections)]),
    ...generatorLines(summary.generator, red),
    ...samplesText(summary.samples ?? [], counts.failed),
  ];
  return `${lines.join('\n')}\n`;
}

function generatorLines(generator: GeneratorHealth, red: (text: string) => string): string[] {
  const { valid, program, threads = 1, lateness, late, reason, note } = generator;
  const cores = `${formatPercent(generator.cpuShare, 0)} of ${threads === 1 ? 'a core' : `${threads} cores`}`;
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const lates = `${late} late (${formatPercent(generator.lateShare, 2)})`;
  const { loopDelayP99, gcShare = 0, longestGcMs = 0 } = generator;
  return [
    `generator  ${valid ? 'valid' : red('INVALID')}${program === undefined ? '' : `, ${program}`}, ${generator.cpuSeconds.toFixed(2)} CPU s (${cores}), ${(generator.peakRssBytes / 1e6).toFixed(0)} MB`,
    ...(reason === undefined ? [] : [`           ${red(reason)}`]),
    ...(note === undefined ? [] : [`           ${note}`]),
    lateness
      ? `lateness   p50 ${ms(lateness.p50)}, p99 ${ms(lateness.p99)}, max ${ms(lateness.max)}; ${lates}`
      : `lateness   ${lates}`,
    ...(loopDelayP99 === undefined
      ? []
      : [
          `loop       delay p99 ${ms(loopDelayP99)}, garbage collection ${formatPercent(gcShare)}, longest ${ms(longestGcMs)}`,
        ]),
  ];
}
