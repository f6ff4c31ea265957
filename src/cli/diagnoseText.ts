import { percentNumber, span } from '../report/format.js';
import { type Line, line, piece, renderLine, table } from '../report/terminal/line.js';
import { causeLines } from '../report/terminal/results.js';
import type { Scenario } from '../scenario/types.js';
import type { DiagnoseDocument } from './diagnoseDocument.js';

/** Said once where no line can be written again and again. */
export const watchedText = ({ service, namespace, from }: Scenario, windowMs: number): string =>
  `watching calls${from === undefined ? '' : ` of ${from}`} to ${service} in ${namespace} for ${span(windowMs)}\n`;

/** The document for a person: causes first, then what they rest on. */
export function diagnoseText(document: DiagnoseDocument, color: boolean): string {
  const sections = [heading(document), findings(document), looked(document)].filter((lines) => lines.length > 0);
  return `${sections.map((lines) => lines.map((each) => renderLine(each, color)).join('\n')).join('\n\n')}\n`;
}

const PROMISED_BY: Readonly<Record<DiagnoseDocument['promisedBy'], string>> = {
  stage: 'promised',
  expect: 'expected',
  route: 'as the route in force says',
  nobody: '',
};

function heading({ service, namespace, from, promised, promisedBy, window, result, checks }: DiagnoseDocument): Line[] {
  const shares = Object.entries(promised ?? {}).map(([version, share]) => `${version} ${percentNumber(share)} %`);
  const promise = shares.length > 0 ? `${shares.join(', ')} (${PROMISED_BY[promisedBy]})` : 'no share is promised';
  const caller = from === null ? '' : `, called by ${from}`;
  const watched = window.seconds < 1 ? 'no traffic was watched' : `watched for ${span(window.seconds * 1000)}`;
  return [
    line(piece(`${service}.${namespace}`, 'bold'), `${caller}: ${promise}`),
    line(`  ${watched}${window.interrupted ? ', interrupted' : ''}`),
    // What is wrong comes before why.
    ...checks
      .filter(({ verdict }) => verdict === 'fail' || (verdict === 'pass' && result === 'clear'))
      .map(({ reason }) => line(`  ${reason}`)),
  ];
}

const WORDS: Readonly<Record<DiagnoseDocument['result'], string>> = {
  cause: 'Causes, the likeliest first:',
  refuted: 'The share is not the promised one, and no cause was found:',
  clear: 'Nothing wrong was found.',
  unseen: 'Nothing wrong was found, but too little could be seen to say that all is well.',
};

function findings({ result, causes, unexplained }: DiagnoseDocument): Line[] {
  const tone = result === 'clear' ? 'ok' : result === 'unseen' ? 'warn' : 'bad';
  return [
    line(piece(WORDS[result], tone)),
    ...causes.flatMap(causeLines),
    ...(unexplained === undefined ? [] : [line(`  ${unexplained}`)]),
  ];
}

function looked({ looked }: DiagnoseDocument): Line[] {
  const seen = looked.filter((each) => each.seen);
  const unseen = looked.filter((each) => each.unknown !== undefined);
  const kinds = seen.flatMap(({ source, count }) => (count === undefined ? [] : [`${source} ${count}`]));
  const rows = [
    ...(kinds.length > 0 ? [[piece('  objects'), piece(kinds.join(', '), 'dim')]] : []),
    ...seen
      .filter(({ count }) => count === undefined)
      .map(({ source, detail }) => [piece(`  ${source}`), piece(detail, 'dim')]),
  ];
  return [
    ...(seen.length > 0 ? [line('Looked at:'), ...table(rows)] : []),
    ...(unseen.length > 0 ? [line('Could not look at:')] : []),
    ...unseen.flatMap(({ source, detail, unknown }) => [
      line('  ', piece(source, 'warn'), `: ${detail}`),
      line(`    not known without it: ${unknown}`),
    ]),
  ];
}
