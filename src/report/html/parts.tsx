import type { ComponentChildren } from 'preact';
import type { Verdict } from '../../judge/types.js';
import { verdictWord } from '../format.js';
import { fill, type Paint } from './paint.js';

export const verdictPaint: Readonly<Record<Verdict, Paint>> = {
  pass: 'ok',
  fail: 'bad',
  inconclusive: 'warn',
  'no-data': 'warn',
  'not-applicable': 'idle',
};

const GLYPH: Readonly<Record<Verdict, string>> = {
  pass: 'M6.8 12.4L10.4 16L17.2 8.6',
  fail: 'M8.2 8.2L15.8 15.8M15.8 8.2L8.2 15.8',
  inconclusive: 'M9.2 9.6A2.9 2.9 0 1 1 12 12.6V13.8M12 16.9V17',
  'no-data': 'M7.5 12H16.5',
  'not-applicable': 'M7.5 12H16.5',
};

/** A shape of its own for each verdict: never colour alone. */
export function VerdictIcon({ verdict, size }: { verdict: Verdict; size: number }) {
  const outline =
    verdict === 'fail' ? 'M8 1.5H16L22.5 8V16L16 22.5H8L1.5 16V8Z' : 'M12 1A11 11 0 1 1 12 23A11 11 0 1 1 12 1Z';
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={outline} {...fill(verdictPaint[verdict])} />
      <path
        d={GLYPH[verdict]}
        fill="none"
        stroke="#ffffff"
        class="s-card"
        stroke-width="2.4"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}

export function Chip({ verdict, word }: { verdict: Verdict; word?: string }) {
  return (
    <span class={`chip chip-${verdictPaint[verdict]}`}>
      <VerdictIcon verdict={verdict} size={14} />
      {word ?? verdictWord[verdict]}
    </span>
  );
}

interface FigureProps {
  readonly id: string;
  readonly title: string;
  readonly note: string;
  readonly table: ComponentChildren;
  readonly children: ComponentChildren;
  readonly wide?: boolean;
  /** Of its heading; default 4. */
  readonly level?: 3 | 4;
}

/** A drawing with its title and the same facts as a table. */
export function Figure({ id, title, note, table, children, wide, level = 4 }: FigureProps) {
  const Heading = level === 3 ? 'h3' : 'h4';
  return (
    <figure class={wide ? 'figure wide' : 'figure'} aria-labelledby={`${id}-title`}>
      <figcaption>
        <Heading id={`${id}-title`}>{title}</Heading>
        <p class="muted">{note}</p>
      </figcaption>
      {children}
      <details>
        <summary>Show as a table</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms */}
        <div class="scroll" role="group" aria-label={`${title}, as a table`} tabIndex={0}>
          {table}
        </div>
      </details>
    </figure>
  );
}

/** A cell that carries its column's name, for narrow screens where rows become cards. */
export function Cell({ label, children, strong }: { label: string; children: ComponentChildren; strong?: boolean }) {
  return strong ? (
    <th scope="row" data-label={label}>
      <div>{children}</div>
    </th>
  ) : (
    <td data-label={label}>
      <div>{children}</div>
    </td>
  );
}
