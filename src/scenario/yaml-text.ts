import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  type ParsedNode,
  Parser,
  visit,
} from 'yaml';
import { errorText, type Problem } from '../base/errors.js';
import { KUBERNETES_YAML } from '../base/kubernetesYaml.js';

/** Path inside a document: keys and list positions. */
export type Path = readonly (string | number)[];

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** `stages[2].expect.share`; keys that are no plain words are quoted: `metadata.labels["app.kubernetes.io/name"]`. */
export function pathText(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(part)) text += text ? `.${part}` : part;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

const MAX_ALIASES = 100;
/** Deeper nesting is no scenario and no manifest, and would exhaust the stack of whoever walks it. */
const MAX_DEPTH = 64;

/** One YAML document that knows where everything is written. */
export class YamlText {
  /** Plain data; undefined when the document could not be read. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
  private readonly document: Document.Parsed;
  private readonly lines: LineCounter;

  constructor(document: Document.Parsed, lines: LineCounter, file: string) {
    this.document = document;
    this.lines = lines;
    const problems: Problem[] = [...document.errors, ...document.warnings].map((error) => ({
      file,
      ...this.place(error.pos[0]),
      message: error.message.replaceAll('\n', ' '),
      ...(error.code === 'DUPLICATE_KEY' ? { hint: 'only one of them can hold; remove the other' } : {}),
    }));
    const collectionKey = this.collectionKey();
    try {
      if (collectionKey !== undefined) throw new Error('a key is a list or a mapping, keys are plain words');
      this.value = document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (error) {
      const bomb = collectionKey === undefined && /^Excessive alias/.test(errorText(error));
      if (document.errors.length === 0) {
        problems.push({
          file,
          ...this.place(collectionKey ?? (bomb ? this.firstAlias() : this.offset)),
          message: bomb ? 'its aliases (*name) stand for more than is read' : errorText(error),
          ...(bomb ? { hint: 'write out what they stand for' } : {}),
        });
      }
    }
    this.problems = problems;
  }

  /** 1-based line where the document's content starts. */
  get start(): number {
    return this.place(this.offset).line;
  }

  private get offset(): number {
    return this.document.contents?.range?.[0] ?? 0;
  }

  private collectionKey(): number | undefined {
    let found: number | undefined;
    visit(this.document, {
      Pair(_, pair) {
        if (pair.key === null || isScalar(pair.key) || isAlias(pair.key)) return undefined;
        found = (pair.key as ParsedNode).range?.[0] ?? 0;
        return visit.BREAK;
      },
    });
    return found;
  }

  private firstAlias(): number {
    let found = this.offset;
    visit(this.document, {
      Alias(_, alias) {
        found = alias.range?.[0] ?? found;
        return visit.BREAK;
      },
    });
    return found;
  }

  get isEmpty(): boolean {
    return this.value === null || this.value === undefined;
  }

  /** True when an error leaves the document's shape unknown, so that looking further would only report consequences. */
  get broken(): boolean {
    return this.value === undefined || this.document.errors.some((error) => error.code !== 'DUPLICATE_KEY');
  }

  /** Where the value (or the key) at a path is written; of what is missing, its nearest parent. */
  at(path: Path, what: 'key' | 'value' = 'value'): Place {
    let node: Node | null | undefined = this.document.contents;
    let place = this.place(this.offset);
    for (const [index, part] of path.entries()) {
      if (isAlias(node)) node = node.resolve(this.document);
      let child: unknown;
      let key: unknown;
      if (isMap(node)) {
        const pair = node.items.find((item) => (isScalar(item.key) ? String(item.key.value) : '') === String(part));
        child = pair?.value;
        key = pair?.key;
      } else if (isSeq(node) && typeof part === 'number') child = node.items[part];
      const last = index === path.length - 1;
      // A block starts below its key; people look for the key.
      const block = (isMap(child) || isSeq(child)) && !child.flow;
      const target = (last && (what === 'key' || block) ? (key ?? child) : (child ?? key)) as
        | ParsedNode
        | null
        | undefined;
      if (!target?.range) return place;
      place = this.place(target.range[0]);
      node = child as Node | null | undefined;
    }
    return place;
  }

  /** The characters of the scalar at a path, as written: `1.0` where the value is the number 1. */
  source(path: Path): string | undefined {
    const node = this.document.getIn(path, true);
    return isScalar(node) ? node.source : undefined;
  }

  /** Field path -> 1-based line, of every key and list entry below `base`, relative to it. */
  fieldLines(base: Path = []): Record<string, number> {
    const lines: Record<string, number> = {};
    const walk = (node: unknown, path: (string | number)[]) => {
      const children: [string | number, unknown, unknown][] = isMap(node)
        ? node.items.map((pair) => [isScalar(pair.key) ? String(pair.key.value) : '', pair.key, pair.value])
        : isSeq(node)
          ? node.items.map((item, index) => [index, isPair(item) ? item.key : item, item])
          : [];
      for (const [part, written, child] of children) {
        const range = (written as ParsedNode | null)?.range;
        const below = [...path, part];
        if (range) lines[pathText(below)] = this.place(range[0]).line;
        walk(child, below);
      }
    };
    walk(base.length === 0 ? this.document.contents : this.document.getIn(base, true), []);
    return lines;
  }

  private place(offset: number): Place {
    const { line, col } = this.lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

/**
 * Parses all documents of a text; what is wrong inside one is in its `problems`. Anchors work; alias bombs, deep nesting and keys
 * that are collections are refused, because the work for them grows faster than the text.
 * @param dialect core: YAML 1.2; kubectl: as kubectl reads it
 */
export function parseYaml(text: string, file: string, dialect: 'core' | 'kubectl'): YamlText[] | Problem {
  const lineCounter = new LineCounter();
  const composer = new Composer({
    lineCounter,
    prettyErrors: false,
    logLevel: 'error',
    ...(dialect === 'core' ? {} : KUBERNETES_YAML),
  });
  try {
    const documents = [...composer.compose(boundedTokens(text, lineCounter), true, text.length)];
    return documents.map((document) => new YamlText(document, lineCounter, file));
  } catch (error) {
    if (!(error instanceof TooDeep)) throw error;
    return {
      file,
      line: error.line,
      message: `nests deeper than ${MAX_DEPTH} levels`,
      hint: 'check brackets and indentation',
    };
  }
}

class TooDeep extends Error {
  readonly line: number;

  constructor(line: number) {
    super('too deep');
    this.line = line;
  }
}

/** The parser keeps its open collections on a stack of its own; whoever composes documents from its tokens recurses, so the depth is bounded here. */
function* boundedTokens(text: string, lineCounter: LineCounter) {
  const parser = new Parser(lineCounter.addNewLine);
  lineCounter.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    if (parser.stack.length > MAX_DEPTH) throw new TooDeep(lineCounter.linePos(parser.offset).line);
  }
  yield* parser.end();
}
