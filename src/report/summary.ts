import type { CheckResult } from '../judge/types.js';
import { checkTitle, count, milliseconds, observedValue, promise, span, vantageTitle, verdictWord } from './format.js';
import { leftBehind, stageReason } from './model.js';
import { escapeMarkdown as md } from './text.js';
import type { RunModel, StageModel } from './types.js';

/** GitHub drops a step summary above 1 MiB as a whole. */
export const MAX_SUMMARY_BYTES = 900_000;

/** summary.md: verdict, stages, causes; GitHub-flavoured Markdown for step summaries and pull requests. */
export function summary(run: RunModel): string {
  const sections = [head(run), stageTable(run), ...run.stages.map(stageSection), tail(run)].filter(Boolean);
  return cut(sections);
}

function cut(sections: readonly string[]): string {
  const note = '\n_Cut here: the whole report is in index.html._\n';
  const room = MAX_SUMMARY_BYTES - Buffer.byteLength(note);
  let text = '';
  for (const section of sections) {
    const next = `${text}${text ? '\n' : ''}${section}`;
    if (Buffer.byteLength(next) > room) return `${text}${note}`;
    text = next;
  }
  return text;
}

function head(run: RunModel): string {
  const { facts } = run;
  return [
    `## ${verdictWord[run.verdict]}: ${md(facts.scenario.name)}`,
    '',
    `${md(run.headline)} Exit code ${run.exitCode}.`,
    '',
    `Run \`${code(facts.runId)}\` on ${facts.target.kind}, seed ${facts.seed}, ${span(run.lastAt - run.startedAt)}.`,
    '',
  ].join('\n');
}

function stageTable(run: RunModel): string {
  const rows = run.stages.map((stage) => {
    const checks = stage.assessment?.checks.filter(({ required }) => required) ?? [];
    const cells = [
      `**${verdictWord[stage.verdict]}**`,
      md(stage.name),
      checks.map((check) => md(`${check.name}: ${observedText(check)}, want ${promise(check)}`)).join('<br>'),
      stage.arrival ? span(stage.arrival.ms) : '',
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return ['| Verdict | Stage | Required checks | Arrived in |', '|---|---|---|---|', ...rows, ''].join('\n');
}

const observedText = (check: CheckResult) => {
  const { observed, vantagePoint } = check;
  return observed
    ? `${observedValue(check).value} ${observedValue(check).bounds} of ${count(observed.total)} at ${vantageTitle[vantagePoint].toLowerCase()}`
    : `nothing observed at ${vantageTitle[vantagePoint].toLowerCase()}`;
};

function stageSection(stage: StageModel): string {
  const lines: string[] = [];
  for (const cause of stage.causes) {
    lines.push(
      `- **${cause.code}** ${md(cause.object)} ${md(cause.field)}: found ${md(cause.found)}; expected ${md(cause.expected)}${cause.place ? ` (${md(cause.place)})` : ''}`,
      `  - Fix: ${md(cause.fix)}`,
    );
  }
  for (const finding of stage.findings) lines.push(`- ${finding.level} **${md(finding.code)}** ${md(finding.message)}`);
  if (stage.verdict === 'pass' && lines.length === 0) return '';
  const title = `### ${verdictWord[stage.verdict]}: ${md(stage.name)}`;
  const open = (stage.assessment?.checks ?? [])
    .filter(({ required, verdict }) => required && verdict !== 'pass')
    .flatMap((check) => [
      `- ${md(checkTitle(check.name))}: ${md(check.reason)}`,
      ...(check.statistics ? [`  - Statistics: ${md(check.statistics)}`] : []),
    ]);
  const reason = stage.verdict === 'pass' || open.length > 0 ? [] : [md(stageReason(stage)), ''];
  return [title, '', ...reason, ...open, ...lines, ''].join('\n');
}

function tail(run: RunModel): string {
  const { load } = run;
  const lines: string[] = [];
  if (load) {
    lines.push(
      `Load: ${count(load.counts.sent)} requests, ${count(load.counts.failed)} failed, ${count(load.requestsPerSecond)} per second, response time p50 ${milliseconds(load.responseTime.p50)}, p99 ${milliseconds(load.responseTime.p99)}.`,
    );
  }
  for (const { object, note } of leftBehind(run)) lines.push(`Not put back: ${md(object)} ${md(note)}`);
  return lines.length > 0 ? `${lines.join('\n\n')}\n` : '';
}

/** Inside backticks nothing is escaped, so the backtick itself must go. */
const code = (text: string) => text.replace(/[^\w.:/-]/g, '?');
