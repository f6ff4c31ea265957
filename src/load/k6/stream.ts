/** A sample of one of the scripts' metrics, or of the two of k6's own that are counted. */
export interface Point {
  readonly metric: string;
  readonly value: number;
  readonly tags: Tags;
  /** As k6 writes it, RFC 3339; read only when it is asked for. */
  readonly time: string;
}

export type Tags = Readonly<Record<string, string | undefined>>;

const [NEWLINE, LETTER_M, LETTER_W, LETTER_D] = [10, 109, 119, 100];
/** `{"metric":"` */
const NAME_AT = 11;
/** Longer ones are no samples. */
const LONGEST_LINE = 65_536;
/** More sets of tags than this are forgotten and read again: a script that gives every request a tag of its own must not fill the memory. */
const MOST_TAG_SETS = 10_000;

/**
 * Reads k6's `--out json`: one JSON document a line, some twenty for each request, of which the few that count are picked by their first
 * letters. Tags are parsed once for each set of them. Memory does not grow with the number of requests.
 */
export class PointStream {
  /** Lines that look like a sample of ours and are none. */
  malformed = 0;
  readonly #sink: (point: Point) => void;
  readonly #tags = new Map<string, Tags>();
  #rest: Buffer | undefined;
  #tooLong = false;

  constructor(sink: (point: Point) => void) {
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let to = chunk.indexOf(NEWLINE, from); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      if (this.#tooLong) this.#tooLong = false;
      else if (this.#rest) {
        const line = Buffer.concat([this.#rest, chunk.subarray(from, to)]);
        this.#line(line, 0, line.length);
      } else this.#line(chunk, from, to);
      this.#rest = undefined;
      from = to + 1;
    }
    if (from === chunk.length || this.#tooLong) return;
    const rest = chunk.subarray(from);
    this.#rest = this.#rest ? Buffer.concat([this.#rest, rest]) : Buffer.from(rest);
    if (this.#rest.length <= LONGEST_LINE) return;
    this.#tooLong = true;
    this.#rest = undefined;
  }

  /** Nothing follows. @returns whether the last line was cut. */
  end(): boolean {
    return this.#tooLong || this.#rest !== undefined;
  }

  #line(bytes: Buffer, from: number, to: number): void {
    const letter = bytes[from + NAME_AT];
    if (bytes[from + 2] !== LETTER_M || (letter !== LETTER_W && letter !== LETTER_D)) return;
    const line = bytes.toString('utf8', from, to);
    const metric = line.slice(NAME_AT, line.indexOf('"', NAME_AT));
    if (!metric.startsWith('weighbridge_') && metric !== 'dropped_iterations' && metric !== 'data_received') return;
    const point = this.#fast(metric, line) ?? this.#slow(metric, line);
    if (point) this.#sink(point);
    else this.malformed++;
  }

  /** As k6 1 writes it; undefined: anything else, or tags that were not seen before. */
  #fast(metric: string, line: string): Point | undefined {
    const timeAt = line.indexOf('"time":"');
    const valueAt = line.indexOf(',"value":', timeAt);
    const tagsAt = line.indexOf(',"tags":', valueAt);
    if (timeAt < 0 || valueAt < 0 || tagsAt < 0) return undefined;
    const tags = this.#tags.get(line.slice(tagsAt));
    const value = Number(line.slice(valueAt + 9, tagsAt));
    return tags && Number.isFinite(value)
      ? { metric, value, tags, time: line.slice(timeAt + 8, valueAt - 1) }
      : undefined;
  }

  #slow(metric: string, line: string): Point | undefined {
    try {
      const { data } = JSON.parse(line) as { data: { time: string; value: number; tags?: Tags | null } };
      if (typeof data.value !== 'number' || typeof data.time !== 'string') return undefined;
      const tags = data.tags ?? {};
      const tagsAt = line.indexOf(',"tags":');
      if (this.#tags.size >= MOST_TAG_SETS) this.#tags.clear();
      if (tagsAt >= 0) this.#tags.set(line.slice(tagsAt), tags);
      return { metric, value: data.value, tags, time: data.time };
    } catch {
      return undefined;
    }
  }
}
